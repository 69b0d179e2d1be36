"""An actor system whose next turn somebody else chooses.

A ready cell waits until the simulation lets it go; then its turn, of one message, is run
by the very dispatcher that would have run it at once. Requests are never handed over
within the call: each message is an event of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.actors import ActorSystem
from dramaturg.actors._dispatcher import LoopDispatcher
from dramaturg.actors._envelope import Envelope
from dramaturg.actors._state import STOPPED
from dramaturg.actors._workers import TaskDispatcher

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors._cell import Cell
    from dramaturg.actors._loop import LoopHost

__all__ = ["ReadyCells", "SimulatedSystem"]


class ReadyCells:
    """The cells that have something to do, in the order in which they came to have it."""

    def __init__(self) -> None:
        self.all: dict[Cell, None] = {}
        self.sent: list[Envelope] = []
        """What was sent since somebody looked."""

    def add(self, cell: Cell) -> None:
        """Note that a cell has something to do."""
        cell.throughput = 1
        self.all.setdefault(cell)


class _Direct(LoopDispatcher):
    __slots__ = ("_cells",)

    def __init__(self, host: LoopHost, cells: ReadyCells) -> None:
        super().__init__(host, helping=False)
        self._cells = cells

    def schedule(self, cell: Cell) -> None:
        if cell.state is STOPPED:
            cell.flush()
            return
        cell.idle = False
        self._cells.add(cell)

    def hand_over(self, cell: Cell, envelope: Envelope) -> bool:  # noqa: ARG002
        return False

    def run_here(self, cell: Cell) -> bool:  # noqa: ARG002
        return False

    def release(self, cell: Cell) -> None:
        """Run the turn of a cell."""
        super().schedule(cell)


class _Tasks(TaskDispatcher):
    def __init__(self, host: LoopHost, cells: ReadyCells) -> None:
        super().__init__(host)
        self._cells = cells

    def schedule(self, cell: Cell) -> None:
        if cell.state is STOPPED:
            cell.flush()
            return
        cell.idle = False
        self._cells.add(cell)

    def hand_over(self, cell: Cell, envelope: Envelope) -> bool:  # noqa: ARG002
        return False

    def release(self, cell: Cell) -> None:
        """Run the turn of a cell."""
        super().schedule(cell)


class SimulatedSystem(ActorSystem):
    """A whole actor system, but for who chooses the order."""

    def __init__(self, name: str, cells: ReadyCells, **options: Any) -> None:
        super().__init__(name, trace=True, hold_limit=None, **options)
        self.cells = cells

    def make_dispatchers(self, *, helping: bool) -> tuple[LoopDispatcher, TaskDispatcher]:  # noqa: ARG002
        return _Direct(self.host, self.cells), _Tasks(self.host, self.cells)

    def door(self, append: Callable[[Any], None]) -> Callable[[Any], None]:
        sent = self.cells.sent

        def put(item: Any) -> None:
            item = self.enveloped(item)
            append(item)
            if item.__class__ is Envelope:
                sent.append(item)

        return put

    @staticmethod
    def release(cell: Cell) -> None:
        """Run the turn of a ready cell."""
        dispatcher: Any = cell.dispatcher
        dispatcher.release(cell)
