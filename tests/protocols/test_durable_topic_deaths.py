"""Messages that end the process, and confirmations that do not come."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from dramaturg.actors import DeadLetterReason, MemoryStore, OptionError
from dramaturg.protocols import Confirm, Confirmation, OnPoison, Resume, SubscribeDurably
from tests.actors.kit import within
from tests.actors.messaging_kit import turns, until
from tests.ids import stable
from tests.protocols.durable_topic_kit import Lives

PROGRAM = "tests.protocols.durable_topic_poison_program"


def left_by(store: MemoryStore) -> MemoryStore:
    """Return what is there when the process ends at this moment."""
    kept = MemoryStore()
    for name, shelf in store.shelves.items():
        other = kept.shelf(name)
        other.events, other.snapshots = [*shelf.events], [*shelf.snapshots]
        other.deleted, other.label = shelf.deleted, shelf.label
    return kept


async def delivered(log: list[Any], count: int = 1) -> None:
    """Wait until so many were delivered, and that is noted."""
    await until(lambda: len(log) == count)
    await turns()


async def killed(lives: Lives, log: list[Any], count: int) -> None:
    """Let the process end, as it were, when so many were delivered."""
    await delivered(log, count)
    lives.store = left_by(lives.store)


# -- the process ends ------------------------------------------------------------------------------


def test_a_message_that_ends_each_process_is_a_dead_letter_in_the_end(tmp_path: Path) -> None:
    read: Counter[str] = Counter()
    lives = 0
    lines: list[str] = []
    while not lines or not lines[-1].startswith("letters"):
        lives += 1
        assert lives < 9
        done = subprocess.run(
            [sys.executable, "-m", PROGRAM, str(tmp_path / "topics.db")],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        lines = done.stdout.splitlines()
        read.update(line for line in lines if line.startswith("read"))
        assert done.returncode in (0, 7), done.stderr
    # The first time nobody has written down that it was delivered.
    assert (lives, read["read 2"]) == (5, 4)
    assert lines[-1] == "letters 2"
    assert all(read[f"read {number}"] for number in (0, 1, 3))


@pytest.mark.parametrize("window", [1, 3])
async def test_only_what_was_with_the_subscriber_has_failed(window: int) -> None:
    lives = Lives()
    for life in range(4):
        async with lives.life() as bench:
            bench.gate.clear()
            log = await bench.reading("r", window=window, attempts=3)
            if life == 0:
                await bench.publish(1, 2, 3, 4, 5)
            await killed(lives, log, 1)
            bench.gate.set()
    async with lives.life() as bench:
        log = await bench.reading("r", window=window, attempts=3)
        await bench.caught_up("r")
        letters = [each.message.message.number for each in bench.system.dead_letters.list()]
        assert letters == [1]
        assert [number for number, _ in log] == [2, 3, 4, 5]


async def test_a_process_that_ends_in_order_ends_by_no_message() -> None:
    lives = Lives()
    for life in range(5):
        async with lives.life() as bench:
            bench.gate.clear()
            log = await bench.reading("r", attempts=2)
            if life == 0:
                await bench.publish(1, 2)
            await delivered(log)
            # The topic ends while the message is with its subscriber; then that goes on.
            await within(bench.topic.stop(block=False))
            lives.store = left_by(lives.store)
            bench.gate.set()
    async with lives.life() as bench:
        log = await bench.reading("r", attempts=2)
        await bench.caught_up("r")
        assert [number for number, _ in log] == [1, 2]
        assert bench.system.dead_letters.list() == []


async def test_a_subscription_that_is_begun_again_in_one_process_counts_nothing() -> None:
    lives = Lives()
    async with lives.life() as bench:
        bench.gate.clear()
        log = await bench.reading("r", attempts=1)
        await bench.publish(1)
        await killed(lives, log, 1)
        bench.gate.set()
    async with lives.life() as bench:
        bench.gate.clear()
        log = await bench.reading("r", attempts=1)
        await until(lambda: len(log) == 1)
        for cursor in bench.topic.cell.children.values():  # type: ignore[union-attr]
            cursor.ref.kill()
        await turns()
        bench.gate.set()
        await lives.tick(log, 2)
        await bench.caught_up("r")
        assert bench.system.dead_letters.list() == []


# -- no confirmation comes -------------------------------------------------------------------------

EXPLICIT: dict[str, Any] = {"confirm": Confirmation.EXPLICIT, "redeliver_after": 5.0}


async def test_what_is_not_confirmed_in_time_is_delivered_again_and_then_a_dead_letter() -> None:
    lives = Lives()
    async with lives.life() as bench:
        log = await bench.reading("r", attempts=2, **EXPLICIT)
        await bench.publish(1, 2)
        await until(lambda: log == [(1, False)])
        await turns()
        lives.clock.advance(4.9)
        await turns()
        assert log == [(1, False)]
        lives.clock.advance(0.2)
        await until(lambda: log == [(1, False), (1, True)])
        await turns()
        lives.clock.advance(5.0)
        await until(lambda: log[2:] == [(2, False)])
        [letter] = bench.system.dead_letters.list()
        assert (letter.reason, letter.message.message.number) == (DeadLetterReason.EXPIRED, 1)
        await turns()
        assert (await bench.figures("r")).skipped == 1


async def test_what_is_confirmed_in_time_is_delivered_once() -> None:
    lives = Lives()
    async with lives.life() as bench:
        log = await bench.reading("r", window=2, **EXPLICIT)
        offsets = await bench.publish(1, 2)
        await until(lambda: len(log) == 2)
        await within(bench.topic.request(Confirm("r", offsets[0])))
        lives.clock.advance(5.0)
        await until(lambda: log[2:] == [(2, True)])
        await within(bench.topic.request(Confirm("r", offsets[1])))
        lives.clock.advance(50.0)
        await turns()
        assert len(log) == 3
        assert (await bench.figures("r")).lag == 0


async def test_deliveries_without_a_confirmation_are_counted_over_lives() -> None:
    lives = Lives()
    async with lives.life() as bench:
        log = await bench.reading("r", attempts=2, **EXPLICIT)
        await bench.publish(1)
        await until(lambda: len(log) == 1)
        lives.clock.advance(5.0)
        await until(lambda: len(log) == 2)
        await turns()
    async with lives.life() as bench:
        log = await bench.reading("r", attempts=2, **EXPLICIT)
        await until(lambda: log == [(1, True)])
        await turns()
        lives.clock.advance(5.0)
        await bench.caught_up("r")
        assert len(bench.system.dead_letters) == 1


async def test_a_parked_subscription_lets_no_delivery_fail() -> None:
    lives = Lives()
    async with lives.life() as bench:
        log = await bench.reading("r", window=2, attempts=1, on_poison=OnPoison.PARK, **EXPLICIT)
        await bench.publish(2, -1)
        assert await within(bench.parked("r")) == 3
        assert len(log) == 2
        lives.clock.advance(50.0)
        await turns()
        assert len(bench.system.dead_letters) == 1
        await within(bench.topic.request(Resume("r")))
        lives.clock.advance(5.0)
        await until(lambda: len(bench.system.dead_letters) == 2)


@pytest.mark.parametrize(
    "options",
    [
        {"redeliver_after": 5.0},
        {"redeliver_after": 0, "confirm": Confirmation.EXPLICIT},
        {"redeliver_after": -1.0, "confirm": Confirmation.EXPLICIT},
        {"redeliver_after": True, "confirm": Confirmation.EXPLICIT},
        {"redeliver_after": "5", "confirm": Confirmation.EXPLICIT},
    ],
    ids=stable,
)
async def test_a_time_that_cannot_be_is_refused(options: dict[str, Any]) -> None:
    async with Lives().life() as bench:
        with pytest.raises(OptionError, match="redeliver_after"):
            SubscribeDurably("r", bench.topic, **options)
