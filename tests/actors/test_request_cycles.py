"""Requests that would wait for each other in a circle fail when they are made."""

import asyncio
import threading
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorRef,
    ActorSystem,
    Bounded,
    DeadlineExceeded,
    MailboxSpec,
    Overflow,
    Props,
    RequestCycleError,
    ThreadActor,
    handler,
)
from tests.actors.kit import LIMIT
from tests.actors.messaging_kit import AsyncBox, Hold, Kept, held, in_threads, turns


@dataclass(frozen=True)
class Chain:
    """Makes each actor request the next one; the last replies."""

    rest: tuple[ActorRef[Any], ...]

    def next(self) -> tuple[ActorRef[Any], "Chain"]:
        return self.rest[0], Chain(self.rest[1:])


class Link(Actor):
    @handler
    async def chain(self, message: Chain) -> Any:
        if not message.rest:
            return "end"
        ref, rest = message.next()
        try:
            return await ref.request(rest)
        except RequestCycleError as error:
            return error.path


class WaitingLink(Link):
    async def chain(self, message: Chain) -> Any:
        await asyncio.sleep(0)
        return await super().chain(message)


class ThreadLink(ThreadActor):
    @handler
    def chain(self, message: Chain) -> Any:
        if not message.rest:
            return "end"
        ref, rest = message.next()
        try:
            return ref.ask(rest)
        except RequestCycleError as error:
            return error.path


LINKS = [Link, WaitingLink, ThreadLink]
links = pytest.mark.parametrize("kind", LINKS)


async def warm(system: ActorSystem) -> None:
    """Make workers, so that requests are handed over within the call."""
    refs = [system.spawn(Link) for _ in range(3)]
    await refs[0].request(Chain(tuple(refs[1:])))


@links
async def test_an_actor_that_requests_itself_is_told_so(kind: type[Actor]) -> None:
    async with ActorSystem() as system:
        a = system.spawn(kind, name="a")

        assert await a.request(Chain((a,)), timeout=LIMIT) == ("/a", "/a")


@pytest.mark.parametrize("workers", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize("second", LINKS)
@pytest.mark.parametrize("first", LINKS)
async def test_two_actors_that_would_wait_for_each_other_are_told_so(
    first: type[Actor], second: type[Actor], workers: bool
) -> None:
    async with ActorSystem() as system:
        if workers:
            await warm(system)
        a, b = system.spawn(first, name="a"), system.spawn(second, name="b")

        path = await a.request(Chain((b, a)), timeout=LIMIT)

        assert path == ("/b", "/a", "/b")


@pytest.mark.parametrize("workers", [False, True], ids=["cold", "warm"])
@links
async def test_a_circle_of_three_is_told_with_its_whole_path(
    kind: type[Actor], workers: bool
) -> None:
    async with ActorSystem() as system:
        if workers:
            await warm(system)
        a, b, c = (system.spawn(kind, name=name) for name in "abc")

        path = await a.request(Chain((b, c, a)), timeout=LIMIT)

        assert path == ("/c", "/a", "/b", "/c")


async def test_a_circle_through_kinds_of_all_sorts_is_told_with_its_whole_path() -> None:
    async with ActorSystem() as system:
        a, b, c = (system.spawn(kind, name=n) for kind, n in zip(LINKS, "abc", strict=True))

        path = await a.request(Chain((b, c, a)), timeout=LIMIT)

        assert path == ("/c", "/a", "/b", "/c")


async def test_only_the_actors_of_the_circle_are_in_its_path() -> None:
    async with ActorSystem() as system:
        a, b, c = (system.spawn(Link, name=name) for name in "abc")

        path = await a.request(Chain((b, c, b)), timeout=LIMIT)

        assert path == ("/c", "/b", "/c")


async def test_the_error_names_the_circle_and_crashes_who_does_not_expect_it() -> None:
    class Asks(Actor):
        @handler
        async def ask(self, message: str) -> Any:
            return await self.actor_ref.request(message)

    async with ActorSystem() as system:
        ref = system.spawn(Asks, name="a")

        with pytest.raises(ActorCrashed) as caught:
            await ref.request("")

        assert str(caught.value.__cause__).endswith("for ever: /a -> /a")


@dataclass(frozen=True)
class Meet:
    """Lets two actors begin independently, and then request each other."""

    other: ActorRef[Any]
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)


