"""What every journal promises to who writes."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from dramaturg.actors import OptionError
from dramaturg.actors.journal import (
    Append,
    ConcurrentWriter,
    Journal,
    JournalUnavailable,
    SaveSnapshot,
    Snapshot,
)
from tests.actors.journal.kit import (
    NOON,
    Place,
    append,
    listed,
    order,
    outcome,
    payloads,
    save,
    tagged,
)
from tests.actors.kit import within


async def test_what_was_appended_is_read_in_order_with_all_that_belongs_to_it(
    journal: Journal,
) -> None:
    await append(journal, "/a", 0, b"one", b"two", cause="m-1")
    await append(journal, "/a", 2, b"three")

    found = [event async for event in journal.read("/a")]

    assert [each.payload for each in found] == [b"one", b"two", b"three"]
    assert [each.sequence for each in found] == [1, 2, 3]
    assert [each.cause for each in found] == ["m-1", "m-1", None]
    assert {(each.persistence_id, each.time) for each in found} == {("/a", NOON)}


async def test_an_order_behind_another_event_than_the_last_is_refused_as_a_whole(
    journal: Journal,
) -> None:
    await append(journal, "/a", 0, b"one", b"two")

    for expected in (0, 1, 3):
        error = await outcome(
            asyncio.ensure_future(_late(journal, order("/a", expected, b"x", tags=(("t",),))))
        )
        assert isinstance(error, ConcurrentWriter)
        assert (error.persistence_id, error.expected, error.found) == ("/a", expected, 2)

    assert await payloads(journal, "/a") == [b"one", b"two"]
    assert await tagged(journal, "t") == []


async def _late(journal: Journal, what: Append) -> None:
    await journal.append(what)


async def test_an_order_that_was_refused_leaves_no_trace_of_its_id(journal: Journal) -> None:
    error = await outcome(_late(journal, order("/new", 1, b"x", label="open")))

    assert isinstance(error, ConcurrentWriter)
    assert await listed(journal.persistence_ids()) == []
    assert await listed(journal.labelled("open")) == []


async def test_a_refused_order_does_not_hurt_those_that_are_written_with_it(
    journal: Journal,
) -> None:
    orders = [_late(journal, order(f"/{number}", number % 2, b"x")) for number in range(6)]

    errors = await asyncio.gather(*map(outcome, orders))

    assert [type(each) for each in errors] == [type(None), ConcurrentWriter] * 3
    assert await listed(journal.persistence_ids()) == ["/0", "/2", "/4"]


async def test_calls_are_written_in_the_order_in_which_they_are_made(journal: Journal) -> None:
    waiting = [journal.append(order("/a", number, b"%d" % number)) for number in range(50)]

    await within(asyncio.gather(*waiting))

    assert await payloads(journal, "/a") == [b"%d" % number for number in range(50)]


async def test_many_actors_append_at_once_and_each_finds_its_own(journal: Journal) -> None:
    async def act(name: str) -> None:
        for number in range(20):
            await append(journal, name, number, f"{name} {number}".encode(), tags=(("all",),))

    names = [f"/{number}" for number in range(20)]
    await asyncio.gather(*map(act, names))

    for name in names:
        expected = [f"{name} {number}".encode() for number in range(20)]
        assert await payloads(journal, name) == expected
    assert len(await tagged(journal, "all")) == 400


async def test_an_append_whose_awaiter_was_cancelled_is_written_all_the_same(
    journal: Journal,
) -> None:
    waiting = asyncio.ensure_future(_late(journal, order("/a", 0, b"one")))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])

    await append(journal, "/a", 1, b"two")

    assert await payloads(journal, "/a") == [b"one", b"two"]


async def test_the_awaiter_of_a_refused_append_may_be_gone(journal: Journal) -> None:
    waiting = asyncio.ensure_future(_late(journal, order("/a", 7, b"one")))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])

    await append(journal, "/a", 0, b"one")  # asyncio reports nothing


async def test_payloads_may_hold_anything_and_be_large(journal: Journal) -> None:
    kinds = [b"", b"\x00", bytes(range(256)), b"x" * 3_000_000]
    await append(journal, "/a", 0, *kinds)

    assert await payloads(journal, "/a") == kinds


async def test_names_may_hold_any_printable_text(journal: Journal) -> None:
    names = sorted(["/a'b", "/%", "/_", "/ü", "/日本", "/\U0001f600", '/"'])
    for name in names:
        await append(journal, name, 0, name.encode(), tags=((name,),), label=name)

    assert await listed(journal.persistence_ids()) == names
    for name in names:
        assert await payloads(journal, name) == [name.encode()]
        assert await tagged(journal, name) == [name.encode()]
        assert await listed(journal.labelled(name)) == [name]


WRONG: dict[str, Callable[[], Any]] = {
    "no-id": lambda: order("", 0, b"x"),
    "id-of-another-type": lambda: Append(1, 0, (b"x",), NOON),  # type: ignore[arg-type]
    "id-with-a-surrogate": lambda: order("\ud800", 0, b"x"),
    "id-too-long": lambda: order("x" * 501, 0, b"x"),
    "negative-number": lambda: order("/a", -1, b"x"),
    "number-of-another-type": lambda: order("/a", 0.0, b"x"),  # type: ignore[arg-type]
    "payload-of-another-type": lambda: order("/a", 0, "x"),  # type: ignore[arg-type]
    "payloads-in-a-list": lambda: Append("/a", 0, [b"x"], NOON),  # type: ignore[arg-type]
    "tags-for-other-events": lambda: order("/a", 0, b"x", tags=((), ())),
    "a-text-for-tags": lambda: order("/a", 0, b"x", tags=("tag",)),  # type: ignore[arg-type]
    "the-same-tag-twice": lambda: order("/a", 0, b"x", tags=(("t", "t"),)),
    "tag-of-another-type": lambda: order("/a", 0, b"x", tags=((["t"],),)),  # type: ignore[arg-type]
    "no-tag": lambda: order("/a", 0, b"x", tags=(("",),)),
    "no-cause": lambda: order("/a", 0, b"x", cause=""),
    "label-with-a-line-break": lambda: order("/a", 0, b"x", label="a\nb"),
    "time-that-is-none": lambda: Append("/a", 0, (b"x",), float("nan")),
    "time-of-another-type": lambda: Append("/a", 0, (b"x",), 1),
    "snapshot-kept-never": lambda: SaveSnapshot(Snapshot("/a", 1, b"x", NOON), keep=0),
    "snapshot-of-another-type": lambda: SaveSnapshot(
        Snapshot("/a", 1, "x", NOON)  # type: ignore[arg-type]
    ),
    "snapshot-before-all": lambda: SaveSnapshot(Snapshot("/a", -1, b"x", NOON)),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_impossible_order_cannot_be_made(case: str) -> None:
    with pytest.raises(OptionError):
        WRONG[case]()


async def test_a_snapshot_of_events_that_nobody_knows_is_refused(journal: Journal) -> None:
    await append(journal, "/a", 0, b"one")

    with pytest.raises(ConcurrentWriter) as raised:
        await save(journal, "/a", 2)

    assert (raised.value.expected, raised.value.found) == (2, 1)
    assert (await journal.head("/a")).snapshots == ()


async def test_a_closed_journal_takes_nothing(place: Place) -> None:
    journal = place.journal()

    for _ in range(2):
        for what in (
            lambda: journal.append(order("/a", 0, b"x")),
            lambda: save(journal, "/a", 0),
            lambda: journal.head("/a"),
            lambda: journal.page("/a", 0, 1),
            lambda: journal.tagged("t", 0, 1),
            lambda: journal.found("l", "", 1),
            lambda: journal.ids("", "", 1),
        ):
            with pytest.raises(JournalUnavailable) as raised:
                await what()
            assert raised.value.problem == "closed"
        async with journal:
            pass
