"""What becomes of an actor that failed: trees, restart strategies, back-off and degradation.

Imports run one way, `actors` <- `supervision` <- `protocols`: this package builds on
`dramaturg.actors` alone, which reports each failure to the parent and leaves the decision to it.

Everything public is here; the modules beside this one are private.
"""

from dramaturg import _links
from dramaturg.supervision._backoff import Backoff
from dramaturg.supervision._breaker import CircuitBreaker
from dramaturg.supervision._breaker_actor import BreakerActor
from dramaturg.supervision._breaker_gate import CircuitOpen
from dramaturg.supervision._breaker_messages import (
    BreakerClosed,
    BreakerHalfOpened,
    BreakerOpened,
    BreakerStatus,
    GetBreaker,
)
from dramaturg.supervision._breaker_rules import BreakerState
from dramaturg.supervision._bulkhead import Bulkhead
from dramaturg.supervision._bulkhead_actor import BulkheadActor
from dramaturg.supervision._bulkhead_messages import BulkheadStatus, GetBulkhead
from dramaturg.supervision._bulkhead_places import BulkheadFull
from dramaturg.supervision._errors import (
    AlreadyPresent,
    AlreadyStarted,
    ChildNotFound,
    ChildRefused,
    ChildRestarting,
    ChildRunning,
    ChildStartFailed,
    FailedToStartChild,
    PoolRefused,
    RestartLimitReached,
    SpecError,
    SpecRefused,
    StartTimeout,
)
from dramaturg.supervision._events import (
    ChildDegraded,
    ChildRecovered,
    ProbeFailed,
    RestartLimitExceeded,
    ShutdownFailed,
)
from dramaturg.supervision._messages import (
    ChildCounts,
    ChildInfo,
    ChildStarted,
    CountChildren,
    DeleteChild,
    GetChildSpec,
    RestartChild,
    StartChild,
    StartInstance,
    TerminateChild,
    WhichChildren,
)
from dramaturg.supervision._policies import LimitedRestart, OnError
from dramaturg.supervision._spec import ChildSpec, SupervisorSpec
from dramaturg.supervision._strategy import (
    ChildView,
    RestartPlan,
    after_exit,
    plan_restart,
    shuts_down,
    stop_order,
)
from dramaturg.supervision._supervisor import Supervisor
from dramaturg.supervision._window import RestartWindow

__all__ = [
    "AlreadyPresent",
    "AlreadyStarted",
    "Backoff",
    "BreakerActor",
    "BreakerClosed",
    "BreakerHalfOpened",
    "BreakerOpened",
    "BreakerState",
    "BreakerStatus",
    "Bulkhead",
    "BulkheadActor",
    "BulkheadFull",
    "BulkheadStatus",
    "ChildCounts",
    "ChildDegraded",
    "ChildInfo",
    "ChildNotFound",
    "ChildRecovered",
    "ChildRefused",
    "ChildRestarting",
    "ChildRunning",
    "ChildSpec",
    "ChildStartFailed",
    "ChildStarted",
    "ChildView",
    "CircuitBreaker",
    "CircuitOpen",
    "CountChildren",
    "DeleteChild",
    "FailedToStartChild",
    "GetBreaker",
    "GetBulkhead",
    "GetChildSpec",
    "LimitedRestart",
    "OnError",
    "PoolRefused",
    "ProbeFailed",
    "RestartChild",
    "RestartLimitExceeded",
    "RestartLimitReached",
    "RestartPlan",
    "RestartWindow",
    "ShutdownFailed",
    "SpecError",
    "SpecRefused",
    "StartChild",
    "StartInstance",
    "StartTimeout",
    "Supervisor",
    "SupervisorSpec",
    "TerminateChild",
    "WhichChildren",
    "after_exit",
    "plan_restart",
    "shuts_down",
    "stop_order",
]

if __name__ == "supervision":  # reached through the link at the top of a checkout
    _links.link(__name__)
