"""Why a history cannot be placed: the shortest beginning that fails, in fields and in text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, final

from dramaturg.protocols.testing._history_timeline import timeline
from dramaturg.protocols.testing._history_verdict import HistoryVerdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dramaturg.protocols.testing._histories import HistoryEvent, Operation
    from dramaturg.protocols.testing._linearizability_tries import Tried, Try
    from dramaturg.protocols.testing._sequential_models import Part

__all__ = ["Failure", "OrderVerdict", "failing", "shortened"]

_SHOWN = 12  # operations in the timeline of a report
_NAMED = 6  # in a line of it


@final
@dataclass(frozen=True, slots=True, repr=False)
class OrderVerdict(HistoryVerdict):
    """What a search for a legal order found; a :class:`HistoryVerdict`.

    :param steps: how many steps of the model it took to know that.
    :param prefix: if it fails, the events of the shortest beginning of the history that fails, of
        those operations that the failure is about.
    :param length: how many events of the whole history that beginning has.
    :param stuck: if it fails, the operations that returned in it and have no place.
    :param order: if it fails, a longest order of the others that works; else nothing.
    :param state: the state of the model after these; of several objects, a tuple.
    """

    steps: int = 0
    prefix: tuple[HistoryEvent, ...] = ()
    length: int = 0
    stuck: tuple[Operation, ...] = ()
    order: tuple[Operation, ...] = ()
    state: Any = None


class Failure(NamedTuple):
    """A beginning of a history that fails.

    :param label: which of the parts fails; empty if there is only one.
    :param operations: what was known of them then.
    :param length: how many events it has.
    """

    label: str
    parts: Sequence[Part]
    operations: tuple[Operation, ...]
    tried: Tried
    length: int


def shortened(failure: Failure, max_steps: int, try_: Try) -> Failure:
    """Find the shortest beginning that fails, by halves: what begins with it fails, too.

    What cannot be decided within ``max_steps`` counts as not failing.
    """
    ends = [e.ended + 1 for e in failure.operations if e.ended is not None]
    lengths = sorted(each for each in ends if each > failure.tried.surely)
    low, high = 0, len(lengths) - 1
    middle = 0  # nearly always the first one that may be it is it
    while low < high and max_steps > 0:
        cut = _cut(failure.operations, lengths[middle])
        tried = try_(failure.parts, cut, max_steps)
        max_steps -= tried.found.steps
        if tried.found.outcome == "fail":
            high = middle
            failure = failure._replace(operations=cut, tried=tried)
        else:
            low = middle + 1
        middle = (low + high) // 2
    length = lengths[high]
    return failure._replace(operations=_cut(failure.operations, length), length=length)


def _cut(operations: Sequence[Operation], length: int) -> tuple[Operation, ...]:
    before = (each.before(length) for each in operations)
    return tuple(each for each in before if each is not None)


def failing(
    claim: str, events: tuple[HistoryEvent, ...], failure: Failure, steps: int
) -> OrderVerdict:
    """Return the verdict on a history that fails because this beginning of it does."""
    found, numbered = failure.tried.found, failure.tried.numbered
    placed = set(found.order)
    stuck = tuple(
        each
        for index, each in enumerate(numbered)
        if each.outcome == "returned" and index not in placed
    )
    order = tuple(numbered[index] for index in found.order)
    positions = {each.invoked for each in failure.operations}
    positions |= {each.ended for each in failure.operations if each.ended is not None}
    beginning = enumerate(events[: failure.length])
    return OrderVerdict(
        "fail",
        "\n".join(_report(claim, failure, stuck, order)),
        steps,
        prefix=tuple(event for position, event in beginning if position in positions),
        length=failure.length,
        stuck=stuck,
        order=order,
        state=found.state,
    )


def _report(
    claim: str, failure: Failure, stuck: Sequence[Operation], order: Sequence[Operation]
) -> list[str]:
    about = f" ({failure.label})" if failure.label else ""
    what = ", ".join(f"{each} of {each.process}" for each in stuck[:_NAMED])
    more = "" if len(stuck) <= _NAMED else f" and {len(stuck) - _NAMED} more"
    lines = [f"not {claim}{about}: no place for {what}{more}, of the first {failure.length} events"]
    shown = _latest(failure.operations, stuck)
    lines += timeline(shown, stuck)
    if len(shown) < len(failure.operations):
        lines.append(f"  ({len(failure.operations) - len(shown)} other operations are not shown)")
    if order:
        placed = ", ".join(f"{each.process} {each}" for each in order[-_NAMED:])
        before = "..., " if len(order) > _NAMED else ""
        lines.append(f"  what works without: {before}{placed}")
    lines.append(f"  then the state is {failure.tried.found.state!r}")
    return lines


def _latest(operations: Sequence[Operation], stuck: Sequence[Operation]) -> list[Operation]:
    """Return what has no place, and what was under way last."""
    first = min((each.invoked for each in stuck), default=0)

    def far(each: Operation) -> tuple[bool, float]:
        # What a timeline is for is what overlaps; pending operations may be ages old.
        return each not in stuck, abs((each.invoked if each.ended is None else each.ended) - first)

    return sorted(sorted(operations, key=far)[:_SHOWN], key=lambda each: each.invoked)
