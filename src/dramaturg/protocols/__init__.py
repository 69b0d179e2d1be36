"""Workflows as message protocols between actors, and the means to test protocols.

Imports run one way, `actors` <- `supervision` <- `protocols`: this package may build on both of the
others, and neither of them knows it.

Everything public is here; the modules beside this one are private.
"""

from dramaturg import _links
from dramaturg.protocols._attached import AttachedMonitor, MonitorStatistics
from dramaturg.protocols._automaton import Automaton
from dramaturg.protocols._blackboard import Blackboard
from dramaturg.protocols._blackboard_entry import (
    BoardChange,
    BoardView,
    Deletion,
    Entry,
    Provenance,
)
from dramaturg.protocols._blackboard_errors import (
    BoardRefused,
    EntryConflict,
    PredicateFailed,
    ValueRefused,
    VersionAhead,
    VersionGone,
)
from dramaturg.protocols._blackboard_messages import (
    At,
    BoardChanged,
    BoardContents,
    BoardSlowPolicy,
    CatchUp,
    CompareAndSet,
    Delete,
    Follow,
    FollowEnded,
    FollowerStatus,
    Get,
    GetAll,
    GetFollowers,
    History,
    Put,
    PutAll,
    Unfollow,
)
from dramaturg.protocols._cast import Players
from dramaturg.protocols._channels import RELIABLE, Channels
from dramaturg.protocols._conversation import Conversation
from dramaturg.protocols._declared_blackboard import board_followed, board_written
from dramaturg.protocols._declared_dead_letters import letter_handled, letter_replayed
from dramaturg.protocols._declared_delegation import delegated
from dramaturg.protocols._declared_durable_topics import (
    durable_delivery,
    durable_publish,
    durable_subscription,
)
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
from dramaturg.protocols._delegator import Delegator
from dramaturg.protocols._delegator_choice import (
    AgentChoice,
    AgentLogic,
    BestSuccessRate,
    InOrder,
    LeastInFlight,
)
from dramaturg.protocols._delegator_figures import AgentFigures
from dramaturg.protocols._delegator_messages import (
    Attempt,
    Delegate,
    DelegationFailed,
    DelegatorFigures,
    DelegatorFull,
    FailedTask,
    GetFigures,
    NoRouteError,
    RouteError,
)
from dramaturg.protocols._delegator_route import AgentSpec, Route
from dramaturg.protocols._durable_topic import DurableTopic
from dramaturg.protocols._durable_topic_errors import MessageRefused, UnknownSubscription
from dramaturg.protocols._durable_topic_messages import (
    Confirm,
    Confirmation,
    Delivery,
    DurableSubscription,
    FromBeginning,
    FromNow,
    FromOffset,
    GetDurableSubscriptions,
    MessagesMissed,
    OnPoison,
    PublishDurably,
    Published,
    Resume,
    StartAt,
    SubscribeDurably,
    UnsubscribeDurably,
)
from dramaturg.protocols._durable_topic_state import (
    KeepAll,
    KeepFor,
    KeepLast,
    KeepUnconfirmed,
    Retention,
)
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
from dramaturg.protocols._recording_errors import ExportError, RecordingError
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
from dramaturg.protocols.state_machines import StateMachine

__all__ = [
    "NOTHING",
    "RELIABLE",
    "Action",
    "AgentChoice",
    "AgentFigures",
    "AgentLogic",
    "AgentSpec",
    "AmbiguousMessageError",
    "At",
    "AttachedMonitor",
    "AttachedRecorder",
    "Attempt",
    "Automaton",
    "BestSuccessRate",
    "Blackboard",
    "BoardChange",
    "BoardChanged",
    "BoardContents",
    "BoardRefused",
    "BoardSlowPolicy",
    "BoardView",
    "CatchUp",
    "Channels",
    "Choice",
    "ChoiceError",
    "CompareAndSet",
    "Confirm",
    "Confirmation",
    "Conversation",
    "ConversationKey",
    "Delegate",
    "DelegationFailed",
    "Delegator",
    "DelegatorFigures",
    "DelegatorFull",
    "Delete",
    "Deletion",
    "Delivery",
    "Disconnect",
    "Disconnected",
    "DropNewest",
    "DropOldest",
    "DuplicateRoleError",
    "DurableSubscription",
    "DurableTopic",
    "Each",
    "EmptyRepetitionError",
    "EndUnseenError",
    "Entry",
    "EntryConflict",
    "Event",
    "ExportError",
    "FailedTask",
    "Follow",
    "FollowEnded",
    "FollowerStatus",
    "FromBeginning",
    "FromNow",
    "FromOffset",
    "Get",
    "GetAll",
    "GetDurableSubscriptions",
    "GetFigures",
    "GetFollowers",
    "GetTopicStatistics",
    "GetTopicSubscriptions",
    "History",
    "InOrder",
    "Interest",
    "KeepAll",
    "KeepFor",
    "KeepLast",
    "KeepUnconfirmed",
    "LeastInFlight",
    "MemberNames",
    "MessageRefused",
    "MessagesMissed",
    "Monitor",
    "MonitorStatistics",
    "NoRouteError",
    "Nothing",
    "Observation",
    "OnPoison",
    "OneOf",
    "Order",
    "Outcome",
    "Parallel",
    "Park",
    "Party",
    "Players",
    "PredicateFailed",
    "Protocol",
    "ProtocolError",
    "ProtocolViolated",
    "Provenance",
    "Publish",
    "PublishDurably",
    "Published",
    "Put",
    "PutAll",
    "RecordedMessage",
    "Recorder",
    "RecorderStatistics",
    "Recording",
    "RecordingEntry",
    "RecordingError",
    "Repeat",
    "RequestPublishedError",
    "Resume",
    "Retention",
    "Role",
    "Route",
    "RouteError",
    "Seen",
    "SelfMessageError",
    "Send",
    "Sequence",
    "SlowPolicy",
    "SlowSubscriberError",
    "StartAt",
    "StateMachine",
    "Subscribe",
    "SubscribeDurably",
    "SubscriberDisconnected",
    "SubscriptionStatistics",
    "TooLargeError",
    "Topic",
    "TopicStatistics",
    "TopicSubscription",
    "UnenforceableOrderError",
    "Unfollow",
    "UnknownRoleError",
    "UnknownSubscription",
    "Unlimited",
    "UnreachableError",
    "Unsubscribe",
    "UnsubscribeDurably",
    "Unwatched",
    "ValueRefused",
    "VersionAhead",
    "VersionGone",
    "Violation",
    "ViolationKind",
    "Watched",
    "Within",
    "board_followed",
    "board_written",
    "by_correlation",
    "by_pair",
    "by_request",
    "child_life",
    "child_restart",
    "child_start",
    "child_stop",
    "choice",
    "death_watch",
    "delegated",
    "durable_delivery",
    "durable_publish",
    "durable_subscription",
    "each",
    "letter_handled",
    "letter_replayed",
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
