"""What travels in the control lane, and the runtime's own messages.

A *signal* overtakes all messages: it is seen to as soon as the current message
is done. An *internal message* keeps its place among the messages: a timer's
tick, a watched actor's end, the end mark of a drain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell

__all__ = ["Internal", "Signal"]


class Signal(Protocol):
    """A command to a cell, obeyed within its next turn."""

    async def apply(self, cell: Cell) -> None:
        """Obey, in the thread that runs the cell."""


class Internal:
    """Base of the runtime's own messages; a cell lets them handle themselves."""

    __slots__ = ()

    def handle(self, cell: Cell) -> Any:
        """Act, in the place of a handler; what it returns is the reply."""
        raise NotImplementedError
