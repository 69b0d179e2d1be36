"""The way of an actor from its start to its end: which hook runs when, and what waits for it."""

import asyncio
import threading
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorContext,
    ActorEnded,
    ActorFailed,
    ActorStarted,
    ActorSystem,
    DeadLetterReason,
    Directive,
    OutsideActorError,
    Props,
    StartFailed,
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


@pytest.mark.parametrize("kind", KINDS)
async def test_hooks_run_around_the_messages(kind: Kind) -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(kind, log))
        ref.tell(Note(1))
        ref.tell(Note(2))
        await settled(ref)
        await stop(ref)

    assert log == ["on_start", 1, 2, "on_stop"]


@pytest.mark.parametrize("kind", KINDS)
async def test_leaving_the_block_stops_the_actors(kind: Kind) -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(kind, log))
        await settled(ref)

    assert log == ["on_start", "on_stop"]
    assert not ref.is_alive()


@pytest.mark.parametrize("kind", KINDS)
async def test_started_is_done_once_on_start_has_run(kind: Kind) -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        await within(system.spawn(Props(kind, log)).started())

        assert log == ["on_start"]


async def test_started_waits_for_an_on_start_that_waits() -> None:
    go_on = asyncio.Event()

    class Slow(Actor):
        async def on_start(self) -> None:
            await go_on.wait()

    async with ActorSystem() as system:
        ref = system.spawn(Slow, name="it")
        first, second = asyncio.ensure_future(ref.started()), asyncio.ensure_future(ref.started())
        await settled(system.spawn(AsyncPuppet))
        assert not first.done()

        go_on.set()
        await within(asyncio.gather(first, second))


async def test_started_of_an_actor_that_is_up_or_has_no_on_start_is_done_at_once() -> None:
    class Plain(Actor):
        pass

    async with ActorSystem() as system:
        ref = system.spawn(Puppet)
        await settled(ref)

        ref.started().get(timeout=0)
        system.spawn(Plain).started().get(timeout=0)


async def test_started_can_be_waited_for_by_a_thread() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(AsyncPuppet)

        await within(asyncio.to_thread(ref.started().get))


async def test_started_never_misses_the_start_however_the_threads_meet() -> None:
    async with ActorSystem() as system:

        def spawn_and_wait() -> None:
            for _ in range(20):
                system.spawn(ThreadPuppet).started().get(timeout=5)

        await in_threads(4, spawn_and_wait)


@pytest.mark.parametrize("kind", [AsyncPuppet, ThreadPuppet])
async def test_messages_wait_until_on_start_is_through(kind: Kind) -> None:
    running, go_on = Latch(), Latch()

    def in_thread(self: Any) -> None:
        running.open()
        go_on.wait()
        self.log.append("on_start")

    async def in_task(self: Any) -> None:
        running.open()
        await go_on.reached()
        self.log.append("on_start")

    class Slow(kind):  # type: ignore[misc, valid-type]
        on_start = in_task if kind is AsyncPuppet else in_thread

    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(Slow, log))
        ref.tell(Note("message"))
        await running.reached()
        assert log == []
        go_on.open()
        await settled(ref)

    assert log == ["on_start", "message", "on_stop"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_failing_on_start_fails_the_actor_and_started_tells(kind: Kind) -> None:
    def plain(self: Any) -> None:
        raise Crash("no way")

    async def in_task(self: Any) -> None:
        await asyncio.sleep(0)
        raise Crash("no way")

    class Broken(kind):  # type: ignore[misc, valid-type]
        on_start = in_task if kind is AsyncPuppet else plain

    log: list[Any] = []
    async with ActorSystem() as system:
        events = Events(system)
        ref = system.spawn(Props(Broken, log), name="it")
        ref.tell(Note("message"))
        with pytest.raises(StartFailed) as caught:
            await within(ref.started())
        await events.first(ActorEnded)

        assert isinstance(caught.value.__cause__, Crash)
        assert (caught.value.path, caught.value.cause) == ("/it", "Crash: no way")
        assert log == ["on_failure"]
        assert [failed.phase for failed in events.of(ActorFailed)] == ["on_start"]
        assert events.of(ActorStarted) == []
        assert reasons(system) == [(Note("message"), DeadLetterReason.STOPPED)]


@pytest.mark.parametrize("decision", [Directive.RESTART, Directive.RESUME])
async def test_an_actor_that_fails_to_start_stops_whatever_its_policy_says(
    decision: Directive,
) -> None:
    class Broken(Puppet):
        def on_start(self) -> None:
            raise Crash

    async with ActorSystem() as system:
        events = Events(system)
        ref = system.spawn(Props(Broken).using(policy=decision))
        with pytest.raises(StartFailed):
            await within(ref.started())
        await events.first(ActorEnded)

    assert [failed.decision for failed in events.of(ActorFailed)] == ["stop"]


async def test_started_still_tells_after_the_actor_is_gone() -> None:
    class Broken(Actor):
        def on_start(self) -> None:
            raise Crash

    async with ActorSystem() as system:
        ref = system.spawn(Broken)
        await ended(ref)

        with pytest.raises(StartFailed) as caught:
            await within(ref.started())
        assert isinstance(caught.value.__cause__, Crash)


async def test_an_actor_stopped_before_it_came_up_has_failed_to_start() -> None:
    class Slow(Puppet):
        async def on_start(self) -> None:
            await asyncio.get_running_loop().create_future()

    async with ActorSystem(shutdown_timeout=0.01) as system:
        ref = system.spawn(Slow)
        up = asyncio.ensure_future(ref.started())
        await settled(system.spawn(AsyncPuppet))

    with pytest.raises(StartFailed, match="stopped first"):
        await within(up)


async def test_started_of_an_actor_that_came_up_and_has_stopped_since_is_done() -> None:
    async with ActorSystem() as system:
        with_on_start, without = system.spawn(Puppet), system.spawn(Actor)
        failed = system.spawn(Puppet)
        failed.tell(Fail(Crash()))
        for ref in (with_on_start, without):
            await stop(ref)
        await ended(failed)

        for ref in (with_on_start, without, failed):
            ref.started().get(timeout=0)


@pytest.mark.parametrize("kind", KINDS)
async def test_on_start_may_stop_the_actor(kind: Kind) -> None:
    def plain(self: Any) -> None:
        self.log.append("on_start")
        self.stop()

    async def in_task(self: Any) -> None:
        self.log.append("on_start")
        self.stop()

    class Brief(kind):  # type: ignore[misc, valid-type]
        on_start = in_task if kind is AsyncPuppet else plain

    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(Brief, log))
        ref.tell(Note("never"))
        await ended(ref)

        assert log == ["on_start", "on_stop"]
        assert reasons(system) == [(Note("never"), DeadLetterReason.STOPPED)]