class Meets(Actor):
    @handler
    async def meet(self, message: Meet) -> Any:
        message.begun.set()
        await message.go.wait()
        try:
            return await message.other.request(Kept())
        except RequestCycleError as error:
            return error.path

    @handler
    async def show(self, message: Kept) -> str:
        return "reply"


async def test_two_independent_chains_that_meet_are_told_so_and_one_of_them_goes_on() -> None:
    async with ActorSystem() as system:
        a, b = system.spawn(Meets, name="a"), system.spawn(Meets, name="b")
        to_b, to_a = Meet(b), Meet(a)
        replies = [asyncio.ensure_future(r.request(m)) for r, m in ((a, to_b), (b, to_a))]
        await to_b.begun.wait()
        await to_a.begun.wait()

        to_b.go.set()
        await turns()
        to_a.go.set()

        assert await asyncio.gather(*replies) == ["reply", ("/b", "/a", "/b")]


@dataclass(frozen=True)
class MeetInThreads:
    other: ActorRef[Any]
    barrier: threading.Barrier


def test_of_two_threads_that_ask_each_other_at_once_at_least_one_is_told_so() -> None:
    class Asks(ThreadActor):
        @handler
        def meet(self, message: MeetInThreads) -> Any:
            message.barrier.wait(LIMIT)
            try:
                return message.other.ask(Kept(), timeout=LIMIT)
            except RequestCycleError as error:
                return error.path

        @handler
        def show(self, message: Kept) -> str:
            return "reply"

    with ActorSystem() as system:
        a, b = system.spawn(Asks, name="a"), system.spawn(Asks, name="b")
        for _ in range(100):
            barrier = threading.Barrier(2)
            futures = [
                x.ask(MeetInThreads(y, barrier), block=False, timeout=LIMIT)
                for x, y in ((a, b), (b, a))
            ]
            replies = [future.get(timeout=LIMIT) for future in futures]

            assert replies in (["reply", ("/b", "/a", "/b")], [("/a", "/b", "/a"), "reply"])


async def test_a_circle_that_begins_in_on_start_is_told() -> None:
    class Starts(Actor):
        def __init__(self, other: ActorRef[Any]) -> None:
            self.other = other
            self.path: Any = None

        async def on_start(self) -> None:
            self.path = await self.other.request(Chain((self.actor_ref, self.actor_ref)))

        @handler
        async def show(self, message: Kept) -> Any:
            return self.path

    async with ActorSystem() as system:
        link = system.spawn(Link, name="link")
        a = system.spawn(Props(Starts, link), name="a")

        assert await a.request(Kept(), timeout=LIMIT) == ("/link", "/a", "/link")


async def test_a_circle_through_a_request_that_waits_for_room_is_told() -> None:
    class Full(Actor):
        mailbox: ClassVar[MailboxSpec] = Bounded(1, Overflow.BLOCK)

        @handler
        async def hold(self, message: Hold) -> Any:
            message.entered.set()
            await message.release.wait()
            try:
                return await message.reply.request(Kept(), timeout=LIMIT)
            except RequestCycleError as error:
                return error.path

        @handler
        async def show(self, message: Kept) -> str:
            return "reply"

    async with ActorSystem() as system:
        full, link = system.spawn(Full, name="full"), system.spawn(Meets, name="a")
        hold = Hold(link)
        path = asyncio.ensure_future(full.request(hold, timeout=LIMIT))
        await hold.entered.wait()
        full.tell(Kept())  # now it has no room
        meet = Meet(full)
        meet.go.set()
        reply = asyncio.ensure_future(link.request(meet, timeout=LIMIT))
        await turns()
        hold.release.set()

        assert await path == ("/full", "/a", "/full")
        assert await reply == "reply"


async def test_requests_made_at_once_by_one_handler_are_all_seen() -> None:
    class Fans(Actor):
        @handler
        async def fan(self, message: Chain) -> Any:
            return await asyncio.gather(
                *(ref.request(Chain((self.actor_ref,))) for ref in message.rest)
            )

    async with ActorSystem() as system:
        b, c, a = (
            system.spawn(Link, name="b"),
            system.spawn(WaitingLink, name="c"),
            system.spawn(Fans, name="a"),
        )

        paths = await a.request(Chain((b, c)), timeout=LIMIT)

        assert paths == [("/b", "/a", "/b"), ("/c", "/a", "/c")]


# -- what is no circle ---------------------------------------------------------


