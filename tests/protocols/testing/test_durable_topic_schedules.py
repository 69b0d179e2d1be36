"""Durable topics and dead letters under every order that a simulation can find, with crashes."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    Directive,
    DurableDeadLetters,
    GoneError,
    MemoryJournal,
    Message,
    Props,
    TypeRegistry,
    handler,
)
from dramaturg.actors._letters_writer import LettersWriter
from dramaturg.actors.journal import Append
from dramaturg.protocols import Delivery, DurableTopic, PublishDurably, SubscribeDurably
from dramaturg.protocols._durable_cursor import Cursor
from dramaturg.protocols._durable_doubt import Doubts
from dramaturg.protocols.testing import Faults, Simulation, explore_system
from tests.actors.kit import Crash
from tests.simulated.case import Case

# Of what is found it matters here that it is found, not how short it becomes.
pytestmark = pytest.mark.usefixtures("brief_shrinking")

SCHEDULES = 150
NUMBERS = 2


class SlowJournal(MemoryJournal):
    """Takes its time before it writes, so that others act, or crash, meanwhile."""

    def append(self, order: Append) -> Awaitable[None]:
        return self._later(order)

    async def _later(self, order: Append) -> None:
        await asyncio.sleep(0.001)
        await super().append(order)


class Item(Message, name="schedules.Item"):
    number: int


class Items(DurableTopic):
    messages = (Item,)


class Reader(Actor):
    """Fails when it first hears of number 1."""

    policy = Directive.RESTART

    def __init__(self, heard: list[tuple[int, bool]], handled: set[int]) -> None:
        self.heard = heard
        self.handled = handled

    @handler
    def delivered(self, message: Delivery) -> None:
        number = message.message.number
        again = any(number == each for each, _ in self.heard)
        self.heard.append((number, message.redelivered))
        if number == 1 and not again:
            raise Crash
        self.handled.add(number)


def in_order(heard: list[tuple[int, bool]]) -> bool:
    """Tell whether each number comes when all before it have come; repeated ones say so."""
    highest = -1
    for number, redelivered in heard:
        if number > highest + 1 or (number <= highest and not redelivered):
            return False
        highest = max(highest, number)
    return True


def reading(window: int) -> Any:
    async def scenario(sim: Simulation) -> None:
        journal = SlowJournal()
        journal.open()
        sim.system.journal = journal
        heard: list[tuple[int, bool]] = []
        handled: set[int] = set()
        stored: set[int] = set()
        topic = sim.system.spawn(Props(Items).using(policy=Directive.RESTART), name="items")
        reader = sim.system.spawn(Props(Reader, heard, handled), name="reader")

        async def asked(message: Any) -> None:
            for _ in range(5):
                try:
                    await topic.request(message, timeout=60)
                except GoneError:
                    continue
                return

        async def publish() -> None:
            for number in range(NUMBERS):
                await asked(PublishDurably(Item(number=number), key=f"{number}"))
                stored.add(number)

        if window == 1:
            sim.always(lambda view: in_order(heard), "no gap, and repetitions say so")
        sim.at_rest(
            lambda view: handled == stored == {*range(NUMBERS)}, "what was acknowledged is handled"
        )
        served = SubscribeDurably("r", reader, window=window, attempts=9)
        await asked(served)
        await publish()

    return scenario


CRASHES = Faults(crashes={"/items": 1, "/items/r-1-1": 1, "/reader": 1})


@pytest.mark.parametrize("window", [1, 2])
def test_no_schedule_with_crashes_leaves_a_gap_or_loses_a_message(window: int) -> None:
    verdict = explore_system(reading(window), faults=CRASHES, schedules=SCHEDULES)

    assert verdict.failure is None, str(verdict.failure)
    assert verdict.outcome == "pass"


def test_a_cursor_that_confirms_what_it_has_only_handed_over_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Cursor, "_reached", property(lambda cursor: cursor._read))

    hunt = Case("hasty", reading(1), CRASHES, schedules=SCHEDULES).hunt()

    assert "what was acknowledged is handled" in str(hunt.broken)


def test_a_cursor_that_takes_every_delivery_for_the_first_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flight_of = Cursor._flight_of

    def forgetful(cursor: Any, event: Any, stored: Any, *, repeated: bool) -> Any:
        cursor._doubts = Doubts(0)
        return flight_of(cursor, event, stored, repeated=repeated)

    monkeypatch.setattr(Cursor, "_flight_of", forgetful)

    hunt = Case("forgetful", reading(1), CRASHES, schedules=SCHEDULES).hunt()

    assert "no gap, and repetitions say so" in str(hunt.broken)


# -- dead letters --------------------------------------------------------------------------------


class Till(Actor):
    policy = Directive.RESTART

    def __init__(self, heard: list[int]) -> None:
        self.heard = heard

    @handler
    def item(self, message: Item) -> None:
        self.heard.append(message.number)


async def burying(sim: Simulation) -> None:
    """Replay letters; then look into the journal, as the next process does."""
    journal = SlowJournal()
    journal.open()
    sim.system.journal = journal
    letters = DurableDeadLetters(TypeRegistry(Item))
    letters.attach(sim.system)
    sim.system.dead_letters = letters
    await letters.begin()
    heard: list[int] = []
    till = sim.system.spawn(Props(Till, heard), name="till")
    await till.stop(block=False)
    for number in range(2):
        till.tell(Item(number=number))
    till = sim.system.spawn(Props(Till, heard), name="till")
    sim.always(lambda view: len(set(heard)) == len(heard), "handled once")
    sim.at_rest(
        lambda view: sorted([*heard, *numbers(letters)]) == [0, 1], "handled, or a dead letter"
    )
    again = DurableDeadLetters(TypeRegistry(Item))

    async def look() -> None:
        for _ in range(3):  # stored, sent again, and settled
            await letters.stored()
            await sim.idle()
        again.attach(sim.system)
        await again.begin()
        found = [*numbers(again)]
        assert sorted(found) == sorted(numbers(letters)), "the journal says the same"

    letters.replay()
    letters.replay()
    await look()


def numbers(letters: DurableDeadLetters) -> list[int]:
    return [each.message.number for each in letters.list(message_type=Item)]


def test_no_schedule_with_crashes_loses_a_letter_or_replays_it_twice() -> None:
    verdict = explore_system(burying, faults=Faults(crashes={"/till": 1}), schedules=SCHEDULES)

    assert verdict.failure is None, str(verdict.failure)
    assert verdict.outcome == "pass"


def test_a_store_that_forgets_what_was_settled_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def forget(_writer: LettersWriter, _id: int, _how: str) -> None: ...

    monkeypatch.setattr(LettersWriter, "settle", forget)

    verdict = explore_system(burying, faults=Faults(crashes={"/till": 1}), schedules=20)

    assert "the journal says the same" in str(verdict.failure)
