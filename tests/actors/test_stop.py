"""The two ways to stop, and that no child outlives its parent."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from dramaturg.actors import (
    ActorEnded,
    ActorFailed,
    ActorRef,
    ActorStopped,
    ActorSystem,
    BlockingCallError,
    Bounded,
    DeadLetterReason,
    DeadLetters,
    DeadlineExceeded,
    Directive,
    OptionError,
    Priority,
    Props,
    handler,
)
from tests.actors.kit import (
    KINDS,
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
    ended,
    in_threads,
    nothing,
    reasons,
    settled,
    stop,
    within,
)

MANY = 100_000


def hold(running: Latch, go_on: Latch) -> Do:
    """Make a message that holds an async or a thread puppet until the latch opens."""

    def wait(actor: Any) -> Awaitable[None] | None:
        running.open()
        if isinstance(actor, AsyncPuppet):
            return go_on.reached()
        go_on.wait()
        return None

    return Do(wait)


WAITING_KINDS: list[Kind] = [AsyncPuppet, ThreadPuppet]


@pytest.mark.parametrize("kind", WAITING_KINDS)
async def test_stop_finishes_the_current_message_and_buries_the_rest(kind: Kind) -> None:
    running, go_on = Latch(), Latch()
    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(kind, log))
        current = asyncio.ensure_future(ref.request(hold(running, go_on)))
        await running.reached()
        ref.tell(Note(1))
        waiting = asyncio.ensure_future(ref.request(Note(2)))
        await asyncio.sleep(0)
        stopping = ref.stop(block=False)
        go_on.open()

        assert await within(stopping)
        assert await within(current) is None
        assert log == ["on_start", "on_stop"]
        with pytest.raises(ActorStopped):
            await within(waiting)
        assert reasons(system) == [
            (Note(1), DeadLetterReason.STOPPED),
            (Note(2), DeadLetterReason.STOPPED),
        ]


@pytest.mark.parametrize("kind", KINDS)
async def test_drain_handles_what_is_queued_and_takes_nothing_more(kind: Kind) -> None:
    def drain_and_send(actor: Any) -> None:
        actor.actor_ref.tell(Note("queued"))
        actor.actor_ref.drain(block=False)
        actor.actor_ref.tell(Note("too late"))

    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(kind, log))
        ref.tell(Do(drain_and_send))
        await ended(ref)

        assert log == ["on_start", "queued", "on_stop"]
        assert reasons(system) == [(Note("too late"), DeadLetterReason.STOPPED)]


@pytest.mark.parametrize("kind", KINDS)
async def test_requests_that_are_queued_are_answered_by_a_drain(kind: Kind) -> None:
    def reply(number: int) -> Do:
        return Do(lambda _: number)

    async with ActorSystem() as system:
        ref = system.spawn(kind)
        await within(ref.started())
        answers = [asyncio.ensure_future(ref.request(reply(number))) for number in range(5)]
        await asyncio.sleep(0)

        assert await within(ref.drain(block=False))
        assert await within(asyncio.gather(*answers)) == [0, 1, 2, 3, 4]
        with pytest.raises(ActorStopped):
            await ref.request(Do(nothing))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stop_overtakes_a_hundred_thousand_messages(kind: Kind) -> None:
    handled = 0

    class Counting(kind):  # type: ignore[misc, valid-type]
        @handler
        def count(self, message: int) -> None:
            nonlocal handled
            handled += 1
            if handled == 10:
                self.stop()

    async with ActorSystem(dead_letters=DeadLetters(10)) as system:
        ref = system.spawn(Counting)
        for number in range(MANY):
            ref.tell(number)
        await ended(ref)

        assert handled == 10
        assert system.dead_letters.total == MANY - 10


async def test_a_stop_from_outside_overtakes_a_hundred_thousand_messages_too() -> None:
    running, go_on = Latch(), Latch()
    log: list[Any] = []
    async with ActorSystem(dead_letters=DeadLetters(10)) as system:
        ref = system.spawn(Props(ThreadPuppet, log))
        ref.tell(hold(running, go_on))
        await running.reached()
        for number in range(MANY):
            ref.tell(Note(number))
        stopping = ref.stop(block=False)
        go_on.open()

        assert await within(stopping)
        assert log == ["on_start", "on_stop"]
        assert system.dead_letters.total == MANY


@pytest.mark.parametrize("mailbox", [Bounded(4), Priority(lambda _: 0)], ids=["bounded", "prio"])
@pytest.mark.parametrize("kind", KINDS)
async def test_drain_and_stop_work_on_every_mailbox(kind: Kind, mailbox: Any) -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        first = system.spawn(Props(kind, log).using(mailbox=mailbox))
        second = system.spawn(Props(kind).using(mailbox=mailbox))
        await settled(first)
        for number in range(4):
            first.tell(Note(number))
        assert await within(first.drain(block=False))
        assert await stop(second)

    assert log == ["on_start", 0, 1, 2, 3, "on_stop"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_full_mailbox_does_not_keep_a_drain_out(kind: Kind) -> None:
    def fill_and_drain(actor: Any) -> None:
        for number in range(2):
            actor.actor_ref.tell(Note(number))
        actor.actor_ref.drain(block=False)

    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(kind, log).using(mailbox=Bounded(2)))
        await within(ref.started())
        ref.tell(Do(fill_and_drain))
        await ended(ref)

    assert log == ["on_start", 0, 1, "on_stop"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stop_cuts_a_drain_short(kind: Kind) -> None:
    def drain_then_stop(actor: Any) -> None:
        actor.actor_ref.tell(Note("queued"))
        actor.actor_ref.drain(block=False)
        actor.stop()

    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(kind, log))
        ref.tell(Do(drain_then_stop))
        await ended(ref)

        assert log == ["on_start", "on_stop"]
        assert reasons(system) == [(Note("queued"), DeadLetterReason.STOPPED)]


@pytest.mark.parametrize("kind", KINDS)
async def test_stopping_twice_runs_on_stop_once(kind: Kind) -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(kind, log))
        first, second = ref.stop(block=False), ref.stop(block=False)
        drained = ref.drain(block=False)

        assert list(await within(asyncio.gather(first, second, drained))) == [True] * 3
        assert await within(ref.stop(block=False)) is False
        assert await within(ref.drain(block=False)) is False
        assert log.count("on_stop") == 1


@pytest.mark.parametrize("how", ["stop", "drain"])
@pytest.mark.parametrize("kind", KINDS)
async def test_threads_may_stop_an_actor_at_once(kind: Kind, how: str) -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(kind, log))
        await settled(ref)

        await in_threads(16, lambda: getattr(ref, how)(timeout=10))

        assert not ref.is_alive()
        assert log == ["on_start", "on_stop"]


def test_threads_may_stop_actors_of_a_system_with_a_thread() -> None:
    log: list[Any] = []
    with ActorSystem() as system:
        refs = [system.spawn(Props(kind, log)) for kind in KINDS]

        assert [ref.stop(timeout=10) for ref in refs] == [True] * 3
        assert [ref.stop(timeout=10) for ref in refs] == [False] * 3

    assert log.count("on_stop") == 3


async def test_a_blocking_stop_gives_up_after_its_timeout_and_the_actor_stops_later() -> None:
    running, go_on = Latch(), Latch()
    async with ActorSystem() as system:
        ref = system.spawn(ThreadPuppet)
        ref.tell(hold(running, go_on))
        await running.reached()

        with pytest.raises(DeadlineExceeded):
            await asyncio.to_thread(ref.stop, timeout=0.01)
        assert ref.is_alive()

        go_on.open()
        await ended(ref)


async def test_a_blocking_stop_on_the_loop_is_refused() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Puppet)

        for call in (ref.stop, ref.drain):
            with pytest.raises(BlockingCallError):
                call()

        assert await within(ref.request(Do(lambda _: "alive"))) == "alive"


async def test_a_blocking_stop_of_itself_or_its_parent_is_refused() -> None:
    def stopping(target: ActorRef[Any]) -> Do:
        return Do(lambda _: caught(target.stop))

    async with ActorSystem() as system:
        parent = system.spawn(ThreadPuppet)
        child = await within(parent.request(Do(lambda actor: actor.context.spawn(ThreadPuppet))))

        for target in (child, parent):
            refused = await within(child.request(stopping(target)))
            assert isinstance(refused, BlockingCallError)

        await within(parent.request(Do(lambda _: child.stop(timeout=10))))
        assert not child.is_alive()


def caught(call: Any) -> Any:
    """Return what the call raises, as no failure of the actor."""
    try:
        return call()
    except BlockingCallError as error:
        return error


@pytest.mark.parametrize("kind", WAITING_KINDS)
async def test_a_stop_waits_for_the_handler_that_runs(kind: Kind) -> None:
    running, go_on = Latch(), Latch()
    async with ActorSystem() as system:
        ref = system.spawn(kind)
        ref.tell(hold(running, go_on))
        await running.reached()
        stopping = asyncio.ensure_future(ref.stop(block=False))
        await settled(system.spawn(AsyncPuppet))
        assert not stopping.done()
        assert ref.is_alive()

        go_on.open()
        assert await within(stopping)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_actor_may_stop_itself_and_still_answers(kind: Kind) -> None:
    def stop_and_answer(actor: Any) -> str:
        actor.context.stop_self()
        return "answer"

    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(kind, log))

        assert await within(ref.request(Do(stop_and_answer))) == "answer"
        await ended(ref)
        assert log == ["on_start", "on_stop"]


async def test_a_stopped_actor_takes_no_message_and_no_request() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Puppet, name="it")
        await stop(ref)
        ref.tell(Note(1))

        with pytest.raises(ActorStopped) as caught:
            await within(ref.request(Note(2)))
        with pytest.raises(ActorStopped):
            await asyncio.to_thread(ref.ask, Note(3))

        assert caught.value.path == "/it"
        assert reasons(system) == [(Note(n), DeadLetterReason.STOPPED) for n in (1, 2, 3)]


# -- children


async def test_context_stop_stops_own_children_only() -> None:
    async with ActorSystem() as system:
        stranger = system.spawn(Puppet)
        parent = system.spawn(Puppet)
        child = await within(parent.request(Do(lambda actor: actor.context.spawn(Puppet))))

        def stop_stranger(actor: Any) -> Any:
            with pytest.raises(OptionError):
                actor.context.stop(stranger)

        await within(parent.request(Do(stop_stranger)))
        await within(parent.request(Do(lambda actor: actor.context.stop(child))))
        await ended(child)

        assert stranger.is_alive()
        assert await within(parent.request(Do(lambda actor: actor.context.children))) == ()


async def test_a_parent_waits_for_a_child_that_takes_its_time() -> None:
    go_on = asyncio.Event()

    class Slow(AsyncPuppet):
        async def on_stop(self) -> None:
            await go_on.wait()

    async with ActorSystem() as system:
        parent = system.spawn(Puppet)
        child = await within(parent.request(Do(lambda actor: actor.context.spawn(Slow))))
        await within(child.started())
        stopping = asyncio.ensure_future(parent.stop(block=False))
        await settled(system.spawn(AsyncPuppet))
        assert not stopping.done()

        go_on.set()
        assert await within(stopping)
        assert not child.is_alive()


async def test_a_failed_parent_takes_its_children_along() -> None:
    async with ActorSystem() as system:
        parent = system.spawn(Puppet)
        children = await within(
            parent.request(Do(lambda actor: [actor.context.spawn(kind) for kind in KINDS]))
        )
        parent.tell(Fail(Crash()))
        await ended(parent)

        assert [child.is_alive() for child in children] == [False] * 3


async def test_a_child_spawned_while_a_stop_is_asked_for_is_stopped_too() -> None:
    children: list[Any] = []

    def stop_then_spawn(actor: Any) -> None:
        actor.stop()
        children.append(actor.context.spawn(AsyncPuppet))

    async with ActorSystem() as system:
        parent = system.spawn(Puppet)
        parent.tell(Do(stop_then_spawn))
        await ended(parent)

        assert not children[0].is_alive()


async def test_a_stop_does_not_wait_for_strangers() -> None:
    async with ActorSystem(shutdown_timeout=0.01) as system:
        waiting = system.spawn(AsyncPuppet)
        waiting.tell(Do(deaf))

        assert await stop(system.spawn(AsyncPuppet))
        assert waiting.is_alive()


async def test_a_stop_waiter_whose_loop_is_gone_hurts_nobody() -> None:
    running, go_on = Latch(), Latch()

    async def give_up(ref: ActorRef[Any]) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ref.stop(block=False), 0.01)

    async with ActorSystem() as system:
        ref = system.spawn(ThreadPuppet)
        ref.tell(hold(running, go_on))
        await running.reached()
        await asyncio.to_thread(asyncio.run, give_up(ref))
        stopping = ref.stop(block=False)
        go_on.open()

        assert await within(stopping)


async def test_the_end_says_why() -> None:
    async with ActorSystem() as system:
        events = Events(system)
        system.spawn(Puppet, name="shutdown")
        await stop(system.spawn(Puppet, name="normal"))
        failed = system.spawn(Props(Puppet).using(policy=Directive.STOP), name="failed")
        failed.tell(Fail(Crash()))
        await events.first(ActorFailed)

    why = {event.path: event.reason for event in events.of(ActorEnded) if event.path != "/"}
    assert why == {"/shutdown": "shutdown", "/normal": "normal", "/failed": "failed"}
