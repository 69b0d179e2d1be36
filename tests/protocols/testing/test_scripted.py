"""Actors that follow a script."""

from collections.abc import Iterator
from typing import Any

import pytest

from dramaturg.actors import ActorCrashed, ActorRef, DeadlineExceeded, Props, Refused
from dramaturg.protocols.testing import (
    NO_REPLY,
    Line,
    Script,
    ScriptedActor,
    ScriptNotFollowedError,
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


def played(stage: Stage, script: Script) -> ActorRef[Any]:
    return stage.system.spawn(Props(ScriptedActor, script), name="store")


def test_each_line_answers_its_message(stage: Stage) -> None:
    def two(message: Get) -> int:
        return 2

    script = Script(Line(Get, reply=3), Line(Put(2)), Line(Get, reply=two))
    store = played(stage, script)

    assert [store.ask(Get()), store.ask(Put(2)), store.ask(Get())] == [3, None, 2]
    script.check()


def test_a_line_may_expect_by_a_function(stage: Stage) -> None:
    def is_much(message: Put) -> bool:
        return message.stock > 5

    script = Script(Line(is_much, reply="much"))

    assert played(stage, script).ask(Put(6)) == "much"


def test_a_line_sends_before_it_answers(stage: Stage) -> None:
    probe = TestProbe(stage.system)
    script = Script(Line(Get, sends=[(probe.ref, "one"), (probe.ref, "two")], reply=3))
    store = played(stage, script)

    assert store.ask(Get()) == 3
    assert probe.receive_n(2) == ("one", "two")
    assert probe.sender == store


def test_a_line_may_refuse_or_fail(stage: Stage) -> None:
    store = played(stage, Script(Line(Get, raises=Refused("no")), Line(Get, raises=KeyError)))

    with pytest.raises(Refused, match="no"):
        store.ask(Get())
    with pytest.raises(ActorCrashed, match="KeyError"):
        store.ask(Get())


def test_a_line_may_leave_a_request_unanswered(stage: Stage) -> None:
    later = played(stage, Script(Line(Get, reply=NO_REPLY))).ask(Get(), block=False, timeout=5)

    stage.clock.advance(5)

    with pytest.raises(DeadlineExceeded):
        later.get()
    assert repr(NO_REPLY) == "NO_REPLY"


def test_another_message_than_the_next_line_says_fails_the_actor(stage: Stage) -> None:
    script = Script(Line(Get, reply=3))

    with pytest.raises(ActorCrashed) as raised:
        played(stage, script).ask(Put(1))

    assert isinstance(raised.value.__cause__, UnexpectedMessageError)
    assert str(raised.value.__cause__) == "/store expected Get; Put(stock=1) came"
    with pytest.raises(
        ScriptNotFollowedError, match=r"unexpected: Put\(stock=1\); did not come: Get"
    ):
        script.check()


def test_a_message_after_the_last_line_is_unexpected(stage: Stage) -> None:
    script = Script()

    with pytest.raises(ActorCrashed, match="expected nothing more"):
        played(stage, script).ask(Take())

    assert script.unexpected == [Take()]


def test_lines_that_did_not_come_are_told() -> None:
    script = Script(Line(Get, reply=3), Line(Put(2)))

    with pytest.raises(ScriptNotFollowedError) as raised:
        script.check()

    assert [str(line) for line in raised.value.left] == ["Get", "Put(stock=2)"]
    assert repr(script) == "<Script, 0 of 2 lines said>"


def test_a_script_plays_its_part_in_every_schedule() -> None:
    async def scenario(sim: Simulation) -> None:
        script = Script(Line(Get, reply=5), Line(Put(4)))
        store = sim.system.spawn(Props(ScriptedActor, script))
        await sim.system.spawn(Props(Clerk, store)).request(Take())
        script.check()

    explore_system(scenario, schedules=10).check()
