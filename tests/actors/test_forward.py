"""Passing the current message on to another actor."""

from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorRef,
    ActorSystem,
    OutsideActorError,
    Props,
    Request,
    RequestCycleError,
    RoundRobin,
    Router,
    handler,
)


class WhoAsks(Request[str]):
    pass


class Desk(Actor):
    def __init__(self, clerk: ActorRef[Any]) -> None:
        self._clerk = clerk

    @handler
    def pass_on(self, message: WhoAsks) -> str:
        return self.context.forward(self._clerk)

    @handler
    def twice(self, message: int) -> None:
        self.context.forward(self._clerk)
        self.context.forward(self._clerk)


class Clerk(Actor):
    @handler
    def answer(self, message: WhoAsks) -> str:
        return f"{self.context.path} for {self.context.sender}"

    @handler
    def note(self, message: int) -> None:
        pass


class Client(Actor):
    def __init__(self, desk: ActorRef[Any]) -> None:
        self._desk = desk

    @handler
    async def go(self, message: str) -> str:
        return await self._desk.request(WhoAsks())


class Slow(Actor):
    @handler
    async def answer(self, message: WhoAsks) -> str:
        return "late"


async def test_the_reply_to_a_forwarded_request_comes_from_its_last_receiver() -> None:
    async with ActorSystem() as system:
        desk = system.spawn(Props(Desk, system.spawn(Clerk, name="clerk")))

        assert await desk.request(WhoAsks()) == "/clerk for None"


async def test_a_forwarded_request_may_be_answered_by_an_actor_with_async_methods() -> None:
    async with ActorSystem() as system:
        desk = system.spawn(Props(Desk, system.spawn(Slow)))

        assert await desk.request(WhoAsks()) == "late"


async def test_a_forwarded_request_keeps_its_sender() -> None:
    async with ActorSystem() as system:
        desk = system.spawn(Props(Desk, system.spawn(Clerk, name="clerk")))
        client = system.spawn(Props(Client, desk), name="client")

        assert await client.request("go") == "/clerk for Client /client"


async def test_a_message_is_forwarded_once() -> None:
    async with ActorSystem() as system:
        desk = system.spawn(Props(Desk, system.spawn(Clerk)))

        desk.tell(1)
        await desk.drain(block=False)

        failure = system.lookup(desk.path)
        assert failure is None
        with pytest.raises(OutsideActorError):
            await system.wait()


async def test_forwarding_to_a_stopped_actor_fails_the_request() -> None:
    async with ActorSystem() as system:
        clerk = system.spawn(Clerk, name="clerk")
        desk = system.spawn(Props(Desk, clerk))
        await clerk.stop(block=False)

        with pytest.raises(LookupError, match="/clerk has stopped") as caught:
            await desk.request(WhoAsks())

        assert not isinstance(caught.value, ActorCrashed)
        assert desk.is_alive()


class Caller(Actor):
    """Asks through another actor, which leads back to itself."""

    def __init__(self, through: list[ActorRef[Any]]) -> None:
        self._through = through

    @handler
    async def go(self, message: str) -> str:
        return await self._through[0].request(WhoAsks())

    @handler
    async def answer(self, message: WhoAsks) -> str:
        return "me"


async def test_a_request_that_is_forwarded_back_to_its_asker_fails_at_once() -> None:
    async with ActorSystem() as system:
        through: list[ActorRef[Any]] = []
        caller = system.spawn(Props(Caller, through), name="caller")
        through.append(system.spawn(Props(Desk, caller)))

        with pytest.raises(ActorCrashed) as caught:
            await caller.request("go")

        assert isinstance(caught.value.__cause__, RequestCycleError)
        assert caught.value.__cause__.path == ("/caller", "/caller")


async def test_a_circle_through_a_router_fails_at_once() -> None:
    async with ActorSystem() as system:
        through: list[ActorRef[Any]] = []
        caller = system.spawn(Props(Caller, through), name="caller")
        through.append(system.spawn(Router.group([caller], RoundRobin())))

        with pytest.raises(ActorCrashed) as caught:
            await caller.request("go")

        assert isinstance(caught.value.__cause__, RequestCycleError)


async def test_who_got_a_forwarded_request_cannot_ask_its_asker() -> None:
    async with ActorSystem() as system:
        through: list[ActorRef[Any]] = []
        caller = system.spawn(Props(Caller, through), name="caller")
        other = system.spawn(Props(Asker, caller), name="other")
        through.append(system.spawn(Props(Desk, other)))

        with pytest.raises(ActorCrashed) as caught:
            await caller.request("go")

        cause = caught.value.__cause__
        assert isinstance(cause, ActorCrashed)
        assert isinstance(cause.__cause__, RequestCycleError)
        assert cause.__cause__.path == ("/other", "/caller", "/other")


class Asker(Actor):
    def __init__(self, other: ActorRef[Any]) -> None:
        self._other = other

    @handler
    async def answer(self, message: WhoAsks) -> str:
        return await self._other.request(WhoAsks())
