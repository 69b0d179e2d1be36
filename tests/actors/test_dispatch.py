"""Dispatchers: requests that are handed over within the call, and who runs when."""

import asyncio
import contextvars
import threading
import time
from dataclasses import dataclass
from typing import Any

import pytest

from dramaturg.actors import Actor, ActorCrashed, ActorRef, ActorSystem, Props, handler
from dramaturg.actors._state import State
from dramaturg.actors._thread import ThreadDispatcher
from dramaturg.actors._workers import DEEPEST_HAND_OVER
from tests.actors.kit import LIMIT, Fail
from tests.actors.messaging_kit import (
    BOXES,
    AsyncBox,
    Block,
    Box,
    Captured,
    Hold,
    Kept,
    Note,
    ThreadBox,
    Whom,
    held,
    in_threads,
    quick_switches,
    turns,
    until,
)

TRIES = 100_000


async def warm(system: ActorSystem) -> None:
    """Make workers, so that requests may be handed over within the call."""
    await asyncio.gather(*(system.spawn(AsyncBox).request(Kept()) for _ in range(3)))


async def rounds(coroutine: Any) -> tuple[Any, int]:
    """Await it, and count how many rounds the loop made meanwhile."""
    task = asyncio.ensure_future(coroutine)
    count = 0
    while not task.done():
        await asyncio.sleep(0)
        count += 1
    return task.result(), count


@pytest.mark.parametrize("box", [Box, AsyncBox])
async def test_a_request_to_an_idle_actor_is_handled_within_the_call(box: type[Actor]) -> None:
    async with ActorSystem() as system:
        await warm(system)
        ref = system.spawn(box)

        reply, count = await rounds(ref.request(Kept()))

        assert (reply, count) == ([], 1)


@pytest.mark.parametrize("box", [Box, AsyncBox])
async def test_a_request_behind_other_messages_waits_for_its_turn(box: type[Actor]) -> None:
    async with ActorSystem() as system:
        await warm(system)
        ref = system.spawn(box)

        async def both() -> Any:
            ref.tell(Note(1))
            return await ref.request(Kept())

        reply, count = await rounds(both())

        assert reply == [1]
        assert count > 1


def test_a_thread_runs_the_handler_of_an_idle_def_actor_itself() -> None:
    class Where(Actor):
        @handler
        def where(self, message: str) -> threading.Thread:
            return threading.current_thread()

    class Bound(Where):
        loop_bound = True

    class Async(Where):
        async def on_start(self) -> None: ...

    with ActorSystem() as system:
        loop_thread = system.host.thread

        assert system.spawn(Where).ask("") is threading.current_thread()
        assert system.spawn(Bound).ask("") is loop_thread
        assert system.spawn(Async).ask("") is loop_thread


async def test_a_thread_does_not_run_the_handlers_of_a_borrowed_loop() -> None:
    class Where(Actor):
        @handler
        def where(self, message: str) -> threading.Thread:
            return threading.current_thread()

    async with ActorSystem() as system:
        ref = system.spawn(Where)

        assert await asyncio.to_thread(ref.ask, "") is threading.current_thread()


@pytest.mark.parametrize("polled", [Box, AsyncBox])
@pytest.mark.parametrize("other", BOXES)
async def test_a_coroutine_that_requests_without_end_lets_other_actors_run(
    polled: type[Actor], other: type[Actor]
) -> None:
    async with ActorSystem() as system:
        await warm(system)
        collected: list[Any] = []
        polled_ref = system.spawn(Props(polled, collected))
        ref = system.spawn(Props(other, collected))
        ref.tell(Note("there"))
        # When a thread gets to run is up to the machine, and no number of tries says it.
        deadline = time.monotonic() + (LIMIT if other is ThreadBox else 0.0)
        tries = 0
        while tries < TRIES or time.monotonic() < deadline:
            tries += 1
            if await polled_ref.request(Kept()):
                break

        assert collected == ["there"]


@pytest.mark.parametrize("polled", [Box, AsyncBox])
async def test_a_handler_that_requests_without_end_lets_other_tasks_run(
    polled: type[Actor],
) -> None:
    class Polls(Actor):
        @handler
        async def poll(self, message: Whom) -> Any:
            for _ in range(TRIES):
                if await message.ref.request(Kept()):
                    return "seen"
            return "never"

    async with ActorSystem() as system:
        await warm(system)
        collected: list[Any] = []
        ref = system.spawn(Props(polled, collected))
        polling = asyncio.ensure_future(system.spawn(Polls).request(Whom(ref), timeout=LIMIT))
        asyncio.get_running_loop().call_soon(collected.append, "there")

        assert await polling == "seen"


