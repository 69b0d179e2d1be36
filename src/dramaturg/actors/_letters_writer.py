"""Writes what happens to dead letters into the journal, behind everybody's back.

Theory of operation
===================

Whoever has news puts it into a queue and goes on: any thread, nothing is encoded there, nobody
waits. A task on the system's loop takes up to 256 of them at a time, encodes them, appends them
as one order, and waits until that is durable; what comes meanwhile is the next order. The task
ends with the queue.

When the storage refuses, nobody knows whether the last order is there. So the writer keeps it,
waits (twice as long each time), asks the journal where the events end, and goes on behind that or
writes it again. When the storage will not get better (it is damaged, another process writes
there, or what is there cannot be read), the writer gives up: what is stored stays untouched.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, final

from dramaturg.actors._errors import said
from dramaturg.actors._future import Future
from dramaturg.actors._letters_stored import LettersSettled, encoded
from dramaturg.actors.journal._errors import ConcurrentWriter, JournalError, JournalUnavailable
from dramaturg.actors.journal._stored import Append, SaveSnapshot, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors._letters_stored import LetterEvent, LetterLog, LetterStored
    from dramaturg.actors._system import ActorSystem
    from dramaturg.actors.journal._journal import Journal

__all__ = ["LettersWriter"]

AT_ONCE = 256
PAUSE = 0.5
LONGEST_PAUSE = 30.0


class _News(NamedTuple):
    """Something to be written."""

    make: Callable[[], LetterEvent | None]
    """Makes the event when its turn has come; None if there is no need for it any more."""
    then: Callable[[BaseException | None], object] | None
    """Is told when it is durable; or why it never will be."""
    letter: int | None
    """The id of the letter, if that is what it is."""


@final
class _Batch:
    """What is written at once."""

    def __init__(self, news: list[_News], payloads: list[bytes], sequence: int) -> None:
        self.news = news
        self.payloads = payloads
        self.sequence = sequence
        self.in_doubt = False
        """Whether it may be there already."""


_Settled: TypeAlias = dict[int, str]


@final
class LettersWriter:
    """The way of dead letters into the journal.

    :param room: so many letters may wait.
    """

    def __init__(self, system: ActorSystem, journal: Journal, log: LetterLog, room: int) -> None:
        self.log = log
        self.failure: BaseException | None = None
        """Why nothing is written any more, although there was something to write."""
        self.is_closed = False
        self.outage: JournalUnavailable | None = None
        """Why nothing can be written just now."""
        self.lost = 0
        """So many letters were never stored."""
        self._system = system
        self._journal = journal
        self._room = room
        self._queue: deque[_News] = deque()
        self._letters = 0
        """How many of these are letters."""
        self._settled: _Settled = {}
        self._batch: _Batch | None = None
        self._in_batch: frozenset[int] = frozenset()
        self._task: asyncio.Task[None] | None = None
        self._is_called = False
        self._waits = False
        self._pause = PAUSE
        self._told_of_loss = False
        self._waiters: list[Future[None]] = []

    # -- any thread, under the system's lock -------------------------------------------------

    @property
    def is_full(self) -> bool:
        """Whether a letter more would not be taken."""
        return self._letters >= self._room or self.is_closed

    def store(self, id_: int, make: Callable[[], LetterStored | None]) -> bool:
        """Have a letter stored; tell whether it will be tried."""
        if self.is_full:
            self._lose(1)
            return False
        self._letters += 1
        self._order(_News(make, None, id_))
        return True

    def write(
        self,
        event: Callable[[], LetterEvent | None],
        then: Callable[[BaseException | None], object] | None = None,
    ) -> None:
        """Have an event written, behind all that waits."""
        self._order(_News(event, then, None))

    def settle(self, id_: int, how: str) -> None:
        """Have a letter settled, whenever that may be."""
        if not self.is_closed and (id_ in self.log.open or id_ in self._in_batch):
            self._settled[id_] = how
            self._call()

    def _order(self, news: _News) -> None:
        self._queue.append(news)
        self._call()

    def _call(self) -> None:
        if not self._is_called and not self._waits:
            self._is_called = True
            self._system.host.call_soon(self._begin)

    def stored(self) -> Future[None]:
        """Return what is completed when nothing waits any more, or with what is in the way."""
        future: Future[None] = Future()
        future.bind(refuse=self._system.runs_here)
        problem = self.failure or self.outage
        if problem is not None:
            future.complete(None, problem)
        elif self._is_idle:
            future.complete(None, None)
        else:
            self._waiters.append(future)
        return future

    @property
    def _is_idle(self) -> bool:
        return not self._queue and not self._settled and self._batch is None

    # -- on the loop -------------------------------------------------------------------------

    def _begin(self) -> None:
        self._is_called = False
        if self._task is None and not self.is_closed and not self._waits:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._batch is not None or self._take():
                await self._write()
        except JournalUnavailable as error:
            if error.problem == "closed":
                self.give_up(error)
            else:
                self._wait(error)
        except Exception as error:  # noqa: BLE001 - nobody else would hear of it
            self.give_up(error)
        finally:
            self._task = None
        self._tell()

    def _take(self) -> bool:
        """Make an order of what waits; tell whether there is anything."""
        with self._system.lock:
            news = [self._queue.popleft() for _ in range(min(AT_ONCE, len(self._queue)))]
            ids = frozenset([each.letter for each in news if each.letter is not None])
            self._letters -= len(ids)
            self._in_batch = ids
            settled, self._settled = self._settled, {}
        events: list[LetterEvent] = [event for each in news if (event := each.make()) is not None]
        for how in dict.fromkeys(settled.values()):
            through = [id_ for id_, why in settled.items() if why == how and id_ in self.log.open]
            if through:
                events.append(LettersSettled(tuple(through), how))
        if not news and not events:
            return False
        self._batch = _Batch(news, [encoded(each) for each in events], self.log.sequence)
        return True

    async def _write(self) -> None:
        batch = self._batch
        assert batch is not None  # noqa: S101 - whoever calls has looked
        if batch.payloads and not (batch.in_doubt and await self._is_there(batch)):
            batch.in_doubt = True
            time = self._system.clock.time().timestamp()
            payloads = tuple(batch.payloads)
            order = Append(self.log.persistence_id, batch.sequence, payloads, time)
            await self._journal.append(order)
        with self._system.lock:
            for payload in batch.payloads:
                self.log.take(payload)
            self._batch, self._in_batch = None, frozenset()
        self._recovered()
        for each in batch.news:
            if each.then is not None:
                each.then(None)
        if self.log.is_long:
            await self._compact()

    async def _is_there(self, batch: _Batch) -> bool:
        """Tell whether an order was carried out that has failed.

        :raises ConcurrentWriter: if somebody else has written meanwhile.
        """
        head = await self._journal.head(self.log.persistence_id)
        if head.sequence == batch.sequence:
            return False
        if head.sequence != batch.sequence + len(batch.payloads):
            raise ConcurrentWriter(
                persistence_id=self.log.persistence_id,
                expected=batch.sequence,
                found=head.sequence,
            )
        return True

    async def _compact(self) -> None:
        """Let go of what is settled."""
        log = self.log
        time = self._system.clock.time().timestamp()
        snapshot = Snapshot(log.persistence_id, log.sequence, log.snapshot(), time)
        log.snapshot_at = log.sequence
        try:
            await self._journal.save(SaveSnapshot(snapshot, keep=1, delete_events=True))
        except JournalError as error:
            # Events suffice to recover.
            self._warn("snapshot_failed", error=said(error))

    # -- when it does not work ---------------------------------------------------------------

    def _wait(self, error: JournalUnavailable) -> None:
        """Try again later."""
        if self.outage is None:
            self._warn("dead_letters_wait", error=said(error))
        self.outage = error
        self._waits = True
        self._system.clock.call_at(self._system.now() + self._pause, self._try_again)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _try_again(self) -> None:
        self._waits = False
        self._begin()

    def _recovered(self) -> None:
        self._pause = PAUSE
        self._told_of_loss = False
        if self.outage is not None:
            self.outage = None
            self._warn("dead_letters_go_on", lost=self.lost)

    def give_up(self, error: BaseException) -> None:
        """Write no more; what is stored stays as it is."""
        with self._system.lock:
            if self.is_closed:
                return
            self.failure, self.is_closed = error, True
            news = [*(() if self._batch is None else self._batch.news), *self._queue]
            self._queue.clear()
            self._settled.clear()
            self._batch = None
            self._letters = 0
        lost = sum(each.letter is not None for each in news)
        self.lost += lost
        self._warn("dead_letters_not_stored", error=said(error), lost=lost)
        for each in news:
            if each.then is not None:
                each.then(error)
        self._tell()

    def _lose(self, count: int) -> None:
        self.lost += count
        if not self.is_closed and not self._told_of_loss:
            self._told_of_loss = True
            self._warn("dead_letters_not_stored", error="too many wait", lost=self.lost)

    def _warn(self, event: str, **fields: object) -> None:
        self._system.log.warning(event, persistence_id=self.log.persistence_id, **fields)

    def _tell(self) -> None:
        """Let go whoever waits, if there is something to be told."""
        problem = self.failure or self.outage
        with self._system.lock:
            if problem is None and not self._is_idle:
                return
            waiters, self._waiters = self._waiters, []
        for each in waiters:
            each.complete(None, problem)

    async def finish(self) -> None:
        """Write what waits, with one more try if there was an outage; then write no more."""
        self._waits = False
        self._begin()
        while self._task is not None:
            await asyncio.wait([self._task])
            if not self._is_idle:
                self._begin()
        if self._is_idle:
            self.is_closed = True
        else:
            self.give_up(self.outage or _cut_short(self._journal))


def _cut_short(journal: Journal) -> JournalUnavailable:
    return JournalUnavailable(
        journal=journal.name, problem="closed", detail="the system has ended before that"
    )
