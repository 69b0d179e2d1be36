"""Every small history, against a checker that tries every order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from dramaturg.protocols.testing._histories import HistoryEvent
from dramaturg.protocols.testing._linearizability import linearizable, sequentially_consistent
from dramaturg.protocols.testing._sequential_models import (
    CounterModel,
    DeterministicModel,
    LockModel,
    QueueModel,
    RegisterModel,
    SequentialModel,
    SetModel,
)
from tests.protocols.testing.histories_kit import (
    Apply,
    bag,
    counter,
    filled,
    lock,
    naively,
    queue,
    register,
    shapes,
    shortest_failing,
)

Kinds = list[tuple[str, Any, list[Any]]]

READS: Kinds = [("read", None, [0, 1]), ("write", 1, [None])]
WRITES: Kinds = [("read", None, [1, 2]), ("write", 1, [None]), ("write", 2, [None])]
SWAPS: Kinds = [
    ("read", None, [0, 1]),
    ("write", 1, [None]),
    ("cas", (0, 1), [True, False]),
    ("cas", (1, 0), [True, False]),
]
COUNTS: Kinds = [("read", None, [1, 2]), ("add", 1, [1, 2, 3])]
ITEMS: Kinds = [
    ("enqueue", 1, [None]),
    ("enqueue", 2, [None]),
    ("dequeue", None, [None, 1, 2]),
]
LOCKS: Kinds = [
    ("acquire", "x", [True, False]),
    ("release", "x", [True, False]),
    ("acquire", "y", [True]),
]
BAGS: Kinds = [
    ("add", 1, [True, False]),
    ("remove", 1, [True, False]),
    ("contains", 1, [True]),
    ("add", 2, [True]),
]
SNAPSHOTS: Kinds = [
    ("add", 1, [True]),
    ("remove", 1, [True, False]),
    ("read", None, [frozenset(), frozenset({1})]),
]

# Operations may end in three ways where they may be lost: many more histories for each kind.
READS_LOST: Kinds = [("read", None, [0, 1]), ("write", 1, [None])]
SWAPS_LOST: Kinds = [("read", None, [1]), ("cas", (0, 1), [True, False])]
ITEMS_LOST: Kinds = [("enqueue", 1, [None]), ("dequeue", None, [None, 1])]
LOCKS_LOST: Kinds = [("acquire", "x", [True, False]), ("release", "x", [True])]
BAGS_LOST: Kinds = [("add", 1, [True, False]), ("remove", 1, [True])]


@dataclass(frozen=True)
class Case:
    model: SequentialModel
    apply: Apply
    init: Any
    kinds: Kinds
    processes: str = "abc"
    most: int = 3
    lost: bool = False

    def histories(self) -> Iterator[list[HistoryEvent]]:
        for shape in shapes(self.most, self.processes, lost=self.lost):
            yield from filled(shape, self.kinds)


CASES = {
    "register": Case(RegisterModel(0), register, 0, WRITES),
    "register, 4 operations": Case(RegisterModel(0), register, 0, READS, "ab", 4),
    "register, lost": Case(RegisterModel(0), register, 0, READS_LOST, "ab", lost=True),
    "cas": Case(RegisterModel(0), register, 0, SWAPS, "ab"),
    "cas, lost": Case(RegisterModel(0), register, 0, SWAPS_LOST, "ab", lost=True),
    "counter": Case(CounterModel(), counter, 0, COUNTS),
    "queue": Case(QueueModel(), queue, (), ITEMS),
    "queue, lost": Case(QueueModel(), queue, (), ITEMS_LOST, "ab", lost=True),
    "lock": Case(LockModel(), lock, None, LOCKS, "ab"),
    "lock, lost": Case(LockModel(), lock, None, LOCKS_LOST, "ab", lost=True),
    "set": Case(SetModel(), bag, frozenset(), BAGS, "ab"),
    "set, lost": Case(SetModel(), bag, frozenset(), BAGS_LOST, "ab", lost=True),
    "set, read": Case(SetModel(), bag, frozenset(), SNAPSHOTS, "ab"),
    "custom": Case(DeterministicModel((), queue), queue, (), ITEMS_LOST, "ab", lost=True),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_verdict_is_that_of_trying_every_order(case: Case) -> None:
    outcomes = set[str]()
    for history in case.histories():
        verdict = linearizable(history, case.model)
        outcomes.add(verdict.outcome)

        assert bool(verdict) == naively(history, case.apply, case.init, real_time=True), history

    assert outcomes == {"pass", "fail"}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_of_sequential_consistency_too(case: Case) -> None:
    outcomes = set[str]()
    for history in case.histories():
        verdict = sequentially_consistent(history, case.model)
        outcomes.add(verdict.outcome)

        assert bool(verdict) == naively(history, case.apply, case.init, real_time=False), history

    assert outcomes == {"pass", "fail"}


def test_the_beginning_that_a_failure_names_is_the_shortest_that_fails() -> None:
    failures = 0
    for shape in shapes(3, "abc"):
        for history in filled(shape, [*READS, ("cas", (0, 1), [True, False])]):
            verdict = linearizable(history, RegisterModel(0))
            if not verdict:
                failures += 1

                assert verdict.length == shortest_failing(history, register, 0), history
                assert verdict.prefix == tuple(history[: verdict.length])

    assert failures
