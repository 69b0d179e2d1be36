"""What followers of a blackboard are told, when they are slow, fail or end, and over restarts."""

from typing import Any

import pytest

from dramaturg.actors import ActorCrashed, DeadLetterReason, OptionError, Props, Refused
from dramaturg.actors.journal import MemoryJournal
from dramaturg.protocols import (
    BoardChanged,
    BoardContents,
    BoardSlowPolicy,
    CatchUp,
    Delete,
    Deletion,
    Disconnect,
    Disconnected,
    DropNewest,
    DropOldest,
    Entry,
    Follow,
    FollowEnded,
    GetFollowers,
    Park,
    PredicateFailed,
    Put,
    PutAll,
    SubscriberDisconnected,
    Unfollow,
    Unlimited,
    VersionAhead,
    VersionGone,
)
from tests.actors.kit import within
from tests.actors.messaging_kit import turns, until
from tests.ids import stable
from tests.protocols.blackboard_kit import Bench, Board, Customer, open_bench, opened, versions
from tests.protocols.topic_kit import Gate, SlowTask, SlowThread

bench = pytest.fixture(open_bench)
pytestmark = pytest.mark.timeout(30)


def is_large(entry: Entry) -> bool:
    return bool(entry.value > 5)


async def test_a_follower_is_told_what_there_is_and_then_each_change(bench: Bench) -> None:
    entry = await bench.put("a", 1)
    log = await bench.followed()
    second = await bench.put("b", 2)
    await bench.ask(Delete("a"))
    await turns()

    assert log[0] == BoardContents(bench.board, 1, (entry,))
    assert log[1] == BoardChanged(bench.board, 2, (second,), 1)
    [deletion] = log[2].changes
    assert (deletion.key, deletion.version, log[2].number) == ("a", 3, 2)
    assert isinstance(deletion, Deletion)


async def test_a_follower_is_told_what_fits_its_patterns_once(bench: Bench) -> None:
    log = await bench.followed("customer/*", "customer/1", "x")
    await bench.put("customer/1", 1)
    await bench.put("order/1", 1)
    await bench.ask(PutAll(Put("order/2", 2), Put("x", 1), Put("customer/2", 2)))
    await turns()

    assert [(each.version, [one.key for one in each.changes]) for each in log[1:]] == [
        (1, ["customer/1"]),
        (3, ["x", "customer/2"]),
    ]


async def test_a_follower_may_choose_by_a_function(bench: Bench) -> None:
    await bench.put("a", 1)
    await bench.put("b", 9)
    log = await bench.followed(where=is_large)
    await bench.put("a", 7)
    await bench.put("b", 2)
    await bench.ask(Delete("b"))
    await turns()

    assert [each.key for each in log[0].entries] == ["b"]
    assert [each.version for each in log[1:]] == [3, 5]


@pytest.mark.parametrize("count", [3, 64, 200])
async def test_a_follower_from_a_version_is_told_all_that_came_since(count: int) -> None:
    async with opened() as bench:
        for number in range(count):
            await bench.put("key", number)
        log = await bench.followed(from_version=1)
        await bench.put("key", -1)
        await until(lambda: len(log) == count)

        assert await versions(log) == [*range(2, count + 2)]
        assert [each.number for each in log] == [*range(1, count + 1)]


async def test_nobody_follows_from_what_is_yet_to_come_or_was_deleted() -> None:
    class Short(Board):
        snapshot_every = 2
        keep_snapshots = 1
        delete_events = True

    async with opened(Short) as bench:
        for number in range(5):
            await bench.put("key", number)
        ref, log = bench.listener()
        with pytest.raises(VersionAhead):
            await bench.ask(Follow(ref, from_version=6))
        with pytest.raises(VersionGone) as raised:
            await bench.ask(Follow(ref, from_version=3))
        assert await bench.ask(GetFollowers()) == ()
        await bench.ask(Follow(ref, from_version=raised.value.oldest))
        await bench.put("key", 7)

        assert await versions(log) == [5, 6]


