"""The end of a system: in order, whoever asks for it, and whatever happens meanwhile."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import (
    ActorCrashed,
    ActorEnded,
    ActorStopped,
    ActorSystem,
    BlockingCallError,
    Props,
    SystemEnded,
    SystemStopped,
)
from tests.actors.kit import (
    KINDS,
    LIMIT,
    AsyncPuppet,
    Crash,
    Do,
    Events,
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

pytestmark = pytest.mark.usefixtures("short_grace")


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


async def test_an_actor_cannot_wait_for_the_shutdown_in_a_handler() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(AsyncPuppet)
        with pytest.raises(ActorCrashed) as raised:
            await ref.request(Do(lambda actor: actor.context.system.shutdown()))

    assert isinstance(raised.value.__cause__, BlockingCallError)
    assert "create_task(system.shutdown())" in str(raised.value.__cause__)


async def test_what_an_actor_started_may_wait_for_the_shutdown_that_cuts_its_actor_short() -> None:
    async def hang(actor: Any) -> None:
        tasks.append(asyncio.create_task(actor.context.system.shutdown()))
        await tasks[0]

    tasks: list[asyncio.Task[None]] = []
    async with ActorSystem(shutdown_timeout=0.01) as system:
        system.spawn(AsyncPuppet).tell(Do(hang))
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


# -- errors and cancellation


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
