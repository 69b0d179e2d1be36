"""Killing: an actor is cut short, without ``on_stop`` and without waiting for its handler."""

from types import SimpleNamespace
from typing import Any

import pytest

from dramaturg.actors import (
    ActorRef,
    ActorStopped,
    ActorSystem,
    DeadLetterReason,
    IncarnationEnded,
    ManualClock,
    Props,
    StartFailed,
    ThreadLeaked,
)
from dramaturg.actors._mailbox import ThreadQueue
from dramaturg.actors._thread import _NOTHING, ThreadDispatcher
from tests.actors.kit import (
    KINDS,
    AsyncPuppet,
    Do,
    Events,
    Kind,
    Latch,
    Note,
    Puppet,
    ThreadPuppet,
    deaf,
    in_threads,
    within,
)

each_kind = pytest.mark.parametrize("kind", KINDS)


async def killed(events: Events, path: str) -> None:
    """Wait for the end of an actor, and see that it was killed."""
    assert (await events.first(IncarnationEnded, path)).reason.kind == "killed"


@each_kind
async def test_an_idle_actor_ends_without_on_stop(kind: Kind) -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        events = Events(system)
        ref = system.spawn(Props(kind, log), name="it")
        await within(ref.started())
        ref.kill()
        await killed(events, "/it")
        await within(ref.stop(block=False))

        assert log == ["on_start"]
        assert not ref.is_alive()
        assert events.of(ThreadLeaked) == []


async def test_an_async_handler_is_cancelled_where_it_waits() -> None:
    async with ActorSystem() as system:
        events = Events(system)
        ref = system.spawn(AsyncPuppet, name="it")
        asking, queued = ref.ask(Do(deaf), block=False), ref.ask(Note(1), block=False)
        await within(ref.started())
        ref.kill()
        for future in (asking, queued):
            with pytest.raises(ActorStopped):
                await within(future)

        await killed(events, "/it")
        assert [each.reason for each in system.dead_letters.list()] == [
            DeadLetterReason.CANCELLED, DeadLetterReason.STOPPED,
        ]  # fmt: skip


async def test_a_blocking_actor_is_abandoned_at_once() -> None:
    entered, latch = Latch(), Latch()

    def block(_: Any) -> None:
        entered.open()
        latch.wait()

    async with ActorSystem() as system:
        events = Events(system)
        ref = system.spawn(ThreadPuppet, name="it")
        asking = ref.ask(Do(block), block=False)
        await entered.reached()
        ref.kill()
        with pytest.raises(ActorStopped):
            await within(asking)

        await killed(events, "/it")
        assert len(events.of(ThreadLeaked)) == 1
        assert not ref.is_alive()
        latch.open()


async def test_an_actor_that_is_killed_before_its_start_has_begun_never_comes_up() -> None:
    class Slow(AsyncPuppet):
        async def on_start(self) -> None:
            await deaf(self)

    async with ActorSystem(shutdown_timeout=0.5) as system:
        ref = system.spawn(Slow)
        up = ref.started()
        ref.kill()
        with pytest.raises(StartFailed):
            await within(up)


async def test_an_actor_that_is_killed_in_its_start_never_comes_up() -> None:
    reached = Latch()

    class Slow(AsyncPuppet):
        async def on_start(self) -> None:
            reached.open()
            await deaf(self)

    async with ActorSystem() as system:
        ref = system.spawn(Slow)
        up = ref.started()
        await reached.reached()
        ref.kill()
        with pytest.raises(StartFailed):
            await within(up)


async def test_an_actor_that_is_killed_in_its_stop_does_not_end_it() -> None:
    reached, log = Latch(), list[str]()

    class Slow(AsyncPuppet):
        async def on_stop(self) -> None:
            reached.open()
            await deaf(self)
            log.append("never")

    async with ActorSystem() as system:
        ref = system.spawn(Slow)
        await within(ref.started())
        ending = ref.stop(block=False)
        await reached.reached()
        ref.kill()

        assert await within(ending)
        assert log == []


@each_kind
async def test_children_are_told_to_stop(kind: Kind) -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        parent = system.spawn(kind)
        child: ActorRef[Puppet] = await within(
            parent.request(Do(lambda a: a.context.spawn(Props(Puppet, log))))
        )
        parent.kill()
        await within(parent.stop(block=False))

        assert log == ["on_start", "on_stop"]
        assert not child.is_alive()


@each_kind
async def test_to_kill_twice_or_the_dead_changes_nothing(kind: Kind) -> None:
    async with ActorSystem() as system:
        events = Events(system)
        ref = system.spawn(kind, name="it")
        await within(ref.started())
        ref.kill()
        ref.kill()
        await killed(events, "/it")
        await within(ref.stop(block=False))
        ref.kill()
        await within(system.spawn(Puppet).started())

        assert len(events.of(IncarnationEnded, "/it")) == 1


@each_kind
async def test_any_thread_may_kill(kind: Kind) -> None:
    clock = ManualClock()
    async with ActorSystem(clock=clock) as system:
        events = Events(system)
        ref = system.spawn(kind, name="it")
        await within(ref.started())
        await in_threads(4, ref.kill)
        await killed(events, "/it")


def test_whose_a_message_is_when_its_thread_is_given_up_is_never_in_doubt() -> None:
    cell: Any = SimpleNamespace(batch=None, mailbox=ThreadQueue(["first", "second"]), message=None)
    dispatcher = ThreadDispatcher("given up", daemon=True)

    taken = dispatcher._take(cell)

    assert (taken, cell.message) == ("first", "first")
    assert (dispatcher.give_up(cell), cell.message) == ("first", None)
    assert dispatcher._take(cell) is _NOTHING
    assert (list(cell.mailbox), cell.message) == (["second"], None)
