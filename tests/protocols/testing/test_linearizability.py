"""Histories whose verdict is known, what a failure tells, and the bounds of a check."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._histories import Failed, GaveUp, HistoryEvent, Invoked, Returned
from dramaturg.protocols.testing._linearizability import linearizable, sequentially_consistent
from dramaturg.protocols.testing._sequential_models import MapModel, QueueModel, RegisterModel
from tests.protocols.testing.histories_kit import done, queue, register, simulated

# -- known ones -----------------------------------------------------------------------------------


def test_a_read_may_see_a_write_that_overlaps_it_or_not() -> None:
    for seen in (0, 1):
        history = [Invoked("a", "write", 1), *done("b", "read", None, seen), Returned("a")]

        assert linearizable(history, RegisterModel(0))


def test_a_stale_read_is_sequentially_consistent_only() -> None:
    history = [*done("a", "write", 1), *done("b", "read", None, 0)]

    assert not linearizable(history, RegisterModel(0))
    assert sequentially_consistent(history, RegisterModel(0))


def test_reads_may_not_go_back_to_an_older_value() -> None:
    history: list[HistoryEvent] = [
        Invoked("a", "write", 1),
        *done("b", "read", None, 1),
        *done("c", "read", None, 0),
        Returned("a"),
    ]

    assert not linearizable(history, RegisterModel(0))
    assert sequentially_consistent(history, RegisterModel(0))


def test_two_processes_may_not_see_two_writes_in_opposite_order() -> None:
    history: list[HistoryEvent] = [
        *(Invoked("a", "write", 1), Invoked("b", "write", 2), Returned("a"), Returned("b")),
        *(*done("c", "read", None, 1), *done("d", "read", None, 2)),
        *(*done("c", "read", None, 2), *done("d", "read", None, 1)),
    ]

    assert not linearizable(history, RegisterModel(0))
    assert not sequentially_consistent(history, RegisterModel(0))


def test_queues_that_swap_what_did_not_overlap_are_refused() -> None:
    put = [*done("a", "enqueue", "x"), *done("b", "enqueue", "y")]
    overlapping: list[HistoryEvent] = [
        *(Invoked("a", "enqueue", "x"), Invoked("b", "enqueue", "y")),
        *(Returned("a"), Returned("b")),
    ]
    taken = done("b", "dequeue", None, "y")

    assert not linearizable([*put, *taken], QueueModel())
    assert sequentially_consistent([*put, *taken], QueueModel())
    assert linearizable([*overlapping, *taken], QueueModel())


def test_sequential_consistency_of_two_queues_is_not_that_of_each() -> None:
    def of(key: str, events: list[Any]) -> list[HistoryEvent]:
        first, last = events
        return [Invoked(first.process, first.operation, first.argument, key=key), last]

    history: list[HistoryEvent] = [
        *of("p", done("a", "enqueue", "x")),
        *of("q", done("b", "enqueue", "y")),
        *of("q", done("a", "enqueue", "x")),
        *of("p", done("b", "enqueue", "y")),
        *of("p", done("a", "dequeue", None, "y")),
        *of("q", done("b", "dequeue", None, "x")),
    ]
    alone = [
        [e for n, e in enumerate(history) if history[n - n % 2].key == key]  # type: ignore[union-attr]
        for key in ("p", "q")
    ]

    assert all(sequentially_consistent(each, MapModel(QueueModel())) for each in alone)
    assert not sequentially_consistent(history, MapModel(QueueModel()))


def test_store_buffers_that_both_miss_the_other_write_are_not_sequentially_consistent() -> None:
    history: list[HistoryEvent] = [
        *(Invoked("a", "write", 1, key="x"), Invoked("b", "write", 1, key="y")),
        *(Returned("a"), Returned("b")),
        *(Invoked("a", "read", key="y"), Invoked("b", "read", key="x")),
        *(Returned("a", 0), Returned("b", 0)),
    ]

    assert not sequentially_consistent(history, MapModel(RegisterModel(0)))


# -- what is not known ----------------------------------------------------------------------------


@pytest.mark.parametrize("seen", [0, 1])
@pytest.mark.parametrize("lost", [True, False], ids=["gave up", "still waits"])
def test_a_pending_write_may_take_effect_at_any_time_or_never(seen: int, lost: bool) -> None:
    history: list[HistoryEvent] = [Invoked("a", "write", 1)]
    history += [GaveUp("a")] if lost else []
    history += [*done("b", "read", None, 0), *done("b", "read", None, seen)]

    assert linearizable(history, RegisterModel(0))
    assert sequentially_consistent(history, RegisterModel(0))


def test_a_pending_write_takes_effect_once() -> None:
    history: list[HistoryEvent] = [
        Invoked("a", "write", 1),
        *done("b", "read", None, 1),
        *done("b", "write", 2),
        *done("b", "read", None, 1),
    ]

    assert not linearizable(history, RegisterModel(0))


def test_a_process_that_gave_up_goes_on_and_its_operation_may_come_after() -> None:
    history: list[HistoryEvent] = [
        *(Invoked("a", "write", 1), GaveUp("a")),
        *done("a", "write", 2),
        *done("a", "read", None, 1),
    ]

    assert linearizable(history, RegisterModel(0))
    assert sequentially_consistent(history, RegisterModel(0))


def test_a_failed_write_never_takes_effect_and_it_is_its_failure_that_shows_it() -> None:
    history = [Invoked("a", "write", 1), *done("b", "read", None, 1), Failed("a")]

    verdict = linearizable(history, RegisterModel(0))

    assert verdict.outcome == "fail"
    assert verdict.length == 4
    assert linearizable(history[:3], RegisterModel(0))


def test_nothing_is_fine() -> None:
    assert linearizable([], RegisterModel())
    assert sequentially_consistent([], MapModel())


# -- what a failure tells -------------------------------------------------------------------------


def test_a_failure_names_the_beginning_that_fails_and_what_has_no_place() -> None:
    history: list[HistoryEvent] = [
        *(Invoked("a", "write", 1), Invoked("b", "read"), Returned("a")),
        *(Invoked("c", "write", 2), Returned("b", 1)),
        *done("a", "read", None, 0),
        *done("a", "read", None, 7),
    ]

    verdict = linearizable(history, RegisterModel(0))

    assert verdict.outcome == "fail"
    assert verdict.length == 7
    assert verdict.prefix == tuple(history[:7])
    assert [f"{each.process} {each}" for each in verdict.stuck] == ["a read()=0"]
    assert [f"{each.process} {each}" for each in verdict.order] == ["a write(1)", "b read()=1"]
    assert verdict.state == 1
    assert f"{verdict}".splitlines() == [
        "not linearizable: no place for read()=0 of a, of the first 7 events",
        "  a  |-write(1)-|  |#read()=0#|",
        "  b   |-read()=1--|",
        "  c              |-write(2)....",
        "  what works without: a write(1), b read()=1",
        "  then the state is 1",
    ]
    assert repr(verdict) == f"<fail: {verdict.text.splitlines()[0]}>"


def test_a_failure_of_a_map_is_about_the_key_that_failed_first() -> None:
    history: list[HistoryEvent] = [
        Invoked("a", "write", 1, key="x"),
        *(Invoked("b", "write", 2, key="y"), Returned("b")),
        Returned("a"),
        *(Invoked("b", "read", key="y"), Returned("b", 3)),
        *(Invoked("a", "read", key="x"), Returned("a", 4)),
    ]

    verdict = linearizable(history, MapModel(RegisterModel(0)))

    assert verdict.length == 6
    assert verdict.prefix == (*history[1:3], *history[4:6])
    assert "not linearizable (key 'y')" in f"{verdict}"


def test_a_long_failure_is_shown_by_its_end() -> None:
    history: list[HistoryEvent] = [
        *(event for number in range(100) for event in done("a", "write", number)),
        *done("b", "read", None, -1),
    ]

    text = f"{linearizable(history, RegisterModel())}"

    assert "89 other operations are not shown" in text
    assert "what works without: ..., a write(94)" in text
    assert max(map(len, text.splitlines())) < 200


# -- bounds ---------------------------------------------------------------------------------------


def hard(width: int) -> list[HistoryEvent]:
    """Writes of many processes at once, and a read of something else."""
    names = [f"p{number}" for number in range(width)]
    return [
        *(Invoked(name, "write", number) for number, name in enumerate(names)),
        *(Returned(name) for name in names),
        *done("r", "read", None, -1),
    ]


def test_what_takes_too_many_steps_is_unknown() -> None:
    verdict = linearizable(hard(24), RegisterModel(), max_steps=2_000)

    assert verdict.outcome == "unknown"
    assert not verdict
    assert verdict.steps <= 2_000
    assert "max_steps=2000" in f"{verdict}"
    assert sequentially_consistent(hard(24), RegisterModel(), max_steps=2_000).outcome == "unknown"


def test_with_more_steps_it_is_known() -> None:
    assert linearizable(hard(8), RegisterModel()).outcome == "fail"


def test_a_key_that_takes_too_long_does_not_hide_the_failure_of_another_one() -> None:
    slow = [
        Invoked(each.process, each.operation, each.argument, key="slow")
        if isinstance(each, Invoked)
        else each
        for each in hard(24)
    ]
    history = [*slow, Invoked("a", "read", key="quick"), Returned("a", 1)]

    verdict = linearizable(history, MapModel(RegisterModel(0)), max_steps=2_000)

    assert verdict.outcome == "fail"
    assert "key 'quick'" in f"{verdict}"
    undecided = linearizable(slow, MapModel(), max_steps=2_000)
    assert "at key 'slow'" in f"{undecided}"


@pytest.mark.parametrize("max_steps", [0, -1, 1.5, None])
def test_a_bound_that_is_none_is_refused(max_steps: Any) -> None:
    with pytest.raises(ScenarioError):
        linearizable([], RegisterModel(), max_steps=max_steps)


# -- size -----------------------------------------------------------------------------------------


def on_register(random: Random) -> tuple[str, Any]:
    if random.random() < 0.5:
        return "read", None
    value = random.randrange(5)
    return random.choice([("write", value), ("cas", (value, random.randrange(5)))])


def test_ten_thousand_operations_on_a_register_take_few_steps() -> None:
    history = simulated(Random(1), register, 0, on_register, count=10_000, processes=5)

    verdict = linearizable(history, RegisterModel(0))

    assert verdict
    assert verdict.steps < 50_000


def test_ten_thousand_operations_with_crashes_take_few_steps() -> None:
    history = simulated(Random(1), register, 0, on_register, count=10_000, processes=5, lost=0.005)

    verdict = linearizable(history, RegisterModel(0))

    assert verdict
    assert verdict.steps < 200_000


def test_ten_thousand_operations_on_a_queue_take_few_steps() -> None:
    values = iter(range(10_000))

    def draw(random: Random) -> tuple[str, Any]:
        return ("dequeue", None) if random.random() < 0.5 else ("enqueue", next(values))

    history = simulated(Random(1), queue, (), draw, count=10_000, processes=5)

    verdict = linearizable(history, QueueModel())

    assert verdict
    assert verdict.steps < 50_000


def test_one_wrong_result_late_in_a_long_history_is_found() -> None:
    history = simulated(Random(1), register, 0, on_register, count=2_000, processes=5)
    place = max(n for n, e in enumerate(history) if isinstance(e, Returned) and e.result == 4)
    history[place] = Returned(history[place].process, 99)

    verdict = linearizable(history, RegisterModel(0))

    assert verdict.length == place + 1
    assert [each.result for each in verdict.stuck] == [99]
