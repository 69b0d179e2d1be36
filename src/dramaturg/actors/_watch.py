"""Death watch: being told when an actor has ended for good.

Akka's rules: the notice comes also if the actor had ended before it was watched;
a restart is no end; after ``unwatch`` no notice is handled, not even one that
waits in the mailbox already.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from dramaturg.actors._resolve import invoke
from dramaturg.actors._signals import Internal
from dramaturg.actors._state import State

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._ref import ActorRef

__all__ = ["Terminated", "unwatch", "unwatch_all", "watch"]


@final
@dataclass(frozen=True, slots=True)
class Terminated:
    """A watched actor has ended for good.

    ``error`` is what it failed with, None if it was stopped.
    """

    ref: ActorRef[Any]
    error: BaseException | None = None


class _Notice(Internal):
    __slots__ = ("message", "target")

    def __init__(self, target: Cell, message: Any) -> None:
        self.target = target
        self.message = message

    def handle(self, cell: Cell) -> Any:
        extra = cell.extra
        if extra is None or self.target not in extra.watching:
            return None
        extra.watching.discard(self.target)
        cell.message = self.message
        return invoke(cell, self.message)


def watch(watcher: Cell, target: Cell, message: Any) -> None:
    """Let the watcher be told when the target has ended; runs inside the watcher."""
    watcher.more().watching.add(target)
    # Under the lock the target either is not yet telling its watchers, or has stopped.
    with target.system.lock:
        if target.state is not State.STOPPED:
            target.more().watchers[watcher] = message
            return
    notify(target, watcher, message)


def unwatch(watcher: Cell, target: Cell) -> None:
    """Take a watch back; runs inside the watcher."""
    if watcher.extra is not None:
        watcher.extra.watching.discard(target)
    with target.system.lock:
        if target.extra is not None:
            target.extra.watchers.pop(watcher, None)


def unwatch_all(watcher: Cell) -> None:
    """Take back every watch of an incarnation that ends."""
    if watcher.extra is not None:
        for target in tuple(watcher.extra.watching):
            unwatch(watcher, target)


def notify(target: Cell, watcher: Cell, message: Any) -> None:
    """Send the notice of the target's end."""
    if message is None:
        error = target.extra.failure if target.extra is not None else None
        message = Terminated(target.ref, error)
    watcher.ref.tell(_Notice(target, message))
