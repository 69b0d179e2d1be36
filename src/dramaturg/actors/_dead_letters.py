"""The one place where messages end that nobody handled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from dramaturg.actors._envelope import Envelope, Headers
from dramaturg.actors._errors import MailboxFull, OptionError
from dramaturg.actors._events import DeadLettered, LifecycleEvent
from dramaturg.actors._letter_filter import LetterFilter
from dramaturg.actors._letter_reason import DeadLetterReason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from dramaturg.actors._cell import Cell
    from dramaturg.actors._ref import ActorRef
    from dramaturg.actors._system import ActorSystem

__all__ = ["DeadLetter", "DeadLetterReason", "DeadLetters", "Replayed", "letter_of"]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was not handled, and why.

    ``sender`` and the three ids are None where the message did not carry them:
    a request carries its sender, and in a system made with ``trace=True`` every
    message carries all four. ``attempts`` counts deliveries, replays included.
    """

    id: int
    reason: DeadLetterReason
    message: Any
    target: str
    sender: str | None
    message_id: UUID | None
    correlation_id: UUID | None
    causation_id: UUID | None
    attempts: int
    time: datetime
    error: BaseException | None
    in_doubt: bool = False
    """Whether the process ended within a replay, so that it may have been handled."""
    requester_told: bool = False
    """Whether it was a request, and its requester got the error: it may have tried again."""


LogLetter: TypeAlias = "Callable[[int, str, Any, str, str | None], None]"
_Raw: TypeAlias = tuple[
    int, DeadLetterReason, Any, str, "str | None", "Headers | None", "datetime", Any, bool
]