class Background(Actor):
    """Makes a request in a task of its own, and goes on."""

    tasks: list[asyncio.Task[Any]]

    @handler
    async def chain(self, message: Chain) -> Any:
        if not message.rest:
            return "end"
        ref, rest = message.next()
        self.tasks = [asyncio.create_task(self.ask(ref, rest))]
        return self.tasks[0]

    async def ask(self, ref: ActorRef[Any], rest: Chain) -> Any:
        return await ref.request(rest)


class DefBackground(Background):
    def chain(self, message: Chain) -> Any:
        if not message.rest:
            return "end"
        ref, rest = message.next()
        self.tasks = [asyncio.ensure_future(self.ask(ref, rest))]
        return self.tasks[0]


background = pytest.mark.parametrize("kind", [Background, DefBackground])


@background
async def test_a_task_in_the_background_of_a_free_actor_may_request_that_actor(
    kind: type[Background],
) -> None:
    async with ActorSystem() as system:
        a = system.spawn(kind)
        task = await a.request(Chain((a,)))

        assert await task == "end"


@background
async def test_a_task_in_the_background_holds_up_nobody(kind: type[Background]) -> None:
    async with ActorSystem() as system:
        a, b = system.spawn(kind), system.spawn(WaitingLink)
        task = await a.request(Chain((b, a)))

        assert await task == "end"


async def test_what_a_task_of_an_earlier_message_waits_for_closes_no_circle() -> None:
    class Busy(Background):
        @handler
        async def hold(self, message: Hold) -> None:
            message.entered.set()
            await message.release.wait()

    async with ActorSystem() as system:
        a, b = system.spawn(Busy), system.spawn(AsyncBox)
        hold_b = await held(system, b)
        middle = system.spawn(Link)
        task = await a.request(Chain((middle, a)))  # its request begins later
        hold_a = await held(system, a)
        await turns()
        hold_a.release.set()
        hold_b.release.set()

        assert await task == "end"


async def test_an_actor_may_be_requested_again_by_whom_it_has_requested_before() -> None:
    async with ActorSystem() as system:
        a, b = system.spawn(WaitingLink), system.spawn(WaitingLink)
        for _ in range(3):
            assert await a.request(Chain((b,))) == "end"
            assert await b.request(Chain((a,))) == "end"


async def test_two_chains_may_wait_for_the_same_actor() -> None:
    async with ActorSystem() as system:
        a, b, c = (system.spawn(WaitingLink) for _ in range(3))

        requests = (a.request(Chain((b, c))), b.request(Chain((c,))))
        replies = await asyncio.gather(*requests)

        assert list(replies) == ["end", "end"]


async def test_a_caller_outside_may_wait_for_both_sides() -> None:
    async with ActorSystem() as system:
        a, b = system.spawn(WaitingLink), system.spawn(WaitingLink)

        replies: list[Any] = await asyncio.gather(*(r.request(Chain(())) for r in (a, b) * 10))

        assert replies == ["end"] * 20


def test_threads_may_ask_the_same_actors_in_any_order() -> None:
    with ActorSystem() as system:
        refs = [system.spawn(kind) for kind in LINKS]

        def ask(number: int) -> None:
            for _ in range(20):
                order = refs[number % 3 :] + refs[: number % 3]
                assert [ref.ask(Chain(()), timeout=LIMIT) for ref in order] == ["end"] * 3

        in_threads(6, ask)


async def test_a_request_that_gave_up_closes_no_circle_any_more() -> None:
    class GivesUp(Actor):
        @handler
        async def chain(self, message: Chain) -> Any:
            if not message.rest:
                return "end"
            ref, rest = message.next()
            with pytest.raises(DeadlineExceeded):
                await ref.request(Hold(), timeout=0.01)
            return await system.spawn(Link).request(rest)

    async with ActorSystem() as system:
        a, b = system.spawn(GivesUp), system.spawn(AsyncBox)
        hold = await held(system, b)

        assert await a.request(Chain((b,)), timeout=LIMIT) == "end"
        hold.release.set()
        assert system.waits_for == {}


async def test_a_refused_circle_leaves_nothing_behind() -> None:
    async with ActorSystem() as system:
        a, b = system.spawn(Link), system.spawn(Link)
        await a.request(Chain((b, a)))

        assert system.waits_for == {}
        assert await b.request(Chain((a,))) == "end"
        assert len(system.dead_letters) == 0
