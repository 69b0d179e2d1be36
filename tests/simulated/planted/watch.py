"""Bugs in death watch: notices that are missing, or come twice, or too early."""

from typing import Any

from dramaturg.actors import _incarnation as incarnations, _watch as watching
from dramaturg.actors._cell import Cell
from dramaturg.actors._state import STOPPED
from dramaturg.actors._watch import Terminated, Watch, WatchNotice
from tests.simulated.planted.plant import Bug, both, function, method


def _tells_twice(notify: Any) -> Any:
    def buggy(target: Cell, watcher: Cell, watch: Watch) -> None:
        # Two notices, each of which would stand by itself.
        for each in (watch, Watch(watch.message)):
            notify(target, watcher, each)

    return buggy


def _handles_without_looking(handle: Any) -> Any:
    def buggy(self: WatchNotice, cell: Cell) -> Any:
        cell.more().watching[self.target] = self.watch
        return handle(self, cell)

    return buggy


def _forgets_the_dead(watch: Any) -> Any:
    def buggy(watcher: Cell, target: Cell, message: Any) -> None:
        if target.state is not STOPPED:
            watch(watcher, target, message)

    return buggy


def _watches_once(watch: Any) -> Any:
    def buggy(watcher: Cell, target: Cell, message: Any) -> None:
        if target not in watcher.more().watching:
            watch(watcher, target, message)

    return buggy


def _looks_away_from_afar(unwatch: Any) -> Any:
    def buggy(watcher: Cell, target: Cell) -> None:
        # A notice that is on its way still stands.
        if target.extra is not None:
            target.extra.watchers.pop(watcher, None)

    return buggy


def _keeps_watches(unwatch_all: Any) -> Any:
    def buggy(watcher: Cell) -> None:
        """Leave the watches of an incarnation that ends."""

    return buggy


def _overtakes(notify: Any) -> Any:
    def buggy(target: Cell, watcher: Cell, watch: Watch) -> None:
        notify(target, watcher, watch)
        mailbox = watcher.mailbox
        if mailbox.__class__ is list:
            mailbox.insert(0, mailbox.pop())

    return buggy


def _restart_is_an_end(rest: Any) -> Any:
    def buggy(cell: Cell, reason: Any) -> None:
        rest(cell, reason)
        for watcher, watch in tuple(cell.more().watchers.items()):
            watching.notify(cell, watcher, watch)

    return buggy


def _blames_nobody(notify: Any) -> Any:
    def buggy(target: Cell, watcher: Cell, watch: Watch) -> None:
        message = watch.message or Terminated(target.ref)
        watcher.post_internal(WatchNotice(target, watch, message))

    return buggy


def _blames_whoever_is_left(notify: Any) -> Any:
    def buggy(target: Cell, watcher: Cell, watch: Watch) -> None:
        failure = RuntimeError("ended")
        message = watch.message or Terminated(target.ref, failure)
        watcher.post_internal(WatchNotice(target, watch, message))

    return buggy


BUGS = (
    Bug("watch/told twice, and taken", "watch/ended", both(
        function(watching.notify, _tells_twice),
        method(WatchNotice, "handle", _handles_without_looking))),
    Bug("watch/any notice is taken", "watch/ended, any sender first",
        method(WatchNotice, "handle", _handles_without_looking)),
    Bug("watch/the dead are not watched", "watch/ended",
        function(watching.watch, _forgets_the_dead)),
    Bug("watch/a second watch is ignored", "watch/ended", function(watching.watch, _watches_once)),
    Bug("watch/a notice outlives unwatch", "watch/ended",
        function(watching.unwatch, _looks_away_from_afar)),
    Bug("watch/watches outlive a restart", "watch/watcher restarted",
        function(watching.unwatch_all, _keeps_watches)),
    Bug("watch/a notice overtakes messages", "watch/ended", function(watching.notify, _overtakes)),
    Bug("watch/a restart is an end", "watch/restarted",
        function(incarnations.rest, _restart_is_an_end)),
    Bug("watch/no failure is told", "watch/mourned", function(watching.notify, _blames_nobody)),
    Bug("watch/each end is a failure", "watch/mourned",
        function(watching.notify, _blames_whoever_is_left)),
)  # fmt: skip
