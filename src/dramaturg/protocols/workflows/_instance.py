"""One instance of a workflow, in a system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, final

if TYPE_CHECKING:
    from dramaturg.actors import ActorSystem
    from dramaturg.protocols.workflows._history import History
    from dramaturg.protocols.workflows._view import InstanceStatus
    from dramaturg.protocols.workflows._workflow import Workflow

__all__ = ["Instance"]


@final
@dataclass(frozen=True, slots=True)
class Instance:
    """One instance of a workflow, in a system."""

    workflow: Workflow
    system: ActorSystem
    id: str

    async def result(self) -> Any:
        """See :meth:`Workflow.result`."""
        return await self.workflow.result(self.system, self.id)

    async def status(self) -> InstanceStatus:
        """See :meth:`Workflow.status`."""
        return await self.workflow.status(self.system, self.id)

    async def history(self) -> History:
        """See :meth:`Workflow.history`."""
        return await self.workflow.history(self.system, self.id)

    async def signal(self, event: str, value: Any = None, *, signal: str | None = None) -> bool:
        """See :meth:`Workflow.signal`."""
        return await self.workflow.signal(self.system, self.id, event, value, signal=signal)

    async def cancel(self, *, reason: str = "cancelled") -> bool:
        """See :meth:`Workflow.cancel`."""
        return await self.workflow.cancel(self.system, self.id, reason=reason)

    async def resolve(self, step: str, how: Literal["done", "retry"], *, by: str) -> bool:
        """See :meth:`Workflow.resolve`."""
        return await self.workflow.resolve(self.system, self.id, step, how, by=by)

    async def migrate(self) -> bool:
        """See :meth:`Workflow.migrate`."""
        return await self.workflow.migrate(self.system, self.id)
