"""An actor system whose next turn somebody else chooses.

A ready cell waits until the simulation lets it go; then its turn, of one message, is run
by the very dispatcher that would have run it at once. Requests are never handed over
within the call: each message is an event of its own.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from dramaturg.actors import ActorSystem, MemoryJournal
from dramaturg.actors._dispatcher import LoopDispatcher
from dramaturg.actors._envelope import Envelope
from dramaturg.actors._signals import Internal
from dramaturg.actors._state import STOPPED
from dramaturg.actors._trace import running_cell
from dramaturg.actors._workers import TaskDispatcher
from dramaturg.protocols.testing._addresses import name_of, nobody_at
from dramaturg.protocols.testing._errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors import ActorRef
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._loop import LoopHost

__all__ = ["Cut", "ReadyCells", "SimulatedCrash", "SimulatedSystem"]


class SimulatedCrash(Exception):  # noqa: N818 - what the simulation does, not an error of anybody's
    """What an actor fails with when the simulation lets it crash."""


class Cut:
    """A crash in the midst of a handler: at the n-th message that it sends.

    :param cell: whose handler.
    """

    __slots__ = ("_cell", "_left")

    def __init__(self, cell: Cell, number: int) -> None:
        self._cell = cell
        self._left = number

    def look(self, system: ActorSystem) -> None:
        """Take note that a message is about to be sent.

        :raises SimulatedCrash: in the handler, if it is that message.
        """
        if running_cell(system) is not self._cell:
            return
        self._left -= 1
        if self._left == 0:
            raise SimulatedCrash(self._cell.path)


class ReadyCells:
    """The cells that have something to do, in the order in which they came to have it."""

    def __init__(self) -> None:
        self.all: dict[Cell, None] = {}
        self.sent: list[tuple[Envelope, str]] = []
        """What was sent since somebody looked, and to where on another node, or ""."""
        self.cut: Cut | None = None
        self.running: Callable[[], Cell | None] | None = None
        """Tells who runs just now, where there are several systems."""
        self.out_of_the_ordinary = False
        """Whether something else than a message has been sent since somebody looked."""

    def add(self, cell: Cell) -> None:
        """Note that a cell has something to do."""
        cell.throughput = 1
        self.all.setdefault(cell)

    def forget_those_of(self, system: ActorSystem) -> None:
        """Forget the cells of a system that is gone."""
        for cell in [cell for cell in self.all if cell.system is system]:
            del self.all[cell]


class _Direct(LoopDispatcher):
    __slots__ = ("_system",)

    def __init__(self, host: LoopHost, system: SimulatedSystem) -> None:
        super().__init__(host, helping=False)
        self._system = system

    def schedule(self, cell: Cell) -> None:
        self._system.note_ready(cell)

    def hand_over(self, cell: Cell, envelope: Envelope) -> bool:  # noqa: ARG002
        return False

    def run_here(self, cell: Cell) -> bool:  # noqa: ARG002
        return False

    def release(self, cell: Cell) -> None:
        """Run the turn of a cell."""
        super().schedule(cell)


class _Tasks(TaskDispatcher):
    def __init__(self, host: LoopHost, system: SimulatedSystem) -> None:
        super().__init__(host)
        self._system = system

    def schedule(self, cell: Cell) -> None:
        self._system.note_ready(cell)

    def hand_over(self, cell: Cell, envelope: Envelope) -> bool:  # noqa: ARG002
        return False

    def release(self, cell: Cell) -> None:
        """Run the turn of a cell."""
        super().schedule(cell)

    def cut_all_short(self) -> None:
        """Let no turn run any more, and cancel what waits."""
        self._closed = True
        self._ready.clear()
        for task in tuple(self._tasks):
            task.cancel()


class _Draws(Random):
    """A random source that knows whether it was used."""

    used = False

    def random(self) -> float:
        self.used = True
        return super().random()

    def getrandbits(self, k: int, /) -> int:
        self.used = True
        return super().getrandbits(k)


class SimulatedSystem(ActorSystem):
    """A whole actor system, but for who chooses the order.

    :param node: the node it runs on, "" for the one that a simulation always has.
    """

    tasks: _Tasks
    signals_take_turns = True

    def __init__(self, name: str, cells: ReadyCells, *, node: str = "", **options: Any) -> None:
        self.cells = cells
        self.prefix = node
        self.expected: dict[str, ActorRef[Any]] = {}
        """The refs of actors that are not there yet, by path."""
        self.gone = False
        """Whether its node has crashed: what its actors still do, on their way out, is nothing."""
        options.setdefault("journal", MemoryJournal())
        super().__init__(name, trace=True, hold_limit=None, **options)
        # Else each message would draw from the source that actors draw from.
        self.draws = self.random = _Draws(self.random.getrandbits(64))

    def make_dispatchers(self, *, helping: bool) -> tuple[LoopDispatcher, TaskDispatcher]:  # noqa: ARG002
        return _Direct(self.host, self), _Tasks(self.host, self)

    def note_ready(self, cell: Cell) -> None:
        """Take note that a cell has something to do."""
        if self.gone:
            return
        if cell.state is STOPPED:
            cell.flush()
            return
        cell.idle = False
        mailbox = cell.mailbox
        if cell.control or (
            mailbox and (mailbox.__class__ is not list or isinstance(mailbox[-1], Internal))
        ):
            self.cells.out_of_the_ordinary = True
        self.cells.add(cell)

    def expect(self, path: str) -> ActorRef[Any]:
        """Return the ref that the next actor at a path will have; until then nobody is there."""
        ref = self.expected.get(path)
        if ref is None:
            ref = self.expected[path] = nobody_at(self, path).ref
        return ref

    def count_one_more(self) -> None:
        super().count_one_more()
        # Whoever is just being made has its place in the tree, and nobody has its ref.
        for path in tuple(self.expected):
            here = self.lookup(path)
            if here is not None:
                ref = self.expected.pop(path)
                ref.cell = here.cell
                ref.cell.ref = ref

    def door(self, append: Callable[[Any], None]) -> Callable[[Any], None]:
        def put(item: Any) -> None:
            item = self.enveloped(item)
            if item.__class__ is Envelope:
                self.note_sent(item)
            append(item)

        return put

    def note_sent(self, envelope: Envelope, to: str = "") -> None:
        """Take note of a message that is about to be sent.

        :raises SimulatedCrash: if its sender is to crash now.
        :raises ScenarioError: if its sender lives on another node.
        """
        cells = self.cells
        if cells.running is not None and not to:
            self._check_here(cells.running(), envelope)
        if cells.cut is not None:
            cells.cut.look(self)
        cells.sent.append((envelope, to))

    def _check_here(self, sender: Cell | None, envelope: Envelope) -> None:
        if sender is not None and sender.system is not self:
            raise ScenarioError(
                thing=name_of(sender),
                problem=f"sends {envelope.message!r} by a ref of node {self.prefix!r} itself",
                expected=f'a ref from node.ref("{self.prefix}/...")',
            )

    def vanish(self) -> None:
        """End at once, as with the power: nothing is told, nothing runs any more."""
        self.gone = self.stopped = self.ended = True
        below = [self.root]
        while below:
            cell = below.pop()
            below += (cell.children or {}).values()
            cell.state = STOPPED
            cell.put = cell.refuse
        self.cells.forget_those_of(self)
        self.tasks.cut_all_short()

    @staticmethod
    def release(cell: Cell) -> None:
        """Run the turn of a ready cell."""
        dispatcher: Any = cell.dispatcher
        dispatcher.release(cell)
