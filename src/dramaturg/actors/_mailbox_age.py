"""How long the first message of a mailbox has waited, found out by sampling.

Messages carry no time stamps, for that would cost each of them. So for each mailbox it is
remembered what stood first when it was looked at. If that has not moved when somebody
looks again, it has waited at least since. Any sign of progress starts anew from zero; the
signs are:

* the actor has another batch, or fewer messages left in it (a batch only shrinks);
* ``serial``, by which an actor with ``async def`` methods counts, has moved on;
* there is another object at the head of the mailbox, or there are fewer in it.

So the age is what was seen and never more than it is. With one exception: the very same
object, sent over and over to an actor that takes its messages one by one, cannot be told
from one that waits.

Other threads take and append meanwhile. Nothing is locked and nothing taken out; a batch
is asked for its length only. A head that goes away between two steps here counts as
gone, or as first seen; what comes of it is an age that is too low.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, NamedTuple, final

from dramaturg.actors._mailbox import BoundedQueue, PriorityQueue, ThreadQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors._cell import Cell

__all__ = ["First", "MailboxAges"]

_NOTHING = object()


@final
class MailboxAges:
    """Looks at mailboxes at one moment, knowing what stood first at an earlier one.

    What is remembered keeps no cell alive, no batch that the actor is through with, and no
    message that can be referred to weakly; of the others (requests, numbers) at most one
    for each actor, until the next look.
    """

    __slots__ = ("_earlier", "_now", "first")

    def __init__(self, earlier: dict[int, First], now: float) -> None:
        self._earlier = earlier
        self._now = now
        # By id, for a cell has no room for weak references. Should another cell come by the
        # same id, it is not the same message that stands first in it.
        self.first: dict[int, First] = {}

    def look(self, cell: Cell) -> tuple[int, float | None]:
        """Return how many messages wait, and how long the first is known to.

        None if nothing waits, or if the queue is of a kind that cannot be looked into.
        """
        if not cell.mailbox and cell.batch is None:  # by far the most
            return 0, None
        sample = _take_sample(cell)
        waiting = sample.left + sample.queued
        if not sample.left and sample.head is _NOTHING:
            return waiting, None
        then = self._earlier.get(id(cell))
        since = then.since if then is not None and then.is_still(sample) else self._now
        self.first[id(cell)] = First(sample, since)
        return waiting, self._now - since


class _Sample(NamedTuple):
    """What was seen of one mailbox."""

    batch: Any
    left: int
    """How many messages are left in the batch."""
    queued: int
    """How many wait behind it."""
    head: Any
    """The first of those, if the batch has none left."""
    serial: int


@final
class First:
    """What stood first in a mailbox, and since when."""

    __slots__ = ("_batch", "_head", "_left", "_queued", "_serial", "since")

    def __init__(self, sample: _Sample, since: float) -> None:
        # An iterator: it lets go of its messages when it comes to its end.
        self._batch = sample.batch
        self._left = sample.left
        self._queued = sample.queued
        self._serial = sample.serial
        self._head = _weakly(sample.head)
        self.since = since

    def is_still(self, now: _Sample) -> bool:
        """Tell whether it is still first; not if there is any sign of progress."""
        if now.batch is not self._batch or now.left != self._left or now.serial != self._serial:
            return False
        return now.left > 0 or (now.head is self._head() and now.queued >= self._queued)


def _take_sample(cell: Cell) -> _Sample:
    batch, mailbox = cell.batch, cell.mailbox
    left = 0 if batch is None else batch.__length_hint__()
    queued = len(mailbox)
    head = _NOTHING if left or not queued else _head(mailbox)
    return _Sample(batch, left, queued, head, cell.serial)


def _head(mailbox: Any) -> Any:
    """Return what stands first; without the queue's lock, since users' keys run under that."""
    try:
        if mailbox.__class__ in (list, ThreadQueue):
            return mailbox[0]
        if isinstance(mailbox, BoundedQueue):
            return mailbox._items[0]
        if isinstance(mailbox, PriorityQueue):
            if not mailbox._length:
                return mailbox._tail[0]
            return mailbox._buckets[mailbox._passed][0]
    except IndexError:  # somebody was faster
        pass
    return _NOTHING


def _weakly(item: Any) -> Callable[[], Any]:
    try:
        return weakref.ref(item)
    except TypeError:
        return lambda: item
