"""The actor system: how it starts, what it owns, and what it refuses."""

import asyncio
import random
import threading
from collections.abc import Callable
from typing import Any

import pytest

from dramaturg.actors import (
    ActorSystem,
    BlockingCallError,
    DeadLetters,
    InvalidNameError,
    ManualClock,
    OptionError,
    SystemEnded,
    SystemStateError,
    random_ids,
)
from tests.actors.kit import (
    KINDS,
    LIMIT,
    AsyncPuppet,
    Do,
    Events,
    Kind,
    Note,
    Puppet,
    ThreadPuppet,
    in_threads,
    nothing,
    reasons,
    settled,
    within,
)
from tests.ids import stable


@pytest.mark.parametrize("kind", KINDS)
async def test_an_async_block_runs_the_actors_on_this_loop(kind: Kind) -> None:
    async with ActorSystem() as system:
        thread = await within(system.spawn(kind).request(Do(here)))

        assert system.host.loop is asyncio.get_running_loop()
        assert (thread is threading.current_thread()) is (kind is not ThreadPuppet)


@pytest.mark.parametrize("kind", [AsyncPuppet, ThreadPuppet])
def test_a_plain_block_runs_the_actors_on_a_loop_of_its_own(kind: Kind) -> None:
    with ActorSystem("own") as system:
        thread = system.spawn(kind).ask(Do(here))

        assert thread is not threading.current_thread()
        assert system.host.thread is not None
        assert system.host.thread.name == "dramaturg-own"
        assert (thread is system.host.thread) is (kind is AsyncPuppet)

    assert system.host.loop.is_closed()


def here(_actor: Any) -> threading.Thread:
    return threading.current_thread()


def test_a_system_shows_its_state() -> None:
    system = ActorSystem("shop")
    assert repr(system) == "<ActorSystem shop not started>"
    with system:
        assert repr(system) == "<ActorSystem shop running>"
    assert repr(system) == "<ActorSystem shop stopped>"


async def test_a_system_can_start_only_once() -> None:
    async with ActorSystem() as system:
        with pytest.raises(SystemStateError):
            await system.__aenter__()
        with pytest.raises(SystemStateError):
            system.__enter__()

    with pytest.raises(SystemStateError):
        await system.__aenter__()
    with pytest.raises(SystemStateError):
        system.__enter__()


async def test_before_the_start_nothing_is_there_and_ending_it_is_harmless() -> None:
    system = ActorSystem()

    assert system.lookup("/it") is None
    await system.shutdown()
    await asyncio.to_thread(system.close)


@pytest.mark.parametrize("name", ["", "a b", "a/b", 3], ids=stable)
def test_a_bad_name_is_refused(name: Any) -> None:
    with pytest.raises(InvalidNameError):
        ActorSystem(name)


@pytest.mark.parametrize(
    "options",
    [
        {"default_timeout": -1},
        {"default_timeout": float("inf")},
        {"default_timeout": "5"},
        {"shutdown_timeout": -1},
        {"shutdown_timeout": float("nan")},
        {"hold_limit": 0},
        {"hold_limit": -1},
    ],
    ids=stable,
)
def test_times_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError) as caught:
        ActorSystem(**options)

    assert caught.value.option in options


def test_a_store_of_dead_letters_serves_one_system() -> None:
    store = DeadLetters()
    ActorSystem(dead_letters=store)

    with pytest.raises(OptionError):
        ActorSystem(dead_letters=store)


def test_a_seed_fixes_random_source_and_ids() -> None:
    first, second = ActorSystem(seed=7), ActorSystem(seed=7)

    assert [first.random.random(), first.ids(), first.ids()] == [
        second.random.random(),
        second.ids(),
        second.ids(),
    ]
    assert first.random.random() != ActorSystem(seed=8).random.random()
    assert ActorSystem(seed=7, ids=random_ids).ids is random_ids
    assert ActorSystem().ids() != ActorSystem().ids()


def test_the_systems_random_source_is_its_own() -> None:
    ActorSystem()  # the first one imports structlog, which may import what draws numbers
    state = random.getstate()
    ActorSystem(seed=7).random.random()

    assert random.getstate() == state


async def test_actors_use_the_systems_clock_and_random_source() -> None:
    clock = ManualClock()
    async with ActorSystem(clock=clock, seed=7) as system:
        ref = system.spawn(Puppet)

        def look(actor: Any) -> tuple[Any, ...]:
            return actor.context.clock, actor.context.random

        assert await within(ref.request(Do(look))) == (clock, system.random)


async def test_wait_returns_when_the_system_has_ended() -> None:
    async with ActorSystem() as system:
        waiting = asyncio.ensure_future(system.wait())
        await settled(system.spawn(AsyncPuppet))
        assert not waiting.done()

        await system.shutdown()
        await within(waiting)

    await within(system.wait())


async def test_wait_works_on_another_loop_and_its_end_hurts_nobody() -> None:
    with ActorSystem() as system:
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(asyncio.run, asyncio.wait_for(system.wait(), 0.01))
        waiting = asyncio.ensure_future(system.wait())
        await asyncio.sleep(0)

    await within(waiting)


def test_join_returns_when_the_system_has_ended() -> None:
    with ActorSystem() as system:
        thread = threading.Thread(target=system.join)
        thread.start()

    thread.join(LIMIT)
    assert not thread.is_alive()
    system.join()


async def test_blocking_calls_on_the_loop_name_what_to_await() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Puppet)

        calls: list[tuple[Callable[[], object], str]] = [
            (system.close, "shutdown"),
            (system.join, "wait"),
            (ref.stop, "stop"),
            (lambda: ref.ask(Note(1)), "request"),
        ]
        for call, instead in calls:
            with pytest.raises(BlockingCallError) as caught:
                call()
            assert "await" in caught.value.instead
            assert instead in caught.value.instead


async def test_many_systems_run_side_by_side_in_threads() -> None:
    def run() -> int:
        with ActorSystem() as system:
            return sum(system.spawn(kind).ask(Do(lambda _: 1)) for kind in KINDS)

    assert await in_threads(8, run) == [3] * 8


def test_systems_nest_and_ask_each_other() -> None:
    with ActorSystem("one") as one, ActorSystem("two") as two:
        first, second = one.spawn(ThreadPuppet), two.spawn(Puppet)

        assert first.ask(Do(lambda _: second.ask(Do(lambda _: "from two")))) == "from two"


async def test_events_of_one_system_are_not_heard_in_another() -> None:
    async with ActorSystem("one") as one:
        events = Events(one)
        async with ActorSystem("two") as two:
            await settled(two.spawn(Puppet))

        assert events.all == []

    assert isinstance(events.all[-1], SystemEnded)


async def test_the_root_takes_no_part() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Puppet)
        await within(ref.request(Do(nothing)))

        assert system.actors == (ref,)
        assert system.lookup("/") is None
        assert reasons(system) == []
