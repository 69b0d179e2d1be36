"""What a monitor and a recorder share: looking at one running system until they are detached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.actors import ActorRestarted, ActorStarted, SystemStateError
from dramaturg.actors._tap import add_tap, remove_tap, tap_cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dramaturg.actors import ActorSystem, Subscription
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._tap import Tap

__all__ = ["Attachment"]


class Attachment:
    """Taps the actors of a system, those that live and those that come.

    :param admit: asked for each actor, maybe twice, whether it is to be tapped. It may not raise.
    :raises SystemStateError: if the system has not started.
    """

    def __init__(self, system: ActorSystem, tap: Tap, admit: Callable[[Cell], bool]) -> None:
        if not system.host.ident:
            raise SystemStateError(system=system.name, state="not started", call="attach")
        self._system = system
        self._tap = tap
        self._admit = admit
        self._subscriptions: list[Subscription] = []

    def begin(self) -> None:
        """Look from now on."""
        # Before the tree is walked: whoever starts meanwhile is met twice, and harmlessly.
        add_tap(self._system, self._tap)
        self.subscribe(self._started, ActorStarted, ActorRestarted)
        for cell in _below(self._system.root):
            self.meet(cell)

    def subscribe(self, callback: Callable[[Any], object], *types: type) -> None:
        """Be told of the system's events, too."""
        self._subscriptions.append(self._system.events.subscribe(callback, *types))

    def meet(self, cell: Cell) -> None:
        """Tap an actor, if it is to be."""
        if self._admit(cell):
            tap_cell(cell)

    def end(self) -> None:
        """Look no more."""
        for subscription in self._subscriptions:
            subscription.cancel()
        remove_tap(self._system, self._tap)

    def _started(self, event: ActorStarted | ActorRestarted) -> None:
        ref = self._system.lookup(event.path)
        cell = None if ref is None else ref.cell
        while cell is not None and cell.parent is not None:
            self.meet(cell)  # a supervisor's children have started before itself
            cell = cell.parent


def _below(cell: Cell) -> Iterator[Cell]:
    for child in tuple((cell.children or {}).values()):
        yield child
        yield from _below(child)
