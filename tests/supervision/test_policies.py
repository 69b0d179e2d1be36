"""What an actor does about its failures itself: limits, back-off, choice by exception."""

import copy
from random import Random
from typing import Any

import pytest

from dramaturg.actors import (
    ActorFailed,
    Directive,
    Failure,
    ManualClock,
    OptionError,
    Policy,
    Props,
    Restart,
    StartFailed,
)
from dramaturg.supervision import Backoff, LimitedRestart, OnError
from tests.actors.kit import AsyncPuppet, Crash, Events, Fail, Kind, Puppet, ended, settled, within
from tests.any_order import new_system


def failure(error: BaseException, restarted_at: tuple[float, ...] = (), **given: Any) -> Failure:
    fields: dict[str, Any] = {
        "phase": "message",
        "message": None,
        "incarnation": 1,
        "restarts": 0,
        "now": 0.0,
    }
    ref: Any = None
    return Failure(ref, error, restarted_at=restarted_at, **(fields | given))


def test_restarts_in_the_closed_window_count() -> None:
    policy = LimitedRestart(2, within=10.0)

    assert policy(failure(Crash(), (0.0,), now=10.0)) == Restart()
    assert policy(failure(Crash(), (0.0, 5.0), now=10.0)) is Directive.STOP
    assert policy(failure(Crash(), (0.0, 5.0), now=10.001)) == Restart()


def test_a_limit_of_zero_stops_at_once_and_none_never() -> None:
    always = LimitedRestart(None)

    assert LimitedRestart(0)(failure(Crash())) is Directive.STOP
    assert always(failure(Crash(), tuple(map(float, range(1000))), now=1000.0)) is Directive.RESTART


def test_pauses_grow_with_failures_in_a_row_and_begin_anew() -> None:
    policy = LimitedRestart(None, backoff=Backoff(1.0, 8.0))
    now, at, in_a_row = 0.0, tuple[float, ...](), -1
    pauses: list[float] = []
    for up_for in (0.0, 0.5, 0.5, 0.5, 0.5, 4.5, 0.5):
        now += up_for
        decision = policy(failure(Crash(), at, now=now, in_a_row=in_a_row))
        assert isinstance(decision, Restart)
        pauses.append(decision.after)
        in_a_row = decision.in_a_row
        now += decision.after
        at = (*at, now)

    assert pauses == [1.0, 2.0, 4.0, 8.0, 8.0, 1.0, 2.0]


def test_the_nearest_base_class_decides() -> None:
    policy = OnError(
        {
            Exception: Directive.RESTART,
            OSError: Directive.RESUME,
            ConnectionError: LimitedRestart(0),
        },
        otherwise=Directive.ESCALATE,
    )

    assert policy(failure(ValueError())) is Directive.RESTART
    assert policy(failure(FileNotFoundError())) is Directive.RESUME
    assert policy(failure(ConnectionResetError())) is Directive.STOP
    assert policy(failure(KeyboardInterrupt())) is Directive.ESCALATE


@pytest.mark.parametrize("kind", [Puppet, AsyncPuppet])
async def test_an_actor_that_cannot_start_again_is_tried_within_the_limit(kind: Kind) -> None:
    starts: list[int] = []

    class Weak(kind):  # type: ignore[misc,valid-type]
        def on_restart(self, cause: BaseException) -> None:
            starts.append(self.context.incarnation)
            if len(starts) < 3:
                raise Crash

    async with new_system() as system:
        weak = system.spawn(Props(Weak).using(policy=LimitedRestart(3)))
        weak.tell(Fail(Crash()))
        await settled(weak)

        assert starts == [2, 3, 4]

        weak.tell(Fail(Crash()))
        await ended(weak)


async def test_pauses_are_taken_on_the_systems_clock_and_messages_queue() -> None:
    clock = ManualClock()
    async with new_system(clock=clock) as system:
        events = Events(system)
        policy = LimitedRestart(5, backoff=Backoff(2.0, 10.0))
        ref = system.spawn(Props(Puppet).using(policy=policy))
        ref.tell(Fail(Crash()))
        await events.until(lambda: bool(events.of(ActorFailed)))
        answer = ref.ask(Fail(Crash()), block=False, timeout=100.0)
        clock.advance(1.9)
        assert not answer.is_done()
        clock.advance(0.1)
        await events.until(lambda: len(events.of(ActorFailed)) == 2)
        clock.advance(3.9)
        assert ref.cell.incarnation == 2
        clock.advance(0.1)
        await settled(ref)
        assert ref.cell.incarnation == 3


async def test_a_stop_during_the_pause_wins() -> None:
    clock = ManualClock()
    async with new_system(clock=clock) as system:
        events = Events(system)
        policy = LimitedRestart(5, backoff=Backoff(2.0, 10.0))
        ref = system.spawn(Props(Puppet).using(policy=policy))
        ref.tell(Fail(Crash()))
        await events.until(lambda: bool(events.of(ActorFailed)))
        assert await within(ref.stop(block=False))
        clock.advance(5.0)
        assert ref.cell.incarnation == 1


async def test_a_first_start_is_tried_again_too() -> None:
    starts: list[int] = []

    class Late(Puppet):
        def on_start(self) -> None:
            starts.append(1)
            if len(starts) < 3:
                raise Crash

    async with new_system() as system:
        late = system.spawn(Props(Late).using(policy=LimitedRestart(3)))
        await within(late.started())
        assert len(starts) == 3

        starts.clear()
        never = system.spawn(Props(Late).using(policy=LimitedRestart(1)))
        with pytest.raises(StartFailed):
            await within(never.started())
        assert len(starts) == 2


async def test_a_failed_start_that_no_restart_follows_reaches_the_root() -> None:
    class Never(Puppet):
        def on_start(self) -> None:
            raise Crash("never")

    async with new_system() as system:
        system.spawn(Props(Never).using(policy=Directive.RESTART))
        with pytest.raises(Crash, match="never"):
            await within(system.wait())


@pytest.mark.parametrize("policy", [LimitedRestart(2, 3.0, Backoff(1, 2)), LimitedRestart()])
def test_limits_are_values(policy: Policy) -> None:
    assert copy.deepcopy(policy) == policy
    assert hash(copy.deepcopy(policy)) == hash(policy)


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("limit", {"limit": -1}),
        ("limit", {"limit": 1001}),
        ("limit", {"limit": 1.5}),
        ("limit", {"limit": True}),
        ("within", {"within": 0}),
        ("within", {"within": float("inf")}),
        ("backoff", {"backoff": 3}),
    ],
)
def test_limits_that_cannot_be_are_refused(option: str, given: dict[str, Any]) -> None:
    with pytest.raises(OptionError) as caught:
        LimitedRestart(**given)
    assert caught.value.option == option


@pytest.mark.parametrize(
    "given",
    [
        {"choices": 3},
        {"choices": {int: Directive.STOP}},
        {"choices": {"ValueError": Directive.STOP}},
        {"choices": {ValueError: "stop"}},
        {"choices": {}, "otherwise": None},
    ],
)
def test_choices_that_cannot_be_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        OnError(**given)


def test_a_restart_after_no_time_that_can_be_is_refused() -> None:
    with pytest.raises(OptionError) as caught:
        Restart(after=-1.0)
    assert caught.value.option == "after"


def test_a_failure_draws_its_chance_from_the_system() -> None:
    backoff = Backoff(1.0, 1.0, jitter=0.5)
    decision = LimitedRestart(1, backoff=backoff)(failure(Crash(), random=Random(3)))

    assert isinstance(decision, Restart)
    assert decision.after == backoff.delay(0, Random(3))
