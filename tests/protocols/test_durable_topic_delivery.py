"""Durable topics: confirmations, poison, and what stays of old messages."""

from pathlib import Path

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    DeadLetterReason,
    DurableDeadLetters,
    Message,
    Refused,
)
from dramaturg.protocols import (
    Confirm,
    Confirmation,
    Delivery,
    FromOffset,
    KeepFor,
    KeepLast,
    KeepUnconfirmed,
    OnPoison,
    Resume,
    UnknownSubscription,
)
from tests.actors.kit import Crash, within
from tests.actors.messaging_kit import turns, until
from tests.ids import stable
from tests.protocols.durable_topic_kit import Lives, Order, Orders, once


@pytest.fixture(params=["memory", "sqlite"])
def lives(request: pytest.FixtureRequest, tmp_path: Path) -> Lives:
    return Lives(request.param, tmp_path)


# -- confirmations -------------------------------------------------------------------------------


async def test_explicit_confirmations_open_the_window(lives: Lives) -> None:
    async with lives.life() as bench:
        log = await bench.reading("r", window=2, confirm=Confirmation.EXPLICIT)
        await bench.publish(1, 2, 3, 4)
        await until(lambda: log == once(1, 2))
        await turns()
        assert log == once(1, 2)
        figures = await within(bench.topic.request(Confirm("r", 3)))
        assert figures.confirmed == 3
        await until(lambda: log == once(1, 2, 3, 4))
    async with lives.life() as bench:
        log = await bench.reading("r", window=2)
        await bench.caught_up("r")
        assert log == [(3, True), (4, True)]


async def test_a_subscriber_that_begins_again_gets_what_it_has_not_confirmed() -> None:
    async with Lives().life() as bench:
        ref, log = bench.reader()
        await bench.subscribed("r", ref, confirm=Confirmation.EXPLICIT)
        await bench.publish(1)
        await until(lambda: log == once(1))
        await turns()
        await bench.subscribed("r", ref, confirm=Confirmation.EXPLICIT)
        await until(lambda: log == [(1, False), (1, True)])


async def test_a_confirmation_of_what_is_not_there_is_refused() -> None:
    async with Lives().life() as bench:
        with pytest.raises(UnknownSubscription) as raised:
            await within(bench.topic.request(Confirm("r", 1)))
        assert (raised.value.path, raised.value.name) == ("/orders", "r")
        await bench.reading("r")
        with pytest.raises(Refused):
            await within(bench.topic.request(Confirm("r", 9)))
        with pytest.raises(Refused):
            await within(bench.topic.request(Resume("r")))
        with pytest.raises(Refused):
            await bench.subscribed("other", bench.system.spawn(Idle), start=FromOffset(7))
        with pytest.raises(Refused):
            await bench.subscribed("itself", bench.topic)


class Idle(Actor):
    """Has no handler for deliveries."""


# -- poison --------------------------------------------------------------------------------------


async def test_a_message_on_which_its_subscriber_fails_is_tried_again_and_then_handled(
    lives: Lives,
) -> None:
    async with lives.life() as bench:
        bench.fails[1] = 2
        log = await bench.reading("r")
        await bench.publish(1, 2)
        await lives.tick(log, 4)
        await bench.caught_up("r")
        assert log == [(1, False), (1, True), (1, True), (2, False)]
        assert bench.system.dead_letters.list() == []


async def test_poison_is_one_dead_letter_and_the_subscription_goes_on(lives: Lives) -> None:
    async with lives.life() as bench:
        bench.fails[1] = 9
        log = await bench.reading("r", attempts=2)
        await bench.publish(1, 2)
        await lives.tick(log, 3)
        assert (await bench.caught_up("r")).skipped == 1
        assert log == [(1, False), (1, True), (2, False)]
        [letter] = bench.system.dead_letters.list()
        assert (letter.reason, letter.message.message) == (
            DeadLetterReason.CRASHED,
            Order(number=1),
        )
        assert isinstance(letter.error, ActorCrashed)
        assert isinstance(letter.error.__cause__, Crash)
        bench.fails.clear()
        assert bench.system.dead_letters.replay().sent == 1
        await until(lambda: len(log) == 4)


async def test_what_is_refused_is_not_tried_again() -> None:
    async with Lives().life() as bench:
        log = await bench.reading("r")
        await bench.publish(-1, 2)
        await bench.caught_up("r")
        assert log == once(-1, 2)
        [letter] = bench.system.dead_letters.list()
        assert letter.reason is DeadLetterReason.REFUSED
        await bench.subscribed("idle", bench.system.spawn(Idle))
        await bench.caught_up("idle")
        reasons = [each.reason for each in bench.system.dead_letters.list()]
        assert reasons == [DeadLetterReason.REFUSED] + [DeadLetterReason.UNHANDLED] * 2


