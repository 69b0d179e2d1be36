"""What the ready cells of a simulated system may do next: whose turn it is, with which message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.actors._envelope import Envelope
from dramaturg.actors._signals import Internal
from dramaturg.actors._state import RUNNING, STOPPED
from dramaturg.protocols.testing._addresses import FarCell, name_of
from dramaturg.protocols.testing._event import Event
from dramaturg.protocols.testing._kernel import Sent
from dramaturg.protocols.testing._network import OUTSIDE
from dramaturg.protocols.testing._simulated_system import ReadyCells, SimulatedSystem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from dramaturg.actors._cell import Cell

__all__ = ["Choices", "Delivery"]


class Delivery:
    """One message that a ready cell may take next."""

    __slots__ = ("cell", "item", "message", "receiver", "sender")

    def __init__(self, cell: Cell, item: Any, sender: str) -> None:
        self.cell = cell
        self.item = item
        self.sender = sender
        self.receiver = name_of(cell)
        self.message = item.message


class Choices:
    """The turns that are possible, and taking one."""

    def __init__(self, cells: ReadyCells, *, any_sender_first: bool) -> None:
        self._cells = cells
        self._any_sender_first = any_sender_first
        self._delivered: dict[str, int] = {}
        self._turns: dict[str, int] = {}

    def all(self, slow: Collection[Cell] = (), *, late: bool = False) -> list[Event]:
        """Return what is possible: the cell that has been ready for longest comes first.

        :param slow: who takes no turn now; ``late`` asks for the turns of those, instead.
        """
        cells = tuple(self._cells.all)
        if slow or late:
            cells = tuple(cell for cell in cells if (cell in slow) is late)
        return [event for cell in cells for event in self._of(cell)]

    def take_at_once(self, cell: Cell) -> None:
        """Let a cell take a message that has just come in, if that is all there is."""
        waiting = () if cell.control or cell.state is not RUNNING else _waiting(cell)
        if len(waiting) == 1 and not isinstance(waiting[0], Internal):
            del self._cells.all[cell]
            SimulatedSystem.release(cell)

    def take(self, event: Event) -> None:
        """Let a cell take its turn, with the message of the event if it is a delivery."""
        if event.kind == "deliver":
            delivery: Delivery = event.payload
            channel = event.lane
            self._delivered[channel] = self._delivered.get(channel, 0) + 1
            _put_first(delivery.cell.mailbox, delivery.item)
            cell = delivery.cell
        else:
            cell = event.payload
            self._turns[event.actor] = self._turns.get(event.actor, 0) + 1
        del self._cells.all[cell]
        SimulatedSystem.release(cell)

    def sent(self) -> tuple[Sent, ...]:
        """Return what was sent since this was asked last; a door does not know to whom."""
        found = [
            Sent(_sender(envelope), to, 0, envelope.message) for envelope, to in self._cells.sent
        ]
        self._cells.sent.clear()
        return tuple(found)

    def _of(self, cell: Cell) -> Iterator[Event]:
        if cell.state is STOPPED:
            del self._cells.all[cell]
            cell.flush()
            return
        waiting: Sequence[Any] = ()
        if not cell.control and cell.state is RUNNING:
            waiting = _waiting(cell)
        if not waiting:
            # Nothing may be left of what made it ready.
            yield self._turn(cell, "signal")
            return
        senders: set[str] = set()
        for item in waiting:
            if isinstance(item, Internal):
                if not senders:
                    yield self._turn(cell, type(item).__name__.strip("_").lower())
                return
            sender = _sender(item)
            if sender not in senders:
                senders.add(sender)
                yield self._delivery(cell, item, sender)
                if not self._any_sender_first or cell.mailbox.__class__ is not list:
                    return

    def _turn(self, cell: Cell, what: str) -> Event:
        path = name_of(cell)
        name = f"{what} {path} #{self._turns.get(path, 0)}"
        return Event("signal", name, path, f"signal {path}", cell)

    def _delivery(self, cell: Cell, item: Envelope, sender: str) -> Event:
        path = name_of(cell)
        lane = f"{sender}->{path}"
        # What has come over the network was delivered by that: now it is taken up.
        far = item.sender is not None and item.sender.cell.__class__ is FarCell
        name = f"{'take' if far else 'deliver'} {lane} #{self._delivered.get(lane, 0)}"
        event = Event("deliver", name, path, lane, Delivery(cell, item, sender))
        event.topic = type(item.message).__name__
        return event


def _sender(envelope: Envelope) -> str:
    return OUTSIDE if envelope.sender is None else name_of(envelope.sender.cell)


def _put_first(mailbox: Any, item: Any) -> None:
    if mailbox.__class__ is list and mailbox[0] is not item:
        place = next(at for at, each in enumerate(mailbox) if each is item)
        mailbox.insert(0, mailbox.pop(place))


def _waiting(cell: Cell) -> Sequence[Any]:
    """Return what waits in front of a cell, in its order."""
    mailbox = cell.mailbox
    if mailbox.__class__ is list:
        if cell.batch is not None:
            mailbox[:] = cell.take_rest()
        waiting: Sequence[Any] = mailbox
        return waiting
    if cell.batch is not None:
        rest = [*cell.batch]
        cell.batch = iter(rest) if rest else None
        if rest:
            return rest
    # Of a queue with an order of its own only the next one can be taken.
    return [mailbox.peek()] if mailbox else []
