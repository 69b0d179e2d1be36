"""What every journal promises when it is opened, closed, and opened again by another."""

import asyncio

import pytest

from dramaturg.actors import ActorSystem, JournalInUse, SystemStateError
from dramaturg.actors.journal import ConcurrentWriter, Journal, JournalUnavailable
from tests.actors.journal.kit import (
    Place,
    append,
    listed,
    order,
    outcome,
    payloads,
    save,
    tagged,
)


async def test_everything_is_there_when_it_is_opened_again(place: Place) -> None:
    async with place.journal() as journal:
        await append(journal, "/a", 0, b"1", b"2", tags=(("t",), ()), label="open")
        await save(journal, "/a", 1, b"state")

    async with place.journal() as journal:
        head = await journal.head("/a")
        assert (head.sequence, [each.payload for each in head.snapshots]) == (2, [b"state"])
        assert await payloads(journal, "/a") == [b"1", b"2"]
        assert await listed(journal.labelled("open")) == ["/a"]
        assert await tagged(journal, "t") == [b"1"]
        await append(journal, "/a", 2, b"3", tags=(("t",),))
        assert await tagged(journal, "t") == [b"1", b"3"]


async def test_the_same_journal_may_be_opened_again(place: Place) -> None:
    journal = place.journal()
    for number in range(3):
        async with journal:
            await append(journal, "/a", number, b"x")

    async with journal:
        assert await payloads(journal, "/a") == [b"x"] * 3


async def test_an_open_journal_is_not_opened_again(journal: Journal) -> None:
    with pytest.raises(SystemStateError) as raised:
        journal.open()

    assert raised.value.state == "open"
    assert "is in use: make another" in str(raised.value)
    assert "open>" in repr(journal)


async def test_closing_twice_is_harmless(place: Place) -> None:
    journal = place.journal()
    await journal.close()
    journal.close_now()
    async with journal:
        pass
    await journal.close()
    journal.close_now()

    assert not journal.is_open
    assert "closed>" in repr(journal)


async def test_closing_waits_for_what_is_under_way(place: Place) -> None:
    journal = place.journal()
    async with journal:
        waiting = [
            asyncio.ensure_future(outcome(journal.append(order("/a", number, b"x"))))
            for number in range(100)
        ]
        await asyncio.sleep(0)

    assert await asyncio.gather(*waiting) == [None] * 100
    async with place.journal() as again:
        assert len(await payloads(again, "/a")) == 100


async def test_closing_without_the_loop_writes_what_is_under_way(place: Place) -> None:
    journal = place.journal()
    journal.open()
    waiting = [asyncio.ensure_future(outcome(journal.append(order("/a", 0, b"x"))))]
    await asyncio.sleep(0)

    await asyncio.to_thread(journal.close_now)

    assert await asyncio.gather(*waiting) == [None]
    async with place.journal() as again:
        assert await payloads(again, "/a") == [b"x"]


async def test_a_close_that_is_cut_short_leaves_nothing_behind(place: Place) -> None:
    journal = place.journal()
    journal.open()
    waiting = [asyncio.ensure_future(outcome(journal.append(order("/a", 0, b"x"))))]
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(journal.close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait([closing])

    assert await asyncio.gather(*waiting) == [None]  # and the test leaves no thread
    assert not journal.is_open


async def test_who_reads_while_it_is_closed_is_told(place: Place) -> None:
    async with place.journal() as journal:
        await append(journal, "/a", 0, *[b"x"] * 1_500)
        reading = journal.read("/a")
        assert (await anext(reading)).sequence == 1

    with pytest.raises(JournalUnavailable) as raised:
        async for _ in reading:
            pass

    assert raised.value.problem == "closed"


async def test_of_two_journals_the_one_that_wrote_last_has_the_id(place: Place) -> None:
    async with place.journal() as first, place.journal() as second:
        await append(first, "/a", 0, b"1")
        await append(second, "/b", 0, b"1")

        for late in (append(second, "/a", 1, b"x"), save(second, "/a", 1), second.head("/a")):
            error = await outcome(late)
            assert isinstance(error, ConcurrentWriter)
            assert (error.persistence_id, error.found) == ("/a", None)
            assert error.holder

        await append(first, "/a", 1, b"2")
        assert await payloads(second, "/a") == [b"1", b"2"]  # reading is free to all


async def test_of_two_that_know_as_much_one_fails(place: Place) -> None:
    async with place.journal() as first, place.journal() as second:
        assert await first.head("/a") == await second.head("/a")

        errors = [await outcome(append(each, "/a", 0, b"x")) for each in (first, second)]

        assert [type(each) for each in errors] == [type(None), ConcurrentWriter]
        assert await payloads(first, "/a") == [b"x"]


async def test_an_id_is_free_when_its_journal_is_closed(place: Place) -> None:
    async with place.journal() as second:
        async with place.journal() as first:
            await append(first, "/a", 0, b"1")

        assert (await second.head("/a")).sequence == 1
        await append(second, "/a", 1, b"2")

        async with place.journal() as third:
            assert isinstance(await outcome(append(third, "/a", 2, b"x")), ConcurrentWriter)


async def test_offsets_of_tags_are_common_to_all_writers(place: Place) -> None:
    async with place.journal() as first, place.journal() as second:
        for number in range(4):
            await append(first, "/a", number, b"a", tags=(("t",),))
            await append(second, "/b", number, b"b", tags=(("t",),))

        assert await tagged(first, "t") == [b"a", b"b"] * 4
        offsets = [each.offset async for each in second.read_tag("t")]
        assert offsets == sorted(set(offsets))


class Holder:
    def __init__(self, *, lives: bool) -> None:
        self.lives = lives

    def is_held_against(self, other: object) -> bool:
        return self.lives

    def __str__(self) -> str:
        return "somebody"


async def test_within_a_system_one_holder_has_an_id_as_long_as_it_lives(journal: Journal) -> None:
    first, second = Holder(lives=True), Holder(lives=False)
    assert journal.hold("/a", first) is None

    with pytest.raises(ConcurrentWriter) as raised:
        journal.hold("/a", second)
    assert raised.value.holder == "somebody"

    first.lives = False
    assert journal.hold("/a", second) is first


async def test_a_holder_that_nobody_knows_any_more_is_forgotten(journal: Journal) -> None:
    journal.hold("/a", Holder(lives=True))

    assert journal.hold("/a", Holder(lives=True)) is None


async def test_a_journal_of_two_systems_names_the_one_that_has_it(place: Place) -> None:
    journal = place.journal()

    async with ActorSystem("a", journal=journal):
        with pytest.raises(JournalInUse, match="is in use by system 'a': make another") as raised:
            async with ActorSystem("b", journal=journal):
                pass

    assert raised.value.user == "a"
    assert raised.value.journal == journal.name
