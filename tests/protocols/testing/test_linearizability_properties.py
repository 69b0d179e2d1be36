"""What correct objects do is accepted, and one changed result is judged as trying it all would."""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import given, strategies as st

from dramaturg.protocols.testing._histories import Returned
from dramaturg.protocols.testing._linearizability import linearizable, sequentially_consistent
from dramaturg.protocols.testing._sequential_models import (
    CounterModel,
    DeterministicModel,
    MapModel,
    QueueModel,
    RegisterModel,
    SequentialModel,
    SetModel,
)
from tests.protocols.testing.histories_kit import (
    Apply,
    Draw,
    bag,
    counter,
    naively,
    queue,
    register,
    shortest_failing,
    simulated,
    with_result,
)


def on_register(random: Random) -> tuple[str, Any]:
    return random.choice(
        [("read", None), ("write", random.randrange(3)), ("cas", (random.randrange(3), 1))]
    )


def on_counter(random: Random) -> tuple[str, Any]:
    return random.choice([("read", None), ("add", random.randrange(1, 3))])


def on_queue(random: Random) -> tuple[str, Any]:
    return random.choice([("dequeue", None), ("enqueue", random.randrange(4))])


def on_set(random: Random) -> tuple[str, Any]:
    name = random.choice(["add", "remove", "contains"])
    return name, random.randrange(2)


class Thing(NamedTuple):
    model: SequentialModel
    apply: Apply
    init: Any
    draw: Draw


THINGS = {
    "register": Thing(RegisterModel(0), register, 0, on_register),
    "counter": Thing(CounterModel(), counter, 0, on_counter),
    "queue": Thing(QueueModel(), queue, (), on_queue),
    "set": Thing(SetModel(), bag, frozenset(), on_set),
    "custom": Thing(DeterministicModel(0, register), register, 0, on_register),
}

randoms = st.randoms(use_true_random=False)
sizes = st.tuples(st.integers(1, 40), st.just(0.0)) | st.tuples(st.integers(1, 14), st.just(0.2))
"""How many operations, and the share that never returns: each such one doubles the search."""


@pytest.mark.parametrize("thing", THINGS.values(), ids=THINGS.keys())
@given(randoms, sizes, st.integers(1, 5))
def test_what_a_correct_object_does_is_accepted(
    thing: Thing, random: Random, size: tuple[int, float], processes: int
) -> None:
    model, apply, init, draw = thing
    count, lost = size
    history = simulated(random, apply, init, draw, count=count, processes=processes, lost=lost)

    verdict = linearizable(history, model)

    assert verdict, f"{verdict}"


@given(randoms, st.integers(1, 40), st.integers(1, 5))
def test_a_map_of_correct_registers_is_accepted(random: Random, count: int, processes: int) -> None:
    history = simulated(
        random, register, 0, on_register, count=count, processes=processes, keys=("x", "y")
    )

    assert linearizable(history, MapModel(RegisterModel(0)))


@pytest.mark.parametrize("thing", THINGS.values(), ids=THINGS.keys())
@given(randoms, st.integers(1, 5), st.data())
def test_one_changed_result_is_judged_as_trying_every_order_would(
    thing: Thing,
    random: Random,
    count: int,
    data: st.DataObject,
) -> None:
    model, apply, init, draw = thing
    history = simulated(random, apply, init, draw, count=count, processes=3, lost=0.1)
    ends = [n for n, event in enumerate(history) if isinstance(event, Returned)]
    if ends:
        place = data.draw(st.sampled_from(ends))
        was = history[place]
        assert isinstance(was, Returned)
        results = [not was.result] if isinstance(was.result, bool) else [0, 1, 2, 3]
        history = with_result(history, place, data.draw(st.sampled_from(results)))
    expected = naively(history, apply, init, real_time=True)
    ignored = any(isinstance(e, Returned) and e.result is not None for e in history)

    verdict = linearizable(history, DeterministicModel(init, apply))

    assert bool(verdict) == expected, f"{verdict}"
    if not expected and ignored:
        assert verdict.length == shortest_failing(history, apply, init)
        assert len(verdict.stuck) >= 1
    # The models of the kit do not look at what a write or an enqueue returns.
    if expected or linearizable(history, model).outcome == "fail":
        assert bool(linearizable(history, model)) == expected


@given(randoms, st.integers(1, 5), st.data())
def test_one_changed_read_of_a_register_is_judged_as_trying_every_order_would(
    random: Random, count: int, data: st.DataObject
) -> None:
    def draw(random: Random) -> tuple[str, Any]:
        return random.choice([("read", None), ("write", random.randrange(1, 4))])

    history = simulated(random, register, 0, draw, count=count, processes=3, lost=0.1)
    reads = [n for n, e in enumerate(history) if isinstance(e, Returned) and e.result is not None]
    if reads:
        history = with_result(
            history, data.draw(st.sampled_from(reads)), data.draw(st.integers(0, 4))
        )

    verdict = linearizable(history, RegisterModel(0))

    assert bool(verdict) == naively(history, register, 0, real_time=True)
    if not verdict:
        assert verdict.length == shortest_failing(history, register, 0)
        assert not linearizable(verdict.prefix, RegisterModel(0))
        assert linearizable(verdict.prefix[:-1], RegisterModel(0))


@given(randoms, st.integers(1, 4), st.data())
def test_two_registers_are_sequentially_consistent_if_some_common_order_is(
    random: Random, count: int, data: st.DataObject
) -> None:
    history = simulated(random, register, 0, on_register, count=count, processes=2, keys=("x", "y"))
    reads = [n for n, e in enumerate(history) if isinstance(e, Returned) and e.result in (0, 1, 2)]
    reads = [n for n in reads if type(history[n].result) is int]  # type: ignore[union-attr]
    if reads:
        history = with_result(
            history, data.draw(st.sampled_from(reads)), data.draw(st.integers(0, 2))
        )

    verdict = sequentially_consistent(history, MapModel(RegisterModel(0)))

    assert bool(verdict) == naively(history, register, 0, real_time=False)
