"""Stand-ins that answer by the type of the request."""

from collections.abc import Iterator
from typing import Any

import pytest

from dramaturg.actors import ActorCrashed, ActorRef, OptionError, Props, Refused
from dramaturg.protocols.testing import (
    Answers,
    Delayed,
    InTurn,
    MockAgent,
    NoMoreAnswersError,
    Simulation,
    Stage,
    TestProbe,
    UnexpectedMessageError,
    explore_system,
)
from tests.protocols.testing.shop import Clerk, Get, Put, Take


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


def played(stage: Stage, by_type: dict[Any, Any]) -> tuple[ActorRef[MockAgent], Answers]:
    answers = Answers(by_type)
    return stage.system.spawn(Props(MockAgent, answers), name="mock"), answers


def test_a_value_is_answered_every_time(stage: Stage) -> None:
    mock, _ = played(stage, {Get: 3})

    assert [mock.ask(Get()), mock.ask(Get())] == [3, 3]


def test_a_function_makes_the_answer_from_the_message(stage: Stage) -> None:
    def more(put: Put) -> int:
        return put.stock + 1

    mock, _ = played(stage, {Put: more})

    assert mock.ask(Put(4)) == 5


def test_a_coroutine_function_is_awaited(stage: Stage) -> None:
    async def answer(put: Put) -> int:
        return put.stock

    mock, _ = played(stage, {Put: answer})

    assert mock.ask(Put(4)) == 4


def test_a_message_is_answered_by_the_nearest_type(stage: Stage) -> None:
    class Special(Put): ...

    mock, _ = played(stage, {object: "any", Put: "put"})

    assert [mock.ask(Special(1)), mock.ask(Get())] == ["put", "any"]


def test_answers_come_in_turn_and_end(stage: Stage) -> None:
    mock, _ = played(stage, {Get: InTurn(1, Refused("later"), 2)})

    assert mock.ask(Get()) == 1
    with pytest.raises(Refused, match="later"):
        mock.ask(Get())
    assert mock.ask(Get()) == 2
    with pytest.raises(ActorCrashed) as raised:
        mock.ask(Get())
    assert isinstance(raised.value.__cause__, NoMoreAnswersError)
    assert "one more than the 3 answers" in str(raised.value.__cause__)


@pytest.mark.parametrize("error", [KeyError("x"), KeyError])
def test_an_exception_fails_the_mock(stage: Stage, error: Any) -> None:
    mock, _ = played(stage, {Get: error})

    with pytest.raises(ActorCrashed, match="KeyError"):
        mock.ask(Get())


def test_a_delay_is_in_virtual_time(stage: Stage) -> None:
    mock, _ = played(stage, {Get: Delayed(60, InTurn(3))})
    later = mock.ask(Get(), block=False)

    stage.clock.advance(59)
    assert not later.is_done()
    stage.clock.advance(1)

    assert later.get() == 3


def test_calls_are_kept(stage: Stage) -> None:
    mock, answers = played(stage, {Get: 3, Put: None})
    probe = TestProbe(stage.system)
    mock.ask(Get())
    stage.clock.advance(2)

    probe.tell(mock, Put(1))

    assert [call.message for call in answers.calls] == [Get(), Put(1)]
    assert (answers.calls[1].sender, answers.calls[1].time) == (probe.ref, 2)
    assert answers.calls_of(Put) == [Put(1)]


def test_a_type_without_an_answer_fails_the_mock(stage: Stage) -> None:
    mock, answers = played(stage, {Get: 3})

    with pytest.raises(ActorCrashed) as raised:
        mock.ask(Take())

    assert isinstance(raised.value.__cause__, UnexpectedMessageError)
    assert answers.calls_of(Take) == [Take()]


def test_what_cannot_be_is_refused() -> None:
    wrong: Any = {"Get": 3}
    with pytest.raises(OptionError, match="types of messages"):
        Answers(wrong)
    with pytest.raises(OptionError, match="seconds=-1"):
        Delayed(-1)
    assert repr(InTurn(1, 2)) == "InTurn(1, 2)"


def test_a_mock_plays_its_part_in_every_schedule() -> None:
    async def scenario(sim: Simulation) -> None:
        answers = Answers({Get: Delayed(1, 5), Put: None})
        store = sim.system.spawn(Props(MockAgent, answers))
        await sim.system.spawn(Props(Clerk, store)).request(Take())
        assert answers.calls_of(Put) == [Put(4)]

    explore_system(scenario, schedules=10).check()