def letter_of(raw: _Raw) -> DeadLetter:
    """Make a letter of what was noted when the message died."""
    id_, reason, message, target, sender, headers, time, error, told = raw
    return DeadLetter(
        id=id_,
        reason=reason,
        message=message,
        target=target,
        sender=sender,
        message_id=headers.message_id if headers else None,
        correlation_id=headers.correlation_id if headers else None,
        causation_id=headers.causation_id if headers else None,
        attempts=headers.attempts if headers else 1,
        time=time,
        error=error if error is None or isinstance(error, BaseException) else error(),
        requester_told=told,
    )


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did."""

    sent: int
    """Letters sent again, and so no longer dead."""
    no_target: int
    """Letters kept since no living actor has that path."""
    exhausted: int
    """Letters kept since they had all the attempts they get."""
    in_doubt: int = 0
    """Letters kept since an earlier replay of theirs may have come through."""
    unreadable: int = 0
    """Letters kept since their messages cannot be made again from what is stored."""
    requester_told: int = 0
    """Letters kept since their requesters know, and nobody said that they are to be sent."""
    ids: tuple[int, ...] = field(default=(), compare=False)
    """The ids of those that were sent."""


class DeadLetters:
    """The dead letters of one system, in memory; the oldest go when it is full.

    Safe from any thread. Each letter is counted in ``total`` also after it has
    been discarded, replayed or pushed out.

    :param capacity: how many letters are kept.
    :raises OptionError: for a capacity below 1.
    """

    is_durable = False
    """Whether it has a beginning and an end that its system has to wait for."""

    def __init__(self, capacity: int = 100_000) -> None:
        if capacity < 1:
            raise OptionError(option="capacity", value=capacity, expected="an int of at least 1")
        self._letters: dict[int, Any] = {}  # letters, or what makes them when somebody looks
        self._capacity = capacity
        self._counts = dict.fromkeys((each.value for each in DeadLetterReason), 0)
        self._last_id = 0
        self._system: ActorSystem | None = None
        self._pushed_out = 0
        self.log_first: LogLetter | None = None
        """Writes a letter to the log; only the first few."""

    def attach(self, system: ActorSystem) -> None:
        """Bind the store to the system whose clock, actors and events it uses."""
        if self._system is not None and self._system is not system:
            raise OptionError(
                option="dead_letters", value=self, expected="a store that no other system uses"
            )
        self._system = system

    def add(
        self,
        cell: Cell,
        message: Any,
        envelope: Envelope | None,
        reason: DeadLetterReason,
        error: BaseException | Callable[[], BaseException] | None,
        *,
        told: bool = False,
    ) -> None:
        """Record one; called by the runtime. The error may be made later, by a function."""
        system = cell.system
        headers = envelope.headers if envelope is not None else None
        sender = envelope.sender if envelope is not None else None
        from_ = sender.path if sender is not None else None
        extra = cell.extra
        # Where it was sent: a fallback that stood in may be gone when it is replayed.
        front = None if extra is None else extra.front
        path = cell.path if front is None else front.path
        with system.lock:
            self._last_id = id_ = self._last_id + 1
            time = system.clock.time()
            # A letter is made when somebody looks: few of a crash storm's are ever read.
            raw = (id_, reason, message, path, from_, headers, time, error, told)
            self._letters[id_] = raw
            self._counts[reason._value_] += 1
            if len(self._letters) > self._capacity:
                self._push_out(next(iter(self._letters)))
            if self.is_durable:
                self._keep(id_)
        if isinstance(message, LifecycleEvent):
            # An event that missed its subscriber makes no further event, or there were no end.
            return
        # What an actor crashed upon is in the report of that.
        if self.log_first is not None and reason is not DeadLetterReason.CRASHED:
            self.log_first(id_, reason.value, message, path, from_)
        if system.events.wants(DeadLettered):
            system.events.publish(
                DeadLettered(
                    path=path,
                    time=time,
                    letter_id=id_,
                    reason=reason.value,
                    message_type=type(message).__qualname__,
                    sender=from_,
                )
            )

    def __len__(self) -> int:
        return len(self._letters)

    def __repr__(self) -> str:
        return f"<DeadLetters kept={len(self._letters)} total={self.total}>"

    @property
    def total(self) -> int:
        """How many letters there ever were."""
        return self._last_id

    @property
    def pushed_out(self) -> int:
        """How many letters were lost since the store was full."""
        return self._pushed_out

    @property
    def counts(self) -> dict[DeadLetterReason, int]:
        """How many letters there ever were, by reason."""
        return {DeadLetterReason(value): count for value, count in self._counts.items()}

    def list(
        self,
        *,
        reason: DeadLetterReason | None = None,
        target: str | ActorRef[Any] | None = None,
        message_type: type | str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        text: str | None = None,
        requester_told: bool | None = None,
        where: Callable[[DeadLetter], bool] | None = None,
        limit: int | None = None,
    ) -> list[DeadLetter]:
        """List the letters that fit all that is given, the oldest first.

        :param target: the path of an actor, or its ref; its descendants' letters are included.
            In a name ``*`` stands for any characters: "/tills/*/drawer".
        :param message_type: the class of the message, or a base class of it; or the name of
            its very class.
        :param since: those of this moment and later.
        :param until: those before this moment.
        :param text: what the message or the error says, whatever the case.
        :param requester_told: those of requests whose requesters got the error; or the others.
        :raises OptionError: for what cannot be.
        """
        chosen = LetterFilter(
            reason=reason,
            target=target,
            message_type=message_type,
            since=since,
            until=until,
            text=text,
            requester_told=requester_told,
            where=where,
        )
        return [*islice(filter(chosen.fits, self._snapshot()), limit)]

    def count(
        self,
        *,
        reason: DeadLetterReason | None = None,
        target: str | ActorRef[Any] | None = None,
        message_type: type | str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        text: str | None = None,
        requester_told: bool | None = None,
        where: Callable[[DeadLetter], bool] | None = None,
    ) -> int:
        """Count the letters that :meth:`list` would list."""
        found = self.list(
            reason=reason,
            target=target,
            message_type=message_type,
            since=since,
            until=until,
            text=text,
            requester_told=requester_told,
            where=where,
        )
        return len(found)

    def get(self, letter_id: int) -> DeadLetter | None:
        """Return one letter, such as ``DeadLettered`` names; None if it is not here any more."""
        if self._system is None:
            return None
        with self._system.lock:
            letter = self._letters.get(letter_id)
            return None if letter is None else self._opened(letter_id, letter)

    def replay(
        self,
        letters: Iterable[DeadLetter] | None = None,
        *,
        limit: int | None = None,
        max_attempts: int = 3,
        requester_told: bool = False,
    ) -> Replayed:
        """Send letters once more to the living actors of their paths, the oldest first.

        A letter is taken out as it is sent, so that it is sent once however
        often and from however many threads this is called; if it fails again it
        is a new letter with one attempt more. Requests are replayed as plain
        messages: their callers have had their answer.

        :param letters: which ones; default all but those of requests whose requesters got the
            error, since they may have tried again.
        :param limit: send at most so many.
        :param max_attempts: letters with that many attempts are kept, not sent.
        :param requester_told: whether to send those too, if no letters are given.
        :raises OptionError: for letters that are none.
        :raises BlockingCallError: and whatever else ``tell`` raises but
            :class:`MailboxFull`, which makes a new letter; the letter is kept.
        """
        system = self._system
        if system is None:
            raise OptionError(
                option="dead_letters", value=self, expected="a store attached to a system"
            )
        no_target = exhausted = told = 0
        sent: list[int] = []
        for letter in self._chosen(letters):
            if limit is not None and len(sent) >= limit:
                break
            if letters is None and letter.requester_told and not requester_told:
                told += 1
                continue
            if letter.attempts >= max_attempts:
                exhausted += 1
                continue
            ref = system.lookup(letter.target)
            if ref is None or not ref.is_alive():
                no_target += 1
                continue
            if self._take(letter):
                sent.append(letter.id)
                self._send(letter, ref, system)
        return Replayed(
            sent=len(sent),
            no_target=no_target,
            exhausted=exhausted,
            requester_told=told,
            ids=tuple(sent),
        )

    def discard(self, letters: Iterable[DeadLetter] | None = None) -> int:
        """Throw letters away, default all; return how many there were.

        :raises OptionError: for letters that are none.
        """
        return sum(self._take(letter) for letter in self._chosen(letters))

    def _send(self, letter: DeadLetter, ref: ActorRef[Any], system: ActorSystem) -> None:
        message_id = letter.message_id or system.ids()
        headers = Headers(
            message_id=message_id,
            correlation_id=letter.correlation_id or message_id,
            causation_id=letter.causation_id,
            attempts=letter.attempts + 1,
        )
        sender = None if letter.sender is None else system.lookup(letter.sender)
        try:
            ref.tell(Envelope(letter.message, None, sender, None, headers))
        except MailboxFull:
            pass  # that made a new letter of it
        except BaseException:
            self._put_back(letter)
            raise

    def _chosen(self, letters: Iterable[DeadLetter] | None) -> Sequence[DeadLetter]:
        """Return the letters that were given, or all.

        :raises OptionError: for letters that are none.
        """
        if letters is None:
            return self._snapshot()
        given: object = letters
        chosen = tuple(letters) if isinstance(given, Iterable) else ()
        if not isinstance(given, Iterable) or not all(
            isinstance(cast("object", each), DeadLetter) for each in chosen
        ):
            expected = "dead letters, as list() returns them; or None for all"
            raise OptionError(option="letters", value=letters, expected=expected)
        return chosen

    def _snapshot(self) -> Sequence[DeadLetter]:
        if self._system is None:
            return ()
        with self._system.lock:
            return tuple([self._opened(*each) for each in tuple(self._letters.items())])

    def _opened(self, id_: int, kept: DeadLetter | _Raw | Any) -> DeadLetter:
        """Make a letter of what is kept of it; under the lock."""
        if not isinstance(kept, DeadLetter):
            self._letters[id_] = kept = letter_of(kept)
        return kept

    def _put_back(self, letter: DeadLetter) -> None:
        """Have a letter again that was taken out."""
        if self._system is not None:
            with self._system.lock:
                # Back to its place: the oldest come first.
                self._letters = dict(sorted({**self._letters, letter.id: letter}.items()))

    def _push_out(self, id_: int) -> None:
        """Let the oldest letter go; under the lock."""
        del self._letters[id_]
        self._pushed_out += 1

    def _take(self, letter: DeadLetter) -> bool:
        if self._system is None:
            return False
        with self._system.lock:
            return self._letters.pop(letter.id, None) is not None

    # -- what a durable store does besides

    def _keep(self, id_: int) -> None:
        """Have a new letter stored; under the lock."""

    async def begin(self) -> None:
        """Find what is stored; called on the system's loop before its first actor is made."""

    async def finish(self) -> None:
        """Store what is not stored yet; called on the system's loop when all actors have ended."""
