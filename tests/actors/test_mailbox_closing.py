"""Mailboxes that close: a stop is not delayed, and no message is lost at any moment."""

import asyncio
import contextlib
import threading
from dataclasses import dataclass
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorStopped,
    ActorSystem,
    Bounded,
    DeadLetterReason,
    MailboxFull,
    Overflow,
    Priority,
    Props,
    Unbounded,
    handler,
)
from tests.actors.kit import LIMIT
from tests.actors.messaging_kit import (
    BOXES,
    Block,
    Box,
    Captured,
    Kept,
    Note,
    ThreadBox,
    in_threads,
    quick_switches,
    until,
)

# -- control signals -----------------------------------------------------------


MANY = 100_000


@dataclass(frozen=True)
class StopAt:
    """Stops the actor in its handler."""


class Stops(Actor):
    def __init__(self, counted: list[int]) -> None:
        self.counted = counted

    @handler
    def stop_at(self, message: StopAt) -> None:
        self.context.stop_self()

    @handler
    def count(self, message: int) -> Any:
        self.counted.append(message)


class AsyncStops(Stops):
    async def count(self, message: int) -> None:
        self.counted.append(message)


@pytest.mark.parametrize("kind", [Stops, AsyncStops])
async def test_a_stop_is_not_delayed_by_a_hundred_thousand_messages(kind: type[Stops]) -> None:
    counted: list[int] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(kind, counted))
        ref.tell(0)
        ref.tell(StopAt())
        for number in range(MANY):
            ref.tell(number)
        ended = ref.stop(block=False)

        assert await asyncio.wait_for(_awaited(ended), LIMIT)
        # The stop was there before the first turn began.
        assert counted == []
        assert system.dead_letters.total == MANY + 2


async def _awaited(future: Any) -> Any:
    return await future


@pytest.mark.parametrize("kind", [Stops, AsyncStops])
async def test_a_stop_within_a_handler_is_the_last_message_of_a_hundred_thousand(
    kind: type[Stops],
) -> None:
    counted: list[int] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(kind, counted))
        ref.tell(1)
        ref.tell(StopAt())
        for number in range(MANY):
            ref.tell(number)
        await until(lambda: not ref.is_alive())

        assert counted == [1]
        assert system.dead_letters.counts[DeadLetterReason.STOPPED] == MANY


# -- closing is atomic ---------------------------------------------------------


SENDERS = 16


ROUNDS = 4


mailboxes = pytest.mark.parametrize(
    "mailbox",
    [
        Unbounded(),
        Bounded(8, Overflow.BLOCK, LIMIT),
        Bounded(8, Overflow.REJECT),
        Bounded(8, Overflow.DROP_NEWEST),
        Bounded(8, Overflow.DROP_OLDEST),
        Priority(lambda message: 0),
    ],
    ids=["unbounded", "block", "reject", "drop-newest", "drop-oldest", "priority"],
)


@pytest.mark.parametrize("stop", ["stop", "drain"])
@mailboxes
@pytest.mark.parametrize("box", BOXES)
def test_each_message_told_while_an_actor_stops_is_handled_or_a_dead_letter(
    box: type[Actor], mailbox: Any, stop: str
) -> None:
    with ActorSystem(hold_limit=None, logger=Captured().log) as system, quick_switches():
        for _ in range(ROUNDS):
            handled: list[Any] = []
            ref = system.spawn(Props(box, handled).using(mailbox=mailbox))

            tell_while_it_stops(ref, stop)

            letters = system.dead_letters.list()
            sent = sorted((thread, number) for thread in range(SENDERS) for number in range(30))
            assert sorted([*handled, *(each.message.value for each in letters)]) == sent
            system.dead_letters.discard()


def tell_while_it_stops(ref: ActorRef[Any], stop: str) -> None:
    """Tell the actor something from each of many threads; one more stops it meanwhile."""
    told = threading.Semaphore(0)

    def tell(thread: int) -> None:
        if thread == SENDERS:
            for _ in range(SENDERS * 2):
                assert told.acquire(timeout=LIMIT)
            getattr(ref, stop)(block=True, timeout=LIMIT)
            return
        for number in range(30):
            with contextlib.suppress(MailboxFull):
                ref.tell(Note((thread, number)))
            told.release()

    in_threads(SENDERS + 1, tell)


@pytest.mark.parametrize("stop", ["stop", "drain"])
@mailboxes
@pytest.mark.parametrize("box", BOXES)
def test_each_request_made_while_an_actor_stops_ends(
    box: type[Actor], mailbox: Any, stop: str
) -> None:
    with ActorSystem(hold_limit=None, logger=Captured().log) as system, quick_switches():
        for _ in range(ROUNDS):
            ref = system.spawn(Props(box).using(mailbox=mailbox))

            ends = ask_while_it_stops(ref, stop)

            assert len(ends) == SENDERS * 10


def ask_while_it_stops(ref: ActorRef[Any], stop: str) -> list[str]:
    """Ask the actor from many threads; one more stops it meanwhile. Return how each ask ended."""
    asked = threading.Semaphore(0)
    ends: list[str] = []

    def ask(thread: int) -> None:
        if thread == SENDERS:
            assert asked.acquire(timeout=LIMIT)
            getattr(ref, stop)(block=True, timeout=LIMIT)
            return
        for _ in range(10):
            asked.release()
            try:
                ref.ask(Kept(), timeout=LIMIT)
                ends.append("reply")
            except (ActorStopped, MailboxFull) as error:
                ends.append(type(error).__name__)

    in_threads(SENDERS + 1, ask)
    return ends


@pytest.mark.parametrize("box", BOXES)
def test_a_message_put_by_a_sender_that_saw_the_door_open_is_a_dead_letter(
    box: type[Actor],
) -> None:
    with ActorSystem() as system:
        ref = system.spawn(box)
        put = ref.cell.put  # as a sender loads it that is then put aside
        ref.stop()
        put(Note(1))
        if ref.cell.idle:
            ref.cell.dispatcher.schedule(ref.cell)

        assert [letter.message for letter in system.dead_letters.list()] == [Note(1)]


async def test_none_told_to_a_stopped_actor_is_a_dead_letter_too() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Box)
        await ref.stop(block=False)
        ref.tell(None)

        assert [letter.message for letter in system.dead_letters.list()] == [None]


async def test_a_blocked_thread_actor_that_is_drained_handles_what_is_queued() -> None:
    collected: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(ThreadBox, collected))
        block = Block()
        ref.tell(block)
        await block.has_begun()
        ref.tell(Note(1))
        ended = ref.drain(block=False)
        ref.tell(Note(2))
        block.release.set()

        assert await ended
        assert collected == [1]
        assert [letter.message for letter in system.dead_letters.list()] == [Note(2)]
