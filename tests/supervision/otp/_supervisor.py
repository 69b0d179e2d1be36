"""A supervisor that notes its starts, and whose own init does what the scenario says."""

from typing import Any, cast

from dramaturg.actors import Ignore, Props
from dramaturg.supervision import Supervisor, SupervisorSpec
from tests.supervision.otp._reasons import Told
from tests.supervision.otp._specs import supervisor_spec
from tests.supervision.otp._stage import Stage
from tests.supervision.otp._worker import TrappingWorker, Worker
from tests.supervision.otp.compare import POOL, Json


class PlannedSupervisor(Supervisor):
    """Supervises what the scenario's spec lists."""

    def __init__(self, stage: Stage, spec: Json) -> None:
        super().__init__()
        self._stage = stage
        self._planned = spec

    def init(self) -> SupervisorSpec:
        attempt = self._stage.enter(self, self._planned, is_supervisor=True)
        self._stage.note("sup_start", attempt)
        match attempt.plan:
            case "ignore":
                raise Ignore
            case "crash":
                raise Told("error:init_crash")
            case "bad_return":
                return cast("SupervisorSpec", "nonsense")
            case _:
                return supervisor_spec(self._planned, self._start_of)

    def _start_of(self, child: Json) -> Props[Any]:
        return start_of(self._stage, child, in_pool=self._planned.get("strategy") == POOL)


def start_of(stage: Stage, child: Json, *, in_pool: bool = False) -> Props[Any]:
    """Return what a child's spec starts."""
    if "sup" in child or (child.get("type") == "supervisor" and "worker" not in child):
        return Props(PlannedSupervisor, stage, child.get("sup", {}))
    options = child.get("worker", {})
    # An instance may have options of its own, and says only then whether it traps exits.
    trapping = in_pool or options.get("trap_exit", True)
    return Props(TrappingWorker if trapping else Worker, stage, options)
