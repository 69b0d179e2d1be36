"""Restarts: what stays, what goes, and in which order."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorFailed,
    ActorRestarted,
    ActorSystem,
    Bounded,
    DeadLetterReason,
    Directive,
    ManualClock,
    Priority,
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
    Note,
    Puppet,
    incarnation,
    reasons,
    restarted,
    settled,
    stop,
    within,
)


@pytest.mark.parametrize("kind", KINDS)
async def test_ref_name_and_place_stay_and_the_instance_is_new(kind: Kind) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(restarted(kind), name="it")
        first = await within(ref.request(Do(lambda actor: actor)))
        ref.tell(Fail(Crash()))
        second = await within(ref.request(Do(lambda actor: actor)))

        assert first is not second
        assert system.lookup("/it") is ref
        assert await within(ref.request(Do(incarnation))) == 2
        assert await within(ref.request(Do(lambda actor: actor.actor_ref))) is ref


@pytest.mark.parametrize("kind", KINDS)
async def test_hooks_run_in_order(kind: Kind) -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(restarted(kind, log))
        ref.tell(Fail(Crash()))
        await settled(ref)

    assert log == ["on_start", "on_failure", "on_restart", "on_start", "on_stop"]


async def test_on_restart_gets_the_cause_on_the_new_instance() -> None:
    causes: list[Any] = []

    class Curious(Puppet):
        def on_restart(self, cause: BaseException) -> None:
            causes.append((self, cause))

    error = Crash()
    async with ActorSystem() as system:
        ref = system.spawn(restarted(Curious))
        ref.tell(Fail(error))
        instance = await within(ref.request(Do(lambda actor: actor)))

    assert causes == [(instance, error)]


@pytest.mark.parametrize("kind", KINDS)
async def test_each_restart_counts_one_incarnation_and_is_reported(kind: Kind) -> None:
    async with ActorSystem() as system:
        events = Events(system)
        ref = system.spawn(restarted(kind), name="it")
        for _ in range(3):
            ref.tell(Fail(Crash()))

        assert await within(ref.request(Do(incarnation))) == 4
        assert [(e.incarnation, e.restarts) for e in events.of(ActorRestarted)] == [
            (2, 1),
            (3, 2),
            (4, 3),
        ]
        assert [(e.incarnation, e.restarts) for e in events.of(ActorFailed)] == [
            (1, 0),
            (2, 1),
            (3, 2),
        ]


async def test_the_recipes_arguments_are_used_again() -> None:
    class Named(Puppet):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    async with ActorSystem() as system:
        ref = system.spawn(restarted(Named, "ann"))
        ref.tell(Do(lambda actor: setattr(actor, "name", "bob")))
        ref.tell(Fail(Crash()))

        assert await within(ref.request(Do(lambda actor: actor.name))) == "ann"


@pytest.mark.parametrize("kind", KINDS)
async def test_the_message_that_crashed_is_not_handled_again_and_the_rest_is(kind: Kind) -> None:
    log: list[Any] = []
    crash = Fail(Crash())
    async with ActorSystem() as system:
        ref = system.spawn(restarted(kind, log))
        for message in (Note(1), crash, Note(2), crash, Note(3)):
            ref.tell(message)
        await settled(ref)

        assert [each for each in log if isinstance(each, int)] == [1, 2, 3]
        assert reasons(system) == [(crash, DeadLetterReason.CRASHED)] * 2
        errors = [letter.error for letter in system.dead_letters.list()]
        assert [type(error) for error in errors] == [ActorCrashed] * 2
        assert [error.__cause__ for error in errors if error] == [crash.error] * 2


async def test_the_request_that_crashed_fails_at_once_though_the_restart_waits() -> None:
    go_on = asyncio.Event()

    class Slow(AsyncPuppet):
        async def on_restart(self, cause: BaseException) -> None:
            await go_on.wait()

    async with ActorSystem() as system:
        ref = system.spawn(restarted(Slow))

        with pytest.raises(ActorCrashed) as caught:
            await within(ref.request(Fail(Crash())))
        assert caught.value.incarnation == 1
        waiting = asyncio.ensure_future(ref.request(Do(incarnation)))
        up = ref.started()
        await settled(system.spawn(AsyncPuppet))
        assert not waiting.done()

        go_on.set()
        await within(up)
        assert await within(waiting) == 2


@pytest.mark.parametrize("kind", KINDS)
async def test_without_keep_mailbox_what_is_queued_becomes_dead_letters(kind: Kind) -> None:
    def send_more_and_fail(actor: Any) -> None:
        for number in range(3):
            actor.actor_ref.tell(Note(number))
        raise Crash

    crash = Do(send_more_and_fail)
    log: list[Any] = []
    async with ActorSystem() as system:
        events = Events(system)
        ref = system.spawn(restarted(kind, log).using(keep_mailbox=False))
        ref.tell(crash)
        await events.first(ActorRestarted)
        ref.tell(Note("later"))
        await settled(ref)

        assert [each for each in log if not str(each).startswith("on_")] == ["later"]
        assert reasons(system) == [
            (crash, DeadLetterReason.CRASHED),
            *((Note(number), DeadLetterReason.STOPPED) for number in range(3)),
        ]


@pytest.mark.parametrize("keep_mailbox", [True, False])
@pytest.mark.parametrize("kind", KINDS)
async def test_an_actor_that_drains_goes_on_draining_after_a_restart(
    kind: Kind, keep_mailbox: bool
) -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(restarted(kind, log).using(keep_mailbox=keep_mailbox))
        ref.tell(Fail(Crash()))
        ref.tell(Note("queued"))

        assert await within(ref.drain(block=False))
        assert ("queued" in log) is keep_mailbox


async def test_class_options_hold_without_a_recipe() -> None:
    class Forgetful(Puppet):
        policy = Directive.RESTART
        keep_mailbox = False

    def send_and_fail(actor: Any) -> None:
        actor.actor_ref.tell(Note("lost"))
        raise Crash

    async with ActorSystem() as system:
        events = Events(system)
        ref = system.spawn(Forgetful)
        ref.tell(Do(send_and_fail))
        await events.first(ActorRestarted)
        await settled(ref)

        assert (Note("lost"), DeadLetterReason.STOPPED) in reasons(system)


@pytest.mark.parametrize("mailbox", [Bounded(100), Priority(lambda _: 0)], ids=["bounded", "prio"])
@pytest.mark.parametrize("kind", KINDS)
async def test_other_mailboxes_survive_too(kind: Kind, mailbox: Any) -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(restarted(kind, log).using(mailbox=mailbox))
        for message in (Fail(Crash()), Note(1), Fail(Crash()), Note(2)):
            ref.tell(message)
        await settled(ref)

        assert [each for each in log if isinstance(each, int)] == [1, 2]


async def test_timers_of_the_old_incarnation_never_tick_not_even_queued_ticks() -> None:
    def start_and_fail(actor: Any) -> None:
        actor.context.start_timer("once", Note("once"), after=1.0)
        actor.context.start_timer("again", Note("again"), every=1.0)
        actor.context.start_timer("rate", Note("rate"), every=1.0, fixed_rate=True)
        actor.context.set_receive_timeout(1.0, Note("silence"))
        clock.advance(1.0)  # their first ticks are in the mailbox now
        raise Crash

    clock = ManualClock()
    log: list[Any] = []
    async with ActorSystem(clock=clock) as system:
        ref = system.spawn(restarted(Puppet, log))
        ref.tell(Do(start_and_fail))
        await settled(ref)
        clock.advance(10.0)
        await settled(ref)

        assert log == ["on_start", "on_failure", "on_restart", "on_start"]


async def test_watches_of_the_old_incarnation_are_gone_and_so_are_their_notices() -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        dead, doomed = system.spawn(Puppet), system.spawn(Puppet)
        await stop(dead)

        def watch_and_fail(actor: Any) -> None:
            actor.context.watch(dead)  # the notice is in the mailbox now
            actor.context.watch(doomed)
            raise Crash

        ref = system.spawn(restarted(Puppet, log))
        ref.tell(Do(watch_and_fail))
        await settled(ref)
        await stop(doomed)
        await settled(ref)

        assert log == ["on_start", "on_failure", "on_restart", "on_start"]


async def test_the_new_incarnations_watch_gets_its_own_notice_and_not_the_old_ones() -> None:
    class Watcher(Puppet):
        def on_start(self) -> None:
            self.context.watch(dead, Note(f"seen by {self.context.incarnation}"))

    def watch_and_fail(actor: Any) -> None:
        actor.context.watch(dead, Note("seen by the first"))
        raise Crash

    log: list[Any] = []
    async with ActorSystem() as system:
        dead = system.spawn(Puppet)
        await stop(dead)
        ref = system.spawn(restarted(Watcher, log))
        await settled(ref)
        log.clear()

        ref.tell(Do(watch_and_fail))
        await settled(ref)

        assert log == ["on_failure", "on_restart", "seen by 2"]


async def test_a_behaviour_of_the_old_incarnation_is_gone() -> None:
    def divide(_: Any) -> float:
        return 1 / 0

    async with ActorSystem() as system:
        ref = system.spawn(restarted(Puppet))
        ref.tell(Do(lambda actor: actor.context.become(divide)))
        ref.tell("anything")

        assert await within(ref.request(Do(incarnation))) == 2


async def test_stashed_messages_come_back_before_the_queued_ones() -> None:
    class Stashing(Actor):
        def __init__(self, log: list[Any]) -> None:
            self.log = log
            self.ready = False

        def on_restart(self, cause: BaseException) -> None:
            self.ready = True

        @handler
        def note(self, message: Note) -> Any:
            if not self.ready:
                self.context.stash()
            self.log.append((self.context.incarnation, message.text))
            return message.text

        @handler
        def fail(self, message: Fail) -> None:
            self.actor_ref.tell(Note("queued"))
            raise message.error

    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(restarted(Stashing, log))
        replies = [asyncio.ensure_future(ref.request(Note(text))) for text in "ab"]
        await asyncio.sleep(0)
        ref.tell(Fail(Crash()))

        assert await within(asyncio.gather(*replies)) == ["a", "b"]
        await within(ref.request(Note("end")))
        assert log == [(1, "a"), (1, "b"), *((2, each) for each in ("a", "b", "queued", "end"))]
