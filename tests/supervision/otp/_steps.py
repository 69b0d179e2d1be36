"""What the steps of a scenario do. Each returns the value of its result once it has one."""

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, ClassVar

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorSystem,
    Directive,
    Policy,
    Props,
    StartFailed,
    handler,
)
from tests.supervision.otp._calls import NOPROC, call
from tests.supervision.otp._reasons import text_of_error
from tests.supervision.otp._stage import ABOVE, Attempt, Stage
from tests.supervision.otp._supervisor import PlannedSupervisor
from tests.supervision.otp._worker import Leave
from tests.supervision.otp.compare import Json


@dataclass(frozen=True)
class Raise:
    """Asks for the root supervisor."""

    root: Props[PlannedSupervisor]


class Above(Actor):
    """The parent of the root supervisor, which tells it to shut down by ending itself."""

    policy: ClassVar[Policy | None] = Directive.RESUME  # that the root gave up is no concern of its

    @handler
    def on_raise(self, message: Raise) -> ActorRef[Any] | StartFailed:
        try:
            return self.context.spawn(message.root, name="root")
        except StartFailed as failed:
            return failed


class Steps:
    """Does what the steps say."""

    def __init__(self, system: ActorSystem, stage: Stage, root: Json) -> None:
        self._stage = stage
        self._above = system.spawn(Above, name=ABOVE)
        self._root = Props(PlannedSupervisor, stage, root)
        self.refused: str | None = None
        """Why the root supervisor did not start."""

    async def do(self, step: Json) -> Any:
        """Do what a step says."""
        doing: Coroutine[Any, Any, Any]
        match step:
            case {"op": "start_root"}:
                doing = self._start_root()
            case {"op": "exit", "path": path, "reason": reason}:
                doing = self._leave(path, reason)
            case {"op": "raise", "path": path, "tag": tag}:
                doing = self._leave(path, f"error:{tag}")
            case {"op": "kill", "path": path}:
                doing = self._kill(self._stage.at(path))
            case {"op": "release", "path": path, "outcome": plan}:
                doing = self._release(path, plan)
            case {"op": "stop"}:
                doing = self._stop(at_once=step.get("async", False))
            case {"op": "wait", "ms": ms}:
                doing = self._wait(ms)
            case _:
                doing = call(self._stage, step)
        return await doing

    async def _start_root(self) -> Json:
        try:
            answer = await self._above.request(Raise(self._root))
            if isinstance(answer, StartFailed):
                raise answer
            await answer.started()
        except StartFailed as failed:
            self.refused = text_of_error(failed)
            return {"error": self.refused}
        return {"ok": self._stage.who(answer)}

    async def _leave(self, path: str, reason: str) -> Any:
        worker = self._stage.at(path)
        if worker is None or worker.is_supervisor or not worker.has_started:
            return NOPROC
        worker.ref.tell(Leave(worker, reason))
        await worker.over.wait()
        return "ok"

    async def _kill(self, whom: Attempt | None) -> Any:
        if whom is None:
            return NOPROC
        whom.ref.kill()
        await whom.over.wait()
        return "ok"

    async def _release(self, path: str, outcome: Any) -> Any:
        found = self._stage.at(path)
        if found is None or found.gate is None:
            return NOPROC
        found.gate.set_result(outcome)
        found.gate = None
        return "ok"

    async def _stop(self, *, at_once: bool) -> Any:
        root = self._stage.at("root")
        if root is None:
            return NOPROC
        self._above.request_stop()
        if not at_once:
            await root.over.wait()
        return "ok"

    async def _wait(self, ms: float) -> str:
        await self._stage.clock.sleep(ms / 1_000)
        return "ok"
