"""What every journal promises about snapshots and what they make superfluous."""

from dramaturg.actors.journal import Head, Journal, Snapshot
from tests.actors.journal.kit import NOON, Place, append, payloads, save, tagged


async def ten(journal: Journal) -> None:
    """Write ten events, each with a tag."""
    kept = [b"%d" % number for number in range(1, 11)]
    await append(journal, "/a", 0, *kept, tags=(("t",),) * 10)


def sequences(head: Head) -> list[int]:
    return [each.sequence for each in head.snapshots]


async def test_the_newest_snapshot_comes_first(journal: Journal) -> None:
    await ten(journal)
    await save(journal, "/a", 3, b"three")
    await save(journal, "/a", 7, b"seven")

    head = await journal.head("/a")

    assert head.snapshots == (
        Snapshot("/a", 7, b"seven", NOON),
        Snapshot("/a", 3, b"three", NOON),
    )
    assert (head.sequence, head.oldest) == (10, 1)


async def test_so_many_snapshots_are_kept(journal: Journal) -> None:
    await ten(journal)
    for sequence in (1, 2, 3, 4, 5):
        await save(journal, "/a", sequence, keep=3)

    assert sequences(await journal.head("/a")) == [5, 4, 3]


async def test_a_snapshot_at_the_same_event_replaces_the_one_before(journal: Journal) -> None:
    await ten(journal)
    await save(journal, "/a", 3, b"old")
    await save(journal, "/a", 3, b"new")

    head = await journal.head("/a")

    assert [each.payload for each in head.snapshots] == [b"new"]


async def test_events_stay_unless_the_order_says_otherwise(journal: Journal) -> None:
    await ten(journal)
    for sequence in (5, 6, 7):
        await save(journal, "/a", sequence, keep=1)

    assert len(await payloads(journal, "/a")) == 10


async def test_only_what_the_oldest_kept_snapshot_contains_is_deleted(journal: Journal) -> None:
    await ten(journal)
    await save(journal, "/a", 4, keep=2, delete_events=True)
    assert (await journal.head("/a")).oldest == 1  # only one is there yet

    await save(journal, "/a", 8, keep=2, delete_events=True)

    head = await journal.head("/a")
    assert (head.sequence, head.oldest, sequences(head)) == (10, 5, [8, 4])
    assert await payloads(journal, "/a") == [b"%d" % number for number in range(5, 11)]
    assert await tagged(journal, "t") == [b"%d" % number for number in range(5, 11)]


async def test_an_older_snapshot_that_comes_late_deletes_nothing_that_is_needed(
    journal: Journal,
) -> None:
    await ten(journal)
    await save(journal, "/a", 8, keep=2, delete_events=True)
    await save(journal, "/a", 6, keep=2, delete_events=True)
    await save(journal, "/a", 2, keep=2, delete_events=True)

    head = await journal.head("/a")
    assert (head.oldest, sequences(head)) == (7, [8, 6])


async def test_numbers_go_on_when_all_events_are_deleted(place: Place) -> None:
    async with place.journal() as journal:
        await ten(journal)
        await save(journal, "/a", 10, keep=1, delete_events=True)
    async with place.journal() as journal:
        head = await journal.head("/a")
        assert (head.sequence, head.oldest) == (10, 11)

        await append(journal, "/a", 10, b"11")

        head = await journal.head("/a")
        assert (head.sequence, head.oldest) == (11, 11)
        assert await payloads(journal, "/a", after=10) == [b"11"]


async def test_events_of_others_stay(journal: Journal) -> None:
    await ten(journal)
    await append(journal, "/b", 0, b"b", tags=(("t",),))
    await save(journal, "/a", 10, keep=1, delete_events=True)

    assert await payloads(journal, "/b") == [b"b"]
    assert await tagged(journal, "t") == [b"b"]