@pytest.mark.parametrize("retry", [False, True])
async def test_a_subscription_that_parks_stands_still_until_it_is_told(
    lives: Lives, retry: bool
) -> None:
    async with lives.life() as bench:
        bench.fails[1] = 9
        log = await bench.reading("r", attempts=1, on_poison=OnPoison.PARK)
        await bench.publish(1, 2)
        assert await within(bench.parked("r")) == 2
        assert (log, len(bench.system.dead_letters)) == (once(1), 1)
    async with lives.life() as bench:
        log = await bench.reading("r", attempts=1, on_poison=OnPoison.PARK)
        assert (log, await within(bench.parked("r"))) == ([], 2)
        figures = await within(bench.topic.request(Resume("r", retry=retry)))
        assert figures.parked is None
        await bench.caught_up("r")
        assert log == ([(1, True)] if retry else []) + [(2, True)]


async def test_failures_are_counted_over_lives(lives: Lives) -> None:
    async with lives.life() as bench:
        bench.fails[1] = 1
        log = await bench.reading("r", attempts=2)
        await bench.publish(1)
        await until(lambda: log == once(1))
        await turns()
    async with lives.life() as bench:
        bench.fails[1] = 1
        log = await bench.reading("r", attempts=2)
        await bench.caught_up("r")
        assert log == [(1, True)]
        assert len(bench.system.dead_letters) == 1


async def test_poison_outlives_the_process_in_durable_dead_letters(lives: Lives) -> None:
    async with lives.life(dead_letters=DurableDeadLetters(Orders.letter_types)) as bench:
        bench.fails[1] = 1
        await bench.reading("r", attempts=1)
        await bench.publish(1)
        await bench.caught_up("r")
    letters = DurableDeadLetters(Orders.letter_types)
    async with lives.life(dead_letters=letters) as bench:
        [letter] = letters.list()
        delivery: Delivery = letter.message
        assert (delivery.message, delivery.subscription) == (Order(number=1), "r")


# -- what stays ----------------------------------------------------------------------------------


class Tidy(Orders):
    retention = KeepUnconfirmed()
    trim_every = 1


class LastFive(Orders):
    retention = KeepLast(5)
    trim_every = 1


class Minute(Orders):
    retention = KeepFor(60)
    trim_every = 1


class Snapshots(Tidy):
    snapshot_every = 3


@pytest.mark.parametrize("kind", [Tidy, Snapshots], ids=stable)
async def test_what_all_have_confirmed_goes_and_nothing_else(
    lives: Lives, kind: type[Orders]
) -> None:
    for _ in range(3):
        async with lives.life(kind) as bench:
            first = await bench.reading("first")
            second, log = bench.reader("second")
            await bench.subscribed("second", second, FromNever)
            await bench.publish(*range(7))
            await bench.caught_up("first")
            head = await bench.system.journal.head("/orders")  # type: ignore[union-attr]
            assert [number for number, _ in first][-7:] == [*range(7)]
            assert (log, head.oldest) == ([], 1)
    async with lives.life(kind) as bench:
        log = await bench.reading("second")
        await bench.reading("first")
        await bench.caught_up("second")
        assert [number for number, _ in log] == [*range(7)] * 3
        await bench.publish(7)
        await bench.caught_up("second")
        await bench.caught_up("first")
        await bench.publish(8, 9, 10)
        await bench.caught_up("second")
        await bench.caught_up("first")
        head = await bench.system.journal.head("/orders")  # type: ignore[union-attr]
        assert head.oldest > 15
    async with lives.life(kind) as bench:
        assert await bench.publish(11) == [head.sequence + 1]
        assert (await bench.figures("first")).confirmed == head.sequence


class FromNever(Message):
    """Nobody publishes it."""


async def test_whoever_is_too_late_is_told_what_it_has_missed() -> None:
    lives = Lives()
    async with lives.life(LastFive) as bench:
        await bench.reading("r")
    async with lives.life(LastFive) as bench:
        await bench.publish(*range(10))
        await turns()
        log = await bench.reading("r")
        figures = await bench.caught_up("r")
        assert log[0] == (0, 7)
        assert [number for number, _ in log[1:]] == [5, 6, 7, 8, 9]
        assert figures.missed == 6


async def test_old_messages_go() -> None:
    lives = Lives()
    async with lives.life(Minute) as bench:
        await bench.publish(1, 2)
        lives.clock.advance(61)
        await bench.publish(3)
        log = await bench.reading("r")
        await bench.caught_up("r")
        assert log == once(3)
