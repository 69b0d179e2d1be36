"""Event-sourced actors under every order that a simulation can find, with crashes."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from dramaturg.actors import (
    Directive,
    EventSourced,
    GoneError,
    Message,
    Props,
    Request,
    handler,
)
from dramaturg.actors.journal import Append, MemoryJournal
from dramaturg.protocols.testing import Faults, Simulation, explore_system

CRASHES = Faults(crashes={"/counter": 2})


class SlowJournal(MemoryJournal):
    """Takes its time before it writes, so that others act, or crash, meanwhile."""

    def append(self, order: Append) -> Awaitable[None]:
        return self._later(order)

    async def _later(self, order: Append) -> None:
        await asyncio.sleep(0.001)
        await super().append(order)


class Added(Message):
    number: int


class Total(Message):
    numbers: tuple[int, ...] = ()


class Add(Request[int]):
    number: int


class Counter(EventSourced[Total]):
    """Sends what it has counted on to a printer, which is its effect."""

    initial = Total()
    snapshot_every = 2
    delete_events = True

    def __init__(self, printed: list[int]) -> None:
        self.printed = printed

    def persistence_id(self) -> str:
        return "counter"

    def apply(self, state: Total, event: Added) -> Total:
        return Total(numbers=(*state.numbers, event.number))

    @handler
    async def add(self, command: Add) -> int:
        if command.number not in self.state.numbers:
            await self.persist(Added(number=command.number))
            self.printed.append(command.number)
        return command.number


class Eager(Counter):
    """The planted bug: its effect comes before the event is stored."""

    @handler
    async def add(self, command: Add) -> int:
        if command.number not in self.state.numbers:
            self.printed.append(command.number)
            await self.persist(Added(number=command.number))
        return command.number


def adding(kind: type[Counter]) -> Any:
    async def scenario(sim: Simulation) -> None:
        journal = SlowJournal()
        journal.open()
        sim.system.journal = journal
        printed: list[int] = []
        acknowledged: list[int] = []
        counter = sim.system.spawn(
            Props(kind, printed).using(policy=Directive.RESTART), name="counter"
        )

        def numbers() -> list[int]:
            events = journal.store.shelves.get("counter")
            return [] if events is None else list(range(events.head))

        sim.always(lambda view: len(set(printed)) == len(printed), "printed once at most")
        sim.always(lambda view: len(printed) <= len(numbers()), "printed only what is stored")
        sim.at_rest(
            lambda view: set(acknowledged) <= set(view["/counter"].state.numbers),
            "what was acknowledged is there",
        )

        async def add(number: int) -> None:
            for _ in range(3):
                try:
                    acknowledged.append(await counter.request(Add(number=number)))
                except GoneError:
                    continue
                return

        await asyncio.gather(*[add(number) for number in range(3)])

    return scenario


def test_no_schedule_with_crashes_loses_an_acknowledged_event_or_repeats_an_effect() -> None:
    verdict = explore_system(adding(Counter), faults=CRASHES, schedules=150)

    assert verdict.failure is None
    assert verdict.outcome == "pass"


def test_an_effect_before_its_event_is_stored_is_found() -> None:
    verdict = explore_system(adding(Eager), faults=CRASHES, schedules=150)

    assert verdict.failure is not None
    assert "printed only what is stored" in str(verdict.failure)
