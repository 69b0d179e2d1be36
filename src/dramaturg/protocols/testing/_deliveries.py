"""How often effects took place, and whether they came in order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, final

from dramaturg.protocols._borders import FUNCTION, ITERABLE, optional
from dramaturg.protocols.testing._borders import check_kinds
from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._history_verdict import HistoryVerdict

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

__all__ = ["CountVerdict", "at_least_once", "at_most_once", "exactly_once", "monotonic"]

_T = TypeVar("_T")

_SHOWN = 10


@final
@dataclass(frozen=True, slots=True, repr=False)
class CountVerdict(HistoryVerdict):
    """What a count of effects found; a :class:`HistoryVerdict`.

    :param offending: each key that did not occur as often as it should, and how often it did.
    :param counted: how many effects there were.
    """

    offending: tuple[tuple[Any, int], ...] = ()
    counted: int = 0


def exactly_once(
    effects: Iterable[_T],
    *,
    expected: Iterable[Hashable],
    key: Callable[[_T], Hashable] | None = None,
) -> CountVerdict:
    """Check that each expected key has one effect, and no other key has any.

    :param effects: what was observed, in any order.
    :param expected: the keys; one that is in it twice counts once.
    :param key: what makes two effects the same; the effect itself by default.
    :raises ScenarioError: for a key that cannot be hashed, or nothing to go through.
    """
    wanted = _wanted(expected)
    found = _counts(effects, key)
    wrong = {each: found[each] for each in wanted if found[each] != 1}
    wrong |= {each: times for each, times in found.items() if each not in wanted}
    return _count_verdict("exactly once", wrong, found, wanted)


def at_most_once(
    effects: Iterable[_T],
    *,
    expected: Iterable[Hashable] | None = None,
    key: Callable[[_T], Hashable] | None = None,
) -> CountVerdict:
    """Check that no key has two effects: that ids, for instance, are unique.

    :param expected: the keys that may have an effect at all; None for any.
    :raises ScenarioError: for a key that cannot be hashed, or nothing to go through.
    """
    wanted = None if expected is None else _wanted(expected)
    found = _counts(effects, key)
    wrong = {
        each: times
        for each, times in found.items()
        if times > 1 or (wanted is not None and each not in wanted)
    }
    return _count_verdict("at most once", wrong, found, wanted)


def at_least_once(
    effects: Iterable[_T],
    *,
    expected: Iterable[Hashable],
    key: Callable[[_T], Hashable] | None = None,
) -> CountVerdict:
    """Check that each expected key has an effect. What else has one does not matter.

    :raises ScenarioError: for a key that cannot be hashed, or nothing to go through.
    """
    wanted = _wanted(expected)
    found = _counts(effects, key)
    wrong = {each: 0 for each in wanted if not found[each]}
    return _count_verdict("at least once", wrong, found, wanted)


def _counts(effects: Iterable[_T], key: Callable[[_T], Hashable] | None) -> Counter[Any]:
    check_kinds(effects=(effects, ITERABLE), key=(key, optional(FUNCTION)))
    found: Counter[Any] = Counter()
    for effect in effects:
        found[_hashable(effect if key is None else key(effect))] += 1
    return found


def _wanted(expected: Iterable[Any]) -> dict[Any, None]:
    check_kinds(expected=(expected, ITERABLE))
    # A dict for its order: the verdict does not depend on how sets are iterated.
    return {_hashable(each): None for each in expected}


def _hashable(key: Any) -> Any:
    try:
        hash(key)
    except TypeError:
        raise ScenarioError(
            thing=f"the key {key!r}", problem="cannot be hashed", expected="key= to return one"
        ) from None
    return key


def _count_verdict(
    claim: str, wrong: dict[Any, int], found: Counter[Any], wanted: dict[Any, None] | None
) -> CountVerdict:
    total = found.total()
    if not wrong:
        return CountVerdict("pass", f"{claim}: {total} effects", counted=total)
    parts = [
        f"{each!r} {_times(times)}"
        + ("" if wanted is None or each in wanted else ", which nobody expected")
        for each, times in list(wrong.items())[:_SHOWN]
    ]
    more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    text = f"not {claim}: {'; '.join(parts)}{more}"
    return CountVerdict("fail", text, tuple(wrong.items()), total)


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def monotonic(
    values: Iterable[_T],
    *,
    key: Callable[[_T], Any] | None = None,
    per: Callable[[_T], Hashable] | None = None,
    strict: bool = False,
) -> HistoryVerdict:
    """Check that each value is at least as great as the one before it.

    :param key: what is compared; the value itself by default.
    :param per: whose value it is: each one's are compared only among themselves.
    :param strict: whether each has to be greater.
    :raises ScenarioError: if ``per`` returns something that cannot be hashed, or two values cannot
        be compared.
    """
    check_kinds(
        values=(values, ITERABLE), key=(key, optional(FUNCTION)), per=(per, optional(FUNCTION))
    )
    latest: dict[Any, Any] = {}
    number = -1
    for number, value in enumerate(values):
        whose = None if per is None else _hashable(per(value))
        now = value if key is None else key(value)
        if whose in latest:
            before = latest[whose]
            if not (_is_less(before, now) or (not strict and before == now)):
                of = "" if per is None else f" of {whose!r}"
                text = f"not monotonic: {now!r}{of}, value {number}, came after {before!r}"
                return HistoryVerdict("fail", text)
        latest[whose] = now
    return HistoryVerdict("pass", f"monotonic: {number + 1} values")


def _is_less(before: Any, now: Any) -> bool:
    try:
        return bool(before < now)
    except TypeError as error:
        raise ScenarioError(
            thing=f"monotonic: {before!r}, {now!r}",
            problem=f"cannot be compared: {error}",
            expected="key= to return what can",
        ) from None