def test_threads_that_ask_without_end_let_the_loop_run() -> None:
    collected: list[Any] = []
    with ActorSystem(hold_limit=None) as system:
        ref = system.spawn(Props(Box, collected))
        other = system.spawn(Props(AsyncBox, collected))
        behind = system.spawn(Props(Box, collected))

        def poll(number: int) -> None:
            if number == 0:
                other.tell(Note("there"))
                behind.tell(Note("too"))
            for _ in range(TRIES):
                if len(ref.ask(Kept(), timeout=LIMIT)) == 2:
                    return

        in_threads(4, poll)

        assert sorted(collected) == ["there", "too"]


@dataclass(frozen=True)
class Down:
    """Goes down a row of actors; the last replies with the depth of the stack."""

    rest: tuple[ActorRef[Any], ...]


class Step(Actor):
    @handler
    async def down(self, message: Down) -> int:
        if not message.rest:
            return len(self.context.system.tasks.handing)
        below: int = await message.rest[0].request(Down(message.rest[1:]))
        return below


@pytest.mark.parametrize("length", [1, DEEPEST_HAND_OVER, 3 * DEEPEST_HAND_OVER, 500])
async def test_a_long_row_of_requests_is_handed_over_only_so_deep(length: int) -> None:
    async with ActorSystem() as system:
        await warm(system)
        refs = tuple(system.spawn(Step) for _ in range(length))

        depth = await refs[0].request(Down(refs[1:]), timeout=LIMIT)

        assert depth <= DEEPEST_HAND_OVER
        assert system.tasks.handing == []


async def test_after_all_sorts_of_hand_overs_no_actor_counts_as_suspended() -> None:
    async with ActorSystem() as system:
        await warm(system)
        refs = tuple(system.spawn(Step) for _ in range(40))
        await asyncio.gather(*(refs[n].request(Down(refs[n + 1 :])) for n in (0, 10, 20)))
        waiting = system.spawn(AsyncBox)
        hold = Hold()
        reply = asyncio.ensure_future(waiting.request(hold))
        await hold.entered.wait()
        await turns()

        assert list(system.tasks._suspended) == [waiting.cell]
        hold.release.set()
        await reply
        assert system.tasks._suspended == {}


async def test_an_actor_that_was_handed_a_request_and_waits_is_not_run_again() -> None:
    async with ActorSystem() as system:
        await warm(system)
        collected: list[Any] = []
        ref = system.spawn(Props(AsyncBox, collected))
        hold = Hold()
        reply = asyncio.ensure_future(ref.request(hold))
        await hold.entered.wait()
        ref.tell(Note(1))
        await turns()
        kept = list(collected)
        hold.release.set()

        assert kept == []
        assert await reply == "held"
        assert await ref.request(Kept()) == [1]


async def test_the_asking_task_is_the_current_one_before_and_after_a_hand_over() -> None:
    class Current(Actor):
        @handler
        async def current(self, message: str) -> Any:
            return asyncio.current_task()

    async with ActorSystem() as system:
        await warm(system)
        ref = system.spawn(Current)
        before = asyncio.current_task()
        inside = await ref.request("")

        assert asyncio.current_task() is before
        assert inside is not before


async def test_a_timeout_within_a_handler_strikes_only_that_handler() -> None:
    class Times(Actor):
        @handler
        async def time(self, message: float) -> str:
            try:
                async with asyncio.timeout(message):
                    await asyncio.Event().wait()
            except TimeoutError:
                return "timed out"
            return "never"

    async with ActorSystem() as system:
        await warm(system)
        refs = [system.spawn(Times) for _ in range(3)]

        replies = await asyncio.gather(*(ref.request(0.001) for ref in refs))

        assert replies == ["timed out"] * 3


async def test_a_context_variable_of_the_caller_does_not_reach_another_actor() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")

    class Reads(Actor):
        @handler
        async def read(self, message: str) -> str:
            return variable.get()

    async with ActorSystem() as system:
        await warm(system)
        ref = system.spawn(Reads)
        variable.set("the caller's")

        assert await ref.request("") == "none"