async def test_a_follower_whose_function_fails_at_once_does_not_follow(bench: Bench) -> None:
    await bench.put("key", "text")
    ref, log = bench.listener()

    with pytest.raises(PredicateFailed) as raised:
        await bench.ask(Follow(ref, where=is_large))

    assert (raised.value.key, log) == ("key", [])
    assert await bench.ask(GetFollowers()) == ()


@pytest.mark.parametrize("start", [None, 0], ids=["live", "reading"])
async def test_a_follower_whose_function_fails_later_is_told_so(start: int | None) -> None:
    async with opened() as bench:
        log = await bench.followed(where=is_large, from_version=start)
        other = await bench.followed()
        await bench.put("key", 7)
        await bench.put("key", "text")
        await bench.put("key", 8)
        await turns()

        ended = log[-1]
        assert isinstance(ended, FollowEnded)
        assert (ended.version, ended.error.key) == (2, "key")
        assert [each.version for each in other] == [0, 1, 2, 3]
        assert len(await bench.ask(GetFollowers())) == 1


async def test_whoever_follows_again_begins_anew(bench: Bench) -> None:
    ref, log = bench.listener()
    await bench.ask(Follow(ref, "a"))
    await bench.put("a", 1)
    await bench.ask(Follow(ref, "b", from_version=0))
    await bench.put("a", 2)
    await bench.put("b", 3)

    assert await versions(log) == [0, 1, 3]
    [status] = await bench.ask(GetFollowers())
    assert (status.ref, status.patterns, status.seen, status.changes) == (ref, ("b",), 3, 1)


async def test_whoever_follows_no_more_is_told_nothing(bench: Bench) -> None:
    ref, log = bench.listener()
    await bench.ask(Follow(ref))

    assert await bench.ask(Unfollow(ref)) is True
    assert await bench.ask(Unfollow(ref)) is False
    await bench.put("a", 1)
    assert await versions(log) == [0]


async def test_a_board_does_not_follow_itself(bench: Bench) -> None:
    with pytest.raises(Refused):
        await bench.ask(Follow(bench.board))


async def test_a_follower_that_ends_is_forgotten(bench: Bench) -> None:
    ref, _ = bench.listener()
    await bench.ask(Follow(ref))
    await ref.stop(block=False)
    await turns()

    assert await bench.ask(GetFollowers()) == ()


# -- slow followers


async def held(bench: Bench, slow: BoardSlowPolicy, kind: Any = SlowTask) -> tuple[Any, Gate]:
    gate = Gate()
    ref = bench.system.spawn(Props[Any](kind, gate), name="slow")
    await bench.ask(Follow(ref, slow=slow, from_version=0))
    return ref, gate


async def put(bench: Bench, count: int) -> None:
    for number in range(count):
        await bench.put("key", number)


@pytest.mark.parametrize("kind", [SlowTask, SlowThread], ids=stable)
async def test_a_slow_follower_catches_up_from_the_journal(bench: Bench, kind: Any) -> None:
    ref, gate = await held(bench, CatchUp(2), kind)
    await put(bench, 200)

    [status] = await bench.ask(GetFollowers())
    assert (status.seen, status.unhandled, status.waiting) == (2, 2, 0)
    gate.open(1_000)
    await until(lambda: len(gate.log) == 200)
    assert await versions(gate.log) == [*range(1, 201)]
    await turns()
    [status] = await bench.ask(GetFollowers())
    assert (status.ref, status.seen, status.dropped) == (ref, 200, 0)


