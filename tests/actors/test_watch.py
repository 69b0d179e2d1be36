"""Death watch, by Akka's rules."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorRef,
    ActorSystem,
    Bounded,
    DeadLetterReason,
    MailboxSpec,
    Overflow,
    Priority,
    Props,
    Terminated,
    handler,
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
    ended,
    reasons,
    settled,
    stop,
    within,
)


def watch(ref: ActorRef[Any], message: Any = None) -> Do:
    return Do(lambda actor: actor.context.watch(ref, message))


def unwatch(ref: ActorRef[Any]) -> Do:
    return Do(lambda actor: actor.context.unwatch(ref))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("watched", KINDS)
async def test_a_watcher_is_told_of_a_stop(kind: Kind, watched: Kind) -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        watcher, target = system.spawn(Props(kind, log)), system.spawn(watched)
        await within(watcher.request(watch(target)))
        await stop(target)
        await settled(watcher)

        assert log == ["on_start", Terminated(target)]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_watcher_is_told_of_a_failure_with_its_error(kind: Kind) -> None:
    error = Crash()
    log: list[Any] = []
    async with ActorSystem() as system:
        watcher, target = system.spawn(Props(Puppet, log)), system.spawn(kind)
        await within(watcher.request(watch(target)))
        target.tell(Fail(error))
        await ended(target)
        await settled(watcher)

        assert log == ["on_start", Terminated(target, error)]


@pytest.mark.parametrize("failed", [True, False])
async def test_watching_the_dead_tells_at_once(failed: bool) -> None:
    error = Crash()
    log: list[Any] = []
    async with ActorSystem() as system:
        target = system.spawn(Puppet)
        target.tell(Fail(error)) if failed else target.request_stop()
        await ended(target)
        watcher = system.spawn(Props(Puppet, log))
        await within(watcher.request(watch(target)))
        await settled(watcher)

        assert log == ["on_start", Terminated(target, error if failed else None)]


async def test_watching_may_begin_in_init_and_end_in_on_stop() -> None:
    class Watcher(Puppet):
        def __init__(self, target: ActorRef[Any], log: list[Any]) -> None:
            super().__init__(log)
            self.context.watch(target)
            self.target = target

        def on_stop(self) -> None:
            self.context.watch(self.target)

    log: list[Any] = []
    async with ActorSystem() as system:
        target = system.spawn(Puppet)
        watcher = system.spawn(Props(Watcher, target, log))
        await stop(target)
        await settled(watcher)
        await stop(watcher)

    assert log == ["on_start", Terminated(target)]


async def test_a_message_may_take_the_place_of_the_notice() -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        watcher, target = system.spawn(Props(Puppet, log)), system.spawn(Puppet)
        await within(watcher.request(watch(target, Note("gone"))))
        await stop(target)
        await settled(watcher)

        assert log == ["on_start", "gone"]


async def test_a_double_watch_tells_once_and_in_the_last_form() -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        watcher, target = system.spawn(Props(Puppet, log)), system.spawn(Puppet)
        await within(watcher.request(watch(target, Note("first"))))
        await within(watcher.request(watch(target, Note("second"))))
        await stop(target)
        await settled(watcher)

        assert log == ["on_start", "second"]


async def test_after_unwatch_nothing_is_told() -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        watcher, target = system.spawn(Props(Puppet, log)), system.spawn(Puppet)
        await within(watcher.request(watch(target)))
        await within(watcher.request(unwatch(target)))
        await within(watcher.request(unwatch(target)))
        await stop(target)
        await settled(watcher)

        assert log == ["on_start"]


async def test_after_unwatch_not_even_a_queued_notice_is_handled() -> None:
    def watch_and_unwatch(actor: Any) -> None:
        actor.context.watch(dead)
        actor.context.unwatch(dead)

    log: list[Any] = []
    async with ActorSystem() as system:
        dead, watcher = system.spawn(Puppet), system.spawn(Props(Puppet, log))
        await stop(dead)
        await within(watcher.request(Do(watch_and_unwatch)))
        await settled(watcher)

        assert log == ["on_start"]


async def test_a_new_watch_after_an_unwatch_does_not_revive_the_queued_notice() -> None:
    def watch_unwatch_watch(actor: Any) -> None:
        actor.context.watch(dead, Note("first"))
        actor.context.unwatch(dead)
        actor.context.watch(dead, Note("second"))

    log: list[Any] = []
    async with ActorSystem() as system:
        dead, watcher = system.spawn(Puppet), system.spawn(Props(Puppet, log))
        await stop(dead)
        await within(watcher.request(Do(watch_unwatch_watch)))
        await settled(watcher)

        assert log == ["on_start", "second"]


async def test_the_notice_comes_behind_what_is_in_the_mailbox() -> None:
    def watch_the_dead(actor: Any) -> None:
        actor.actor_ref.tell(Note("before"))
        actor.context.watch(dead, Note("gone"))
        actor.actor_ref.tell(Note("after"))

    log: list[Any] = []
    async with ActorSystem() as system:
        dead, watcher = system.spawn(Puppet), system.spawn(Props(Puppet, log))
        await stop(dead)
        watcher.tell(Do(watch_the_dead))
        await settled(watcher)

        assert log == ["on_start", "before", "gone", "after"]


@pytest.mark.parametrize(
    "mailbox",
    [
        *(Bounded(1, overflow) for overflow in Overflow),
        Priority(lambda message: message.priority),
    ],
    ids=[*(overflow.value for overflow in Overflow), "priority"],
)
async def test_a_full_or_picky_mailbox_does_not_lose_the_notice(mailbox: MailboxSpec) -> None:
    class Busy(Puppet):
        def on_start(self) -> None:
            for target in targets:
                self.context.watch(target)

    class Rated(Note):
        priority = 1

    running, go_on = Latch(), Latch()

    def hold(actor: Any) -> None:
        running.open()
        go_on.wait()

    class Holding(Do):
        priority = 0

    log: list[Any] = []
    async with ActorSystem() as system:
        targets = [system.spawn(Puppet) for _ in range(3)]

        class BusyThread(Busy, ThreadPuppet):
            pass

        watcher = system.spawn(Props(BusyThread, log).using(mailbox=mailbox))
        await within(watcher.started())
        watcher.tell(Holding(hold))
        await running.reached()
        watcher.tell(Rated("in the mailbox"))
        for target in targets:
            assert await stop(target)
        go_on.open()
        assert await within(watcher.drain(block=False))

    assert log == ["in the mailbox", *map(Terminated, targets), "on_stop"]


async def test_newer_messages_do_not_push_a_notice_out() -> None:
    def fill(actor: Any) -> None:
        actor.context.watch(dead, Note("gone"))
        for number in range(5):
            actor.actor_ref.tell(Note(number))

    log: list[Any] = []
    async with ActorSystem() as system:
        dead = system.spawn(Puppet)
        await stop(dead)
        watcher = system.spawn(Props(Puppet, log).using(mailbox=Bounded(2, Overflow.DROP_OLDEST)))
        await within(watcher.started())
        await within(watcher.request(Do(fill)))
        await within(watcher.drain(block=False))

    assert log == ["on_start", "gone", 3, 4, "on_stop"]


async def test_many_watchers_are_all_told() -> None:
    logs: list[list[Any]] = [[] for _ in range(20)]
    async with ActorSystem() as system:
        target = system.spawn(Puppet)
        watchers = [system.spawn(Props(KINDS[number % 3], log)) for number, log in enumerate(logs)]
        for watcher in watchers:
            await within(watcher.request(watch(target)))
        await stop(target)
        for watcher in watchers:
            await settled(watcher)

        assert all(log == ["on_start", Terminated(target)] for log in logs)


async def test_a_watcher_that_has_stopped_is_no_trouble_and_no_dead_letter() -> None:
    async with ActorSystem() as system:
        watcher, target = system.spawn(Puppet), system.spawn(Puppet)
        await within(watcher.request(watch(target)))
        await stop(watcher)
        assert target.cell.extra is not None
        assert target.cell.extra.watchers == {}
        await stop(target)

        assert reasons(system) == []


async def test_two_actors_may_watch_each_other() -> None:
    first_log: list[Any] = []
    async with ActorSystem() as system:
        first, second = system.spawn(Props(Puppet, first_log)), system.spawn(Puppet)
        await within(first.request(watch(second)))
        await within(second.request(watch(first)))
        await stop(second)
        await settled(first)

        assert first_log == ["on_start", Terminated(second)]
        assert await stop(first)


async def test_watching_itself_is_harmless() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Puppet)
        await within(ref.request(watch(ref)))

        assert await stop(ref)
        assert reasons(system) == []


async def test_a_parent_that_hears_of_its_childs_end_may_use_the_name_again() -> None:
    class Parent(Puppet):
        def __init__(self, kind: Kind, born: list[ActorRef[Any]]) -> None:
            super().__init__()
            self.kind = kind
            self.born = born
            self.breed()

        def breed(self) -> None:
            self.born.append(self.context.spawn(self.kind, name="child"))
            self.context.watch(self.born[-1])

        @handler
        def terminated(self, message: Terminated) -> None:
            if len(self.born) < 20:
                self.breed()
                self.born[-1].request_stop()
            else:
                through.set()

    for kind in KINDS:
        through = asyncio.Event()
        born: list[ActorRef[Any]] = []
        async with ActorSystem() as system:
            system.spawn(Props(Parent, kind, born))
            born[0].request_stop()
            await within(through.wait())

        assert [ref.name for ref in born] == ["child"] * 20


async def test_a_notice_without_a_handler_is_an_unhandled_message() -> None:
    class Careless(Actor):
        def __init__(self, target: ActorRef[Any]) -> None:
            self.context.watch(target)

        @handler
        def do(self, message: Do) -> Any:
            return message.what(self)

    async with ActorSystem() as system:
        target = system.spawn(Puppet)
        watcher = system.spawn(Props(Careless, target))
        await stop(target)
        await settled(watcher)

        assert reasons(system) == [(Terminated(target), DeadLetterReason.UNHANDLED)]


async def test_a_watcher_may_fail_on_the_notice() -> None:
    class Fragile(Puppet):
        @handler
        def terminated(self, message: Terminated) -> None:
            raise Crash

    async with ActorSystem() as system:
        target, watcher = system.spawn(Puppet), system.spawn(Fragile)
        await within(watcher.request(watch(target)))
        await stop(target)
        await ended(watcher)

        assert reasons(system) == [(Terminated(target), DeadLetterReason.CRASHED)]


async def test_the_notice_reaches_an_async_handler() -> None:
    class Slow(AsyncPuppet):
        @handler
        async def terminated(self, message: Terminated) -> None:  # type: ignore[override]
            await asyncio.sleep(0)
            self.log.append("slowly")

    log: list[Any] = []
    async with ActorSystem() as system:
        target, watcher = system.spawn(Puppet), system.spawn(Props(Slow, log))
        await within(watcher.request(watch(target)))
        await stop(target)
        await settled(watcher)

        assert log == ["on_start", "slowly"]


async def test_an_actor_of_another_system_may_be_watched() -> None:
    log: list[Any] = []
    async with ActorSystem("one") as one, ActorSystem("two") as two:
        watcher, target = one.spawn(Props(Puppet, log)), two.spawn(Puppet)
        await within(watcher.request(watch(target)))
        await stop(target)
        await settled(watcher)

        assert log == ["on_start", Terminated(target)]


async def test_no_notice_is_lost_however_watch_and_end_meet() -> None:
    async with ActorSystem() as system:
        log: list[Any] = []
        watcher = system.spawn(Props(ThreadPuppet, log))
        for _ in range(200):
            target = system.spawn(Actor)
            watcher.tell(watch(target))
            target.request_stop()
        await settled(watcher)
        await settled(watcher)

        assert len(log) == 201


async def test_a_crashed_request_and_a_notice_tell_the_same_error() -> None:
    error = Crash()
    log: list[Any] = []
    async with ActorSystem() as system:
        watcher, target = system.spawn(Props(Puppet, log)), system.spawn(Puppet)
        await within(watcher.request(watch(target)))
        with pytest.raises(ActorCrashed) as caught:
            await within(target.request(Fail(error)))
        await settled(watcher)

        assert caught.value.__cause__ is error
        assert log[1].error is error