@pytest.mark.parametrize("box", [Box, AsyncBox])
async def test_a_crash_within_a_hand_over_does_not_reach_the_callers_task(box: type[Actor]) -> None:
    async with ActorSystem(logger=Captured().log) as system:
        await warm(system)
        for error in (ValueError(), asyncio.CancelledError(), KeyboardInterrupt(), SystemExit()):
            with pytest.raises(ActorCrashed) as caught:
                await system.spawn(box).request(Fail(error))
            assert caught.value.__cause__ is error
        assert asyncio.current_task() is not None


def test_two_senders_that_both_saw_an_actor_idle_do_it_no_harm() -> None:
    with ActorSystem(hold_limit=None) as system:
        for box in BOXES:
            ref = system.spawn(box)
            for number in range(100):
                ref.cell.put(Note(number))
                ref.cell.dispatcher.schedule(ref.cell)
                ref.cell.dispatcher.schedule(ref.cell)

            assert ref.ask(Kept(), timeout=LIMIT) == list(range(100))


@pytest.mark.parametrize("box", [Box, AsyncBox])
async def test_a_turn_that_comes_after_the_stop_leaves_no_message_behind(box: type[Actor]) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(box)
        cell, put = ref.cell, ref.cell.put
        await ref.stop(block=False)
        # One sender looked at the state before the stop, and schedules a turn only now;
        # another one loaded the door before the stop, and sees that the actor is not idle.
        dispatcher: Any = cell.dispatcher
        cell.idle = False
        dispatcher._ready.append(cell)
        put(Note(1))
        system.host.call_soon(dispatcher._pass)
        await turns()

        assert [letter.message for letter in system.dead_letters.list()] == [Note(1)]


async def test_a_thread_actor_that_is_scheduled_as_it_stops_leaves_no_message_behind() -> None:
    class Stops:
        """The state of an actor that stops between two looks."""

        def __init__(self) -> None:
            self.looks = 0

        def __get__(self, cell: Any, owner: Any) -> State:
            self.looks += 1
            return State.RUNNING if self.looks == 1 else State.STOPPED

    class FakeCell:
        state = Stops()
        idle = True
        flushed = 0

        def flush(self) -> None:
            assert self.idle
            self.flushed += 1

    cell: Any = FakeCell()
    ThreadDispatcher("name", daemon=True).schedule(cell)

    assert cell.flushed == 1


@pytest.mark.parametrize("box", BOXES)
def test_many_threads_tell_and_ask_many_actors_and_every_message_is_handled(
    box: type[Actor],
) -> None:
    with ActorSystem(hold_limit=None) as system, quick_switches():
        refs = [system.spawn(box) for _ in range(5)]

        def work(number: int) -> None:
            for each in range(40):
                refs[each % 5].tell(Note((number, each)))
                if each % 4 == 0:
                    refs[(each + number) % 5].ask(Kept(), timeout=LIMIT)

        in_threads(8, work)
        kept = [note for ref in refs for note in ref.ask(Kept(), timeout=LIMIT)]

        assert sorted(kept) == [(number, each) for number in range(8) for each in range(40)]


async def test_a_thread_actor_does_not_hold_the_others_up() -> None:
    async with ActorSystem() as system:
        blocked = [system.spawn(ThreadBox) for _ in range(3)]
        blocks = [Block() for _ in blocked]
        for ref, block in zip(blocked, blocks, strict=True):
            ref.tell(block)
            await block.has_begun()

        for box in BOXES:
            assert await system.spawn(box).request(Kept(), timeout=LIMIT) == []
        for block in blocks:
            block.release.set()


async def test_an_actor_of_small_throughput_takes_turns_with_the_others() -> None:
    order: list[str] = []

    class Notes(Actor):
        @handler
        def note(self, message: str) -> None:
            order.append(message)

    async with ActorSystem() as system:
        first, second = (system.spawn(Props(Notes).using(throughput=2)) for _ in range(2))
        for number in range(4):
            first.tell(f"a{number}")
            second.tell(f"b{number}")
        await until(lambda: len(order) == 8)

    assert order == ["a0", "a1", "b0", "b1", "a2", "a3", "b2", "b3"]


async def test_a_held_actor_does_not_use_up_the_workers_of_the_others() -> None:
    async with ActorSystem() as system:
        holds = [await held(system, system.spawn(AsyncBox)) for _ in range(50)]

        assert await system.spawn(AsyncBox).request(Kept(), timeout=LIMIT) == []
        for hold in holds:
            hold.release.set()
