"""Policies decide what becomes of an actor that failed, and may fail themselves."""

from collections.abc import Callable
from typing import Any

import pytest

from dramaturg.actors import ActorFailed, ActorSystem, Directive, Failure, Props, Terminated
from tests.actors.kit import (
    KINDS,
    Crash,
    Do,
    Events,
    Fail,
    Kind,
    Note,
    Puppet,
    Unusual,
    ended,
    settled,
    within,
)


@pytest.mark.parametrize("kind", KINDS)
async def test_resume_keeps_the_state_and_goes_on_with_the_next_message(kind: Kind) -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(kind, log).using(policy=Directive.RESUME))
        instance = await within(ref.request(Do(lambda actor: actor)))
        for message in (Note(1), Fail(Crash()), Note(2)):
            ref.tell(message)

        assert await within(ref.request(Do(lambda actor: actor))) is instance
        assert log == ["on_start", 1, "on_failure", 2]


async def test_an_actor_that_was_resumed_and_stops_later_has_not_failed() -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        watcher = system.spawn(Props(Puppet, log))
        ref = system.spawn(Props(Puppet).using(policy=Directive.RESUME))
        await within(watcher.request(Do(lambda actor: actor.context.watch(ref))))
        ref.tell(Fail(Crash()))
        await settled(ref)
        await within(ref.stop(block=False))
        await settled(watcher)

        assert log == ["on_start", Terminated(ref, None)]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_policy_chooses_by_the_failure(kind: Kind) -> None:
    failures: list[Failure] = []

    def choose(failure: Failure) -> Directive:
        failures.append(failure)
        return Directive.STOP if isinstance(failure.error, ValueError) else Directive.RESTART

    async with ActorSystem() as system:
        events = Events(system)
        ref = system.spawn(Props(kind).using(policy=choose))
        first, second = Crash(), ValueError()
        ref.tell(Fail(first))
        ref.tell(Fail(second))
        await ended(ref)

        assert [failed.decision for failed in events.of(ActorFailed)] == ["restart", "stop"]
        assert failures == [
            Failure(ref, first, "message", Fail(first), 1, 0),
            Failure(ref, second, "message", Fail(second), 2, 1),
        ]


async def test_a_class_may_bring_its_policy_in_any_form() -> None:
    def resume(failure: Failure) -> Directive:
        return Directive.RESUME

    class Value(Puppet):
        policy = Directive.RESUME

    class Function(Puppet):
        policy = resume  # type: ignore[assignment]

    class Static(Puppet):
        @staticmethod
        def policy(  # pyright: ignore[reportIncompatibleVariableOverride]
            failure: Failure,
        ) -> Directive:
            return Directive.RESUME

    class OfTheClass(Puppet):
        @classmethod
        def policy(  # pyright: ignore[reportIncompatibleVariableOverride]
            cls, failure: Failure
        ) -> Directive:
            return Directive.RESUME

    class Heir(OfTheClass):
        pass

    async with ActorSystem() as system:
        for kind in (Value, Function, Static, OfTheClass, Heir):
            ref = system.spawn(kind)
            ref.tell(Fail(Crash()))
            await settled(ref)


async def test_the_recipes_policy_goes_before_that_of_the_class() -> None:
    class Resumed(Puppet):
        policy = Directive.RESUME

    async with ActorSystem() as system:
        ref = system.spawn(Props(Resumed).using(policy=Directive.STOP))
        ref.tell(Fail(Crash()))
        await ended(ref)

        assert not ref.is_alive()


def raises(error: BaseException) -> Callable[[Failure], Directive]:
    def policy(failure: Failure) -> Directive:
        raise error

    return policy


def nonsense(failure: Failure) -> Any:
    return "explode"


@pytest.mark.parametrize(
    "policy",
    [raises(Crash("policy")), raises(SystemExit()), raises(Unusual()), nonsense],
    ids=["Exception", "SystemExit", "BaseException", "nonsense"],
)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_policy_that_fails_is_reported_and_the_failure_escalated(
    kind: Kind, policy: Callable[[Failure], Directive]
) -> None:
    error = Crash("handler")
    async with ActorSystem() as system:
        events = Events(system)
        system.spawn(Props(kind).using(policy=policy), name="it").tell(Fail(error))

        with pytest.raises(Crash, match="handler"):
            await within(system.wait())

        reports = [(f.path, f.phase, f.decision) for f in events.of(ActorFailed)]
        assert reports[:2] == [("/it", "policy", "none"), ("/it", "message", "escalate")]
