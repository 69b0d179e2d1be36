"""Workflows for threads that have no event loop."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, final

from dramaturg.actors import DeadlineExceeded, SystemStateError, SystemStopped

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from dramaturg.actors import ActorSystem
    from dramaturg.protocols.workflows._history import History
    from dramaturg.protocols.workflows._view import InstanceStatus
    from dramaturg.protocols.workflows._workflow import Workflow

__all__ = ["BlockingWorkflow"]


@final
@dataclass(frozen=True, slots=True)
class BlockingWorkflow:
    """What :class:`Workflow` can do, each call blocking its thread until it is done.

    Each raises what the method of the same name of the workflow does, and:

    :param timeout: seconds that a call blocks at most; None: no limit. The instance goes on.
    :raises DeadlineExceeded: if a call takes longer.
    :raises BlockingCallError: on a thread that runs the system's actors.
    :raises SystemStopped: if the system has ended.
    """

    workflow: Workflow
    system: ActorSystem
    timeout: float | None = None

    def run(self, input: Any = None, *, id: str | None = None) -> Any:  # noqa: A002
        """Run an instance, or attach to it, and return its result."""
        return self._wait("run", self.workflow.run(self.system, input, id=id))

    def start(self, input: Any = None, *, id: str | None = None) -> str:  # noqa: A002
        """Start an instance, or attach to it, and return its id."""
        return self._wait("start", self.workflow.start(self.system, input, id=id)).id  # type: ignore[no-any-return]

    def resume(self) -> tuple[str, ...]:
        """Bring back all instances in flight."""
        found: tuple[str, ...] = self._wait("resume", self.workflow.resume(self.system))
        return found

    def result(self, id: str) -> Any:  # noqa: A002
        """Wait for the result of an instance."""
        return self._wait("result", self.workflow.result(self.system, id))

    def status(self, id: str) -> InstanceStatus:  # noqa: A002
        """Tell how far an instance is."""
        found: InstanceStatus = self._wait("status", self.workflow.status(self.system, id))
        return found

    def history(self, id: str) -> History:  # noqa: A002
        """Tell what has happened in an instance."""
        found: History = self._wait("history", self.workflow.history(self.system, id))
        return found

    def signal(
        self,
        id: str,  # noqa: A002
        event: str,
        value: Any = None,
        *,
        signal: str | None = None,
    ) -> bool:
        """Tell an instance that something has happened."""
        told = self.workflow.signal(self.system, id, event, value, signal=signal)
        return bool(self._wait("signal", told))

    def cancel(self, id: str, *, reason: str = "cancelled") -> bool:  # noqa: A002
        """End an instance."""
        return bool(self._wait("cancel", self.workflow.cancel(self.system, id, reason=reason)))

    def resolve(self, id: str, step: str, how: Literal["done", "retry"], *, by: str) -> bool:  # noqa: A002
        """Deal with a compensation that is stuck."""
        dealt = self.workflow.resolve(self.system, id, step, how, by=by)
        return bool(self._wait("resolve", dealt))

    def migrate(self, id: str) -> bool:  # noqa: A002
        """Let an instance go on under the newest definition."""
        return bool(self._wait("migrate", self.workflow.migrate(self.system, id)))

    def ids(self, status: str = "running", *others: str) -> tuple[str, ...]:
        """List the instances with a status, or with one of several."""
        listed = self.workflow.ids(self.system, status, *others)
        found: tuple[str, ...] = self._wait("ids", listed)
        return found

    def _wait(self, call: str, coroutine: Coroutine[Any, Any, Any]) -> Any:
        try:
            self._check(call)
        except BaseException:
            coroutine.close()
            raise
        try:
            done = asyncio.run_coroutine_threadsafe(coroutine, self.system.host.loop)
        except RuntimeError:  # the loop is closed
            coroutine.close()
            raise SystemStopped(path="/", detail="has stopped with its actor system") from None
        try:
            return done.result(self.timeout)
        except TimeoutError:
            if done.done():
                raise
            done.cancel()
            raise DeadlineExceeded(
                waiting_for=f"workflow {self.workflow.name}", timeout=self.timeout
            ) from None

    def _check(self, call: str) -> None:
        system = self.system
        system.check_may_block(
            f"workflow.blocking(system).{call}(...)", f"`await workflow.{call}(system, ...)`"
        )
        if not system.host.ident:
            raise SystemStateError(system=system.name, state="not started", call=f"workflow.{call}")
