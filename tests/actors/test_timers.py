"""Keyed timers, on a clock that the test moves."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest

from dramaturg.actors import (
    ActorRef,
    ActorSystem,
    Bounded,
    Directive,
    MailboxSpec,
    ManualClock,
    OptionError,
    Overflow,
    Priority,
    Props,
)
from tests.actors.kit import (
    KINDS,
    AsyncPuppet,
    Crash,
    Do,
    Fail,
    Kind,
    Latch,
    Note,
    Puppet,
    ThreadPuppet,
    reasons,
    settled,
    stop,
    within,
)
from tests.ids import stable

TIMES: list[Any] = [-1, -0.001, float("inf"), float("nan"), "1", None]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def system(clock: ManualClock) -> AsyncIterator[ActorSystem]:
    async with ActorSystem("timers", clock=clock) as system:
        yield system


def timer(key: Any, message: Any, **options: Any) -> Do:
    return Do(lambda actor: actor.context.start_timer(key, message, **options))


def cancel(key: Any) -> Do:
    return Do(lambda actor: actor.context.cancel_timer(key))


async def move(clock: ManualClock, seconds: float, ref: ActorRef[Any]) -> None:
    """Move time on and let the actor handle what comes of it."""
    clock.advance(seconds)
    await settled(ref)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_timer_sends_once_after_its_time(
    system: ActorSystem, clock: ManualClock, kind: Kind
) -> None:
    log: list[Any] = []
    ref = system.spawn(Props(kind, log))
    await within(ref.request(timer("key", Note("tick"), after=2.0)))
    log.clear()

    await move(clock, 1.999, ref)
    assert log == []
    await move(clock, 0.001, ref)
    assert log == ["tick"]
    await move(clock, 100.0, ref)
    assert log == ["tick"]
    assert await within(ref.request(cancel("key"))) is False


@pytest.mark.parametrize("kind", KINDS)
async def test_a_repeated_timer_sends_again_and_again(
    system: ActorSystem, clock: ManualClock, kind: Kind
) -> None:
    log: list[Any] = []
    ref = system.spawn(Props(kind, log))
    await within(ref.request(timer("key", Note("tick"), every=2.0)))
    log.clear()

    for expected in range(1, 5):
        await move(clock, 2.0, ref)
        assert len(log) == expected


async def test_the_first_of_a_repeated_timer_may_come_at_another_time(
    system: ActorSystem, clock: ManualClock
) -> None:
    log: list[Any] = []
    ref = system.spawn(Props(Puppet, log))
    await within(ref.request(timer("key", Note("tick"), after=0.5, every=2.0)))
    log.clear()

    await move(clock, 0.5, ref)
    assert len(log) == 1
    await move(clock, 1.9, ref)
    assert len(log) == 1
    await move(clock, 0.1, ref)
    assert len(log) == 2


async def test_a_fixed_delay_does_not_catch_up_after_a_pause(
    system: ActorSystem, clock: ManualClock
) -> None:
    log: list[Any] = []
    ref = system.spawn(Props(Puppet, log))
    await within(ref.request(timer("key", Note("tick"), every=2.0)))
    log.clear()

    await move(clock, 7.0, ref)
    assert len(log) == 1
    await move(clock, 1.9, ref)
    assert len(log) == 1
    await move(clock, 0.1, ref)  # at 9.0: 2.0 s after it was handled
    assert len(log) == 2


async def test_a_fixed_rate_catches_up_after_a_pause(
    system: ActorSystem, clock: ManualClock
) -> None:
    log: list[Any] = []
    ref = system.spawn(Props(Puppet, log))
    await within(ref.request(timer("key", Note("tick"), every=2.0, fixed_rate=True)))
    log.clear()

    await move(clock, 7.0, ref)  # due at 2.0, 4.0, 6.0
    assert len(log) == 3
    await move(clock, 1.0, ref)
    assert len(log) == 4


async def test_a_fixed_delay_counts_from_the_end_of_the_handler(
    system: ActorSystem, clock: ManualClock
) -> None:
    going = asyncio.Event()

    def slowly(actor: Any) -> Awaitable[Any]:
        actor.log.append("tick")
        return going.wait()

    log: list[Any] = []
    ref = system.spawn(Props(AsyncPuppet, log))
    await within(ref.request(timer("key", Do(slowly), every=2.0)))
    other = system.spawn(AsyncPuppet)
    log.clear()

    await move(clock, 2.0, other)
    clock.advance(5.0)
    going.set()
    await settled(ref)
    assert log == ["tick"]
    await move(clock, 1.9, ref)
    assert log == ["tick"]
    await move(clock, 0.1, ref)
    assert log == ["tick", "tick"]


async def test_a_handler_may_cancel_or_replace_the_repeated_timer_that_called_it(
    system: ActorSystem, clock: ManualClock
) -> None:
    def replace(actor: Any) -> None:
        actor.log.append("first")
        actor.context.start_timer("key", Do(end), every=1.0)

    def end(actor: Any) -> None:
        actor.log.append("second")
        assert actor.context.cancel_timer("key")

    for kind in (Puppet, AsyncPuppet):
        log: list[Any] = []
        ref = system.spawn(Props(kind, log))
        await within(ref.request(timer("key", Do(replace), every=2.0)))
        log.clear()
        for _ in range(5):
            await move(clock, 2.0, ref)

        assert log == ["first", "second"]
        assert clock.pending == 0


async def test_a_cancelled_timer_is_silent(system: ActorSystem, clock: ManualClock) -> None:
    log: list[Any] = []
    ref = system.spawn(Props(Puppet, log))
    await within(ref.request(timer("key", Note("tick"), after=1.0)))

    assert await within(ref.request(cancel("key"))) is True
    assert await within(ref.request(cancel("key"))) is False
    assert await within(ref.request(cancel("unknown"))) is False
    await move(clock, 10.0, ref)

    assert log == ["on_start"]
    assert clock.pending == 0


async def test_a_tick_that_is_queued_when_its_timer_is_cancelled_is_not_handled(
    system: ActorSystem, clock: ManualClock
) -> None:
    def ring_and_cancel(actor: Any) -> None:
        clock.advance(1.0)
        assert actor.cell_of_it.depth == 3
        for key in ("once", "again", "rate"):
            assert actor.context.cancel_timer(key)

    log: list[Any] = []
    ref = system.spawn(Props(Puppet, log))
    await within(ref.request(Do(lambda actor: setattr(actor, "cell_of_it", ref.cell))))
    await within(ref.request(timer("once", Note("once"), after=1.0)))
    await within(ref.request(timer("again", Note("again"), every=1.0)))
    await within(ref.request(timer("rate", Note("rate"), every=1.0, fixed_rate=True)))
    await within(ref.request(Do(ring_and_cancel)))
    await move(clock, 10.0, ref)

    assert log == ["on_start"]


async def test_a_timer_of_the_same_key_replaces_the_old_one_and_its_queued_tick(
    system: ActorSystem, clock: ManualClock
) -> None:
    def ring_and_replace(actor: Any) -> None:
        clock.advance(1.0)
        actor.context.start_timer("key", Note("new"), after=1.0)

    log: list[Any] = []
    ref = system.spawn(Props(Puppet, log))
    await within(ref.request(timer("key", Note("old"), after=1.0)))
    await within(ref.request(Do(ring_and_replace)))
    await move(clock, 1.0, ref)

    assert log == ["on_start", "new"]


async def test_timers_of_different_keys_do_not_mind_each_other(
    system: ActorSystem, clock: ManualClock
) -> None:
    log: list[Any] = []
    ref = system.spawn(Props(Puppet, log))
    keys: list[Any] = [1, "1", (1,), None]
    for key in keys:
        await within(ref.request(timer(key, Note(key), after=1.0)))
    await within(ref.request(cancel("1")))
    await move(clock, 1.0, ref)

    assert log == ["on_start", 1, (1,), None]


async def test_ticks_come_in_the_order_of_their_times(
    system: ActorSystem, clock: ManualClock
) -> None:
    log: list[Any] = []
    ref = system.spawn(Props(Puppet, log))
    for after in (3.0, 1.0, 2.0, 1.0):
        await within(ref.request(timer(object(), Note(after), after=after)))
    await move(clock, 5.0, ref)

    assert log == ["on_start", 1.0, 1.0, 2.0, 3.0]


async def test_a_time_of_zero_means_as_soon_as_possible(
    system: ActorSystem, clock: ManualClock
) -> None:
    log: list[Any] = []
    ref = system.spawn(Props(Puppet, log))
    await within(ref.request(timer("key", Note("tick"), after=0)))
    await move(clock, 0.0, ref)

    assert log == ["on_start", "tick"]


@pytest.mark.parametrize("time", TIMES, ids=stable)
@pytest.mark.parametrize("option", ["after", "every"])
async def test_times_that_cannot_be_are_refused_and_the_old_timer_stays(
    system: ActorSystem, clock: ManualClock, option: str, time: Any
) -> None:
    def start_wrongly(actor: Any) -> Any:
        with pytest.raises(OptionError) as caught:
            actor.context.start_timer("key", Note("wrong"), **{option: time})
        return caught.value

    log: list[Any] = []
    ref = system.spawn(Props(Puppet, log))
    await within(ref.request(timer("key", Note("tick"), after=1.0)))

    error = await within(ref.request(Do(start_wrongly)))
    assert isinstance(error, ValueError)
    await move(clock, 1.0, ref)
    assert log == ["on_start", "tick"]


async def test_a_period_of_zero_is_refused(system: ActorSystem) -> None:
    def start_wrongly(actor: Any) -> None:
        with pytest.raises(OptionError, match="more than 0"):
            actor.context.start_timer("key", Note("tick"), every=0)

    await within(system.spawn(Puppet).request(Do(start_wrongly)))


async def test_a_failed_step_of_a_timer_leaves_no_trace(
    system: ActorSystem, clock: ManualClock
) -> None:
    def start_wrongly(actor: Any) -> None:
        with pytest.raises(TypeError):
            actor.context.start_timer([], Note("tick"), after=1.0)

    ref = system.spawn(Puppet)
    await within(ref.request(Do(start_wrongly)))

    assert clock.pending == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_no_timer_outlives_its_actor(
    system: ActorSystem, clock: ManualClock, kind: Kind
) -> None:
    log: list[Any] = []
    ref = system.spawn(Props(kind, log))
    await within(ref.request(timer("once", Note("tick"), after=1.0)))
    await within(ref.request(timer("rate", Note("tick"), every=1.0, fixed_rate=True)))
    await stop(ref)
    clock.advance(10.0)

    assert clock.pending == 0
    assert log == ["on_start", "on_stop"]
    assert reasons(system) == []


async def test_a_timer_started_in_on_stop_ends_with_the_actor(
    system: ActorSystem, clock: ManualClock
) -> None:
    class Late(Puppet):
        def on_stop(self) -> None:
            self.context.start_timer("key", Note("tick"), every=1.0, fixed_rate=True)
            self.context.set_receive_timeout(1.0, Note("silence"))

    await stop(system.spawn(Late))

    assert clock.pending == 0


async def test_a_task_that_an_actor_left_behind_cannot_start_an_endless_timer(
    system: ActorSystem, clock: ManualClock
) -> None:
    ref = system.spawn(Puppet)
    context = await within(ref.request(Do(lambda actor: actor.context)))
    await stop(ref)

    context.start_timer("key", Note("tick"), every=1.0, fixed_rate=True)
    context.set_receive_timeout(1.0, Note("silence"))
    clock.advance(1.0)

    assert clock.pending == 0


async def test_timers_go_on_after_a_resume(system: ActorSystem, clock: ManualClock) -> None:
    log: list[Any] = []
    ref = system.spawn(Props(Puppet, log).using(policy=Directive.RESUME))
    await within(ref.request(timer("key", Fail(Crash()), every=1.0)))
    log.clear()
    for _ in range(3):
        await move(clock, 1.0, ref)

    assert log == ["on_failure"] * 3


@pytest.mark.parametrize(
    "mailbox",
    [
        *(Bounded(1, overflow) for overflow in Overflow),
        Priority(lambda message: message.priority),
    ],
    ids=[*(overflow.value for overflow in Overflow), "priority"],
)
async def test_a_full_or_picky_mailbox_does_not_lose_ticks(
    system: ActorSystem, clock: ManualClock, mailbox: MailboxSpec
) -> None:
    class Rated(Note):
        priority = 1

    class Holding(Do):
        priority = 0

    running, go_on = Latch(), Latch()

    class Ticking(ThreadPuppet):
        def on_start(self) -> None:
            self.context.start_timer("once", Note("once"), after=1.0)
            self.context.start_timer("rate", Note("rate"), every=0.6, fixed_rate=True)

    def hold(actor: Any) -> None:
        running.open()
        go_on.wait()

    log: list[Any] = []
    ref = system.spawn(Props(Ticking, log).using(mailbox=mailbox))
    await within(ref.started())
    ref.tell(Holding(hold))
    await running.reached()
    ref.tell(Rated("in the mailbox"))
    clock.advance(1.3)
    go_on.open()
    await within(ref.drain(block=False))

    assert log == ["in the mailbox", "rate", "once", "rate", "on_stop"]


async def test_a_thread_actors_timer_ticks_in_its_own_thread(
    system: ActorSystem, clock: ManualClock
) -> None:
    def where(actor: Any) -> None:
        actor.log.append(threading.current_thread())

    log: list[Any] = []
    ref = system.spawn(Props(ThreadPuppet, log))
    own = await within(ref.request(Do(lambda _: threading.current_thread())))
    await within(ref.request(timer("key", Do(where), after=1.0)))
    await move(clock, 1.0, ref)

    assert log == ["on_start", own]


async def test_the_ticks_message_is_the_current_one(
    system: ActorSystem, clock: ManualClock
) -> None:
    message = Do(lambda actor: actor.log.append(actor.context.message))
    log: list[Any] = []
    ref = system.spawn(Props(Puppet, log))
    await within(ref.request(timer("key", message, after=1.0)))
    await move(clock, 1.0, ref)

    assert log == ["on_start", message]


@pytest.mark.parametrize("kind", KINDS)
async def test_timers_run_on_the_machines_clock_too(kind: Kind) -> None:
    ticked = Latch()

    def tick(actor: Any) -> None:
        actor.log.append("tick")
        if actor.log.count("tick") == 3:
            ticked.open()

    async with ActorSystem() as real:
        ref = real.spawn(kind)
        await within(ref.request(timer("key", Do(tick), every=0.001)))
        await ticked.reached()
