"""Events, operations, models that refuse them, and how they are drawn."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from typing import Any

import pytest

from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._freeze import freeze
from dramaturg.protocols.testing._histories import (
    UNKNOWN,
    Failed,
    GaveUp,
    HistoryEvent,
    Invoked,
    Returned,
    events_in,
    operations,
)
from dramaturg.protocols.testing._history_errors import (
    HistoryError,
    NotInvokedError,
    StillOpenError,
)
from dramaturg.protocols.testing._history_timeline import timeline
from dramaturg.protocols.testing._linearizability import linearizable
from dramaturg.protocols.testing._sequential_models import (
    CounterModel,
    CustomModel,
    DeterministicModel,
    LockModel,
    MapModel,
    QueueModel,
    RegisterModel,
    SequentialModel,
    SetModel,
)
from tests.protocols.testing.histories_kit import done

# -- events ---------------------------------------------------------------------------------------


def test_events_become_operations_in_the_order_of_their_invocation() -> None:
    history: list[HistoryEvent] = [
        Invoked("a", "write", 1, key="x", at=0.5),
        *(Invoked("b", "read"), Invoked("c", "read"), Invoked("d", "read")),
        *(Returned("b", 3, at=0.5), Failed("c", at=1.0), GaveUp("d")),
    ]

    a, b, c, d = operations(history)

    assert (a.name, a.argument, a.key, a.invoked, a.ended) == ("write", 1, "x", 0, None)
    assert (b.result, b.invoked, b.ended) == (3, 1, 4)
    assert [each.outcome for each in (a, b, c, d)] == ["pending", "returned", "failed", "pending"]
    assert b.before(4) == replace(b, result=None, ended=None, outcome="pending")
    assert b.before(5) == b
    assert b.before(1) is None


def test_events_can_be_hashed_and_frozen() -> None:
    assert len({Invoked("a", "read"), Invoked("a", "read"), Returned("a")}) == 2
    assert freeze(Invoked("a", "write", [1])) != freeze(Invoked("a", "write", [2]))


def test_an_end_without_a_beginning_is_refused() -> None:
    with pytest.raises(NotInvokedError) as refused:
        operations([*done("a", "read"), Returned("a", 1)])

    assert (refused.value.process, refused.value.position) == ("a", 2)
    assert refused.value.event == Returned("a", 1)
    with pytest.raises(NotInvokedError):
        operations([Failed("a")])


def test_a_second_operation_under_way_is_refused() -> None:
    with pytest.raises(StillOpenError) as refused:
        operations([Invoked("a", "read"), Invoked("a", "write", 1)])

    assert refused.value.process == "a"
    assert refused.value.position == 1
    assert refused.value.under_way == Invoked("a", "read")
    assert isinstance(pickle.loads(pickle.dumps(refused.value)), StillOpenError)  # noqa: S301


def test_giving_up_with_nothing_under_way_is_fine() -> None:
    assert operations([GaveUp("a"), Invoked("a", "read"), GaveUp("a"), GaveUp("a")])


@pytest.mark.parametrize(
    "history",
    [
        ["read"],
        [Invoked([], "read")],  # type: ignore[arg-type]
        [Invoked("a", "read", key=[])],  # type: ignore[arg-type]
        [Invoked("a", "read", at=2.0), Returned("a", at=1.0)],
    ],
    ids=["no event", "process", "key", "time"],
)
def test_a_history_that_cannot_be_is_refused(history: Any) -> None:
    with pytest.raises(HistoryError) as refused:
        operations(history)

    assert refused.value.position == len(history) - 1


def test_events_are_picked_from_other_notes() -> None:
    assert events_in(["sold", Invoked("a", "read"), 3]) == (Invoked("a", "read"),)


# -- the unknown result ---------------------------------------------------------------------------


def test_an_unknown_result_equals_everything_and_is_neither_true_nor_false() -> None:
    assert UNKNOWN == 3
    assert UNKNOWN in {1: 2}.values()
    assert not UNKNOWN != 3  # noqa: SIM202
    with pytest.raises(ScenarioError):
        bool(UNKNOWN)


def test_an_unknown_result_stays_one_and_the_same() -> None:
    assert copy.deepcopy(UNKNOWN) is UNKNOWN
    assert pickle.loads(pickle.dumps(UNKNOWN)) is UNKNOWN  # noqa: S301
    assert hash(UNKNOWN) == hash(UNKNOWN)
    assert repr(UNKNOWN) == "UNKNOWN"


def unhashable(state: Any, operation: str, argument: Any) -> tuple[None, list[Any]]:
    return None, [*state, 1]


# -- models ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "history"),
    [
        (RegisterModel(), done("a", "pop")),
        (RegisterModel(), done("a", "cas", 1, result=True)),
        (RegisterModel(), done("a", "cas", (1, 2), "yes")),
        (RegisterModel(), [Invoked("a", "read", key="x")]),
        (QueueModel(), done("a", "enqueue", None)),
        (SetModel(), done("a", "add", [1])),
        (SetModel(), done("a", "pop")),
        (SetModel(), done("a", "read", None, [1])),
        (MapModel(), done("a", "read")),
        (MapModel(), [Invoked("a", "pop", key="x")]),
        (CustomModel(0, lambda *_: True), done("a", "read")),  # type: ignore[arg-type]
        (DeterministicModel(0, lambda *_: 3), done("a", "read")),  # type: ignore[arg-type]
        (DeterministicModel([iter(())], unhashable), done("a", "read")),
        ("register", []),
    ],
)
def test_what_a_model_does_not_know_is_refused(model: Any, history: list[HistoryEvent]) -> None:
    with pytest.raises(ScenarioError):
        linearizable(history, model)


def test_a_map_of_maps_is_refused() -> None:
    with pytest.raises(ScenarioError):
        MapModel(MapModel())


def test_a_base_model_has_no_step() -> None:
    with pytest.raises(NotImplementedError):
        SequentialModel().step(0, "read", None, None)
    with pytest.raises(NotImplementedError):
        MapModel().step(None, "read", None, None)


def test_a_lock_is_held_by_one_at_a_time() -> None:
    both = [*done("a", "acquire"), *done("b", "acquire")]

    assert not linearizable(both, LockModel())
    assert linearizable([*both[:2], *done("a", "release"), *both[2:]], LockModel())
    assert linearizable([*both[:2], *done("b", "acquire", None, result=False)], LockModel())
    assert not linearizable([*both[:2], *done("b", "release")], LockModel())
    assert linearizable([*both[:2], *done("b", "release", None, result=False)], LockModel())


def test_a_counter_need_not_tell_the_count() -> None:
    assert linearizable([*done("a", "add"), *done("a", "read", None, 1)], CounterModel())
    assert not linearizable([*done("a", "add", 2, 3)], CounterModel())


def test_values_that_cannot_be_hashed_will_do() -> None:
    history = [*done("a", "write", [1]), *done("b", "read", None, [1])]

    assert linearizable(history, RegisterModel())
    assert not linearizable([*history, *done("b", "read", None, [2])], RegisterModel())


def test_a_custom_model_is_a_state_and_a_step() -> None:
    def stack(state: Any, operation: str, argument: Any, result: Any) -> tuple[bool, Any]:
        if operation == "push":
            return True, (*state, argument)
        return bool(state) and state[-1] == result, state[:-1]

    model = CustomModel((), stack)
    history = [*done("a", "push", 1), *done("a", "push", 2)]

    assert linearizable([*history, *done("b", "pop", None, 2)], model)
    assert not linearizable([*history, *done("b", "pop", None, 1)], model)


def test_a_model_may_leave_open_what_a_pending_operation_did() -> None:
    class Bag(SequentialModel):
        """Hands out any of its items."""

        init: frozenset[int] = frozenset({1, 2})

        def step(self, state: Any, operation: str, argument: Any, result: Any) -> tuple[bool, Any]:
            if operation == "look":
                return state == result, state
            return result in state, state - {result}

        def outcomes(self, state: Any, operation: str, argument: Any) -> list[Any]:
            return [state - {each} for each in state]

    pending = [Invoked("a", "take")]

    for left in ({1}, {2}, {1, 2}):
        assert linearizable([*pending, *done("b", "look", None, left)], Bag())
    assert not linearizable([*pending, *done("b", "look", None, set())], Bag())


# -- timelines ------------------------------------------------------------------------------------


def test_bars_overlap_as_the_operations_do() -> None:
    history: list[HistoryEvent] = [
        *(Invoked("a", "write", 1), Invoked("bob", "read"), Failed("a")),
        *(Invoked("a", "read"), Returned("bob", 0), GaveUp("a")),
    ]

    drawn = timeline(operations(history))

    assert drawn == [
        "  a    |-write(1)-x|-read()..",
        "  bob   |-read()=0--|",
    ]


def test_long_values_are_cut() -> None:
    (line,) = timeline(operations(done("a", "write", "x" * 100)))

    assert "..." in line
    assert len(line) < 60
