"""Whether messages arrive in an order that respects what caused what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from dramaturg.protocols._borders import ITERABLE, TEXTS, Kind, at_least, instance
from dramaturg.protocols.testing._borders import check_kinds
from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._history_verdict import HistoryVerdict

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

__all__ = ["CausalVerdict", "Delivered", "VectorClock", "causal"]


_COUNTS = Kind(
    lambda value: value is None or (isinstance(value, Mapping) and TEXTS.fits(value)),
    "a dict of how many events each process knows of, by its name",
)


@final
class VectorClock:
    """How many events of each process an event knows of; an immutable, hashable value.

    A process ticks before it sends, sends its clock along, and merges the clock of each message
    that it receives into its own. Then ``a < b`` holds exactly if the event of ``a`` happened
    before that of ``b``; if neither ``a <= b`` nor ``b <= a``, the two are concurrent.
    """

    __slots__ = ("_counts",)

    def __init__(self, counts: Mapping[str, int] | None = None) -> None:
        """Make a clock; a process that is left out stands at 0.

        :raises ScenarioError: for a count below 0, or no counts of processes by name.
        """
        check_kinds(counts=(counts, _COUNTS))
        given = {} if counts is None else dict(counts)
        for process, count in given.items():
            if not at_least(0).fits(count):
                raise ScenarioError(
                    thing=f"VectorClock of {process!r}: {count!r}",
                    problem="no count of events",
                    expected="a number of at least 0",
                )
        self._counts = {process: given[process] for process in sorted(given) if given[process]}

    def __getitem__(self, process: str) -> int:
        return self._counts.get(process, 0)

    def ticked(self, process: str) -> VectorClock:
        """Return the clock after one more event of that process."""
        return VectorClock({**self._counts, process: self[process] + 1})

    def merged(self, other: VectorClock) -> VectorClock:
        """Return the clock that knows what either knows.

        :raises ScenarioError: if the other is no clock.
        """
        check_kinds(other=(other, instance(VectorClock, "a VectorClock")))
        both = {*self._counts, *other._counts}
        return VectorClock({each: max(self[each], other[each]) for each in both})

    def __le__(self, other: VectorClock) -> bool:
        return all(count <= other[process] for process, count in self._counts.items())

    def __lt__(self, other: VectorClock) -> bool:
        return self != other and self <= other

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VectorClock) and self._counts == other._counts

    def __hash__(self) -> int:
        return hash(tuple(self._counts.items()))

    def __repr__(self) -> str:
        return f"VectorClock({self._counts})"


@dataclass(frozen=True, slots=True)
class Delivered:
    """A process took in a message.

    :param clock: that of the event that sent the message.
    """

    process: Hashable
    message: Any
    clock: VectorClock


@final
@dataclass(frozen=True, slots=True, repr=False)
class CausalVerdict(HistoryVerdict):
    """Whether deliveries were causal; a :class:`HistoryVerdict`.

    :param early: what was delivered too early, if it fails.
    :param late: what the same process should have had before that, and got after it.
    """

    early: Delivered | None = None
    late: Delivered | None = None


def causal(deliveries: Iterable[Delivered]) -> CausalVerdict:
    """Check that no process got a message before one whose sending had happened before.

    Only what did arrive is looked at; :func:`at_least_once` tells what did not.

    :param deliveries: of all processes; those of each in the order in which they took place.
    :raises ScenarioError: for something that is no :class:`Delivered`.
    """
    check_kinds(deliveries=(deliveries, ITERABLE))
    had: dict[Hashable, list[Delivered]] = {}
    known: dict[Hashable, VectorClock] = {}
    count = 0
    for each in deliveries:
        if not isinstance(each, Delivered) or not _is_whole(each):
            raise ScenarioError(
                thing=f"{each!r}",
                problem="no delivery",
                expected="Delivered, by a process that can be hashed, and with a VectorClock",
            )
        count += 1
        before = had.setdefault(each.process, [])
        clock = known.get(each.process, VectorClock())
        # Nearly always the new one knows of something that none before it knew of.
        if each.clock <= clock:
            for early in before:
                if each.clock < early.clock:
                    return CausalVerdict("fail", _text(early, each), early, each)
        before.append(each)
        known[each.process] = clock.merged(each.clock)
    return CausalVerdict("pass", f"causal: {count} deliveries")


def _is_whole(delivered: Delivered) -> bool:
    try:
        hash(delivered.process)
    except TypeError:
        return False
    return isinstance(delivered.clock, VectorClock)


def _text(early: Delivered, late: Delivered) -> str:
    return (
        f"not causal: {early.process} got {early.message!r} before {late.message!r}, whose sending"
        f" {late.clock} had happened before that of the other {early.clock}"
    )
