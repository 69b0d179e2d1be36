"""Actors, their refs and mailboxes, what runs them and what they leave behind.

The lowest of the three layers: it imports neither ``dramaturg.supervision`` nor
``dramaturg.protocols``. It knows that an actor has a parent which is told of its
end; what a supervisor then does is not its business.

Everything public is here; the modules beside this one are private.
"""

from dramaturg import _links
from dramaturg.actors._actor import Actor, ThreadActor
from dramaturg.actors._clock import Clock, ManualClock, SystemClock
from dramaturg.actors._codec import Codec
from dramaturg.actors._codec_errors import (
    DecodeError,
    EncodeError,
    RegistryError,
    UnknownTypeError,
    UnknownVersionError,
    UnregisteredTypeError,
    UpcastError,
)
from dramaturg.actors._codec_reader import Stored
from dramaturg.actors._context import ActorContext
from dramaturg.actors._dead_letters import DeadLetter, DeadLetterReason, DeadLetters, Replayed
from dramaturg.actors._durable_dead_letters import DurableDeadLetters
from dramaturg.actors._errors import (
    ActorCrashed,
    ActorStopped,
    BlockingCallError,
    DeadlineExceeded,
    DramaturgError,
    DuplicateNameError,
    GoneError,
    HandlerDefinitionError,
    Ignore,
    InternalError,
    InvalidNameError,
    MailboxFull,
    MissingExtraError,
    OptionError,
    OutsideActorError,
    Refused,
    RequestCycleError,
    StartFailed,
    StashOverflowError,
    SystemStateError,
    SystemStopped,
    UnhandledError,
    UsageError,
)
from dramaturg.actors._event_sourced import EventSourced
from dramaturg.actors._event_stream import EventStream, Subscription
from dramaturg.actors._events import (
    ActorEnded,
    ActorFailed,
    ActorRestarted,
    ActorStarted,
    ActorStopping,
    DeadLettered,
    IncarnationEnded,
    LateReply,
    LifecycleEvent,
    LoopHeld,
    ShutdownTimedOut,
    SystemEnded,
    ThreadLeaked,
)
from dramaturg.actors._exit_reason import ExitReason
from dramaturg.actors._failure import Directive, Failure, Policy, Restart
from dramaturg.actors._future import Future
from dramaturg.actors._handler import handler
from dramaturg.actors._health import (
    ActorHealth,
    Degradation,
    HealthNote,
    HealthTotals,
    SystemHealth,
)
from dramaturg.actors._ids import IdSource, random_ids, seeded_ids
from dramaturg.actors._letter_filter import LostMessage
from dramaturg.actors._letters_handled import Handled, HandleLetter, LetterHandler, LetterVerdict
from dramaturg.actors._letters_stored import StoredError
from dramaturg.actors._mailbox import Bounded, MailboxSpec, Overflow, Priority, Unbounded
from dramaturg.actors._message import Message, PlainRequest, Request, reply_type
from dramaturg.actors._props import Props
from dramaturg.actors._ref import ActorRef
from dramaturg.actors._registry import RegisteredType, TypeRegistry
from dramaturg.actors._router import Router
from dramaturg.actors._router_delivery import UnroutableError
from dramaturg.actors._router_logic import (
    ConsistentHash,
    LeastLoaded,
    RandomChoice,
    RoundRobin,
    RoutingLogic,
    RoutingState,
    ToAll,
)
from dramaturg.actors._router_messages import (
    AddRoutee,
    Broadcast,
    GetRoutees,
    RemoveRoutee,
    Resize,
    Routees,
)
from dramaturg.actors._statistics import SystemStatistics
from dramaturg.actors._system import ActorSystem
from dramaturg.actors._upcaster import Upcaster, upcaster
from dramaturg.actors._watch import Terminated
from dramaturg.actors.journal import (
    ConcurrentWriter,
    EventsDeleted,
    Journal,
    JournalDamaged,
    JournalError,
    JournalInUse,
    JournalUnavailable,
    MemoryJournal,
    MemoryStore,
    PersistCutShort,
    PersistOverlap,
    RecoveryFailed,
    SqliteJournal,
    StoredEvent,
    StoredTypesBroken,
    StoredTypesChanged,
    TaggedEvent,
    check_stored_types,
    stored_types,
)

__all__ = [
    "Actor",
    "ActorContext",
    "ActorCrashed",
    "ActorEnded",
    "ActorFailed",
    "ActorHealth",
    "ActorRef",
    "ActorRestarted",
    "ActorStarted",
    "ActorStopped",
    "ActorStopping",
    "ActorSystem",
    "AddRoutee",
    "BlockingCallError",
    "Bounded",
    "Broadcast",
    "Clock",
    "Codec",
    "ConcurrentWriter",
    "ConsistentHash",
    "DeadLetter",
    "DeadLetterReason",
    "DeadLettered",
    "DeadLetters",
    "DeadlineExceeded",
    "DecodeError",
    "Degradation",
    "Directive",
    "DramaturgError",
    "DuplicateNameError",
    "DurableDeadLetters",
    "EncodeError",
    "EventSourced",
    "EventStream",
    "EventsDeleted",
    "ExitReason",
    "Failure",
    "Future",
    "GetRoutees",
    "GoneError",
    "HandleLetter",
    "Handled",
    "HandlerDefinitionError",
    "HealthNote",
    "HealthTotals",
    "IdSource",
    "Ignore",
    "IncarnationEnded",
    "InternalError",
    "InvalidNameError",
    "Journal",
    "JournalDamaged",
    "JournalError",
    "JournalInUse",
    "JournalUnavailable",
    "LateReply",
    "LeastLoaded",
    "LetterHandler",
    "LetterVerdict",
    "LifecycleEvent",
    "LoopHeld",
    "LostMessage",
    "MailboxFull",
    "MailboxSpec",
    "ManualClock",
    "MemoryJournal",
    "MemoryStore",
    "Message",
    "MissingExtraError",
    "OptionError",
    "OutsideActorError",
    "Overflow",
    "PersistCutShort",
    "PersistOverlap",
    "PlainRequest",
    "Policy",
    "Priority",
    "Props",
    "RandomChoice",
    "RecoveryFailed",
    "Refused",
    "RegisteredType",
    "RegistryError",
    "RemoveRoutee",
    "Replayed",
    "Request",
    "RequestCycleError",
    "Resize",
    "Restart",
    "RoundRobin",
    "Routees",
    "Router",
    "RoutingLogic",
    "RoutingState",
    "ShutdownTimedOut",
    "SqliteJournal",
    "StartFailed",
    "StashOverflowError",
    "Stored",
    "StoredError",
    "StoredEvent",
    "StoredTypesBroken",
    "StoredTypesChanged",
    "Subscription",
    "SystemClock",
    "SystemEnded",
    "SystemHealth",
    "SystemStateError",
    "SystemStatistics",
    "SystemStopped",
    "TaggedEvent",
    "Terminated",
    "ThreadActor",
    "ThreadLeaked",
    "ToAll",
    "TypeRegistry",
    "Unbounded",
    "UnhandledError",
    "UnknownTypeError",
    "UnknownVersionError",
    "UnregisteredTypeError",
    "UnroutableError",
    "UpcastError",
    "Upcaster",
    "UsageError",
    "check_stored_types",
    "handler",
    "random_ids",
    "reply_type",
    "seeded_ids",
    "stored_types",
    "upcaster",
]

if __name__ == "actors":  # reached through the link at the top of a checkout
    _links.link(__name__)
