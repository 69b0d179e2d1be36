"""What can be asked of a blackboard, and what it tells its followers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, cast, final

from dramaturg.actors import ActorRef, OptionError, PlainRequest
from dramaturg.protocols._blackboard_entry import BoardChange, BoardView, Entry
from dramaturg.protocols._blackboard_errors import PredicateFailed
from dramaturg.protocols._blackboard_keys import ALL_KEYS, check_key, check_pattern
from dramaturg.protocols._topic_policies import SlowPolicy

__all__ = [
    "At",
    "BoardChanged",
    "BoardContents",
    "BoardSlowPolicy",
    "CatchUp",
    "CompareAndSet",
    "Delete",
    "Follow",
    "FollowEnded",
    "FollowerStatus",
    "Get",
    "GetAll",
    "GetFollowers",
    "History",
    "Put",
    "PutAll",
    "Unfollow",
]


# -- writing


@final
@dataclass(frozen=True, slots=True)
class Put(PlainRequest[Entry]):
    """Give a key a value; answered with its new entry, once that is stored.

    :param expected_version: the version of the entry that is to be replaced, 0 for none; if
        another one stands there the write is refused (:class:`EntryConflict`). Default: whatever
        stands there.
    :param source: where the value comes from, for :class:`Provenance`.
    :raises OptionError: for what is no key or no version.
    """

    key: str
    value: Any
    expected_version: int | None = None
    source: str = ""

    def __post_init__(self) -> None:
        check_key(self.key)
        _check_version("expected_version", self.expected_version)
        _check_source(self.source)


@final
@dataclass(frozen=True, slots=True, init=False)
class PutAll(PlainRequest[tuple[Entry, ...]]):
    """Write several keys at once, all or none: one write, of one version.

    Nobody ever sees some of them without the others, now or when they travel in time. Answered
    with the entries, in the given order.

    :param puts: each :class:`Put` for another key.
    :raises OptionError: for none, for what is no ``Put``, or for a key that comes twice.
    """

    puts: tuple[Put, ...]

    def __init__(self, *puts: Put) -> None:
        given = cast("tuple[object, ...]", puts)
        if not puts or not all(isinstance(each, Put) for each in given):
            raise OptionError(option="puts", value=puts, expected="at least one Put")
        if len({each.key for each in puts}) < len(puts):
            raise OptionError(option="puts", value=puts, expected="each key once")
        object.__setattr__(self, "puts", puts)


@final
@dataclass(frozen=True, slots=True)
class CompareAndSet(PlainRequest[Entry]):
    """Give a key a value if it has the expected one now, else refuse (:class:`EntryConflict`).

    Values are equal if their types and ``==`` say so. To be told also of one that came back
    meanwhile, say ``Put(..., expected_version=...)``.

    :param expected: the value; None if the key is not to be there.
    :raises OptionError: for what is no key.
    """

    key: str
    expected: Any
    value: Any
    source: str = ""

    def __post_init__(self) -> None:
        check_key(self.key)
        _check_source(self.source)


@final
@dataclass(frozen=True, slots=True)
class Delete(PlainRequest[Entry | None]):
    """Take a key away; answered with what stood there. If nothing did, nothing is written.

    :param expected_version: as in :class:`Put`.
    :raises OptionError: for what is no key or no version.
    """

    key: str
    expected_version: int | None = None
    source: str = ""

    def __post_init__(self) -> None:
        check_key(self.key)
        _check_version("expected_version", self.expected_version)
        _check_source(self.source)


# -- reading


@final
@dataclass(frozen=True, slots=True)
class Get(PlainRequest[Entry | None]):
    """Return what stands under a key; None if it is not there.

    :raises OptionError: for what is no key.
    """

    key: str

    def __post_init__(self) -> None:
        check_key(self.key)


@final
@dataclass(frozen=True, slots=True)
class GetAll(PlainRequest[BoardView]):
    """Return all entries whose keys fit the pattern: ``"customer/*"``, ``"**"``.

    :raises OptionError: for what is no pattern.
    """

    pattern: str = ALL_KEYS

    def __post_init__(self) -> None:
        check_pattern(self.pattern)


@final
@dataclass(frozen=True, slots=True)
class History(PlainRequest[tuple[BoardChange, ...]]):
    """Return what was ever written under a key, deletions included, the oldest first.

    Read from the journal, while the board goes on. What the board has deleted there is missing.

    :param after: only what came after that version.
    :param limit: at most so many; go on behind the version of the last.
    :raises OptionError: for what is no key, no version or no limit.
    """

    key: str
    after: int = 0
    limit: int = 1_000

    def __post_init__(self) -> None:
        check_key(self.key)
        _check_version("after", self.after)
        _check_count("limit", self.limit)


@final
@dataclass(frozen=True, slots=True)
class At(PlainRequest[BoardView]):
    """Return the board as it was: after the write of a version, or at a moment.

    Read from the journal, while the board goes on. Refused for a version that is yet to come
    (:class:`VersionAhead`), or was deleted (:class:`VersionGone`).

    :param version: 0 is the empty board.
    :param time: with a time zone; it has all that was written until then.
    :param pattern: only entries whose keys fit it.
    :raises OptionError: unless there is either a version or a time; or for what is no pattern.
    """

    version: int | None = None
    time: datetime | None = None
    pattern: str = ALL_KEYS

    def __post_init__(self) -> None:
        if (self.version is None) == (self.time is None):
            raise OptionError(
                option="version", value=self.version, expected="either a version or a time"
            )
        _check_version("version", self.version)
        time = cast("object", self.time)
        if time is not None and not (isinstance(time, datetime) and time.tzinfo is not None):
            raise OptionError(option="time", value=time, expected="a datetime with a time zone")
        check_pattern(self.pattern)


# -- following


@final
@dataclass(frozen=True, slots=True)
class CatchUp:
    """Give a follower as many messages as ``limit`` at a time, and the others as it catches up.

    The default of a blackboard, with 64. Nothing is dropped however slow the follower is, and
    nothing waits in memory: what it has not had is read from the journal.

    :raises OptionError: for a limit below 1.
    """

    limit: int = 64

    def __post_init__(self) -> None:
        _check_count("limit", self.limit)


BoardSlowPolicy: TypeAlias = SlowPolicy | CatchUp
"""What becomes of changes for a follower that does not keep up."""
Where: TypeAlias = Callable[[Entry], object]


@final
@dataclass(frozen=True, slots=True)
class FollowerStatus:
    """One follower of a blackboard, and how far it is."""

    ref: ActorRef[Any]
    patterns: tuple[str, ...]
    seen: int
    """The last version that it was told of, or that was nothing to it."""
    changes: int
    """How many changes it was told of, or were dropped."""
    dropped: int
    """How many messages became dead letters instead."""
    waiting: int
    """How many wait at the board now."""
    unhandled: int
    """How many are with the follower now; not counted for :class:`Unlimited`."""
    slow: BoardSlowPolicy


@final
@dataclass(frozen=True, slots=True, init=False)
class Follow(PlainRequest[FollowerStatus]):
    """Tell an actor what the board holds, and then each change, in order.

    ::

        Follow(ref, "customer/*", "order/**")              # what there is, then the changes
        Follow(ref, where=lambda entry: entry.value > 10)  # the same, for what it chooses
        Follow(ref, "customer/*", from_version=seen)       # all changes since that version

    First comes :class:`BoardContents` with all entries that fit; or, ``from_version=``, every
    change behind that version. Then comes one :class:`BoardChanged` for each write that
    changes something that fits: no gap and no duplicate, also over a restart of the board. An
    actor follows once; to follow again begins anew.

    :param patterns: keys, or patterns over them; default all keys.
    :param from_version: refused if it is yet to come (:class:`VersionAhead`) or was deleted
        (:class:`VersionGone`).
    :param where: chooses among the entries that fit the patterns; deletions are always told. It
        runs within the board, so it must be quick. One that raises ends the following.
    :param slow: what happens when the follower does not keep up; default :class:`CatchUp`.
    :raises OptionError: for what is no ref, no pattern, no version, no function or no policy.
    """

    ref: ActorRef[Any]
    patterns: tuple[str, ...]
    from_version: int | None
    where: Where | None
    slow: BoardSlowPolicy

    def __init__(
        self,
        ref: ActorRef[Any],
        *patterns: str,
        from_version: int | None = None,
        where: Where | None = None,
        slow: BoardSlowPolicy | None = None,
    ) -> None:
        _check_ref(ref)
        for each in patterns:
            check_pattern(each)
        _check_version("from_version", from_version)
        if where is not None and not callable(cast("object", where)):
            raise OptionError(option="where", value=where, expected="a function of an Entry")
        policy = CatchUp() if slow is None else slow
        if not isinstance(cast("object", policy), BoardSlowPolicy):
            expected = "CatchUp(n), Unlimited(), DropNewest(n), DropOldest(n), Park(n, m)"
            raise OptionError(option="slow", value=slow, expected=f"{expected} or Disconnect(n)")
        object.__setattr__(self, "ref", ref)
        object.__setattr__(self, "patterns", tuple(dict.fromkeys(patterns)) or (ALL_KEYS,))
        object.__setattr__(self, "from_version", from_version)
        object.__setattr__(self, "where", where)
        object.__setattr__(self, "slow", policy)


@final
@dataclass(frozen=True, slots=True)
class Unfollow(PlainRequest[bool]):
    """Tell an actor nothing more; answered with whether it followed.

    What waits for it at the board is dropped then; what is in its mailbox it still gets.

    :raises OptionError: for what is no ref.
    """

    ref: ActorRef[Any]

    def __post_init__(self) -> None:
        _check_ref(self.ref)


@final
@dataclass(frozen=True, slots=True)
class GetFollowers(PlainRequest[tuple[FollowerStatus, ...]]):
    """Say who follows, and how far each is, the eldest first."""


@final
@dataclass(frozen=True, slots=True)
class BoardContents:
    """Tells a follower what the board holds that it follows.

    The first that it is told, unless it follows from a version; and again if changes that it
    has not had were deleted from the journal. What is not among the entries is not there.
    """

    board: ActorRef[Any]
    version: int
    entries: tuple[Entry, ...]


@final
@dataclass(frozen=True, slots=True)
class BoardChanged:
    """Tells a follower of one write: all of its changes that fit what it follows."""

    board: ActorRef[Any]
    version: int
    changes: tuple[BoardChange, ...]
    number: int
    """1 for the first since it follows, and one more with each. A policy that drops leaves a gap
    here; versions have gaps anyway, where a write was nothing to the follower."""


@final
@dataclass(frozen=True, slots=True)
class FollowEnded:
    """Tells a follower that it gets no more, since its own ``where`` has failed."""

    board: ActorRef[Any]
    version: int
    """Of the change on which it failed."""
    error: PredicateFailed


# -- checks


def _check_version(option: str, version: object) -> None:
    if version is not None and (type(version) is not int or version < 0):
        raise OptionError(option=option, value=version, expected="an int of at least 0")


def _check_count(option: str, value: object) -> None:
    if type(value) is not int or value < 1:
        raise OptionError(option=option, value=value, expected="an int of at least 1")


def _check_source(source: object) -> None:
    if not isinstance(source, str):
        raise OptionError(option="source", value=source, expected="a text")


def _check_ref(ref: object) -> None:
    if not isinstance(ref, ActorRef):
        raise OptionError(option="ref", value=ref, expected="an ActorRef")
