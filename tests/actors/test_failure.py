"""Failures: one report, an answer for who asked, and nobody else is hurt."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from dramaturg.actors import (
    ActorCrashed,
    ActorFailed,
    ActorRef,
    ActorSystem,
    DeadLetterReason,
    Directive,
    Props,
    Refused,
)
from tests.actors.kit import (
    KINDS,
    AsyncPuppet,
    Crash,
    Do,
    Events,
    Fail,
    Kind,
    Note,
    Puppet,
    Unusual,
    deaf,
    ended,
    reasons,
    settled,
    within,
)

ERRORS = [
    *(Crash("oh"), SystemExit(3), KeyboardInterrupt(), Unusual("oh"), GeneratorExit()),
    *(asyncio.CancelledError(), StopIteration(), StopAsyncIteration(), TimeoutError()),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_whatever_a_handler_raises_only_its_actor_fails(
    kind: Kind, error: BaseException
) -> None:
    async with ActorSystem() as system:
        events = Events(system)
        other, failing = system.spawn(kind, name="other"), system.spawn(kind, name="it")
        failing.tell(Fail(error))
        await ended(failing)

        assert [failed.error for failed in events.of(ActorFailed)] == [error]
        assert reasons(system) == [(Fail(error), DeadLetterReason.CRASHED)]
        assert await within(other.request(Do(lambda _: "alive"))) == "alive"
        assert await within(system.spawn(kind).request(Do(lambda _: "alive"))) == "alive"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", ERRORS[:6], ids=lambda error: type(error).__name__)
async def test_the_caller_gets_actor_crashed_with_the_cause(
    kind: Kind, error: BaseException
) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(kind, name="it")

        with pytest.raises(ActorCrashed) as caught:
            await within(ref.request(Fail(error)))

        assert caught.value.__cause__ is error
        assert (caught.value.path, caught.value.incarnation) == ("/it", 1)
        assert caught.value.cause == f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_blocking_asker_gets_actor_crashed_too(kind: Kind) -> None:
    def ask() -> None:
        with pytest.raises(ActorCrashed):
            ref.ask(Fail(SystemExit()))

    async with ActorSystem() as system:
        ref = system.spawn(kind)
        await within(asyncio.to_thread(ask))


async def test_an_awaited_future_that_was_cancelled_fails_the_actor_as_any_error() -> None:
    def wait(actor: Any) -> Awaitable[Any]:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        return future

    async with ActorSystem() as system:
        ref = system.spawn(AsyncPuppet)

        with pytest.raises(ActorCrashed, match="CancelledError"):
            await within(ref.request(Do(wait)))
        await ended(ref)


async def test_a_handler_that_fails_after_waiting_fails_its_actor() -> None:
    async def fail_late() -> None:
        await asyncio.sleep(0)
        raise Crash

    async with ActorSystem() as system:
        ref = system.spawn(AsyncPuppet)

        with pytest.raises(ActorCrashed):
            await within(ref.request(Do(lambda _: fail_late())))
        await ended(ref)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_failed_actor_stops_and_its_mailbox_becomes_dead_letters(kind: Kind) -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(kind, log))
        await within(ref.started())

        def fail_with_two_more(actor: Any) -> None:
            actor.actor_ref.tell(Note(1))
            actor.actor_ref.tell(Note(2))
            raise Crash

        ref.tell(Do(fail_with_two_more))
        await ended(ref)

        assert log == ["on_start", "on_failure"]
        assert [reason for _, reason in reasons(system)] == [
            DeadLetterReason.CRASHED,
            DeadLetterReason.STOPPED,
            DeadLetterReason.STOPPED,
        ]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_refusal_is_no_failure(kind: Kind) -> None:
    refusal = Refused("sold out", sku="x")
    async with ActorSystem() as system:
        events = Events(system, ActorFailed)
        ref = system.spawn(kind)

        with pytest.raises(Refused) as caught:
            await within(ref.request(Fail(refusal)))
        ref.tell(Fail(refusal))
        await settled(ref)

        assert caught.value.details == {"sku": "x"}
        assert events.all == []
        assert reasons(system) == [(Fail(refusal), DeadLetterReason.REFUSED)]


async def test_the_report_says_what_when_and_what_was_decided() -> None:
    error = Crash("oh")
    async with ActorSystem(trace=True) as system:
        events = Events(system)
        ref = system.spawn(Props(Puppet).using(policy=Directive.RESUME), name="it")
        ref.tell(Fail(error))
        ref.tell(Fail(error))
        await settled(ref)

    letters = system.dead_letters.list()
    for failed, letter in zip(events.of(ActorFailed), letters, strict=True):
        assert (failed.path, failed.actor_class, failed.incarnation) == ("/it", "Puppet", 1)
        assert (failed.phase, failed.decision, failed.restarts) == ("message", "resume", 0)
        assert (failed.error, failed.message_type) == (error, "Fail")
        assert failed.message_id == str(letter.message_id)
        assert failed.correlation_id == str(letter.correlation_id)
        assert error.__traceback__ is not None


async def test_an_asker_may_go_on_though_the_one_it_asked_has_crashed() -> None:
    async def ask(other: ActorRef[Any]) -> str:
        try:
            await other.request(Fail(Crash()))
        except ActorCrashed as error:
            return f"{other.name} crashed: {error.cause}"
        return "nothing happened"

    async with ActorSystem() as system:
        asker, other = system.spawn(AsyncPuppet), system.spawn(Puppet, name="it")

        assert await within(asker.request(Do(lambda _: ask(other)))) == "it crashed: Crash: "
        assert asker.is_alive()


async def test_a_failing_actor_leaves_a_suspended_sibling_alone() -> None:
    async with ActorSystem(shutdown_timeout=0.01) as system:
        waiting, failing = system.spawn(AsyncPuppet), system.spawn(AsyncPuppet)
        waiting.tell(Do(deaf))
        failing.tell(Fail(Crash()))
        await ended(failing)

        assert waiting.is_alive()
