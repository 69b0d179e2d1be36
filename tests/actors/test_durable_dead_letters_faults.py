"""Dead letters whose journal is not to be had, and processes that are killed."""

import asyncio
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from dramaturg.actors import (
    Actor,
    ActorSystem,
    ConcurrentWriter,
    DurableDeadLetters,
    JournalDamaged,
    JournalUnavailable,
    MemoryStore,
    Props,
    Replayed,
    SqliteJournal,
    TypeRegistry,
    handler,
)
from dramaturg.actors.journal import Append
from tests.actors.kit import Crash, within
from tests.actors.letters_kit import REGISTRY, Bill, Broken, Life, Lives, full
from tests.actors.messaging_kit import turns, until

DAMAGED = JournalDamaged(journal="in memory", place="here", detail="broken")


def broken(lives: Lives) -> Broken:
    return Broken(lives.store)


async def refused(life: Life) -> BaseException | None:
    """Wait until the store says that the journal is not to be had."""
    try:
        await life.stored()
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error
    return None


# -- an outage -----------------------------------------------------------------------------------


@pytest.mark.parametrize("written", [False, True])
async def test_letters_wait_for_a_journal_that_comes_back(written: bool) -> None:
    lives = Lives()
    journal = broken(lives)
    async with lives.life(journal) as life:
        journal.problem, journal.writes_all_the_same = full(), written
        await life.bury(Bill(number=1), Bill(number=2))
        assert isinstance(await refused(life), JournalUnavailable)
        await life.bury(Bill(number=3), name="other")
        assert life.numbers() == [1, 2, 3]
        lives.clock.advance(0.5)
        await turns()
        assert isinstance(await refused(life), JournalUnavailable)
        journal.problem = None
        lives.clock.advance(60)
        shelves = lives.store.shelves
        await until(lambda: not life.letters.outage and shelves["dead-letters/shop"].head == 3)
        await life.stored()
        for event in ("dead_letters_wait", "dead_letters_go_on"):
            assert len(life.log.entries(event)) == 1 + written
        assert (life.letters.lost, life.letters.failure) == (0, None)
    async with lives.life() as life:
        assert life.numbers() == [1, 2, 3]


async def test_more_than_may_wait_are_in_memory_only_and_counted() -> None:
    lives = Lives()
    journal = broken(lives)
    async with lives.life(journal, buffer=2) as life:
        journal.problem = full()
        await life.bury(Bill(number=0))
        assert await refused(life) is not None  # it is with the journal, and waits no more
        await life.bury(*[Bill(number=number) for number in range(1, 6)])
        assert (len(life.letters), life.letters.lost) == (6, 3)
        assert len(life.log.entries("dead_letters_not_stored")) == 1
        life.till("gone")
        replayed = life.letters.replay(life.letters.list(where=lambda each: each.id > 3))
        assert replayed.sent == 3  # those need no mark
        await until(lambda: life.paid == [3, 4, 5])
        journal.problem = None
        lives.clock.advance(1)
        await until(lambda: bool(life.log.entries("dead_letters_go_on")))
    async with lives.life() as life:
        assert life.numbers() == [0, 1, 2]


async def test_a_replay_waits_for_its_mark() -> None:
    lives = Lives()
    journal = broken(lives)
    async with lives.life(journal) as life:
        await life.bury(Bill(number=1), name="till")
        await life.stored()
        life.till()
        journal.problem = full()
        assert life.letters.replay().sent == 1
        assert await refused(life) is not None
        assert (life.paid, life.letters.list()) == ([], [])
        journal.problem = None
        lives.clock.advance(1)
        await until(lambda: life.paid == [1])
    async with lives.life() as life:
        assert life.letters.list() == []


async def test_what_waits_at_the_end_is_tried_once_more_and_then_counted() -> None:
    lives = Lives()
    for comes_back, expected in ((True, [1]), (False, [1])):
        journal = broken(lives)
        async with lives.life(journal) as life:
            journal.problem = full()
            await life.bury(Bill(number=1 if comes_back else 2))
            assert await refused(life) is not None
            if comes_back:
                journal.problem = None
        assert life.letters.lost == (not comes_back)
        async with lives.life() as life:
            assert life.numbers() == expected


# -- a journal that is given up ------------------------------------------------------------------


@pytest.mark.parametrize("problem", [DAMAGED, Crash("not even a journal's")])
async def test_a_journal_that_will_not_get_better_is_left_alone(problem: Exception) -> None:
    lives = Lives()
    journal = broken(lives)
    async with lives.life(journal) as life:
        await life.bury(Bill(number=1), name="till")
        await life.stored()
        journal.problem = problem
        await life.bury(Bill(number=2), name="till")
        assert await refused(life) is problem
        assert life.letters.failure is problem
        assert life.log.entries("dead_letters_not_stored")
        await life.bury(Bill(number=3), name="till")
        assert (life.numbers(), life.letters.lost) == ([1, 2, 3], 2)
        life.till()
        with pytest.raises(type(problem)):
            life.letters.replay()  # the first is stored, and cannot be marked
        assert life.numbers() == [1, 2, 3]
    async with lives.life() as life:
        assert life.numbers() == [1]


async def test_a_replay_whose_mark_cannot_be_written_is_not_sent() -> None:
    lives = Lives()
    journal = broken(lives)
    async with lives.life(journal) as life:
        await life.bury(Bill(number=1), name="till")
        await life.stored()
        life.till()
        journal.problem = DAMAGED
        life.letters.replay()
        assert await refused(life) is DAMAGED
        assert (life.paid, life.numbers()) == ([], [1])


