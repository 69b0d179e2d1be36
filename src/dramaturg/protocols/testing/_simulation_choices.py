"""What the ready cells of a simulated system may do next: whose turn it is, with which message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.actors._envelope import Envelope
from dramaturg.actors._signals import Internal
from dramaturg.actors._state import RUNNING, STOPPED
from dramaturg.protocols.testing._event import Event
from dramaturg.protocols.testing._kernel import Sent
from dramaturg.protocols.testing._simulated_system import ReadyCells, SimulatedSystem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dramaturg.actors._cell import Cell

__all__ = ["OUTSIDE", "Choices"]

OUTSIDE = "scenario"
"""Who sends what no actor sends."""


class Delivery:
    """One message that a ready cell may take next."""

    __slots__ = ("cell", "item", "message", "receiver", "sender")

    def __init__(self, cell: Cell, item: Any, sender: str) -> None:
        self.cell = cell
        self.item = item
        self.sender = sender
        self.receiver = cell.path
        self.message = item.message


class Choices:
    """The turns that are possible, and taking one."""

    def __init__(self, cells: ReadyCells, *, any_sender_first: bool) -> None:
        self._cells = cells
        self._any_sender_first = any_sender_first
        self._delivered: dict[str, int] = {}
        self._turns: dict[str, int] = {}

    def all(self) -> list[Event]:
        """Return what is possible: the cell that has been ready for longest comes first."""
        return [event for cell in tuple(self._cells.all) for event in self._of(cell)]

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
            Sent(OUTSIDE if each.sender is None else each.sender.path, "", 0, each.message)
            for each in self._cells.sent
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
            sender = OUTSIDE if item.sender is None else item.sender.path
            if sender not in senders:
                senders.add(sender)
                yield self._delivery(cell, item, sender)
                if not self._any_sender_first or cell.mailbox.__class__ is not list:
                    return

    def _turn(self, cell: Cell, what: str) -> Event:
        path = cell.path
        name = f"{what} {path} #{self._turns.get(path, 0)}"
        return Event("signal", name, path, f"signal {path}", cell)

    def _delivery(self, cell: Cell, item: Envelope, sender: str) -> Event:
        path = cell.path
        lane = f"{sender}->{path}"
        name = f"deliver {lane} #{self._delivered.get(lane, 0)}"
        event = Event("deliver", name, path, lane, Delivery(cell, item, sender))
        event.topic = type(item.message).__name__
        return event


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
    # Of a queue with an order of its own only the next one can be taken.
    if cell.batch is None and mailbox:
        cell.batch = iter([mailbox.pop(0)])
    first = [] if cell.batch is None else [*cell.batch]
    cell.batch = iter(first) if first else None
    return first
