"""What a blackboard answers, refuses, and knows of its past."""

import datetime as dt
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from dramaturg.actors import (
    Actor,
    DramaturgError,
    HandlerDefinitionError,
    ManualClock,
    OptionError,
    Props,
    Refused,
    StartFailed,
    TypeRegistry,
    handler,
)
from dramaturg.actors.journal import MemoryJournal, SqliteJournal
from dramaturg.protocols import (
    At,
    Blackboard,
    BoardView,
    CompareAndSet,
    Delete,
    Deletion,
    EntryConflict,
    Get,
    GetAll,
    History,
    PredicateFailed,
    Put,
    PutAll,
    ValueRefused,
    VersionAhead,
    VersionGone,
)
from tests.actors.kit import Do, within
from tests.ids import stable
from tests.protocols.blackboard_kit import Bench, Board, Customer, Mood, Score, open_bench, opened

bench = pytest.fixture(open_bench)
pytestmark = pytest.mark.timeout(30)
ADA = Customer("Ada")


# -- writing


async def test_a_value_is_put_under_a_key_with_its_version(bench: Bench) -> None:
    await bench.put("other", 1)
    first = await bench.put("customer/1", ADA)
    second = await bench.put("customer/1", Customer("Grace"))

    assert (first.key, first.value, first.version, first.key_version) == ("customer/1", ADA, 2, 1)
    assert (second.version, second.key_version) == (3, 2)
    assert await bench.ask(Get("customer/1")) == second
    assert await bench.ask(Get("customer/2")) is None


@pytest.mark.parametrize(
    "value", [1, "text", 1.5, True, b"bytes", dt.date(2000, 1, 1), ADA, Score(points=3), Mood.BAD],
    ids=stable,
)  # fmt: skip
async def test_a_value_comes_back_as_it_was_also_from_the_journal(value: Any) -> None:
    journal = MemoryJournal()
    async with opened(journal=journal) as first:
        await first.put("key", value)
    async with opened(journal=MemoryJournal(journal.store)) as second:
        found = await second.value("key")

    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    "value",
    [[1], {"a": 1}, None, object, Customer, (1, 2), Customer("Ada", tags=object())],
    ids=stable,
)
async def test_a_value_that_it_does_not_hold_is_refused_and_changes_nothing(
    bench: Bench, value: Any
) -> None:
    with pytest.raises(ValueRefused):
        await bench.put("key", value)

    assert await bench.view() == {}
    assert (await bench.put("key", 1)).version == 1


async def test_a_write_that_expects_another_version_is_shown_what_is_there(bench: Bench) -> None:
    first = await bench.put("key", 1)
    second = await bench.put("key", 2, expected_version=first.version)

    with pytest.raises(EntryConflict) as raised:
        await bench.put("key", 3, expected_version=first.version)

    assert (raised.value.key, raised.value.expected) == ("key", 1)
    assert raised.value.current == second == await bench.ask(Get("key"))


async def test_a_write_may_expect_that_nothing_is_there(bench: Bench) -> None:
    await bench.put("key", 1, expected_version=0)

    with pytest.raises(EntryConflict):
        await bench.put("key", 2, expected_version=0)
    with pytest.raises(EntryConflict) as raised:
        await bench.put("new", 2, expected_version=7)

    assert raised.value.current is None
    assert await bench.view() == {"key": 1}


async def test_a_value_is_set_if_the_expected_one_is_there(bench: Bench) -> None:
    await bench.ask(CompareAndSet("key", None, 1))
    await bench.ask(CompareAndSet("key", 1, 2))

    with pytest.raises(EntryConflict) as raised:
        await bench.ask(CompareAndSet("key", 1, 3))
    with pytest.raises(EntryConflict):
        await bench.ask(CompareAndSet("key", 2.0, 3))  # equal, and of another type

    assert raised.value.current is not None
    assert raised.value.current.value == 2 == await bench.value("key")
    assert str(raised.value) == "'key' has 2 (version 2); the writer expected 1"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            EntryConflict(key="a", expected="x" * 999, current=None, by_value=True),
            f"'a' has no entry; the writer expected '{'x' * 199}...",
        ),
        (
            EntryConflict(key="a", expected=None, current=None, by_value=True),
            "'a' has no entry; the writer expected no entry",
        ),
    ],
    ids=["long", "none"],
)
def test_a_conflict_says_what_the_writer_expected(given: EntryConflict, text: str) -> None:
    assert str(given) == text


