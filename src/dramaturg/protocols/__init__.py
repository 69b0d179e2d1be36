"""Workflows as message protocols between actors, and the means to test protocols.

Imports run one way, `actors` <- `supervision` <- `protocols`: this package may build on both of the
others, and neither of them knows it.

Everything public is here; the modules beside this one are private.
"""

from dramaturg import _links
from dramaturg.protocols._attached import AttachedMonitor, MonitorStatistics
from dramaturg.protocols._automaton import Automaton
from dramaturg.protocols._cast import Players
from dramaturg.protocols._channels import RELIABLE, Channels
from dramaturg.protocols._conversation import Conversation
from dramaturg.protocols._declared_requests import (
    request_response,
    request_with_deadline,
    request_with_retry,
)
from dramaturg.protocols._declared_routers import routed_to_all, routed_to_one
from dramaturg.protocols._declared_supervision import (
    child_life,
    child_restart,
    child_start,
    child_stop,
)
from dramaturg.protocols._declared_watch import death_watch
from dramaturg.protocols._expand import Action, Event
from dramaturg.protocols._mermaid import sequence_diagram, state_diagram
from dramaturg.protocols._monitor import ConversationKey, Monitor
from dramaturg.protocols._order import (
    NOTHING,
    Choice,
    Each,
    Nothing,
    OneOf,
    Order,
    Parallel,
    Repeat,
    Send,
    Sequence,
    Within,
    choice,
    each,
    one_of,
    parallel,
    repeat,
    sequence,
    within,
)
from dramaturg.protocols._page import page
from dramaturg.protocols._protocol import MemberNames, Protocol
from dramaturg.protocols._protocol_errors import (
    AmbiguousMessageError,
    ChoiceError,
    DuplicateRoleError,
    EmptyRepetitionError,
    EndUnseenError,
    ProtocolError,
    SelfMessageError,
    TooLargeError,
    UnenforceableOrderError,
    UnknownRoleError,
    UnreachableError,
)
from dramaturg.protocols._protocol_events import ProtocolViolated
from dramaturg.protocols._recorder import Recorder
from dramaturg.protocols._recorder_attached import AttachedRecorder, RecorderStatistics
from dramaturg.protocols._recording import Recording
from dramaturg.protocols._recording_entry import RecordedMessage, RecordingEntry
from dramaturg.protocols._recording_errors import RecordingError
from dramaturg.protocols._role import Party, Role
from dramaturg.protocols._seen import Seen, Unwatched, Watched, by_correlation, by_pair, by_request
from dramaturg.protocols._topic import Topic
from dramaturg.protocols._topic_messages import (
    Disconnected,
    GetTopicStatistics,
    GetTopicSubscriptions,
    Interest,
    Publish,
    RequestPublishedError,
    SlowSubscriberError,
    Subscribe,
    SubscriberDisconnected,
    SubscriptionStatistics,
    TopicStatistics,
    TopicSubscription,
    Unsubscribe,
)
from dramaturg.protocols._topic_policies import (
    Disconnect,
    DropNewest,
    DropOldest,
    Park,
    SlowPolicy,
    Unlimited,
)
from dramaturg.protocols._violation import Observation, Outcome, Violation, ViolationKind

__all__ = [
    "NOTHING",
    "RELIABLE",
    "Action",
    "AmbiguousMessageError",
    "AttachedMonitor",
    "AttachedRecorder",
    "Automaton",
    "Channels",
    "Choice",
    "ChoiceError",
    "Conversation",
    "ConversationKey",
    "Disconnect",
    "Disconnected",
    "DropNewest",
    "DropOldest",
    "DuplicateRoleError",
    "Each",
    "EmptyRepetitionError",
    "EndUnseenError",
    "Event",
    "GetTopicStatistics",
    "GetTopicSubscriptions",
    "Interest",
    "MemberNames",
    "Monitor",
    "MonitorStatistics",
    "Nothing",
    "Observation",
    "OneOf",
    "Order",
    "Outcome",
    "Parallel",
    "Park",
    "Party",
    "Players",
    "Protocol",
    "ProtocolError",
    "ProtocolViolated",
    "Publish",
    "RecordedMessage",
    "Recorder",
    "RecorderStatistics",
    "Recording",
    "RecordingEntry",
    "RecordingError",
    "Repeat",
    "RequestPublishedError",
    "Role",
    "Seen",
    "SelfMessageError",
    "Send",
    "Sequence",
    "SlowPolicy",
    "SlowSubscriberError",
    "Subscribe",
    "SubscriberDisconnected",
    "SubscriptionStatistics",
    "TooLargeError",
    "Topic",
    "TopicStatistics",
    "TopicSubscription",
    "UnenforceableOrderError",
    "UnknownRoleError",
    "Unlimited",
    "UnreachableError",
    "Unsubscribe",
    "Unwatched",
    "Violation",
    "ViolationKind",
    "Watched",
    "Within",
    "by_correlation",
    "by_pair",
    "by_request",
    "child_life",
    "child_restart",
    "child_start",
    "child_stop",
    "choice",
    "death_watch",
    "each",
    "one_of",
    "page",
    "parallel",
    "repeat",
    "request_response",
    "request_with_deadline",
    "request_with_retry",
    "routed_to_all",
    "routed_to_one",
    "sequence",
    "sequence_diagram",
    "state_diagram",
    "within",
]

if __name__ == "protocols":  # reached through the link at the top of a checkout
    _links.link(__name__)
