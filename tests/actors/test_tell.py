"""`tell`: one message at a time, in each sender's order, each at most once."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from dramaturg.actors import Actor, ActorRef, ActorSystem, Props, Request, ThreadActor, handler
from tests.actors.kit import LIMIT
from tests.actors.messaging_kit import (
    BOXES,
    AsyncBox,
    Box,
    Hold,
    Kept,
    Note,
    ThreadBox,
    held,
    in_threads,
    quick_switches,
    turns,
)


@dataclass(frozen=True)
class Sent:
    sender: int
    number: int


@dataclass(frozen=True)
class Pass:
    """Lets a sender send: for each target how many messages in a row."""

    sender: int
    targets: tuple[ActorRef[Any], ...]
    runs: tuple[tuple[int, int], ...]

    def send(self) -> None:
        number = 0
        for target, length in self.runs:
            for _ in range(length):
                self.targets[target].tell(Note(Sent(self.sender, number)))
                number += 1


class Sender(Actor):
    @handler
    def go(self, message: Pass) -> None:
        message.send()


class AsyncSender(Actor):
    @handler
    async def go(self, message: Pass) -> None:
        message.send()


class ThreadSender(ThreadActor):
    @handler
    def go(self, message: Pass) -> None:
        message.send()


class Busy(Request[int]):
    """Do something that would go wrong if it were not alone; reply how many there were at most."""


class Alone(Actor):
    """Counts how many of its handlers run at once."""

    def __init__(self, pause: Callable[[], Any]) -> None:
        self.running = self.most = self.handled = 0
        self.pause = pause

    def enter(self) -> None:
        self.running += 1
        self.most = max(self.most, self.running)

    def leave(self) -> None:
        self.running -= 1
        self.handled += 1


class AloneDef(Alone):
    @handler
    def busy(self, message: Busy) -> int:
        self.enter()
        self.pause()
        self.leave()
        return self.most


class AloneAsync(Alone):
    @handler
    async def busy(self, message: Busy) -> int:
        self.enter()
        await asyncio.sleep(0)
        self.leave()
        return self.most


class AloneThread(Alone, ThreadActor):
    @handler
    def busy(self, message: Busy) -> int:
        self.enter()
        self.pause()
        self.leave()
        return self.most


def no_pause() -> None:
    return None


@pytest.mark.parametrize("box", BOXES)
async def test_messages_are_handled_in_the_order_in_which_they_were_told(box: type[Actor]) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(box)
        for number in range(1000):
            ref.tell(Note(number))

        assert await ref.request(Kept()) == list(range(1000))


@pytest.mark.parametrize("box", BOXES)
def test_messages_told_from_another_thread_are_handled_in_order(box: type[Actor]) -> None:
    with ActorSystem() as system:
        ref = system.spawn(box)
        for number in range(1000):
            ref.tell(Note(number))

        assert ref.ask(Kept()) == list(range(1000))


runs = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 70)), max_size=4).map(tuple)


@settings(max_examples=60)
@given(
    actors=st.lists(
        st.tuples(st.sampled_from([Sender, AsyncSender, ThreadSender]), runs), max_size=4
    ),
    threads=st.lists(runs, max_size=3),
)
def test_each_pair_of_sender_and_receiver_keeps_its_order_and_nothing_comes_twice(
    actors: list[tuple[type[Actor], Any]], threads: list[Any]
) -> None:
    kept: list[list[Sent]] = [[], [], []]
    with ActorSystem(hold_limit=None) as system, quick_switches():
        targets = tuple(
            system.spawn(Props(box, each)) for box, each in zip(BOXES, kept, strict=True)
        )
        passes = [
            Pass(i, targets, each) for i, each in enumerate([*(r for _, r in actors), *threads])
        ]
        senders = [system.spawn(each) for each, _ in actors]
        for sender, message in zip(senders, passes, strict=False):
            sender.tell(message)
        if threads:
            in_threads(len(threads), lambda number: passes[len(actors) + number].send())
        for ref in (*senders, *targets):
            assert ref.drain(timeout=LIMIT)

    for index, each in enumerate(kept):
        for message in passes:
            got = [sent.number for sent in each if sent.sender == message.sender]
            assert got == _numbers_to(index, message.runs)
        assert len(each) == sum(len(_numbers_to(index, message.runs)) for message in passes)


def _numbers_to(index: int, given_runs: tuple[tuple[int, int], ...]) -> list[int]:
    targets = [target for target, length in given_runs for _ in range(length)]
    return [number for number, target in enumerate(targets) if target == index]


@pytest.mark.parametrize("kind", [AloneDef, AloneAsync, AloneThread])
def test_an_actor_handles_one_message_at_a_time_whoever_sends_them(kind: type[Alone]) -> None:
    with ActorSystem(hold_limit=None) as system, quick_switches():
        ref = system.spawn(Props(kind, no_pause))

        def send(number: int) -> None:
            for _ in range(50):
                ref.tell(Busy())
                ref.ask(Busy(), timeout=LIMIT)

        in_threads(8, send)

        assert ref.ask(Busy(), timeout=LIMIT) == 1


async def test_an_actor_waits_for_its_async_handler_before_the_next_message() -> None:
    async with ActorSystem() as system:
        collected: list[Any] = []
        ref = system.spawn(Props(AsyncBox, collected))
        hold = await held(system, ref)
        ref.tell(Note("next"))

        await turns()
        before = list(collected)
        hold.release.set()

        assert before == []
        assert await ref.request(Kept()) == ["next"]


@pytest.mark.parametrize("box", BOXES)
async def test_other_actors_go_on_while_a_handler_waits(box: type[Actor]) -> None:
    async with ActorSystem() as system:
        waiting, other = system.spawn(AsyncBox), system.spawn(box)
        hold = await held(system, waiting)

        other.tell(Note(1))

        assert await other.request(Kept(), timeout=LIMIT) == [1]
        hold.release.set()


async def test_many_actors_may_wait_at_the_same_time() -> None:
    async with ActorSystem() as system:
        refs = [system.spawn(AsyncBox) for _ in range(100)]
        holds = [Hold(number) for number in range(100)]
        replies = [
            asyncio.ensure_future(ref.request(hold)) for ref, hold in zip(refs, holds, strict=True)
        ]
        for hold in holds:
            await asyncio.wait_for(hold.entered.wait(), LIMIT)
        for hold in reversed(holds):
            hold.release.set()

        assert await asyncio.gather(*replies) == list(range(100))


async def test_an_async_actor_told_by_two_threads_at_once_does_not_run_twice() -> None:
    async with ActorSystem() as system:
        collected: list[Any] = []
        ref = system.spawn(Props(AsyncBox, collected))
        hold = await held(system, ref)
        # What two threads do that both saw the actor idle.
        ref.cell.dispatcher.schedule(ref.cell)
        ref.cell.dispatcher.schedule(ref.cell)
        ref.tell(Note("next"))

        await turns()
        before = list(collected)
        hold.release.set()

        assert before == []
        assert await ref.request(Kept()) == ["next"]


def test_an_actor_that_never_waits_does_not_keep_others_from_their_turns() -> None:
    done = threading.Event()

    class Loops(Actor):
        @handler
        def go(self, message: str) -> None:
            if not done.is_set():
                self.actor_ref.tell(message)

    class Ends(Actor):
        @handler
        def end(self, message: str) -> None:
            done.set()

    with ActorSystem() as system:
        system.spawn(Loops).tell("again")
        system.spawn(Ends).tell("end")

        assert done.wait(LIMIT)


@pytest.mark.parametrize("box", BOXES)
async def test_the_same_object_may_be_told_again_and_again(box: type[Actor]) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(box)
        note = Note("same")
        for _ in range(3):
            ref.tell(note)

        assert await ref.request(Kept()) == ["same"] * 3


@pytest.mark.parametrize("box", [Box, AsyncBox])
async def test_a_message_told_within_a_handler_is_handled_after_it(box: type[Actor]) -> None:
    class Tells(Actor):
        def __init__(self) -> None:
            self.order: list[str] = []

        @handler
        def take(self, message: str) -> list[str]:
            if message == "first":
                self.actor_ref.tell("second")
            self.order.append(message)
            return self.order

    async with ActorSystem() as system:
        ref = system.spawn(Tells)
        await ref.request("first")

        assert await ref.request("third") == ["first", "second", "third"]


async def test_a_thread_actor_runs_its_handlers_on_its_own_thread() -> None:
    class Where(ThreadActor):
        @handler
        def where(self, message: str) -> threading.Thread:
            return threading.current_thread()

    async with ActorSystem() as system:
        ref = system.spawn(Where)
        first, second = await ref.request(""), await ref.request("")

        assert first is second is not threading.current_thread()


async def test_telling_a_thread_actor_does_not_wait_for_its_handler() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(ThreadBox)
        ref.tell(Note(1))

        assert await ref.request(Kept()) == [1]