async def test_several_are_written_at_once_in_one_version(bench: Bench) -> None:
    entries = await bench.ask(PutAll(Put("b", 2), Put("a", 1)))

    assert [(each.key, each.version) for each in entries] == [("b", 1), ("a", 1)]
    assert await bench.ask(At(1)) == BoardView(1, (entries[1], entries[0]))


async def test_of_several_writes_none_happens_if_one_cannot(bench: Bench) -> None:
    await bench.put("a", 1)

    with pytest.raises(EntryConflict):
        await bench.ask(PutAll(Put("b", 2), Put("a", 3, expected_version=0)))
    with pytest.raises(ValueRefused):
        await bench.ask(PutAll(Put("b", 2), Put("c", [])))

    assert await bench.view() == {"a": 1}


async def test_a_key_that_is_deleted_is_gone_and_begins_anew(bench: Bench) -> None:
    entry = await bench.put("key", 1)

    assert await bench.ask(Delete("key")) == entry
    assert await bench.ask(Delete("key")) is None
    assert (await bench.ask(GetAll())).version == 2
    with pytest.raises(EntryConflict):
        await bench.ask(Delete("key", expected_version=1))
    assert (await bench.put("key", 1)).key_version == 1


async def test_what_is_written_says_where_it_came_from() -> None:
    class Writer(Actor):
        @handler
        async def go(self, message: Do) -> Any:
            return await message.what(self)

    clock = ManualClock()
    async with opened(clock=clock, trace=True) as bench:
        writer = bench.system.spawn(Writer, name="writer")
        clock.advance(60)
        census = Do(lambda _: bench.board.request(Put("key", 1, source="the census")))
        entry = await within(writer.request(census))
        plain = await bench.put("key", 2)

    assert (entry.by.actor, entry.by.source) == ("/writer", "the census")
    assert entry.by.time == clock.time()
    assert entry.by.cause is not None
    assert (plain.by.actor, plain.by.source) == (None, "")


# -- reading


async def test_entries_are_found_by_pattern_sorted_by_key(bench: Bench) -> None:
    for key in ("b", "a/x", "a/x/y", "a", "c/x"):
        await bench.put(key, key)

    assert list(await bench.view()) == ["a", "a/x", "a/x/y", "b", "c/x"]
    assert list(await bench.view("a/**")) == ["a", "a/x", "a/x/y"]
    assert list(await bench.view("*/x")) == ["a/x", "c/x"]
    view = await bench.ask(GetAll("a"))
    assert (view.version, view.value("a"), view.value("b", "none")) == (5, "a", "none")


async def test_a_key_has_a_history(bench: Bench) -> None:
    first = await bench.put("key", 1)
    await bench.put("other", 0)
    [second, _] = await bench.ask(PutAll(Put("key", 2), Put("other", 1)))
    await bench.ask(Delete("key"))

    history = await bench.ask(History("key"))

    assert history[:2] == (first, second)
    assert isinstance(history[2], Deletion)
    assert [each.version for each in history] == [1, 3, 4]
    assert await bench.ask(History("key", after=1, limit=1)) == (second,)
    assert await bench.ask(History("nothing")) == ()


async def test_the_board_is_shown_as_it_was() -> None:
    clock = ManualClock()
    async with opened(clock=clock) as bench:
        times: list[dt.datetime] = []
        for number in range(4):
            await bench.put(f"key/{number % 2}", number)
            times.append(clock.time())
            clock.advance(10)

        seen = [await bench.ask(At(number)) for number in range(5)]
        assert [{each.key: each.value for each in view.entries} for view in seen] == [
            {}, {"key/0": 0}, {"key/0": 0, "key/1": 1},
            {"key/0": 2, "key/1": 1}, {"key/0": 2, "key/1": 3},
        ]  # fmt: skip
        assert [await bench.ask(At(time=each)) for each in times] == seen[1:]
        assert await bench.ask(At(time=times[0] - dt.timedelta(seconds=1))) == seen[0]
        assert (await bench.ask(At(4, pattern="key/1"))).entries == seen[4].entries[1:]
        with pytest.raises(VersionAhead) as raised:
            await bench.ask(At(5))
        assert (raised.value.version, raised.value.current) == (5, 4)


