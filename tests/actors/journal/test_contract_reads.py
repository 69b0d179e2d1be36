"""What every journal promises to who reads."""

import asyncio

import pytest

from dramaturg.actors.journal import EventsDeleted, Head, Journal
from dramaturg.actors.journal._journal import PAGE
from tests.actors.journal.kit import append, listed, order, payloads, save, tagged
from tests.actors.kit import within

MANY = 2 * PAGE + 1


@pytest.mark.parametrize("count", [PAGE - 1, PAGE, PAGE + 1, MANY])
async def test_more_events_than_a_page_holds_are_read_in_order(
    journal: Journal, count: int
) -> None:
    await append(journal, "/a", 0, *[b"%d" % number for number in range(count)])

    assert await payloads(journal, "/a") == [b"%d" % number for number in range(count)]
    assert await payloads(journal, "/a", after=PAGE - 1) == [
        b"%d" % number for number in range(PAGE - 1, count)
    ]


async def test_more_tagged_events_than_a_page_holds_are_read_in_order(journal: Journal) -> None:
    names = [f"/{number % 3}" for number in range(MANY)]
    orders = [
        order(name, number // 3, name.encode(), tags=(("t",),)) for number, name in enumerate(names)
    ]
    await within(asyncio.gather(*map(journal.append, orders)))

    found = [each async for each in journal.read_tag("t")]

    assert [each.event.persistence_id for each in found] == names
    offsets = [each.offset for each in found]
    assert offsets == sorted(set(offsets))


async def test_reading_by_tag_goes_on_behind_an_offset(journal: Journal) -> None:
    await append(journal, "/a", 0, b"1", b"2", tags=(("t", "other"), ("t",)))
    last = [each.offset async for each in journal.read_tag("t")][-1]
    assert await tagged(journal, "t", after=last) == []

    await append(journal, "/b", 0, b"3", b"-", b"4", tags=(("t",), (), ("t",)))
    await append(journal, "/a", 2, b"5", tags=(("t",),))

    assert await tagged(journal, "t", after=last) == [b"3", b"4", b"5"]
    assert await tagged(journal, "other") == [b"1"]


async def test_more_ids_than_a_page_holds_are_listed_sorted(journal: Journal) -> None:
    names = sorted(f"/shop/{number}" for number in range(MANY))
    orders = [order(name, 0, b"x", label="open") for name in reversed(names)]
    await within(asyncio.gather(*map(journal.append, orders)))

    assert await listed(journal.persistence_ids("/shop/")) == names
    assert await listed(journal.labelled("open")) == names


async def test_ids_are_found_by_how_they_begin(journal: Journal) -> None:
    for name in ("/a", "/a/1", "/a/2", "/aa", "/b", "/ab%", "/a_"):
        await append(journal, name, 0, b"x")

    assert await listed(journal.persistence_ids("/a/")) == ["/a/1", "/a/2"]
    assert await listed(journal.persistence_ids("/a_")) == ["/a_"]
    assert await listed(journal.persistence_ids("/ab%")) == ["/ab%"]
    assert await listed(journal.persistence_ids("/c")) == []
    assert await listed(journal.persistence_ids()) == sorted(
        ["/a", "/a/1", "/a/2", "/aa", "/b", "/ab%", "/a_"]
    )


async def test_a_label_is_what_the_last_order_with_one_said(journal: Journal) -> None:
    await append(journal, "/a", 0, b"1", label="open")
    await append(journal, "/b", 0, b"1", label="open")
    await append(journal, "/a", 1, b"2")
    await append(journal, "/b", 1, b"2", label="waits")

    assert await listed(journal.labelled("open")) == ["/a"]
    assert await listed(journal.labelled("waits")) == ["/b"]


async def test_an_empty_label_ends_it_and_finds_nothing(journal: Journal) -> None:
    await append(journal, "/a", 0, b"1", label="open")
    await append(journal, "/a", 1, b"2", label="")
    await append(journal, "/b", 0, b"1")

    assert await listed(journal.labelled("open")) == []
    assert await listed(journal.labelled("")) == []


async def test_an_id_without_events_has_none(journal: Journal) -> None:
    assert await payloads(journal, "/nobody") == []
    assert await tagged(journal, "nothing") == []
    assert await journal.head("/nobody") == Head(sequence=0, oldest=1)


async def test_who_reads_on_behind_deleted_events_is_told(journal: Journal) -> None:
    await append(journal, "/a", 0, *[b"%d" % number for number in range(6)])
    await save(journal, "/a", 4, keep=1, delete_events=True)

    with pytest.raises(EventsDeleted) as raised:
        await payloads(journal, "/a", after=2)

    assert (raised.value.persistence_id, raised.value.after, raised.value.oldest) == ("/a", 2, 5)
    assert await payloads(journal, "/a") == [b"4", b"5"]
    assert await payloads(journal, "/a", after=4) == [b"4", b"5"]
