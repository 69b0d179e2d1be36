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

__all__ = ["Terminated", "Watch", "WatchNotice", "notify", "unwatch", "unwatch_all", "watch"]


@final
@dataclass(frozen=True, slots=True)
class Terminated:
    """A watched actor has ended for good.

    ``error`` is what it failed with, None if it was stopped.
    """

    ref: ActorRef[Any]
    error: BaseException | None = None


@final
class Watch:
    """One watch; a notice is valid only while it is of the very watch that stands."""

    __slots__ = ("message",)

    def __init__(self, message: Any) -> None:
        self.message = message


class WatchNotice(Internal):
    """The news of an end, on its way to one watcher."""

    __slots__ = ("message", "target", "watch")

    def __init__(self, target: Cell, watch: Watch, message: Any) -> None:
        self.target = target
        self.watch = watch
        self.message = message

    def stands(self, cell: Cell) -> bool:
        """Tell whether the watch still stands, so that the notice will be handled."""
        extra = cell.extra
        return extra is not None and extra.watching.get(self.target) is self.watch

    def handle(self, cell: Cell) -> Any:
        if not self.stands(cell):
            return None
        del cell.more().watching[self.target]
        cell.message = self.message
        return invoke(cell, self.message)


def watch(watcher: Cell, target: Cell, message: Any) -> None:
    """Let the watcher be told when the target has ended; runs inside the watcher."""
    entry = Watch(message)
    watcher.more().watching[target] = entry
    for tap in target.system.taps:
        tap.watched(watcher.ref, target.ref, True)  # noqa: FBT003 - see the protocol
    # Under the lock the target either is not yet telling its watchers, or has stopped.
    with target.system.lock:
        if target.state is not State.STOPPED:
            target.more().watchers[watcher] = entry
            return
    notify(target, watcher, entry)


def unwatch(watcher: Cell, target: Cell) -> None:
    """Take a watch back; runs inside the watcher."""
    for tap in target.system.taps:
        tap.watched(watcher.ref, target.ref, False)  # noqa: FBT003 - see the protocol
    if watcher.extra is not None:
        watcher.extra.watching.pop(target, None)
    with target.system.lock:
        if target.extra is not None:
            target.extra.watchers.pop(watcher, None)


def unwatch_all(watcher: Cell) -> None:
    """Take back every watch of an incarnation that ends."""
    if watcher.extra is not None:
        for target in tuple(watcher.extra.watching):
            unwatch(watcher, target)


def notify(target: Cell, watcher: Cell, watch: Watch) -> None:
    """Send the notice of the target's end."""
    message = watch.message
    if message is None:
        extra = target.extra
        failed = extra is not None and extra.exit_reason.kind == "failed"
        message = Terminated(target.ref, extra.failure if extra is not None and failed else None)
    watcher.post_internal(WatchNotice(target, watch, message))
