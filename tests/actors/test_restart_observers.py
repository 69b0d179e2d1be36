"""Restarts as watchers, senders and neighbours see them."""

import asyncio
from collections import Counter
from typing import Any, cast

import pytest

from dramaturg.actors import ActorSystem, DeadLetterReason, Directive, Props, ThreadActor, handler
from tests.actors.kit import (
    KINDS,
    LIMIT,
    AsyncPuppet,
    Crash,
    Do,
    Fail,
    Kind,
    Puppet,
    deaf,
    ended,
    in_threads,
    incarnation,
    restarted,
    settled,
    stop,
    within,
)


async def test_a_watcher_is_not_told_of_a_restart() -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        watcher, ref = system.spawn(Props(Puppet, log)), system.spawn(restarted(Puppet))
        await within(watcher.request(Do(lambda actor: actor.context.watch(ref))))
        ref.tell(Fail(Crash()))
        await settled(ref)
        await settled(watcher)

        assert log == ["on_start"]

        await stop(ref)
        await settled(watcher)
        assert [each.ref for each in log[1:]] == [ref]


async def test_a_stop_asked_for_before_the_restart_is_obeyed() -> None:
    def stop_and_fail(actor: Any) -> None:
        actor.stop()
        raise Crash

    async with ActorSystem() as system:
        ref = system.spawn(restarted(Puppet))
        ref.tell(Do(stop_and_fail))

        await ended(ref)


@pytest.mark.parametrize("kind", KINDS)
async def test_restarts_lose_nothing_while_threads_send(kind: Kind) -> None:
    threads, each = 16, 100
    handled: Counter[int] = Counter()

    class Fragile(kind):  # type: ignore[misc, valid-type]
        @handler
        def count(self, message: int) -> None:
            handled[message] += 1
            if message % 10 == 0:
                raise Crash

    numbers = iter(range(threads))

    async with ActorSystem() as system:
        ref = system.spawn(restarted(Fragile))

        def send() -> None:
            mine = next(numbers)
            for number in range(mine * each, (mine + 1) * each):
                ref.tell(number)

        await in_threads(threads, send)
        assert await within(ref.request(Do(incarnation), timeout=LIMIT)) == 161

        assert handled == Counter(range(threads * each))
        crashed = [letter.message for letter in system.dead_letters.list()]
        assert sorted(crashed) == list(range(0, threads * each, 10))
        assert system.dead_letters.counts[DeadLetterReason.CRASHED] == 160


async def test_the_order_of_each_sender_survives_restarts() -> None:
    seen: list[tuple[int, int]] = []

    class Fragile(ThreadActor):
        policy = Directive.RESTART

        @handler
        def note(self, message: tuple) -> None:  # type: ignore[type-arg]
            sent = cast("tuple[int, int]", message)
            seen.append(sent)
            if sent[1] % 7 == 0:
                raise Crash

        @handler
        def do(self, message: Do) -> Any:
            return message.what(self)

    senders = iter(range(8))
    async with ActorSystem() as system:
        ref = system.spawn(Fragile)

        def send() -> None:
            sender = next(senders)
            for number in range(50):
                ref.tell((sender, number))

        await in_threads(8, send)
        await settled(ref)

    for sender in range(8):
        assert [number for who, number in seen if who == sender] == list(range(50))


async def test_an_actor_may_be_waited_for_by_many_while_it_restarts() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(restarted(AsyncPuppet))
        requests = [ref.request(Do(incarnation)) for _ in range(10)]
        ref.tell(Fail(Crash()))

        assert await within(asyncio.gather(*requests)) == [2] * 10


async def test_a_suspended_handler_is_not_restarted_by_another_failing_actor() -> None:
    async with ActorSystem(shutdown_timeout=0.01) as system:
        waiting, failing = (
            system.spawn(restarted(AsyncPuppet)),
            system.spawn(restarted(AsyncPuppet)),
        )
        waiting.tell(Do(deaf))
        failing.tell(Fail(Crash()))
        await settled(failing)

        assert waiting.cell.incarnation == 1
