"""Mailboxes: the frozen recipes that users name, and the queues behind them.

An :class:`Unbounded` mailbox is a bare list, see ``_cell``. The bounded and the
priority queue take a lock, since a sender there looks before it appends.

A queue never refuses because its actor has stopped: the cell closes the *door*
in front of it (see ``_cell``). It only refuses for want of room.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol, final

from dramaturg.actors._envelope import Envelope
from dramaturg.actors._errors import MailboxFull, OptionError
from dramaturg.actors._signals import Internal

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["UNBOUNDED", "Bounded", "MailboxSpec", "Overflow", "Priority", "Queue", "Unbounded"]


class Overflow(Enum):
    """What a full :class:`Bounded` mailbox does with one message too many.

    Every message lost this way is a dead letter (reason ``OVERFLOW``), and a
    request lost this way fails at once with :class:`MailboxFull`.
    """

    REJECT = "reject"
    """The sender gets :class:`MailboxFull`, from ``tell`` too."""
    DROP_NEWEST = "drop_newest"
    """The new message is dropped; ``tell`` returns as if nothing happened."""
    DROP_OLDEST = "drop_oldest"
    """The message that waited longest makes room."""
    BLOCK = "block"
    """The sender waits for room, up to the mailbox's ``timeout``: its thread
    in ``tell`` and ``ask``, its coroutine in ``await ref.send`` and
    ``await ref.request``. Then :class:`MailboxFull`."""


class Queue(Protocol):
    """What a cell needs of the queue behind its door."""

    def pop(self, index: int, /) -> Any:
        """Take the next item; as a list does, with 0 for the index."""

    def append(self, item: Any, /) -> None:
        """Add behind everything else, also when full."""

    def __len__(self) -> int: ...


class QueueOwner(Protocol):
    """The cell, as its queue sees it."""

    @property
    def path(self) -> str: ...

    def overflowed(self, item: Any, error: MailboxFull) -> None:
        """Make a dead letter of the item and fail its request."""

    def may_block(self) -> bool:
        """Tell whether the calling thread may wait here for room."""
        ...


class RoomWaiter(Protocol):
    """A sender that waits for room."""

    def wake(self) -> None: ...


class MailboxSpec(Protocol):
    """A recipe for a mailbox."""

    def create(self, owner: QueueOwner) -> Queue | None:
        """Make the queue; None for the plain list that every cell has."""


@final
@dataclass(frozen=True, slots=True)
class Unbounded:
    """No limit; first in, first out. The default."""

    def create(self, owner: QueueOwner) -> Queue | None:  # noqa: ARG002 - the protocol's
        return None


UNBOUNDED = Unbounded()


@final
@dataclass(frozen=True, slots=True)
class Bounded:
    """At most ``capacity`` messages wait; first in, first out.

    :param capacity: how many messages may wait, at least 1. Control signals,
        messages put back by ``unstash_all`` and the end mark of a drain do not count.
    :param overflow: what happens to one too many, see :class:`Overflow`.
    :param timeout: seconds that a sender waits for room under ``Overflow.BLOCK``.
    :raises OptionError: for a capacity below 1 or a negative timeout.
    """

    capacity: int
    overflow: Overflow = Overflow.REJECT
    timeout: float = 10.0

    def __post_init__(self) -> None:
        if not isinstance(self.capacity, int) or self.capacity < 1:
            raise OptionError(
                option="capacity", value=self.capacity, expected="an int of at least 1"
            )
        if not isinstance(self.overflow, Overflow):
            raise OptionError(
                option="overflow", value=self.overflow, expected="a member of Overflow"
            )
        if not self.timeout >= 0:
            raise OptionError(option="timeout", value=self.timeout, expected="seconds, at least 0")

    def create(self, owner: QueueOwner) -> Queue | None:
        return BoundedQueue(self, owner)


@final
@dataclass(frozen=True, slots=True)
class Priority:
    """The message with the smallest key first; equal keys first in, first out.

    :param key: called with each message in the sender's thread; whatever it
        raises, or comparing keys does, is raised by ``tell`` and nothing is sent.
    """

    key: Callable[[Any], Any]

    def create(self, owner: QueueOwner) -> Queue | None:  # noqa: ARG002 - the protocol's
        return PriorityQueue(self.key)


class ThreadQueue(deque[Any]):
    """The unbounded mailbox of a blocking actor, whose thread takes items one by one."""

    __slots__ = ()

    def put(self, item: Any, /) -> None:
        """Add an item."""
        self.append(item)

    def pop(self, index: int = 0, /) -> Any:  # noqa: ARG002 - the list's
        """Take the first item."""
        return self.popleft()


class BoundedQueue:
    """The queue of a :class:`Bounded` mailbox."""

    __slots__ = ("_internal", "_items", "_lock", "_owner", "_spec", "_waiters", "put")

    def __init__(self, spec: Bounded, owner: QueueOwner) -> None:
        self._spec = spec
        self._owner = owner
        self._items: deque[Any] = deque()
        self._internal = 0
        """How many of the items are the runtime's own; they take no room."""
        self._lock = threading.Lock()
        self._waiters: deque[RoomWaiter] = deque()
        self.put: Callable[[Any], None] = {
            Overflow.REJECT: self._put_or_reject,
            Overflow.DROP_NEWEST: self._put_or_drop,
            Overflow.DROP_OLDEST: self._put_over_oldest,
            Overflow.BLOCK: self.put_when_room,
        }[spec.overflow]

    def __len__(self) -> int:
        return len(self._items)

    @property
    def waits(self) -> bool:
        """Tell whether senders wait for room here."""
        return self._spec.overflow is Overflow.BLOCK

    @property
    def wait_limit(self) -> float:
        """Seconds that a sender waits for room."""
        return self._spec.timeout

    def full(self) -> MailboxFull:
        """Make the error for a sender that found no room."""
        return MailboxFull(path=self._owner.path, capacity=self._spec.capacity)

    def try_put(self, item: Any, waiter: RoomWaiter | None = None) -> bool:
        """Add the item if there is room; else leave the waiter to be woken."""
        with self._lock:
            if self._has_room():
                self._items.append(item)
                return True
            if waiter is not None:
                self._waiters.append(waiter)
            return False

    def forget(self, waiter: RoomWaiter) -> None:
        """Withdraw a waiter; one that was woken already passes its turn on."""
        with self._lock:
            try:
                self._waiters.remove(waiter)
            except ValueError:
                passed_on = self._next_waiter()
            else:
                return
        if passed_on is not None:
            passed_on.wake()

    def release_all(self) -> None:
        """Wake every waiting sender: the door has closed."""
        with self._lock:
            waiters = list(self._waiters)
            self._waiters.clear()
        for waiter in waiters:
            waiter.wake()

    def pop(self, index: int, /) -> Any:  # noqa: ARG002 - the list's
        with self._lock:
            item = self._items.popleft()
            if isinstance(item, Internal):
                self._internal -= 1
            waiter = self._next_waiter()
        if waiter is not None:
            waiter.wake()
        return item

    def peek(self) -> Any:
        """Return the next item and leave it; there is one."""
        return self._items[0]

    def append(self, item: Any, /) -> None:
        with self._lock:
            self._items.append(item)
            self._internal += 1

    def _has_room(self) -> bool:
        return len(self._items) - self._internal < self._spec.capacity

    def _next_waiter(self) -> RoomWaiter | None:
        if self._waiters and self._has_room():
            return self._waiters.popleft()
        return None

    def _put_or_reject(self, item: Any) -> None:
        if not self.try_put(item):
            error = self.full()
            self._owner.overflowed(item, error)
            raise error

    def _put_or_drop(self, item: Any) -> None:
        if not self.try_put(item):
            self._owner.overflowed(item, self.full())

    def _put_over_oldest(self, item: Any) -> None:
        with self._lock:
            dropped = [] if self._has_room() else [self._pop_oldest()]
            self._items.append(item)
        for oldest in dropped:
            self._owner.overflowed(oldest, self.full())

    def _pop_oldest(self) -> Any:
        items = self._items
        place = next(i for i, item in enumerate(items) if not isinstance(item, Internal))
        oldest = items[place]
        del items[place]
        return oldest

    def put_when_room(self, item: Any, limit: float | None = None) -> None:
        """Add the item; block this thread until there is room, up to the limit."""
        if self.try_put(item):
            return
        self._owner.may_block()
        waiter = _ThreadWaiter()
        while not self.try_put(item, waiter):
            if not waiter.wait(self._spec.timeout if limit is None else max(0.0, limit)):
                self.forget(waiter)
                error = self.full()
                self._owner.overflowed(item, error)
                raise error


