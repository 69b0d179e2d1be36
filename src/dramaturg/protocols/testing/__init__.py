"""The kit that tests message protocols: a controlled kernel, a search, a report.

:func:`explore` looks for a schedule of plain actors (classes whose handlers return what they
send) that breaks a property, makes it short, and draws it; :func:`explore_system` does so with
a whole real actor system, on virtual time; :func:`explore_all` looks at every state of plain
actors. What a run has observed is judged by
:func:`linearizable`, :func:`exactly_once`, :func:`causal` and their like.
"""

import typing as _typing

from dramaturg.protocols.testing._causality import CausalVerdict, Delivered, VectorClock, causal
from dramaturg.protocols.testing._conformance import conforms
from dramaturg.protocols.testing._deadlock import no_deadlock
from dramaturg.protocols.testing._deliveries import (
    CountVerdict,
    at_least_once,
    at_most_once,
    exactly_once,
    monotonic,
)
from dramaturg.protocols.testing._disk import Disk
from dramaturg.protocols.testing._errors import (
    EscapeError,
    ForeignScheduleError,
    NotReproducibleError,
    ScenarioError,
)
from dramaturg.protocols.testing._explore import Scenario, explore, replay
from dramaturg.protocols.testing._explore_system import explore_system, replay_system
from dramaturg.protocols.testing._explorer import explore_all
from dramaturg.protocols.testing._explorer_history import Histories, real_time_order
from dramaturg.protocols.testing._explorer_model import Exploration, Model
from dramaturg.protocols.testing._faults import NO_FAULTS, Faults, Network
from dramaturg.protocols.testing._histories import (
    UNKNOWN,
    Failed,
    GaveUp,
    HistoryEvent,
    Invoked,
    Operation,
    Returned,
    events_in,
    operations,
)
from dramaturg.protocols.testing._history_errors import (
    HistoryError,
    NotInvokedError,
    StillOpenError,
)
from dramaturg.protocols.testing._history_verdict import HistoryVerdict
from dramaturg.protocols.testing._incident import (
    IncidentRun,
    IncidentSetup,
    Outside,
    RefAt,
    replay_incident,
)
from dramaturg.protocols.testing._linearizability import (
    MAX_STEPS,
    linearizable,
    sequentially_consistent,
)
from dramaturg.protocols.testing._linearizability_failure import OrderVerdict
from dramaturg.protocols.testing._mock_agent import (
    Answers,
    Call,
    Delayed,
    InTurn,
    MockAgent,
    NoMoreAnswersError,
)
from dramaturg.protocols.testing._node import Node
from dramaturg.protocols.testing._outputs import CancelTimer, Noted, Output, SetTimer
from dramaturg.protocols.testing._probe import TestProbe
from dramaturg.protocols.testing._probe_async import AsyncTestProbe
from dramaturg.protocols.testing._probe_errors import (
    NoMessageError,
    NothingToReplyError,
    UnexpectedMessageError,
)
from dramaturg.protocols.testing._pytest_search import ReplayFailed, simulation_of
from dramaturg.protocols.testing._pytest_simulate import simulate
from dramaturg.protocols.testing._replay import Replayed, from_token, to_token
from dramaturg.protocols.testing._scripted import (
    NO_REPLY,
    Line,
    Script,
    ScriptedActor,
    ScriptNotFollowedError,
)
from dramaturg.protocols.testing._sequential_models import (
    CounterModel,
    CustomModel,
    DeterministicModel,
    LockModel,
    MapModel,
    QueueModel,
    RegisterModel,
    SequentialModel,
    SetModel,
)
from dramaturg.protocols.testing._simulated_system import SimulatedCrash
from dramaturg.protocols.testing._simulation import Simulation, SystemScenario
from dramaturg.protocols.testing._single_actor import ActorUnderTest, explore_actor, replay_actor
from dramaturg.protocols.testing._single_actor_messages import Messages, Peers
from dramaturg.protocols.testing._stage import Stage, TimeStandsStillError, VirtualClock
from dramaturg.protocols.testing._stepping import PropertyBrokenError, Stepper
from dramaturg.protocols.testing._stored_incident import StoredIncident
from dramaturg.protocols.testing._stored_replay import (
    Happened,
    StoredOwner,
    StoredRun,
    replay_stored,
)
from dramaturg.protocols.testing._system_view import SystemView
from dramaturg.protocols.testing._verdict import Failure, SimulationFailed, Verdict
from dramaturg.protocols.testing._view import View
from dramaturg.protocols.testing._world import World

if _typing.TYPE_CHECKING:
    from dramaturg.protocols.testing._strategies import (
        conversations,
        illegal_next,
        legal_next,
        messages_of,
    )

__all__ = [
    "MAX_STEPS",
    "NO_FAULTS",
    "NO_REPLY",
    "UNKNOWN",
    "ActorUnderTest",
    "Answers",
    "AsyncTestProbe",
    "Call",
    "CancelTimer",
    "CausalVerdict",
    "CountVerdict",
    "CounterModel",
    "CustomModel",
    "Delayed",
    "Delivered",
    "DeterministicModel",
    "Disk",
    "EscapeError",
    "Exploration",
    "Failed",
    "Failure",
    "Faults",
    "ForeignScheduleError",
    "GaveUp",
    "Happened",
    "Histories",
    "HistoryError",
    "HistoryEvent",
    "HistoryVerdict",
    "InTurn",
    "IncidentRun",
    "IncidentSetup",
    "Invoked",
    "Line",
    "LockModel",
    "MapModel",
    "Messages",
    "MockAgent",
    "Model",
    "Network",
    "NoMessageError",
    "NoMoreAnswersError",
    "Node",
    "NotInvokedError",
    "NotReproducibleError",
    "Noted",
    "NothingToReplyError",
    "Operation",
    "OrderVerdict",
    "Output",
    "Outside",
    "Peers",
    "PropertyBrokenError",
    "QueueModel",
    "RefAt",
    "RegisterModel",
    "ReplayFailed",
    "Replayed",
    "Returned",
    "Scenario",
    "ScenarioError",
    "Script",
    "ScriptNotFollowedError",
    "ScriptedActor",
    "SequentialModel",
    "SetModel",
    "SetTimer",
    "SimulatedCrash",
    "Simulation",
    "SimulationFailed",
    "Stage",
    "Stepper",
    "StillOpenError",
    "StoredIncident",
    "StoredOwner",
    "StoredRun",
    "SystemScenario",
    "SystemView",
    "TestProbe",
    "TimeStandsStillError",
    "UnexpectedMessageError",
    "VectorClock",
    "Verdict",
    "View",
    "VirtualClock",
    "World",
    "at_least_once",
    "at_most_once",
    "causal",
    "conforms",
    "conversations",
    "events_in",
    "exactly_once",
    "explore",
    "explore_actor",
    "explore_all",
    "explore_system",
    "from_token",
    "illegal_next",
    "legal_next",
    "linearizable",
    "messages_of",
    "monotonic",
    "no_deadlock",
    "operations",
    "real_time_order",
    "replay",
    "replay_actor",
    "replay_incident",
    "replay_stored",
    "replay_system",
    "sequentially_consistent",
    "simulate",
    "simulation_of",
    "to_token",
]

_STRATEGIES = frozenset({"conversations", "illegal_next", "legal_next", "messages_of"})


def __getattr__(name: str) -> object:
    # They need Hypothesis, which the rest of the kit does without.
    if name not in _STRATEGIES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from dramaturg.protocols.testing import _strategies  # noqa: PLC0415

    return getattr(_strategies, name)