@pytest.mark.parametrize(
    ("slow", "told"),
    [
        (Unlimited(), [1, 2, 3, 4, 5]),
        (DropNewest(2), [1, 2]),
        (DropOldest(2), [1, 4, 5]),
        (Park(1, 2), [1, 2, 3]),
    ],
    ids=stable,
)
async def test_what_a_slow_follower_misses_shows_in_the_numbers(
    bench: Bench, slow: BoardSlowPolicy, told: list[int]
) -> None:
    _, gate = await held(bench, slow)
    await put(bench, 5)
    gate.open(100)
    await until(lambda: len(gate.log) == len(told))

    assert [each.number for each in gate.log] == await versions(gate.log) == told
    letters = bench.system.dead_letters.list(reason=DeadLetterReason.OVERFLOW)
    assert len(letters) == 5 - len(told) == bench.system.dead_letters.total


async def test_a_follower_that_is_too_slow_is_told_so_and_may_go_on_from_there(
    bench: Bench,
) -> None:
    events: list[Any] = []
    bench.system.events.subscribe(events.append, SubscriberDisconnected)
    ref, gate = await held(bench, Disconnect(2))
    await put(bench, 5)
    gate.open(100)
    await until(lambda: len(gate.log) == 3)

    assert gate.log[-1] == Disconnected(bench.board, 2)
    assert [(each.subscriber, each.limit) for each in events] == [("/slow", 2)]
    await bench.ask(Follow(ref, from_version=gate.log[1].version))
    await until(lambda: len(gate.log) == 6)
    assert await versions(gate.log[3:]) == [3, 4, 5]


# -- restarts and ends


async def test_followers_outlive_a_restart_of_the_board() -> None:
    class Failing(MemoryJournal):
        fails = False

        def append(self, order: Any) -> Any:
            done = super().append(order)
            if self.fails:
                self.fails = False
                raise OSError("boom")
            return done

    journal = Failing()
    async with opened(journal=journal) as bench:
        log = await bench.followed()
        await bench.put("a", 1)
        journal.fails = True
        with pytest.raises(ActorCrashed):
            await bench.put("a", 2)  # nobody knows whether it is there; it is
        await bench.put("a", 3)

        assert await versions(log) == [0, 1, 2, 3]
        assert bench.board.cell.incarnation == 2


async def test_a_drained_board_first_tells_everything(bench: Bench) -> None:
    _, gate = await held(bench, CatchUp(1))
    await put(bench, 9)
    ending = bench.board.drain(block=False)
    gate.open(100)
    await within(ending)
    await until(lambda: len(gate.log) == 9)

    assert await versions(gate.log) == [*range(1, 10)]


async def test_what_waits_at_a_board_that_is_stopped_is_dead_letters(bench: Bench) -> None:
    _, gate = await held(bench, Park(1, 9))
    await put(bench, 3)
    await bench.board.stop(block=False)

    letters = bench.system.dead_letters.list(reason=DeadLetterReason.STOPPED)
    assert [(each.message.version, each.target) for each in letters] == [(2, "/slow"), (3, "/slow")]
    gate.open(100)


async def test_after_the_process_a_follower_goes_on_from_what_it_has_seen() -> None:
    journal = MemoryJournal()
    async with opened(journal=journal) as first:
        log = await first.followed()
        await first.put("a", Customer("Ada"))
        seen = (await versions(log))[-1]
        await first.put("b", 2)
    async with opened(journal=MemoryJournal(journal.store)) as second:
        assert await versions(await second.followed(from_version=seen)) == [2]


@pytest.mark.parametrize(
    "options",
    [
        {"patterns": ("a*",)},
        {"from_version": -1},
        {"where": 7},
        {"slow": 7},
        {"ref": None},
    ],
    ids=stable,
)
async def test_what_cannot_be_followed_is_refused(bench: Bench, options: dict[str, Any]) -> None:
    ref = options.pop("ref", bench.board)
    with pytest.raises(OptionError):
        Follow(ref, *options.pop("patterns", ()), **options)


def test_limits_and_refs_are_checked() -> None:
    with pytest.raises(OptionError):
        CatchUp(0)
    with pytest.raises(OptionError):
        Unfollow("/x")  # type: ignore[arg-type]