class _ThreadWaiter:
    """A thread that waits for room."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event = threading.Event()

    def wake(self) -> None:
        self._event.set()

    def wait(self, limit: float) -> bool:
        woken = self._event.wait(limit)
        self._event.clear()
        return woken


class PriorityQueue:
    """The queue of a :class:`Priority` mailbox.

    Keys are compared in ``put`` only, and before anything is changed: a
    comparison that raises is the sender's error and leaves the queue as it was.
    (A heap compares in ``pop`` too, and an error there would lose messages.)
    """

    __slots__ = ("_buckets", "_key", "_keys", "_length", "_lock", "_passed", "_tail")

    def __init__(self, key: Callable[[Any], Any]) -> None:
        self._key = key
        self._keys: list[Any] = []
        """The keys of what waits, each once, in order."""
        self._buckets: list[deque[Any]] = []
        """For each key its messages, first in, first out."""
        self._passed = 0
        """How many keys in front have no message left; taken off now and then, at one go."""
        self._length = 0
        self._tail: deque[Any] = deque()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._length + len(self._tail)

    def put(self, item: Any) -> None:
        key = self._key(item.message if item.__class__ is Envelope else item)
        with self._lock:
            keys = self._keys
            place = bisect_left(keys, key, self._passed)
            if place == len(keys) or key < keys[place]:
                keys.insert(place, key)
                self._buckets.insert(place, deque())
            self._buckets[place].append(item)
            self._length += 1

    def pop(self, index: int, /) -> Any:  # noqa: ARG002 - the list's
        with self._lock:
            if not self._length:
                return self._tail.popleft()
            bucket = self._buckets[self._passed]
            item = bucket.popleft()
            self._length -= 1
            if not bucket:
                self._passed += 1
                if 2 * self._passed > len(self._keys):
                    del self._keys[: self._passed], self._buckets[: self._passed]
                    self._passed = 0
            return item

    def peek(self) -> Any:
        """Return the next item and leave it; there is one."""
        return self._buckets[self._passed][0] if self._length else self._tail[0]

    def append(self, item: Any, /) -> None:
        with self._lock:
            self._tail.append(item)
