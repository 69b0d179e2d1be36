"""The kit that tests message protocols: a controlled kernel, a search, a report.

Plain actors (classes whose handlers return what they send) are explored by :func:`explore`, which
looks for a schedule that breaks a property, makes it short, and draws it. What a run has
observed is judged by :func:`linearizable`, :func:`exactly_once`, :func:`causal` and their like.
"""

from dramaturg.protocols.testing._causality import CausalVerdict, Delivered, VectorClock, causal
from dramaturg.protocols.testing._deliveries import (
    CountVerdict,
    at_least_once,
    at_most_once,
    exactly_once,
    monotonic,
)
from dramaturg.protocols.testing._errors import NotReproducibleError, ScenarioError
from dramaturg.protocols.testing._explore import Scenario, explore, replay
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
from dramaturg.protocols.testing._verdict import Failure, SimulationFailed, Verdict
from dramaturg.protocols.testing._view import View
from dramaturg.protocols.testing._world import World

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
    "Failed",
    "Failure",
    "Faults",
    "GaveUp",
    "HistoryError",
    "HistoryEvent",
    "HistoryVerdict",
    "Invoked",
    "LockModel",
    "MapModel",
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
    "SimulationFailed",
    "StillOpenError",
    "VectorClock",
    "Verdict",
    "View",
    "World",
    "at_least_once",
    "at_most_once",
    "causal",
    "events_in",
    "exactly_once",
    "explore",
    "from_token",
    "linearizable",
    "monotonic",
    "operations",
    "replay",
    "sequentially_consistent",
    "to_token",
]