async def test_what_was_deleted_with_a_snapshot_cannot_be_shown() -> None:
    class Short(Board):
        snapshot_every = 2
        keep_snapshots = 1
        delete_events = True

    clock = ManualClock()
    async with opened(Short, clock=clock) as bench:
        for number in range(5):
            await bench.put("key", number)
            clock.advance(10)

        assert (await bench.ask(At(4))).value("key") == 3
        assert (await bench.ask(At(5))).value("key") == 4
        with pytest.raises(VersionGone) as raised:
            await bench.ask(At(3))
        with pytest.raises(VersionGone):
            await bench.ask(At(time=clock.time() - dt.timedelta(seconds=40)))
        assert (await bench.ask(At(time=clock.time()))).value("key") == 4
    assert raised.value.oldest == 5


async def test_a_board_is_there_again_after_the_process_also_from_a_file(tmp_path: Path) -> None:
    class Snapshots(Board):
        snapshot_every = 3

    path = tmp_path / "board.db"
    async with opened(Snapshots, SqliteJournal(path)) as first:
        for number in range(7):
            await first.put(f"key/{number % 3}", Customer(str(number)))
        await first.ask(Delete("key/0"))
        before = await first.ask(GetAll())
    async with opened(Snapshots, SqliteJournal(path)) as second:
        assert await second.ask(GetAll()) == before
        assert [each.version for each in await second.ask(History("key/1"))] == [2, 5]
        assert (await second.put("key/1", ADA)).key_version == 3


# -- the border


@pytest.mark.parametrize(
    "key", ["", "/", "a//b", " a", "a/*", "a\n", "x" * 241, 7, None], ids=stable
)
def test_what_is_no_key_is_refused(key: Any) -> None:
    for make in (
        lambda: Put(key, 1),
        lambda: Get(key),
        lambda: Delete(key),
        lambda: History(key),
        lambda: CompareAndSet(key, 1, 2),
    ):
        with pytest.raises(OptionError):
            make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: GetAll("a*"),
        lambda: GetAll(""),
        lambda: Put("a", 1, expected_version=-1),
        lambda: Put("a", 1, expected_version=True),
        lambda: Put("a", 1, source=7),  # type: ignore[arg-type]
        PutAll,
        lambda: PutAll(Put("a", 1), Put("a", 2)),
        lambda: PutAll("a"),  # type: ignore[arg-type]
        lambda: Delete("a", expected_version=1.0),  # type: ignore[arg-type]
        lambda: History("a", after=-1),
        lambda: History("a", limit=0),
        At,
        lambda: At(1, dt.datetime.now(dt.UTC)),
        lambda: At(time=dt.datetime(2000, 1, 1)),  # noqa: DTZ001 - it is refused
        lambda: At(-1),
        lambda: At(1, pattern="**a"),
    ],
    ids=map(str, range(16)),
)
def test_what_cannot_be_is_refused_when_it_is_made(make: Any) -> None:
    with pytest.raises(OptionError):
        make()


@dataclass
class Thawed:
    name: str


class Model(BaseModel):
    name: str


@pytest.mark.parametrize(
    "values",
    [(Thawed,), (Model,), (TypeRegistry(Model),), ("Customer",), (list,), [Customer]],
    ids=stable,
)
def test_values_that_cannot_be_stored_or_could_be_changed_are_refused(values: Any) -> None:
    with pytest.raises(HandlerDefinitionError):
        type("Wrong", (Blackboard,), {"values": values})


async def test_a_registry_stands_for_its_types() -> None:
    class Registered(Blackboard):
        values = (TypeRegistry(Customer), Mood, int)

    async with opened(Registered) as bench:
        await bench.put("a", ADA)
        with pytest.raises(ValueRefused):
            await bench.put("b", Score(points=1))


async def test_a_persistence_id_that_leaves_no_room_for_keys_is_refused(bench: Bench) -> None:
    class Long(Board):
        def persistence_id(self) -> str:
            return "x" * 300

    with pytest.raises(StartFailed) as raised:
        await within(bench.system.spawn(Props(Long)).started())

    assert isinstance(raised.value.__cause__, OptionError)


@pytest.mark.parametrize(
    "error",
    [
        EntryConflict(key="a", expected=1, current=None, by_value=True),
        ValueRefused(key="a", value=1, expected="more"),
        VersionAhead(path="/board", version=3, current=2),
        VersionGone(path="/board", wanted=3, oldest=7),
        PredicateFailed(path="/x", key="a", problem="KeyError"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_a_trip_elsewhere(error: DramaturgError) -> None:
    back = pickle.loads(pickle.dumps(error))  # noqa: S301

    assert isinstance(error, Refused)
    assert (type(back), str(back), vars(back)) == (type(error), str(error), vars(error))
