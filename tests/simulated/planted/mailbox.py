"""Bugs in mailboxes: what is lost, doubled, or out of its order."""

from collections import deque
from collections.abc import Iterable
from typing import Any

from dramaturg.actors import _crash as crashing, _incarnation as incarnations, _letters as letters
from dramaturg.actors._cell import Cell
from dramaturg.actors._lifecycle import drain
from dramaturg.actors._mailbox import BoundedQueue, PriorityQueue
from dramaturg.actors._signals import Internal
from tests.simulated.planted.plant import Bug, function, method


def _loses_when_flushed(flush: Any) -> Any:
    def buggy(cell: Cell) -> None:
        # Counts on the mailbox being empty when the door is closed.
        cell.take_rest()

    return buggy


def _loses_first_when_flushed(flush: Any) -> Any:
    def buggy(cell: Cell) -> None:
        for item in cell.take_rest()[1:]:
            letters.undeliverable(cell, item)

    return buggy


def _refuses_in_silence(refuse: Any) -> Any:
    def buggy(self: Cell, item: Any) -> None:
        """Drop what comes too late."""

    return buggy


def _puts_back_reversed(put_back: Any) -> Any:
    def buggy(self: Cell, items: Iterable[Any]) -> None:
        put_back(self, [*items][::-1])

    return buggy


def _puts_back_behind(put_back: Any) -> Any:
    def buggy(self: Cell, items: Iterable[Any]) -> None:
        rest = () if self.batch is None else self.batch
        self.batch = iter([*rest, *self.take_rest(), *items])
        self.attention = True

    return buggy


def _puts_back_over_the_batch(put_back: Any) -> Any:
    def buggy(self: Cell, items: Iterable[Any]) -> None:
        self.batch = iter([*items])
        self.attention = True

    return buggy


def _forgets_the_batch(take_rest: Any) -> Any:
    def buggy(self: Cell) -> list[Any]:
        self.batch = None
        return list(take_rest(self))

    return buggy


def _leaves_the_batch(leave: Any) -> Any:
    def buggy(self: Cell) -> None:
        self.idle = True
        if self.control or self.mailbox:
            self.dispatcher.schedule(self)

    return buggy


def _tries_the_message_again(crash: Any) -> Any:
    async def buggy(cell: Cell, error: BaseException, phase: str = "message") -> None:
        item = cell.message
        await crash(cell, error, phase)
        if item is not None and not isinstance(item, Internal):
            cell.put_back([item])

    return buggy


def _tries_the_message_again_plainly(restart: Any) -> Any:
    def buggy(cell: Cell, error: BaseException) -> bool:
        item = cell.message
        done = bool(restart(cell, error))
        if done and item is not None:
            cell.mailbox.insert(0, item)
        return done

    return buggy


def _loses_the_crashed(crashed: Any) -> Any:
    def buggy(cell: Cell, item: Any, cause: BaseException) -> None:
        """Leave no dead letter of the message on which the actor has crashed."""

    return buggy


def _keeps_no_mailbox(rest: Any) -> Any:
    def buggy(cell: Cell, reason: Any) -> None:
        cell.more().keep_mailbox = False
        rest(cell, reason)

    return buggy


def _keeps_no_stash(rest: Any) -> Any:
    def buggy(cell: Cell, reason: Any) -> None:
        stash = cell.more().stash
        if stash:
            stash.clear()
        rest(cell, reason)

    return buggy


def _keeps_the_mailbox(rest: Any) -> Any:
    def buggy(cell: Cell, reason: Any) -> None:
        cell.more().keep_mailbox = True
        rest(cell, reason)

    return buggy


def _drains_at_once(original: Any) -> Any:
    def buggy(cell: Cell) -> None:
        cell.ref.request_stop()

    return buggy


def _holds_one_more(has_room: Any) -> Any:
    def buggy(self: BoundedQueue) -> bool:
        return len(self._items) - self._internal <= self._spec.capacity

    return buggy


def _holds_one_less(has_room: Any) -> Any:
    def buggy(self: BoundedQueue) -> bool:
        return len(self._items) - self._internal < self._spec.capacity - 1

    return buggy


def _counts_internals(append: Any) -> Any:
    def buggy(self: BoundedQueue, item: Any) -> None:
        self._items.append(item)

    return buggy


def _never_counts_internals_off(pop: Any) -> Any:
    def buggy(self: BoundedQueue, index: int) -> Any:
        before = self._internal
        item = pop(self, index)
        self._internal = before
        return item

    return buggy


def _drops_the_newest(pop_oldest: Any) -> Any:
    def buggy(self: BoundedQueue) -> Any:
        newest = self._items[-1]
        del self._items[-1]
        return newest

    return buggy


def _drops_newest_in_silence(put: Any) -> Any:
    def buggy(self: BoundedQueue, item: Any) -> None:
        self.try_put(item)

    return buggy


def _drops_oldest_in_silence(put: Any) -> Any:
    def buggy(self: BoundedQueue, item: Any) -> None:
        if not self._has_room():
            self._pop_oldest()
        self._items.append(item)

    return buggy