async def test_letters_that_cannot_be_read_do_not_keep_a_system_from_starting() -> None:
    lives = Lives()
    journal = broken(lives)
    async with journal:
        await journal.append(Append("dead-letters/shop", 0, (b"nonsense",), 0.0))
    async with lives.life(broken(lives)) as life:
        assert life.letters.failure is not None
        await life.bury(Bill(number=1))
        assert (life.numbers(), life.letters.lost) == ([1], 1)
    assert len(lives.store.shelves["dead-letters/shop"].events) == 1


async def test_a_store_that_another_process_writes_to_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letters.db"
    async with SqliteJournal(path) as other:
        await other.append(Append("dead-letters/shop", 0, (b"x",), 0.0))
        lives = Lives("sqlite", tmp_path)
        async with lives.life() as life:
            assert isinstance(life.letters.failure, ConcurrentWriter)
        async with lives.life(persistence_id="letters of the second") as life:
            await life.bury(Bill(number=1))
            await life.stored()
            assert life.letters.failure is None


async def test_a_snapshot_that_fails_loses_nothing() -> None:
    class NoSnapshots(Broken):
        def save(self, order: object) -> None:  # type: ignore[override]
            raise full()

    lives = Lives()
    async with lives.life(NoSnapshots(lives.store), buffer=5_000) as life:
        await life.bury(*[Bill(number=number) for number in range(2_000)])
        await life.stored()
        life.letters.discard(life.letters.list()[1:])
        await life.stored()
        assert life.log.entries("snapshot_failed")
    async with lives.life() as life:
        assert life.numbers() == [0]


# -- the process ends ----------------------------------------------------------------------------

PROGRAM = "tests.actors.letters_program"


def test_what_a_killed_process_has_stored_is_there(tmp_path: Path) -> None:
    path, random = tmp_path / "letters.db", Random(5)
    stored = 0
    for _ in range(4):
        with subprocess.Popen(
            [sys.executable, "-m", PROGRAM, str(path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for _ in range(random.randrange(1, 6)):
                stored = int(process.stdout.readline())
            process.kill()
            for line in process.stdout.read().split("\n")[:-1]:
                stored = int(line)

        found = asyncio.run(found_in(path))

        # The last ones may have been written, and not said.
        assert stored <= len(found) <= stored + 10
        assert found == list(range(len(found)))


async def found_in(path: Path) -> list[int]:
    letters = DurableDeadLetters(REGISTRY)
    async with ActorSystem("shop", journal=SqliteJournal(path), dead_letters=letters):
        assert letters.failure is None
        return [each.message.number for each in letters.list()]


class Hesitates(Actor):
    def __init__(self, begun: asyncio.Event, goes_on: asyncio.Event) -> None:
        self.begun = begun
        self.goes_on = goes_on

    @handler
    async def bill(self, message: Bill) -> None:
        self.begun.set()
        await self.goes_on.wait()


async def test_a_letter_that_was_being_replayed_is_in_doubt_and_sent_again_only_if_asked() -> None:
    lives, begun, goes_on = Lives(), asyncio.Event(), asyncio.Event()
    async with lives.life() as life:
        await life.bury(Bill(number=1), name="till")
        await life.stored()
        life.system.spawn(Props(Hesitates, begun, goes_on), name="till")
        life.letters.replay()
        await within(begun.wait())
        copied = copy_of(lives)  # as if the process ended here
        goes_on.set()
    async with lives.life() as life:
        assert life.letters.list() == []
    lives.store = copied
    async with lives.life() as life:
        life.till()
        [letter] = life.letters.list()
        assert (letter.in_doubt, letter.attempts, letter.id) == (True, 2, 1)
        kept = Replayed(sent=0, no_target=0, exhausted=0, in_doubt=1)
        assert life.letters.replay() == kept
        assert life.letters.replay(in_doubt=True).sent == 1
        await until(lambda: life.paid == [1])
    async with lives.life() as life:
        assert life.letters.list() == []


def copy_of(lives: Lives) -> MemoryStore:
    """Return what is stored now, and will be nowhere else."""
    copied = MemoryStore()
    for persistence_id, shelf in lives.store.shelves.items():
        new = copied.shelf(persistence_id)
        new.events, new.snapshots = [*shelf.events], [*shelf.snapshots]
        new.deleted = shelf.deleted
    return copied


async def test_a_registry_is_needed_only_for_what_is_looked_at() -> None:
    lives = Lives()
    async with lives.life() as life:
        await life.bury(Bill(number=1))
    async with lives.life(registry=TypeRegistry()) as life:
        assert life.letters.discard() == 1
    async with lives.life() as life:
        assert life.letters.list() == []


async def test_a_beginning_that_is_cut_short_leaves_no_system_running() -> None:
    class Slow(Broken):
        async def head(self, persistence_id: str) -> object:  # type: ignore[override]
            reading.set()
            return await asyncio.get_running_loop().create_future()

    reading = asyncio.Event()
    lives = Lives()
    letters = DurableDeadLetters(REGISTRY)
    system = ActorSystem("shop", journal=Slow(lives.store), dead_letters=letters)
    entering = asyncio.create_task(system.__aenter__())
    await within(reading.wait())
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering
    assert system.stopped
