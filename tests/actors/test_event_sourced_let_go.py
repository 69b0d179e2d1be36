"""An actor lets go of old events, and keeps the present state in their place."""

from functools import partial
from typing import Any

import pytest

from dramaturg.actors import (
    ActorSystem,
    EventSourced,
    MemoryJournal,
    Message,
    OptionError,
    Request,
    handler,
)
from tests.actors.kit import Do, within


class Counted(Message, name="let_go.counted"):
    """An event that carries its number."""

    number: int


class Count(Message, name="let_go.count"):
    last: int = 0
    seen: tuple[int, ...] = ()


class Add(Request[Count]):
    """A command."""


class Counter(EventSourced[Count]):
    initial = Count()

    def persistence_id(self) -> str:
        return "counter"

    def apply(self, state: Count, event: Counted) -> Count:
        if event.number <= state.last:
            return state
        return Count(last=event.number, seen=(*state.seen, event.number))

    @handler
    async def add(self, command: Add) -> Count:
        await self.persist(Counted(number=self.sequence + 1))
        return self.state

    @handler
    async def do(self, command: Do) -> Any:
        return command.what(self)


class Snapping(Counter):
    snapshot_every = 3


def letting_go(up_to: int, actor: Counter) -> None:
    actor.let_go(up_to)


async def played(journal: MemoryJournal, kind: type[Counter], count: int, *let_go: int) -> Any:
    """Add some, let go up to numbers; return the state, the oldest event's number and the last."""
    async with ActorSystem("test", journal=journal) as system:
        ref = system.spawn(kind, name="counter")
        for _ in range(count):
            await within(ref.request(Add()))
        for up_to in let_go:
            await within(ref.request(Do(partial(letting_go, up_to))))
        return await within(
            ref.request(Do(lambda actor: (actor.state.seen, actor.oldest, actor.sequence)))
        )


@pytest.mark.parametrize("kind", [Counter, Snapping], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("up_to", [1, 3, 4, 6, 7])
async def test_events_go_and_the_state_stays(kind: type[Counter], up_to: int) -> None:
    journal = MemoryJournal()
    every = tuple(range(1, 8))

    assert await played(journal, kind, 7, up_to) == (every, up_to + 1, 7)
    shelf = journal.store.shelves["counter"]
    assert [each.sequence for each in shelf.events] == [*range(up_to + 1, 8)]
    assert await played(journal, kind, 0) == (every, up_to + 1, 7)
    assert await played(journal, kind, 2, 8) == ((*every, 8, 9), 9, 9)
    assert await played(journal, kind, 0) == ((*every, 8, 9), 9, 9)


async def test_what_is_gone_is_let_go_in_vain() -> None:
    journal = MemoryJournal()

    assert await played(journal, Counter, 5, 4, 2, 0) == ((1, 2, 3, 4, 5), 5, 5)


@pytest.mark.parametrize("up_to", [-1, 6, True, 2.0, "2"], ids=repr)
async def test_a_number_that_cannot_be_is_refused_and_nothing_goes(up_to: Any) -> None:
    journal = MemoryJournal()

    def refused(actor: Counter) -> str:
        with pytest.raises(OptionError) as raised:
            actor.let_go(up_to)
        return str(raised.value.option)

    await played(journal, Counter, 5)
    async with ActorSystem("test", journal=journal) as system:
        ref = system.spawn(Counter, name="counter")
        assert await within(ref.request(Do(refused))) == "up_to"
    assert await played(journal, Counter, 0) == ((1, 2, 3, 4, 5), 1, 5)
