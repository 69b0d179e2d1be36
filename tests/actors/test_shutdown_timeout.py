"""What does not stop in time is killed, given up and reported; the rest ends in order."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorEnded,
    ActorFailed,
    ActorRef,
    ActorStopped,
    ActorSystem,
    DeadLetterReason,
    Directive,
    ManualClock,
    OptionError,
    Props,
    ShutdownTimedOut,
    SystemEnded,
    SystemStopped,
    ThreadActor,
    ThreadLeaked,
    handler,
)
from tests.actors.kit import (
    KINDS,
    LIMIT,
    AsyncPuppet,
    Crash,
    Do,
    Events,
    Fail,
    Latch,
    Puppet,
    ThreadPuppet,
    deaf,
    nothing,
    reasons,
    settled,
    thread_of,
    within,
)
from tests.ids import stable

pytestmark = pytest.mark.usefixtures("short_grace")


@pytest.fixture
def latch() -> Iterator[Latch]:
    """Hold a handler with it; whatever the test does, the handler is let go at its end."""
    latch = Latch()
    yield latch
    latch.open()


async def outlast_cancellation(free: asyncio.Event) -> None:
    """Wait for the event, however often this is cancelled."""
    while not free.is_set():
        try:
            await free.wait()
        except asyncio.CancelledError:
            continue


async def test_an_async_handler_that_never_returns_is_cancelled_and_reported() -> None:
    async def hang(actor: Any) -> None:
        try:
            await deaf(actor)
        finally:
            cancelled.set()

    cancelled = asyncio.Event()
    message = Do(hang)
    async with ActorSystem(shutdown_timeout=0.01) as system:
        events = Events(system)
        ref = system.spawn(AsyncPuppet, name="it")
        waiting = asyncio.ensure_future(ref.request(message))
        await settled(system.spawn(AsyncPuppet))

    assert cancelled.is_set()
    with pytest.raises(ActorStopped, match="was killed"):
        await within(waiting)
    assert reasons(system) == [(message, DeadLetterReason.CANCELLED)]
    report = events.of(ShutdownTimedOut)[0]
    assert (report.timeout, report.actors) == (0.01, ("/it",))
    assert "hang" in report.stacks[0]
    assert events.of(ActorFailed) == []
    assert events.of(ActorEnded, "/it")[0].reason == "killed"


async def test_a_handler_that_swallows_the_cancellation_once_has_its_way() -> None:
    log: list[Any] = []

    async def cling(actor: Any) -> None:
        try:
            await deaf(actor)
        except asyncio.CancelledError:
            log.append("cancelled")

    async with ActorSystem(shutdown_timeout=0.01) as system:
        ref = system.spawn(AsyncPuppet)
        ref.tell(Do(cling))
        await settled(system.spawn(AsyncPuppet))

    assert log == ["cancelled"]
    assert not ref.is_alive()


async def test_a_handler_that_swallows_every_cancellation_is_left_behind() -> None:
    free = asyncio.Event()

    async def cling(actor: Any) -> None:
        await outlast_cancellation(free)
        through.set()

    through = asyncio.Event()
    message = Do(cling)
    async with ActorSystem(shutdown_timeout=0.01) as system:
        events = Events(system)
        ref = system.spawn(AsyncPuppet, name="it")
        waiting = asyncio.ensure_future(ref.request(message))
        await settled(system.spawn(AsyncPuppet))
        await within(system.shutdown())

        assert not ref.is_alive()
        with pytest.raises(ActorStopped):
            await within(waiting)
        assert reasons(system) == [(message, DeadLetterReason.CANCELLED)]
        free.set()
        await within(through.wait())

    assert events.of(ShutdownTimedOut)[0].actors == ("/it",)
    assert len(events.of(ActorEnded, "/it")) == 1


@pytest.mark.parametrize("decision", list(Directive))
async def test_one_that_fails_after_it_was_given_up_stays_dead(decision: Directive) -> None:
    free = asyncio.Event()

    async def cling(actor: Any) -> None:
        await outlast_cancellation(free)
        raise Crash

    async with ActorSystem(shutdown_timeout=0.01) as system:
        events = Events(system)
        ref = system.spawn(Props(AsyncPuppet).using(policy=decision), name="it")
        ref.tell(Do(cling))
        await settled(system.spawn(AsyncPuppet))
        await within(system.shutdown())
        ends = len(events.all)
        free.set()
        await within(asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()}))

    assert not ref.is_alive()
    assert len(events.all) == ends


@pytest.mark.parametrize("hook", ["on_start", "on_stop", "on_failure"])
async def test_a_hook_that_never_returns_is_cancelled_and_reported(hook: str) -> None:
    async def hang(self: Any, *args: Any) -> None:
        await deaf(self)

    hanging = type("Hanging", (AsyncPuppet,), {hook: hang})
    async with ActorSystem(shutdown_timeout=0.01) as system:
        events = Events(system)
        ref: ActorRef[Any] = system.spawn(hanging, name="it")
        if hook == "on_failure":
            ref.tell(Fail(Crash()))
        await settled(system.spawn(AsyncPuppet))

    assert events.of(ShutdownTimedOut)[0].actors == ("/it",)
    assert not ref.is_alive()


class Stubborn(ThreadActor):
    """Blocks until a latch opens; may fail then."""

    def __init__(self, running: Latch, go_on: Latch, error: BaseException | None = None) -> None:
        self.running = running
        self.go_on = go_on
        self.error = error

    @handler
    def hold(self, message: str) -> str:
        self.running.open()
        self.go_on.wait()
        if self.error is not None:
            raise self.error
        return "late"


@pytest.mark.parametrize("error", [None, Crash()], ids=stable)
async def test_a_blocked_thread_is_abandoned_and_what_it_still_says_is_dropped(
    latch: Latch, error: BaseException | None
) -> None:
    running = Latch()
    async with ActorSystem(shutdown_timeout=0.01) as system:
        events = Events(system)
        recipe = Props(Stubborn, running, latch, error).using(policy=Directive.RESTART)
        ref = system.spawn(recipe, name="it")
        waiting = asyncio.ensure_future(ref.request("hold"))
        ref.tell("never")
        await running.reached()
        await within(system.shutdown())

        assert not ref.is_alive()
        with pytest.raises(ActorStopped):
            await within(waiting)
        leaked = events.of(ThreadLeaked)[0]
        assert (leaked.path, leaked.thread) == ("/it", thread_of(ref).name)
        assert "go_on.wait" in leaked.stack
        assert [reason for _, reason in reasons(system)] == [
            DeadLetterReason.CANCELLED,
            DeadLetterReason.STOPPED,
        ]
        count = len(events.all)
        latch.open()
        await within(asyncio.to_thread(thread_of(ref).join))

    assert len(events.all) == count
    assert isinstance(events.all[-1], SystemEnded)
    assert ref.cell.incarnation == 1


@pytest.mark.parametrize("hook", ["on_start", "on_stop", "on_failure", "on_restart"])
async def test_a_thread_that_blocks_in_a_hook_is_abandoned_and_stays_dead(
    latch: Latch, hook: str
) -> None:
    running = Latch()

    def hang(self: Any, *args: Any) -> None:
        running.open()
        latch.wait()

    hanging = type("Hanging", (ThreadPuppet,), {hook: hang})
    async with ActorSystem(shutdown_timeout=0.01) as system:
        events = Events(system)
        ref: ActorRef[Any] = system.spawn(Props(hanging).using(policy=Directive.RESTART), name="it")
        if hook in ("on_failure", "on_restart"):
            ref.tell(Fail(Crash()))
        if hook == "on_stop":
            ref.request_stop()
        await running.reached()
        await within(system.shutdown())

        assert not ref.is_alive()
        assert events.of(ThreadLeaked, "/it")
        latch.open()
        await within(asyncio.to_thread(thread_of(ref).join))

    assert not ref.is_alive()
    assert len(events.of(ActorEnded, "/it")) == 1
    assert ref.cell.incarnation == (2 if hook == "on_restart" else 1)


async def test_the_living_around_a_blocked_thread_end_in_order(latch: Latch) -> None:
    running = Latch()

    class Parent(Stubborn):
        def __init__(self, running: Latch, go_on: Latch) -> None:
            super().__init__(running, go_on)
            self.context.spawn(AsyncPuppet, name="task").tell(Do(deaf))
            self.context.spawn(Puppet, name="loop")
            self.context.spawn(ThreadPuppet, name="thread")

    async with ActorSystem(shutdown_timeout=0.01) as system:
        events = Events(system)
        grandparent = system.spawn(ThreadPuppet, name="top")
        parent = await within(
            grandparent.request(
                Do(lambda actor: actor.context.spawn(Props(Parent, running, latch), name="it"))
            )
        )
        parent.tell("hold")
        await running.reached()
        await within(system.shutdown())

    order = [event.path for event in events.of(ActorEnded)]
    assert order[3:] == ["/top/it", "/top", "/"]
    assert set(order[:3]) == {"/top/it/task", "/top/it/loop", "/top/it/thread"}
    assert [leaked.path for leaked in events.of(ThreadLeaked)] == ["/top/it"]
    latch.open()
    await within(asyncio.to_thread(thread_of(parent).join))


class Holding(Actor):
    """Holds the loop until a latch opens."""

    def __init__(self, running: Latch, go_on: Latch) -> None:
        self.running = running
        self.go_on = go_on

    @handler
    def hold(self, message: str) -> str:
        self.running.open()
        self.go_on.wait()
        return "late"


def test_a_handler_that_holds_the_loop_does_not_hold_the_end_of_the_block(latch: Latch) -> None:
    running = Latch()
    reports: list[ShutdownTimedOut] = []
    with ActorSystem(shutdown_timeout=0.01) as system:
        system.events.subscribe(reports.append, ShutdownTimedOut)
        idle: list[ActorRef[Any]] = [system.spawn(kind) for kind in KINDS]
        for each in idle:
            each.ask(Do(nothing), timeout=LIMIT)
        ref = system.spawn(Props(Holding, running, latch), name="it")
        waiting = ref.ask("hold", block=False)
        running.wait()
        started = time.monotonic()

    assert time.monotonic() - started < LIMIT / 2
    assert [report.actors for report in reports] == [("/it",)]
    assert "go_on.wait" in reports[0].stacks[0]
    with pytest.raises(ActorStopped):
        waiting.get(timeout=LIMIT)
    assert not any(each.is_alive() for each in (ref, *idle))
    with pytest.raises(SystemStopped):
        ref.ask("too late")
    system.join(timeout=LIMIT)
    latch.open()
    assert system.host.thread is not None
    system.host.thread.join(LIMIT)
    assert not system.host.thread.is_alive()


async def test_the_timeout_is_measured_on_the_systems_clock() -> None:
    clock = ManualClock()
    async with ActorSystem(clock=clock, shutdown_timeout=60.0) as system:
        ref = system.spawn(AsyncPuppet)
        ref.tell(Do(deaf))
        await settled(system.spawn(AsyncPuppet))
        closing = asyncio.ensure_future(system.shutdown())
        for _ in range(5):
            await asyncio.sleep(0)
        clock.advance(59.0)
        for _ in range(5):
            await asyncio.sleep(0)
        assert ref.is_alive()

        clock.advance(1.0)
        await within(closing)
        assert not ref.is_alive()


@pytest.mark.parametrize("timeout", [-1, float("inf"), "1"], ids=stable)
async def test_a_timeout_that_cannot_be_is_refused_and_the_system_lives(timeout: Any) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Puppet)

        with pytest.raises(OptionError):
            await system.shutdown(timeout)
        with pytest.raises(OptionError):
            await asyncio.to_thread(system.close, timeout)

        await settled(ref)