@pytest.mark.parametrize("kind", KINDS)
async def test_on_start_may_spawn_children_and_tell_them(kind: Kind) -> None:
    class Parent(Puppet):
        def on_start(self) -> None:
            self.child = self.context.spawn(Props(kind, self.log))
            self.child.tell(Note("hello"))

    log: list[Any] = []
    async with ActorSystem() as system:
        parent = system.spawn(Props(Parent, log))
        child = await within(parent.request(Do(lambda actor: actor.child)))
        await settled(child)

    assert log == ["on_start", "hello", "on_stop", "on_stop"]


async def test_what_on_start_sends_to_itself_comes_before_what_others_send_later() -> None:
    class Eager(Puppet):
        def on_start(self) -> None:
            self.actor_ref.tell(Note("own"))

    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(Eager, log))
        await within(ref.started())
        ref.tell(Note("other"))
        await settled(ref)

    assert log[:2] == ["own", "other"]


@pytest.mark.parametrize("kind", KINDS)
async def test_all_hooks_and_handlers_of_one_actor_run_where_its_kind_says(kind: Kind) -> None:
    class Where(kind):  # type: ignore[misc, valid-type]
        if kind is not AsyncPuppet:

            def on_start(self) -> None:
                self.log.append(threading.current_thread())

            def on_stop(self) -> None:
                self.log.append(threading.current_thread())

    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(Where, log))
        ref.tell(Do(lambda actor: actor.log.append(threading.current_thread())))
        await settled(ref)

    here = threading.current_thread()
    where = {each for each in log if isinstance(each, threading.Thread)}
    assert len(where) == 1
    assert (where == {here}) is (kind is not ThreadPuppet)


async def test_events_of_a_life_come_in_order() -> None:
    async with ActorSystem() as system:
        events = Events(system)
        ref = system.spawn(Props(Puppet).using(policy=Directive.RESTART), name="it")
        ref.tell(Fail(Crash()))
        await settled(ref)
        await stop(ref)

    kinds = [type(event).__name__ for event in events.all if event.path == "/it"]
    assert kinds == [
        "ActorStarted",
        "DeadLettered",
        "ActorFailed",
        "IncarnationEnded",
        "ActorStarted",
        "ActorRestarted",
        "ActorStopping",
        "IncarnationEnded",
        "ActorEnded",
    ]


def test_an_instance_that_no_system_made_has_no_context() -> None:
    actor = Puppet()

    for use in (lambda: actor.context, lambda: actor.actor_ref, actor.stop):
        with pytest.raises(OutsideActorError):
            use()


async def test_context_shows_itself() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Puppet, name="it")
        context = await within(ref.request(Do(lambda actor: actor.context)))

        assert isinstance(context, ActorContext)
        assert repr(context) == "<ActorContext of <Cell /it running incarnation=1 queued=0>>"
        assert (context.incarnation, context.message, context.sender) == (1, None, None)


async def test_the_current_message_is_known_in_handlers_and_none_in_hooks() -> None:
    seen: list[Any] = []

    class Curious(Puppet):
        def on_start(self) -> None:
            seen.append(self.context.message)

        def on_stop(self) -> None:
            seen.append(self.context.message)

    def look(actor: Any) -> None:
        seen.append(actor.context.message)

    async with ActorSystem() as system:
        ref = system.spawn(Curious)
        await within(ref.request(Do(look)))

    assert seen == [None, Do(look), None]


async def test_an_actor_in_an_async_handler_is_alive_and_others_go_on() -> None:
    async with ActorSystem(shutdown_timeout=0.01) as system:
        waiting, other = system.spawn(AsyncPuppet), system.spawn(AsyncPuppet)
        waiting.tell(Do(deaf))

        for _ in range(3):
            await within(other.request(Do(nothing)))

        assert waiting.is_alive()
