"""The kit that tests message protocols: a controlled kernel, a search, a report.

:func:`explore` looks for a schedule of plain actors (classes whose handlers return what they
send) that breaks a property, makes it short, and draws it; :func:`explore_system` does so with
a whole real actor system, on virtual time; :func:`explore_all` looks at every state of plain
actors. What a run has observed is judged by
:func:`linearizable`, :func:`exactly_once`, :func:`causal` and their like.
"""

import typing as _typing

from dramaturg.protocols.testing._causality import CausalVerdict, Delivered, VectorClock, causal
from dramaturg.protocols.testing._deliveries import (
    CountVerdict,
    at_least_once,
    at_most_once,
    exactly_once,
    monotonic,
)
from dramaturg.protocols.testing._errors import EscapeError, NotReproducibleError, ScenarioError
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
from dramaturg.protocols.testing._linearizability import (
    MAX_STEPS,
    linearizable,
    sequentially_consistent,
)
from dramaturg.protocols.testing._linearizability_failure import OrderVerdict
from dramaturg.protocols.testing._outputs import CancelTimer, Noted, Output, SetTimer
from dramaturg.protocols.testing._replay import Replayed, from_token, to_token
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
from dramaturg.protocols.testing._simulation import Simulation, SystemScenario
from dramaturg.protocols.testing._simulation_faults import SimulatedCrash
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
    "UNKNOWN",
    "CancelTimer",
    "CausalVerdict",
    "CountVerdict",
    "CounterModel",
    "CustomModel",
    "Delivered",
    "DeterministicModel",
    "EscapeError",
    "Exploration",
    "Failed",
    "Failure",
    "Faults",
    "GaveUp",
    "Histories",
    "HistoryError",
    "HistoryEvent",
    "HistoryVerdict",
    "Invoked",
    "LockModel",
    "MapModel",
    "Model",
    "Network",
    "NotInvokedError",
    "NotReproducibleError",
    "Noted",
    "Operation",
    "OrderVerdict",
    "Output",
    "QueueModel",
    "RegisterModel",
    "Replayed",
    "Returned",
    "Scenario",
    "ScenarioError",
    "SequentialModel",
    "SetModel",
    "SetTimer",
    "SimulatedCrash",
    "Simulation",
    "SimulationFailed",
    "StillOpenError",
    "SystemScenario",
    "SystemView",
    "VectorClock",
    "Verdict",
    "View",
    "World",
    "at_least_once",
    "at_most_once",
    "causal",
    "conversations",
    "events_in",
    "exactly_once",
    "explore",
    "explore_all",
    "explore_system",
    "from_token",
    "illegal_next",
    "legal_next",
    "linearizable",
    "messages_of",
    "monotonic",
    "operations",
    "real_time_order",
    "replay",
    "replay_system",
    "sequentially_consistent",
    "to_token",
]

_STRATEGIES = frozenset({"conversations", "illegal_next", "legal_next", "messages_of"})


def __getattr__(name: str) -> object:
    # They need Hypothesis, which the rest of the kit does without.
    if name not in _STRATEGIES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from dramaturg.protocols.testing import _strategies  # noqa: PLC0415

    return getattr(_strategies, name)
