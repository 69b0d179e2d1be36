"""Dead letters that outlive the process: the store of a system, kept in its journal too.

What is listed is in memory, as in the store without a journal; each change is written behind
it (``_letters_writer``). So no actor and no caller ever waits for the disk. A replay alone does
something that cannot be taken back, so a letter is marked first, and sent when the mark is
durable.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast, final

from dramaturg.actors._dead_letters import (
    DeadLetter,
    DeadLetterReason,
    DeadLetters,
    Replayed,
    letter_of,
)
from dramaturg.actors._envelope import Envelope, Headers
from dramaturg.actors._errors import (
    MailboxFull,
    OptionError,
    SystemStateError,
    said,
)
from dramaturg.actors._letter_filter import LostMessage
from dramaturg.actors._letters_handled import (
    Handled,
    LetterHandler,
    LetterVerdict,
    asked,
)
from dramaturg.actors._letters_replay import ReplaySlot
from dramaturg.actors._letters_stored import (
    LetterLog,
    LetterMarked,
    LettersSettled,
    LetterStored,
    read_letter,
    stored_letter,
)
from dramaturg.actors._letters_writer import LettersWriter
from dramaturg.actors._ref import ActorRef
from dramaturg.actors._registry import TypeRegistry
from dramaturg.actors._timers import check_seconds
from dramaturg.actors.journal._stored import check_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dramaturg.actors._codec import Codec
    from dramaturg.actors._future import Future
    from dramaturg.actors._system import ActorSystem

__all__ = ["DurableDeadLetters"]


@final
class DurableDeadLetters(DeadLetters):
    """The dead letters of one system, which are there again after its process has ended.

    ::

        system = ActorSystem(
            "shop",
            journal=SqliteJournal("shop.db"),
            dead_letters=DurableDeadLetters(TypeRegistry.from_module(messages)),
        )

    What :class:`DeadLetters` does it does, too, and none of its methods waits for the disk.
    Letters are written in the background, many at once. Each is stored some milliseconds after
    the message died; :meth:`stored` waits for that.

    Messages of other types than the registry's are kept as long as the process lives; what is
    stored of them is their repr, and why (:class:`LostMessage`). Errors come back as
    :class:`StoredError`.

    While the journal is not to be had, letters wait for it, as many as ``buffer`` says; those
    beyond are in memory only, counted in ``lost`` and warned of. A journal that is damaged, or
    in which another process writes under this id, is left alone: ``failure`` says why, and the
    store goes on in memory.

    :param registry: the types of messages to be stored.
    :param capacity: how many letters are kept, in memory and in the journal; the oldest go.
    :param max_age: seconds after which a letter goes; default none does.
    :param buffer: how many letters may wait to be stored.
    :param persistence_id: under which they are stored; default "dead-letters/" and the system's
        name. Processes that share a journal need different ones.
    :raises OptionError: for a value that cannot be.
    """

    is_durable = True

    def __init__(
        self,
        registry: TypeRegistry,
        *,
        capacity: int = 10_000,
        max_age: float | None = None,
        buffer: int = 10_000,
        persistence_id: str | None = None,
    ) -> None:
        super().__init__(capacity)
        if not isinstance(cast("object", registry), TypeRegistry):
            raise OptionError(option="registry", value=registry, expected="a TypeRegistry")
        if type(buffer) is not int or buffer < 1:
            raise OptionError(option="buffer", value=buffer, expected="an int of at least 1")
        if max_age is not None and not check_seconds("max_age", max_age):
            raise OptionError(option="max_age", value=max_age, expected="above 0, or None")
        if persistence_id is not None:
            check_text("persistence_id", persistence_id)
        self._registry = registry
        self._max_age = None if max_age is None else timedelta(seconds=max_age)
        self._buffer = buffer
        self._persistence_id = persistence_id
        self._writer: LettersWriter | None = None
        self._in_memory: set[int] = set()
        """Those that are not, and will not be, in the journal."""
        self._on_their_way: dict[int, DeadLetter] = {}
        """Those that are being replayed, or are with a handler."""

    def __repr__(self) -> str:
        return f"<DurableDeadLetters kept={len(self)} total={self.total} lost={self.lost}>"

    @property
    def lost(self) -> int:
        """How many letters of this process were never stored as letters."""
        return len(self._in_memory) if self._writer is None else self._writer.lost

    @property
    def failure(self) -> BaseException | None:
        """Why the journal has been given up; None if it has not."""
        return None if self._writer is None else self._writer.failure

    @property
    def outage(self) -> BaseException | None:
        """Why nothing can be written just now, and letters wait; None if they need not."""
        return None if self._writer is None else self._writer.outage

    def stored(self) -> Future[None]:
        """Return what is complete when all that happened so far is durable; await it, or `get`.

        It fails if the journal is not to be had, with that error: what waits goes on waiting.

        :raises SystemStateError: before the system has started.
        """
        if self._system is None or self._writer is None:
            raise SystemStateError(system="of the dead letters", state="not started", call="stored")
        with self._system.lock:
            return self._writer.stored()

    # -- life --------------------------------------------------------------------------------

    def attach(self, system: ActorSystem) -> None:
        """Bind the store to its system.

        :raises OptionError: if it has no journal, or the store has another system.
        """
        if system.journal is None:
            expected = "a journal, since the dead letters are to be durable"
            raise OptionError(option="journal", value=None, expected=expected)
        super().attach(system)

    async def begin(self) -> None:
        """Find what is stored.

        :raises SystemStateError: if there are letters already, or it has begun.
        """
        system = self._system
        if system is None or self._writer is not None or self._last_id:
            name = "of the dead letters" if system is None else system.name
            state = "not there" if system is None else "running"
            raise SystemStateError(system=name, state=state, call="dead_letters.begin")
        journal = system.journal
        assert journal is not None  # noqa: S101 - looked at in attach
        log = LetterLog(self._persistence_id or f"dead-letters/{system.name}")
        writer = LettersWriter(system, journal, log, self._buffer)
        try:
            await log.recover(journal)
            letters: dict[int, Any] = {id_: log.letter(id_) for id_ in sorted(log.open)}
            counts = {DeadLetterReason(each)._value_: log.counts[each] for each in log.counts}
        except Exception as error:  # noqa: BLE001 - a system is to start without them, too
            writer.give_up(error)
            self._writer = writer
            return
        with system.lock:
            self._letters = letters
            self._last_id = log.last_id
            self._counts.update(counts)
            self._writer = writer
            while len(self._letters) > self._capacity:
                self._push_out(next(iter(self._letters)))

    async def finish(self) -> None:
        """Store what is not stored yet."""
        if self._writer is not None:
            await self._writer.finish()

    # -- letters that come and go ------------------------------------------------------------

    def _keep(self, id_: int) -> None:
        writer = self._writer
        if writer is None or not writer.store(id_, lambda: self._to_store(id_)):
            self._in_memory.add(id_)
        if self._max_age is not None:
            self._let_age()

    def _to_store(self, id_: int) -> LetterStored | None:
        """Make what is stored of a letter, if it is still there."""
        system = self._system
        assert system is not None  # noqa: S101 - whose letter else
        with system.lock:
            kept = self._letters.get(id_) or self._on_their_way.get(id_)
            letter = None if kept is None else self._opened(id_, kept)
        return None if letter is None else stored_letter(letter, self._codec(system))

    def _codec(self, system: ActorSystem) -> Codec:
        return system.journal_codec(self._registry)

    def _opened(self, id_: int, kept: Any) -> DeadLetter:
        if isinstance(kept, DeadLetter):
            return kept
        if not isinstance(kept, LetterStored):
            letter = letter_of(kept)
        else:
            system = self._system
            assert system is not None  # noqa: S101 - whose letter else
            letter = read_letter(kept, self._codec(system))
            if isinstance(letter.message, LostMessage):
                return letter  # perhaps the actor that it names is not there yet
        self._letters[id_] = letter
        return letter

    def _push_out(self, id_: int) -> None:
        super()._push_out(id_)
        self._settle(id_, "pushed out")

    def _settle(self, id_: int, how: str) -> None:
        """Have it settled in the journal, if it is there; under the lock."""
        if id_ in self._in_memory:
            self._in_memory.discard(id_)
        elif self._writer is not None:
            self._writer.settle(id_, how)

    def _let_age(self) -> None:
        """Let go of those that are too old; under the lock."""
        if self._max_age is None or self._system is None:
            return
        oldest = self._system.clock.time() - self._max_age
        while self._letters:
            id_, kept = next(iter(self._letters.items()))
            if _time_of(kept) > oldest:
                return
            self._push_out(id_)

    def _snapshot(self) -> Any:
        if self._system is not None:
            with self._system.lock:
                self._let_age()
        return super()._snapshot()

    def discard(self, letters: Iterable[DeadLetter] | None = None) -> int:
        """Throw letters away, default all; return how many there were. Durable soon after.

        :raises OptionError: for letters that are none.
        """
        return self._take_all(self._chosen(letters), "discarded")

    def _take_all(self, letters: Iterable[DeadLetter], how: str) -> int:
        system = self._system
        count = 0
        for letter in letters:
            assert system is not None  # noqa: S101 - whose letters else
            with system.lock:
                if self._take(letter):
                    self._settle(letter.id, how)
                    count += 1
        return count

    # -- replay ------------------------------------------------------------------------------

    def replay(
        self,
        letters: Iterable[DeadLetter] | None = None,
        *,
        limit: int | None = None,
        max_attempts: int = 3,
        requester_told: bool = False,
        in_doubt: bool = False,
    ) -> Replayed:
        """Send letters once more to the living actors of their paths, the oldest first.

        It returns at once. Each letter is marked in the journal first, and sent when the mark is
        durable; it is settled when its message has been handled, and becomes a new letter if
        that fails. So nothing is sent twice, and nothing lost: of what was being replayed when
        the process ended nobody knows whether it was handled. Those letters are listed as
        ``in_doubt``, with one attempt more, and are sent again only if that is asked for. A
        replay has the same message id each time.

        :param letters: which ones; default all but those of requests whose requesters got the
            error, since they may have tried again.
        :param limit: send at most so many.
        :param max_attempts: letters with that many attempts are kept, not sent.
        :param requester_told: whether to send those too, if no letters are given.
        :param in_doubt: whether to send those in doubt too.
        :raises OptionError: for letters that are none.
        :raises JournalError: or whatever else ``failure`` is, for a letter in a journal that has
            been given up.
        """
        system = self._system
        if system is None:
            raise OptionError(
                option="dead_letters", value=self, expected="a store attached to a system"
            )
        reasons = ("no_target", "exhausted", "in_doubt", "unreadable", "requester_told")
        kept = dict.fromkeys(reasons, 0)
        sent: list[int] = []
        for letter in self._chosen(letters):
            if limit is not None and len(sent) >= limit:
                break
            ref = system.lookup(letter.target)
            if letters is None and letter.requester_told and not requester_told:
                kept["requester_told"] += 1
            elif letter.attempts >= max_attempts:
                kept["exhausted"] += 1
            elif letter.in_doubt and not in_doubt:
                kept["in_doubt"] += 1
            elif isinstance(letter.message, LostMessage):
                kept["unreadable"] += 1
            elif ref is None or not ref.is_alive():
                kept["no_target"] += 1
            elif self._order_replay(letter, ref, system):
                sent.append(letter.id)
        return Replayed(sent=len(sent), ids=tuple(sent), **kept)

    def _order_replay(self, letter: DeadLetter, ref: ActorRef[Any], system: ActorSystem) -> bool:
        writer = self._writer
        marked = replace(
            letter,
            message_id=letter.message_id or system.ids(),
            attempts=letter.attempts + 1,
            requester_told=False,  # from now on it is the business of whoever replays it
        )
        with system.lock:
            stored = letter.id not in self._in_memory
            if stored and self.failure is not None and letter.id in self._letters:
                raise self.failure
            if not self._take_in_hand(letter):
                return False
            if stored and writer is not None:
                mark = LetterMarked(letter.id, cast("Any", marked.message_id), marked.attempts)
                writer.write(lambda: mark, lambda error: self._marked(letter, marked, ref, error))
                return True
        self._marked(letter, marked, ref, None)
        return True

    def _marked(
        self,
        letter: DeadLetter,
        marked: DeadLetter,
        ref: ActorRef[Any],
        problem: BaseException | None,
    ) -> None:
        if problem is not None:
            self._back(letter)
            return
        assert marked.message_id is not None  # noqa: S101 - it was given one
        headers = Headers(
            message_id=marked.message_id,
            correlation_id=marked.correlation_id or marked.message_id,
            causation_id=marked.causation_id,
            attempts=marked.attempts,
        )
        system = ref.cell.system
        sender = None if marked.sender is None else system.lookup(marked.sender)
        slot = ReplaySlot(self, marked, ref.cell)
        try:
            ref.tell(Envelope(marked.message, slot, sender, None, headers))
        except MailboxFull as error:
            slot.complete(None, error)  # that made a new letter of it
        except Exception as error:  # noqa: BLE001 - it is still the store's
            self._back(marked)
            system.log.warning("dead_letter_not_replayed", letter_id=letter.id, error=said(error))

    def _back(self, letter: DeadLetter) -> None:
        if self._system is not None:
            with self._system.lock:
                self._on_their_way.pop(letter.id, None)
                self._put_back(letter)

    def came_through(self, letter: DeadLetter, *, failed: bool) -> None:
        """Settle a letter that was replayed; any thread."""
        system = self._system
        writer = self._writer
        if system is None or writer is None:
            return
        with system.lock:
            if self._on_their_way.pop(letter.id, None) is None:
                return
            if not failed:
                self._settle(letter.id, "replayed")
            elif letter.id in self._in_memory:
                self._in_memory.discard(letter.id)
            elif not writer.is_full:  # else the new letter may be in memory only
                # Behind the new letter: in between both are there.
                id_ = letter.id
                writer.write(lambda: LettersSettled((id_,), "failed again"))

    # -- by hand -----------------------------------------------------------------------------

    async def handle(
        self,
        handler: LetterHandler,
        letters: Iterable[DeadLetter] | None = None,
        *,
        limit: int | None = None,
    ) -> Handled:
        """Let a function or an actor see to letters, one after the other, the oldest first.

        Each letter is taken out meanwhile, so that nobody else gets it. A handler that fails,
        or says nothing of a :class:`LetterVerdict`, leaves it. Should the process end before its
        verdict is stored, the handler gets the letter once more: ``letter.id`` tells.

        :param handler: returns, or answers :class:`HandleLetter` with, a :class:`LetterVerdict`.
        :param letters: which ones; default all.
        :param limit: at most so many.
        :raises OptionError: for letters that are none.
        """
        verdicts = dict.fromkeys(LetterVerdict, 0)
        failed: list[tuple[int, BaseException]] = []
        again: list[DeadLetter] = []
        for letter in self._chosen(letters)[:limit]:
            if not self._take_in_hand(letter):
                continue
            verdict = LetterVerdict.LEFT
            try:
                verdict = await asked(handler, letter)
            except Exception as error:  # noqa: BLE001 - told to whoever called
                failed.append((letter.id, error))
            finally:
                self._take_verdict(letter, verdict)
            verdicts[verdict] += 1
            if verdict is LetterVerdict.REPLAY:
                again.append(letter)
        replayed = self.replay(again, in_doubt=True)
        left = verdicts[LetterVerdict.LEFT]
        return Handled(verdicts[LetterVerdict.SETTLED], left, replayed, tuple(failed))

    def _take_in_hand(self, letter: DeadLetter) -> bool:
        if self._system is None:
            return False
        with self._system.lock:
            taken = self._take(letter)
            if taken:
                self._on_their_way[letter.id] = letter
            return taken

    def _take_verdict(self, letter: DeadLetter, verdict: LetterVerdict) -> None:
        if verdict is not LetterVerdict.SETTLED:
            self._back(letter)
        elif self._system is not None:
            with self._system.lock:
                self._on_their_way.pop(letter.id, None)
                self._settle(letter.id, "handled")


def _time_of(kept: Any) -> Any:
    """Return the time of a letter, opened or not."""
    return kept[6] if kept.__class__ is tuple else kept.time
