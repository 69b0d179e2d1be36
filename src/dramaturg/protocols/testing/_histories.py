"""What clients saw: operations that began and ended, in the order in which that happened.

A history is a sequence of events. Plain actors note them (``Noted(Invoked(...))``), the tests of
a real system append them to a list at the moment at which they happen::

    [Invoked("a", "write", 1), Invoked("b", "read"), Returned("a"), Returned("b", 1)]

An operation that has not ended is *pending*: it may have taken effect, and may still.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, final

from dramaturg.protocols._borders import ITERABLE, NUMBER, optional
from dramaturg.protocols.testing._borders import check_kinds
from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._history_errors import (
    HistoryError,
    NotInvokedError,
    StillOpenError,
)

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

__all__ = [
    "UNKNOWN",
    "Failed",
    "GaveUp",
    "HistoryEvent",
    "Invoked",
    "Operation",
    "Returned",
    "events_in",
    "operations",
]


@dataclass(frozen=True, slots=True)
class Invoked:
    """A process began an operation.

    :param process: who; one that has at most one operation under way.
    :param operation: what, by a name that the model knows.
    :param key: which of many objects of the same kind, for a ``MapModel``.
    :param at: when, for the reader only: what counts is the order of the events. Left out in
        simulated runs, where it would make equal states differ.
    """

    process: Hashable
    operation: str
    argument: Any = None
    key: Hashable | None = field(default=None, kw_only=True)
    at: float | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Returned:
    """The operation of a process came back with a result, so it took effect before that."""

    process: Hashable
    result: Any = None
    at: float | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Failed:
    """The operation of a process is known not to have taken effect, and never will."""

    process: Hashable
    at: float | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class GaveUp:
    """A process no longer waits, because it ran out of time or came back after a crash.

    Its operation stays pending for ever. Nothing need be under way: a client that comes back and
    has forgotten whether it had asked for anything notes this all the same.
    """

    process: Hashable
    at: float | None = field(default=None, kw_only=True)


HistoryEvent: TypeAlias = Invoked | Returned | Failed | GaveUp

_EVENTS = (Invoked, Returned, Failed, GaveUp)


@final
class _Unknown:
    """The result of an operation that has not returned: equal to everything."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return hash(_Unknown)

    def __bool__(self) -> bool:
        # A step that branches on it would decide something that nobody knows.
        raise ScenarioError(
            thing="the unknown result of a pending operation",
            problem="taken for true or false",
            expected="a comparison with what the model would answer: result == answer",
        )

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __reduce__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final[Any] = _Unknown()
"""What a model is given as the result of a pending operation. It equals whatever it is compared
with, and is neither true nor false."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a history.

    :param result: None unless it returned.
    :param invoked: position of the event that began it.
    :param ended: position of the event that ended it; None if there is none.
    :param outcome: what is known of it.
    """

    process: Hashable
    name: str
    argument: Any
    result: Any
    key: Hashable | None
    invoked: int
    ended: int | None
    outcome: Literal["returned", "failed", "pending"]

    def __str__(self) -> str:
        given = "" if self.argument is None else _short(self.argument)
        got = "" if self.result is None else f"={_short(self.result)}"
        return f"{self.name}({given}){got}"

    def before(self, position: int) -> Operation | None:
        """Return what was known of it before the event at that position; None if nothing."""
        if self.invoked >= position:
            return None
        if self.ended is None or self.ended < position:
            return self
        return replace(self, result=None, ended=None, outcome="pending")


def _short(value: Any, most: int = 24) -> str:
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 3]}..."


def events_in(notes: Iterable[Any]) -> tuple[HistoryEvent, ...]:
    """Pick the events of operations from notes of all kinds.

    :raises ScenarioError: if there is nothing to go through.
    """
    check_kinds(notes=(notes, ITERABLE))
    return tuple(note for note in notes if isinstance(note, _EVENTS))


def operations(history: Iterable[HistoryEvent]) -> tuple[Operation, ...]:
    """Pair the events of a history, in the order in which the operations were invoked.

    :raises NotInvokedError: for an operation that ended without having been invoked.
    :raises StillOpenError: for a process that has two operations under way.
    :raises HistoryError: for something that is no event (:func:`events_in` picks those from a
        mixture), for a process that cannot be hashed, and for times that are none or go backwards.
    :raises ScenarioError: if there is nothing to go through.
    """
    check_kinds(history=(history, ITERABLE))
    found: list[Operation] = []
    under_way: dict[Hashable, tuple[int, Invoked]] = {}  # and where the operation is in `found`
    latest: float | None = None
    for position, event in enumerate(history):
        _check(position, event)
        if event.at is not None:
            if latest is not None and event.at < latest:
                raise HistoryError(
                    position=position, event=event, problem=f"its time lies before {latest!r}"
                )
            latest = event.at
        if isinstance(event, Invoked):
            if event.process in under_way:
                raise StillOpenError(
                    position=position,
                    event=event,
                    process=event.process,
                    under_way=under_way[event.process][1],
                )
            under_way[event.process] = (len(found), event)
            found.append(_begun(position, event))
        elif event.process in under_way:
            place, _ = under_way.pop(event.process)
            found[place] = _ended(found[place], position, event)
        elif not isinstance(event, GaveUp):
            raise NotInvokedError(position=position, event=event, process=event.process)
    return tuple(found)


def _check(position: int, event: Any) -> None:
    if not isinstance(event, _EVENTS):
        raise HistoryError(
            position=position,
            event=event,
            problem="expected Invoked, Returned, Failed or GaveUp",
        )
    if not optional(NUMBER).fits(event.at):
        raise HistoryError(position=position, event=event, problem=f"{event.at!r} is no time")
    named = [event.process, event.key] if isinstance(event, Invoked) else [event.process]
    for each in named:
        try:
            hash(each)
        except TypeError:
            raise HistoryError(
                position=position, event=event, problem=f"{each!r} cannot be hashed"
            ) from None


def _begun(position: int, event: Invoked) -> Operation:
    return Operation(
        event.process,
        event.operation,
        event.argument,
        None,
        event.key,
        position,
        None,
        "pending",
    )


def _ended(begun: Operation, position: int, event: Returned | Failed | GaveUp) -> Operation:
    if isinstance(event, Returned):
        return replace(begun, result=event.result, ended=position, outcome="returned")
    if isinstance(event, Failed):
        return replace(begun, ended=position, outcome="failed")
    return replace(begun, ended=position)
