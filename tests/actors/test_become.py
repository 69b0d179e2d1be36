"""Behaviours: letting another method handle what comes."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from dramaturg.actors import (
    ActorSystem,
    DeadLetterReason,
    ManualClock,
    OptionError,
    Props,
    Terminated,
)
from tests.actors.kit import (
    KINDS,
    AsyncPuppet,
    Do,
    Kind,
    Note,
    Puppet,
    reasons,
    settled,
    stop,
    within,
)
from tests.ids import stable


def become(receive: Any) -> Do:
    return Do(lambda actor: actor.context.become(receive))


def answer(text: str) -> Callable[[Any], Any]:
    return lambda message: (text, message)


@pytest.mark.parametrize("kind", KINDS)
async def test_from_the_next_message_on_the_behaviour_handles_all(kind: Kind) -> None:
    log: list[Any] = []

    def become_and_send(actor: Any) -> str:
        actor.actor_ref.tell(Note(1))
        actor.context.become(actor.log.append)
        actor.actor_ref.tell("unknown to the class")
        return "done"

    async with ActorSystem() as system:
        ref = system.spawn(Props(kind, log))

        assert await within(ref.request(Do(become_and_send))) == "done"
        await within(ref.request("end"))
        assert log == ["on_start", Note(1), "unknown to the class", "end"]
        assert reasons(system) == []


@pytest.mark.parametrize("kind", KINDS)
async def test_what_a_behaviour_returns_is_the_reply(kind: Kind) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(kind)
        await within(ref.request(become(answer("new"))))

        assert await within(ref.request(1)) == ("new", 1)


async def test_behaviours_stack_and_unbecome_returns_to_the_one_before() -> None:
    def unbecoming(text: str) -> Any:
        def receive(message: Any) -> Any:
            if message == "back":
                contexts[0].unbecome()
            elif message == "deeper":
                contexts[0].become(unbecoming("second"))
            return text

        return receive

    contexts: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Puppet)
        contexts.append(await within(ref.request(Do(lambda actor: actor.context))))
        await within(ref.request(become(unbecoming("first"))))

        messages = ["deeper", "any", "back", "any", "back"]
        replies = [await within(ref.request(message)) for message in messages]
        assert replies == ["first", "second", "second", "first", "first"]
        assert await within(ref.request(Do(lambda _: "class"))) == "class"


async def test_unbecome_without_a_behaviour_does_nothing() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Puppet)
        await within(ref.request(Do(lambda actor: actor.context.unbecome())))

        assert await within(ref.request(Do(lambda _: "class"))) == "class"


async def test_a_behaviour_may_be_async() -> None:
    async def receive(message: Any) -> Any:
        await asyncio.sleep(0)
        return message

    async with ActorSystem() as system:
        ref = system.spawn(AsyncPuppet)
        await within(ref.request(become(receive)))

        assert await within(ref.request("slowly")) == "slowly"


@pytest.mark.parametrize("receive", [None, 3, "method"], ids=stable)
async def test_what_cannot_be_called_is_refused(receive: Any) -> None:
    def become_wrongly(actor: Any) -> None:
        with pytest.raises(OptionError):
            actor.context.become(receive)

    async with ActorSystem() as system:
        ref = system.spawn(Puppet)
        await within(ref.request(Do(become_wrongly)))

        assert await within(ref.request(Do(lambda _: "class"))) == "class"


async def test_timers_and_notices_go_to_the_behaviour() -> None:
    def prepare(actor: Any) -> None:
        actor.context.start_timer("key", Note("tick"), after=1.0)
        actor.context.watch(target)
        actor.context.become(actor.log.append)

    clock = ManualClock()
    log: list[Any] = []
    async with ActorSystem(clock=clock) as system:
        ref, target = system.spawn(Props(Puppet, log)), system.spawn(Puppet)
        await within(ref.request(Do(prepare)))
        clock.advance(1.0)
        await stop(target)
        await within(ref.request("end"))

        assert log == ["on_start", Note("tick"), Terminated(target), "end"]


async def test_a_behaviour_does_not_touch_other_actors_of_the_class() -> None:
    async with ActorSystem() as system:
        first, second = system.spawn(Puppet), system.spawn(Puppet)
        await within(first.request(become(answer("new"))))
        await within(first.request("unknown to the class"))

        second.tell("unknown to the class")
        await settled(second)
        assert reasons(system) == [("unknown to the class", DeadLetterReason.UNHANDLED)]


async def test_a_drain_ends_an_actor_whatever_it_has_become() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Puppet)
        await within(ref.request(become(answer("new"))))

        assert await within(ref.drain(block=False))


async def test_what_was_handled_before_goes_to_the_behaviour_too() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Puppet)
        for _ in range(2):
            assert await within(ref.request(Do(lambda _: "class"))) == "class"
        await within(ref.request(become(answer("new"))))

        message = Do(lambda _: "class")
        assert await within(ref.request(message)) == ("new", message)
