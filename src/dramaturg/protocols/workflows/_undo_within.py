"""How a workflow is undone that was a step of another, and has come to its end."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, final

from dramaturg.protocols.workflows._errors import UnknownWorkflowInstance, WorkflowFailed

if TYPE_CHECKING:
    from dramaturg.actors import ActorSystem
    from dramaturg.protocols.workflows._participant import Call
    from dramaturg.protocols.workflows._workflow import Workflow

__all__ = ["UndoWithin"]


@final
class UndoWithin:
    """The compensation of a step that is a workflow: its own compensations, the last first."""

    def __init__(self, workflow: Workflow) -> None:
        self._workflow = workflow

    @property
    def label(self) -> str:
        """What it is called in diagrams."""
        return self._workflow.label

    @property
    def gives(self) -> Any:
        """Nothing."""
        return None

    async def act(self, system: ActorSystem, value: Any, call: Call, timeout: float | None) -> None:  # noqa: ARG002
        """Have the instance undo what it has done; returns when that is over.

        :raises WorkflowFailed: if it is stuck.
        """
        workflow = self._workflow
        with contextlib.suppress(UnknownWorkflowInstance):
            try:
                await workflow.give_up(system, call.undoes or "")
            except WorkflowFailed as failed:
                if failed.status == "stuck":
                    raise
