"""The end of a system: in order, in bounded time, whatever its actors do."""

import asyncio
import threading
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
    BlockingCallError,
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
    Kind,
    Latch,
    Note,
    Puppet,
    ThreadPuppet,
    deaf,
    in_threads,
    nothing,
    reasons,
    settled,
    within,
)


@pytest.fixture(autouse=True)
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what was killed have less time to end than in real life."""
    monkeypatch.setattr("dramaturg.actors._kill.PATIENCE", 0.1)


@pytest.fixture
def latch() -> Iterator[Latch]:
    """Hold a handler with it; whatever the test does, the handler is let go at its end."""
    latch = Latch()
    yield latch
    latch.open()


async def test_the_last_event_tells_that_the_system_has_ended() -> None:
    async with ActorSystem() as system:
        events = Events(system)
        for kind in KINDS:
            await settled(system.spawn(kind))

    assert isinstance(events.all[-1], SystemEnded)
    assert [event.path for event in events.of(ActorEnded)][-1] == "/"
    assert len(events.of(ActorEnded)) == 4
    assert repr(system) == "<ActorSystem default stopped>"


async def test_messages_left_in_the_mailboxes_are_dead_letters_and_requests_fail() -> None:
    running, go_on = Latch(), Latch()

    def hold(actor: Any) -> None:
        running.open()
        go_on.wait()

    async with ActorSystem() as system:
        ref = system.spawn(ThreadPuppet)
        ref.tell(Do(hold))
        await running.reached()
        ref.tell(Note("told"))
        waiting = asyncio.ensure_future(ref.request(Note("asked")))
        blocked = ref.ask(Note("asked too"), block=False)
        await asyncio.sleep(0)
        closing = asyncio.ensure_future(system.shutdown())
        while not ref.cell.control:  # noqa: ASYNC110 - the root has not come to it yet
            await asyncio.sleep(0)
        go_on.open()
        await within(closing)

    for answer in (waiting, blocked):
        with pytest.raises(ActorStopped):
            await within(answer)
    assert {message.text for message, _ in reasons(system)} == {"told", "asked", "asked too"}


async def test_nothing_is_accepted_after_the_end() -> None:
    async with ActorSystem() as system:
        refs = [system.spawn(kind) for kind in KINDS]

    for ref in refs:
        ref.tell(Note(1))
        with pytest.raises(SystemStopped):
            await within(ref.request(Note(2)))
        with pytest.raises(SystemStopped):
            ref.ask(Note(3))
        assert await within(ref.stop(block=False)) is False
    assert len(system.dead_letters) == 9


# -- what does not stop in time


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
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                continue
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
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                continue
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


def thread_of(ref: ActorRef[Any]) -> threading.Thread:
    assert ref.cell.extra is not None
    assert ref.cell.extra.thread is not None
    return ref.cell.extra.thread.thread


@pytest.mark.parametrize("error", [None, Crash()], ids=repr)
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


@pytest.mark.parametrize("timeout", [-1, float("inf"), "1"], ids=repr)
async def test_a_timeout_that_cannot_be_is_refused_and_the_system_lives(timeout: Any) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Puppet)

        with pytest.raises(OptionError):
            await system.shutdown(timeout)
        with pytest.raises(OptionError):
            await asyncio.to_thread(system.close, timeout)

        await settled(ref)


# -- who may call it, when, and how often


async def test_shutting_down_twice_is_harmless() -> None:
    async with ActorSystem() as system:
        await system.shutdown()
        await system.shutdown()

    await system.shutdown()
    await asyncio.to_thread(system.close)

    assert system.stopped


async def test_several_may_shut_down_at_once_and_all_wait_for_the_end() -> None:
    async with ActorSystem() as system:
        events = Events(system)
        ref = system.spawn(AsyncPuppet)
        await settled(ref)
        await within(asyncio.gather(*(system.shutdown() for _ in range(5))))

        assert len(events.of(SystemEnded)) == 1


async def test_threads_may_close_a_system_of_this_loop() -> None:
    async with ActorSystem() as system:
        refs = [system.spawn(kind) for kind in KINDS]
        await in_threads(4, system.close)

        assert not any(ref.is_alive() for ref in refs)


async def test_threads_may_close_a_system_of_its_own_thread() -> None:
    with ActorSystem() as system:
        refs = [system.spawn(kind) for kind in KINDS]
        await in_threads(4, system.close)

        assert not any(ref.is_alive() for ref in refs)
        assert system.host.thread is not None
        assert not system.host.thread.is_alive()


async def test_a_coroutine_of_another_loop_may_shut_a_system_down() -> None:
    with ActorSystem() as system:
        ref = system.spawn(AsyncPuppet)
        await within(system.shutdown())

        assert not ref.is_alive()


async def test_closing_on_the_loop_is_refused() -> None:
    async with ActorSystem() as system:
        with pytest.raises(BlockingCallError):
            system.close()
        with pytest.raises(BlockingCallError):
            system.join()


def test_closing_within_a_handler_on_the_asking_thread_is_refused() -> None:
    def close(actor: Any) -> Any:
        with pytest.raises(BlockingCallError):
            actor.context.system.close()
        return "refused"

    with ActorSystem() as system:
        assert system.spawn(Puppet).ask(Do(close)) == "refused"


async def test_an_actor_that_waits_for_the_shutdown_is_cut_short_in_time() -> None:
    async with ActorSystem(shutdown_timeout=0.01) as system:
        system.spawn(AsyncPuppet).tell(Do(lambda actor: actor.context.system.shutdown()))
        await within(system.wait())

    assert system.stopped


@pytest.mark.parametrize("kind", [AsyncPuppet, Puppet])
async def test_an_actor_may_begin_the_shutdown_and_end_with_it(kind: Kind) -> None:
    def begin(actor: Any) -> None:
        tasks.append(asyncio.ensure_future(actor.context.system.shutdown()))

    tasks: list[asyncio.Future[None]] = []
    log: list[Any] = []
    async with ActorSystem() as system:
        system.spawn(Props(kind, log)).tell(Do(begin))
        await within(system.wait())

    assert log == ["on_start", "on_stop"]
    await within(tasks[0])


def test_an_actor_may_end_a_system_that_has_a_thread() -> None:
    def begin(actor: Any) -> None:
        tasks.append(asyncio.ensure_future(actor.context.system.shutdown()))

    tasks: list[asyncio.Future[None]] = []
    with ActorSystem() as system:
        system.spawn(AsyncPuppet).tell(Do(begin))
        system.join(timeout=LIMIT)

    assert system.host.thread is not None
    assert not system.host.thread.is_alive()


def test_a_thread_actor_that_closes_its_system_is_abandoned_in_time() -> None:
    with ActorSystem(shutdown_timeout=0.01) as system:
        ref = system.spawn(ThreadPuppet)
        ref.tell(Do(lambda actor: actor.context.system.close()))
        system.join(timeout=LIMIT)

    assert not ref.is_alive()


@pytest.mark.parametrize("kind", KINDS)
async def test_an_error_in_the_block_comes_out_after_the_actors_have_stopped(kind: Kind) -> None:
    log: list[Any] = []
    system = ActorSystem()

    async def block() -> None:
        async with system:
            await settled(system.spawn(Props(kind, log)))
            raise Crash

    with pytest.raises(Crash):
        await block()

    assert log == ["on_start", "on_stop"]
    assert system.stopped


def test_an_error_in_a_with_block_comes_out_after_the_actors_have_stopped() -> None:
    log: list[Any] = []

    with pytest.raises(Crash), ActorSystem() as system:  # noqa: PT012 - the block is tested
        system.spawn(Props(ThreadPuppet, log)).ask(Do(nothing))
        raise Crash

    assert log == ["on_start", "on_stop"]


async def test_a_cancelled_block_stops_its_actors() -> None:
    log: list[Any] = []
    ready = asyncio.Event()

    async def work() -> None:
        async with ActorSystem() as system:
            await settled(system.spawn(Props(AsyncPuppet, log)))
            ready.set()
            await system.wait()

    task = asyncio.create_task(work())
    await within(ready.wait())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await within(task)

    assert log == ["on_start", "on_stop"]


async def test_cancelling_one_who_waits_for_the_end_does_not_hinder_it() -> None:
    async with ActorSystem() as system:
        for wait in (system.wait(), asyncio.wait_for(system.wait(), 0.001)):
            waiting = asyncio.ensure_future(wait)
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises((asyncio.CancelledError, TimeoutError)):
                await waiting

    await within(system.wait())


async def test_a_shutdown_whose_task_is_cancelled_gives_up_everything_at_once() -> None:
    async with ActorSystem() as system:
        refs = [system.spawn(kind) for kind in KINDS]
        for ref in refs:
            await settled(ref)
        refs[1].tell(Do(deaf))
        await asyncio.sleep(0)
        closing = asyncio.ensure_future(system.shutdown())
        await asyncio.sleep(0)
        for task in asyncio.all_tasks() - {asyncio.current_task(), closing}:
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await within(closing)

        assert not any(ref.is_alive() for ref in refs)
        assert system.stopped


async def test_work_goes_on_though_somebody_cancelled_all_tasks_of_the_loop() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(AsyncPuppet)
        await settled(ref)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

        for _ in range(3):
            assert await within(ref.request(Do(lambda _: "alive"))) == "alive"


# -- a loop that is closed under the system


def lost(*, with_work: bool) -> tuple[ActorSystem, dict[Kind, ActorRef[Any]]]:
    """Make a system whose loop was closed, with or without a turn that was due."""
    loop = asyncio.new_event_loop()
    system = ActorSystem()

    async def enter() -> dict[Kind, ActorRef[Any]]:
        await system.__aenter__()
        refs = {kind: system.spawn(kind) for kind in KINDS}
        for ref in refs.values():
            await settled(ref)
        return refs

    refs = loop.run_until_complete(enter())
    if with_work:
        for ref in refs.values():
            ref.tell(Note("due"))
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0)) if not with_work else None
    loop.close()
    return system, refs


@pytest.mark.loses_tasks
@pytest.mark.parametrize("with_work", [True, False])
@pytest.mark.parametrize("kind", [Puppet, AsyncPuppet])
def test_what_is_told_after_the_loop_was_closed_is_a_dead_letter(
    kind: Kind, with_work: bool
) -> None:
    system, refs = lost(with_work=with_work)
    refs[kind].tell(Note("told"))
    system.close()

    assert (Note("told"), DeadLetterReason.STOPPED) in reasons(system)
    assert not any(ref.is_alive() for ref in refs.values())


@pytest.mark.loses_tasks
@pytest.mark.parametrize("with_work", [True, False])
@pytest.mark.parametrize("kind", [Puppet, AsyncPuppet])
def test_who_asks_after_the_loop_was_closed_is_told_at_once(kind: Kind, with_work: bool) -> None:
    def ask() -> None:
        try:
            refs[kind].ask(Note("asked"), timeout=1000.0)
        except SystemStopped as error:
            told.append(error)

    system, refs = lost(with_work=with_work)
    told: list[SystemStopped] = []
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join(LIMIT)

    assert not thread.is_alive()
    assert len(told) == 1
    assert system.stopped


@pytest.mark.loses_tasks
@pytest.mark.parametrize("with_work", [True, False])
@pytest.mark.parametrize("kind", [Puppet, AsyncPuppet])
@pytest.mark.parametrize("same_thread", [True, False])
def test_who_requests_after_the_loop_was_closed_is_told_at_once(
    kind: Kind, with_work: bool, same_thread: bool
) -> None:
    async def request() -> Any:
        try:
            return await refs[kind].request(Do(lambda _: "answered"), timeout=1000.0)
        except SystemStopped:
            return "told"

    def run() -> None:
        results.append(asyncio.run(request()))

    system, refs = lost(with_work=with_work)
    results: list[Any] = []
    if same_thread:
        run()
    else:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join(LIMIT)
    system.close()

    # An idle actor of `def` methods needs no loop to answer in its own thread.
    may_answer = same_thread and kind is Puppet and not with_work
    assert results == ["answered" if may_answer else "told"]


@pytest.mark.loses_tasks
def test_a_system_whose_loop_was_closed_can_be_closed_and_takes_its_threads_along() -> None:
    system, refs = lost(with_work=False)
    thread = thread_of(refs[ThreadPuppet])
    system.close()
    system.close()

    thread.join(LIMIT)
    assert not thread.is_alive()
    with pytest.raises(SystemStopped):
        system.spawn(Puppet)
