"""What an actor remembers over its restarts.

A restart makes a new instance, and whoever relies on the actor is not told. So what was promised
to others must not end with an instance, but with the actor. The memory is one of those who watch
the actor: the runtime keeps watchers from one incarnation to the next, whoever decides on the
restart, and tells them once, when the end is for good. It is found there by the next instance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from dramaturg.actors._watch import Watch

if TYPE_CHECKING:
    from dramaturg.actors import ActorRef
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._signals import Internal

__all__ = ["Outlasting", "remembered"]


class Outlasting:
    """Base of what outlasts the instances of one actor."""

    def __init__(self, owner: ActorRef[Any]) -> None:
        self.owner = owner
        self.watching: dict[Cell, Any] = {}

    def ended(self) -> None:
        """Settle what is open: the actor has ended for good. Any thread."""

    # -- the face of a watcher

    def more(self) -> Self:
        """Say where is noted whom it watches."""
        return self

    def post_internal(self, notice: Internal) -> None:  # noqa: ARG002 - there is but one
        """Learn that the actor has ended for good."""
        self.ended()


M = TypeVar("M", bound=Outlasting)


def remembered(cell: Cell, kind: type[M]) -> M:
    """Return what earlier instances of the actor remembered, or a new memory."""
    for watcher in cell.more().watchers:
        found: object = watcher
        if isinstance(found, kind):
            return found
    memory = kind(cell.ref)
    # Not by `watch`, which is for actors. One whose instance is being made has not stopped.
    with cell.system.lock:
        cell.more().watchers[cast("Cell", memory)] = Watch("ended")
    return memory
