"""Requests that actors make: they are made in the name of the actor whose handler runs."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from dramaturg.actors import Actor, ActorRef, ActorSystem, Props, handler
from tests.actors.messaging_kit import BOXES, Kept, Note


@dataclass(frozen=True)
class Ask:
    whom: ActorRef[Any]
    what: Any


class Who(Actor):
    """Answers with who it was that asked."""

    @handler
    def who(self, message: str) -> ActorRef[Any] | None:
        return self.context.sender


class Middle(Actor):
    """Asks somebody else, and answers with the answer."""

    @handler
    async def ask(self, message: Ask) -> Any:
        return await message.whom.request(message.what)


@pytest.mark.parametrize("box", BOXES)
async def test_a_handler_may_make_requests_itself(box: type[Actor]) -> None:
    async with ActorSystem() as system:
        ref, middle = system.spawn(box), system.spawn(Middle)
        ref.tell(Note(1))

        assert await middle.request(Ask(ref, Kept())) == [1]


async def test_the_sender_of_a_request_is_the_actor_that_made_it() -> None:
    async with ActorSystem() as system:
        who, middle = system.spawn(Who), system.spawn(Middle)

        assert await middle.request(Ask(who, "")) == middle
        assert await who.request("") is None


async def test_the_sender_of_a_request_made_in_on_start_is_the_starting_actor() -> None:
    class Starts(Actor):
        def __init__(self, who: ActorRef[Any]) -> None:
            self.who = who

        async def on_start(self) -> None:
            self.sender = await self.who.request("")

        @handler
        async def get(self, message: str) -> Any:
            return self.sender

    async with ActorSystem() as system:
        who, middle = system.spawn(Who), system.spawn(Middle)
        await middle.request(Ask(who, ""))  # leaves its mark on the worker that on_start will use
        starts = system.spawn(Props(Starts, who))

        assert await starts.request("") == starts


@pytest.mark.parametrize("how", ["future", "task"])
async def test_a_def_handler_that_was_asked_by_an_actor_asks_nobody_in_the_name_of_that_actor(
    how: str,
) -> None:
    class Def(Actor):
        @handler
        def ask(self, message: Ask) -> Any:
            if how == "future":
                return message.whom.ask(message.what, block=False)
            return asyncio.ensure_future(message.whom.request(message.what))

    async with ActorSystem() as system:
        who, middle, asks = system.spawn(Who), system.spawn(Middle), system.spawn(Def)

        future = await middle.request(Ask(asks, Ask(who, "")))

        # A task of its own is nobody's handler.
        assert await future == (asks if how == "future" else None)