def _wakes_nobody(next_waiter: Any) -> Any:
    def buggy(self: BoundedQueue) -> None:
        """Let those who wait for room sleep on."""

    return buggy


def _forgets_who_waits(try_put: Any) -> Any:
    def buggy(self: BoundedQueue, item: Any, waiter: Any = None) -> bool:
        return bool(try_put(self, item))

    return buggy


def _last_of_equals_first(put: Any) -> Any:
    def buggy(self: PriorityQueue, item: Any) -> None:
        put(self, item)
        key = self._key(getattr(item, "message", item))
        bucket: deque[Any] = self._buckets[self._keys.index(key, self._passed)]
        bucket.rotate(1)

    return buggy


def _first_in_first_out(put: Any) -> Any:
    def buggy(self: PriorityQueue, item: Any) -> None:
        self.append(item)

    return buggy


def _last_rank_first(pop: Any) -> Any:
    def buggy(self: PriorityQueue, index: int) -> Any:
        if self._length and self._buckets[-1]:
            self._length -= 1
            return self._buckets[-1].popleft()
        return pop(self, index)

    return buggy


PLAIN = "mailbox/restarted plainly"
WAITING = "mailbox/restarted while it waits"
BUGS = (
    Bug("mailbox/a flush loses all", "mailbox/stopped",
        function(letters.flush, _loses_when_flushed)),
    Bug("mailbox/a flush loses the first", "mailbox/terminated",
        function(letters.flush, _loses_first_when_flushed)),
    Bug("mailbox/a closed door drops in silence", "mailbox/stopped",
        method(Cell, "refuse", _refuses_in_silence)),
    Bug("mailbox/the stash comes back reversed", "mailbox/stashed",
        method(Cell, "put_back", _puts_back_reversed)),
    Bug("mailbox/the stash comes back behind", "mailbox/stashed",
        method(Cell, "put_back", _puts_back_behind)),
    Bug("mailbox/the stash replaces the batch", "mailbox/stashed",
        method(Cell, "put_back", _puts_back_over_the_batch)),
    Bug("mailbox/the rest of a batch is forgotten", PLAIN,
        method(Cell, "take_rest", _forgets_the_batch)),
    Bug("mailbox/a turn strands the rest of its batch", "mailbox/stashed",
        method(Cell, "leave", _leaves_the_batch)),
    Bug("mailbox/the message that crashed is tried again", WAITING,
        function(crashing.crash, _tries_the_message_again)),
    Bug("mailbox/the same in the short cut", PLAIN,
        function(crashing.restart_plainly, _tries_the_message_again_plainly)),
    Bug("mailbox/no letter of the message that crashed", PLAIN,
        function(letters.crashed, _loses_the_crashed)),
    Bug("mailbox/a restart empties the mailbox", WAITING,
        function(incarnations.rest, _keeps_no_mailbox)),
    Bug("mailbox/a restart keeps what it should not", "mailbox/emptied",
        function(incarnations.rest, _keeps_the_mailbox)),
    Bug("mailbox/a restart forgets the stash", "mailbox/stashed",
        function(incarnations.rest, _keeps_no_stash)),
    Bug("mailbox/a drain is a stop", "mailbox/drained", function(drain, _drains_at_once)),
    Bug("mailbox/one more than the bound", "mailbox/rejecting",
        method(BoundedQueue, "_has_room", _holds_one_more)),
    Bug("mailbox/one less than the bound", "mailbox/dropping newest",
        method(BoundedQueue, "_has_room", _holds_one_less)),
    Bug("mailbox/news takes room", "mailbox/rejecting",
        method(BoundedQueue, "append", _counts_internals)),
    Bug("mailbox/news leaves room behind", "mailbox/rejecting",
        method(BoundedQueue, "pop", _never_counts_internals_off)),
    Bug("mailbox/drops the newest for the oldest", "mailbox/dropping oldest",
        method(BoundedQueue, "_pop_oldest", _drops_the_newest)),
    Bug("mailbox/drops the newest in silence", "mailbox/dropping newest",
        method(BoundedQueue, "_put_or_drop", _drops_newest_in_silence)),
    Bug("mailbox/drops the oldest in silence", "mailbox/dropping oldest",
        method(BoundedQueue, "_put_over_oldest", _drops_oldest_in_silence)),
    Bug("mailbox/room wakes nobody", "mailbox/waiting for room",
        method(BoundedQueue, "_next_waiter", _wakes_nobody)),
    Bug("mailbox/who waits for room is forgotten", "mailbox/waiting for room",
        method(BoundedQueue, "try_put", _forgets_who_waits)),
    Bug("mailbox/the last of equals first", "mailbox/ranked",
        method(PriorityQueue, "put", _last_of_equals_first)),
    Bug("mailbox/ranks are ignored", "mailbox/ranked",
        method(PriorityQueue, "put", _first_in_first_out)),
    Bug("mailbox/the last rank first", "mailbox/ranked",
        method(PriorityQueue, "pop", _last_rank_first)),
)  # fmt: skip
