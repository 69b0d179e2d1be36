"""What becomes of an actor that failed: trees, restart strategies, back-off and degradation.

Imports run one way, `actors` <- `supervision` <- `protocols`: this package builds on
`dramaturg.actors` alone, which reports each failure to the parent and leaves the decision to it.

Everything public is here; the modules beside this one are private.
"""

from dramaturg import _links
from dramaturg.supervision._backoff import Backoff
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
    "CountChildren",
    "DeleteChild",
    "FailedToStartChild",
    "GetChildSpec",
    "LimitedRestart",
    "OnError",
    "PoolRefused",
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
