"""Whatever write to the journal a crash hits, the machine comes to the same end."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any, Literal

import pytest

from dramaturg.actors import (
    ActorRef,
    ActorSystem,
    GoneError,
    MemoryJournal,
    Message,
    Props,
    Request,
    StartFailed,
)
from dramaturg.actors.journal import Append, JournalUnavailable
from dramaturg.protocols.state_machines import (
    GetHistory,
    MachineHistory,
    MachineStatus,
    StateMachine,
    Step,
    Timer,
    after,
    entering,
    leaving,
    on,
    postpone,
    transitions,
)
from dramaturg.protocols.testing import Simulation, explore_system
from dramaturg.supervision import ChildSpec, Supervisor, SupervisorSpec
from tests.actors.kit import within

When = Literal["before", "after"]


class State(Enum):
    """Where an order can be."""

    NEW = 1
    PAID = 2
    SHIPPED = 3
    EXPIRED = 4


class Pay(Request[MachineStatus[Any, Any]]):
    """Pay for it."""


class Ship(Message):
    """Send it."""


class Archived(Message):
    """Inserted by an action."""


REMIND = Timer("remind")
Effects = list[tuple[str, str]]


def effect(name: str) -> Callable[[Any, Step[Any, Any]], None]:
    """Return an action that has an effect in the world."""

    def act(order: Any, step: Step[Any, Any]) -> None:
        order.effects.append((name, step.key))
        if name == "post":
            step.insert(Archived())

    act.__name__ = name
    return act


class Order(StateMachine[State, tuple[str, ...]]):
    """One that uses all there is."""

    initial, initial_data = State.NEW, ()
    final = (State.SHIPPED, State.EXPIRED)
    table = transitions(
        postpone(Ship).at(State.NEW),
        on(Pay)
        .at(State.NEW)
        .to(State.PAID)
        .updating(lambda data, event: (*data, "paid"))
        .timing(REMIND.start(5.0))
        .do(effect("charge"), effect("receipt")),
        on(Ship).at(State.PAID).keep().updating(lambda data, event: (*data, "asked for")),
        on(REMIND).at(State.PAID).to(State.SHIPPED).do(effect("post")),
        on(Archived).at(State.SHIPPED).keep().do(effect("archive")),
        after(60.0).at(State.NEW).to(State.EXPIRED),
        entering(State.NEW, State.SHIPPED).do(effect("enter")),
        leaving(State.PAID).do(effect("leave")),
    )

    def __init__(self, effects: Effects) -> None:
        self.effects = effects


class Breaking(MemoryJournal):
    """A journal whose n-th write fails, before anything is stored or when all of it is."""

    def __init__(self, number: int, when: When) -> None:
        super().__init__()
        self.left = number
        self.when = when

    def append(self, order: Append) -> Awaitable[None]:
        self.left -= 1
        error = JournalUnavailable(journal=self.name, problem="broken", detail="on purpose")
        if self.left == 0 and self.when == "before":
            raise error
        written = super().append(order)
        if self.left == 0:
            raise error
        return written


async def history_of(order: ActorRef[Any]) -> MachineHistory:
    return await order.request(GetHistory())


async def stored(order: ActorRef[Any], event: Message) -> None:
    """Tell an event until it is in the journal."""
    while True:
        order.tell(event)
        if any(each.event == event for each in (await history_of(order)).entries):
            return


async def paid(order: ActorRef[Any]) -> None:
    """Pay; if that fails look whether it was taken."""
    try:
        await order.request(Pay())
    except GoneError:
        await stored(order, Pay())


def run(make: Callable[[], MemoryJournal]) -> tuple[Effects, MachineHistory]:
    """Let a customer go through with an order, in a simulation."""
    found: list[tuple[Effects, MachineHistory]] = []

    async def scenario(sim: Simulation) -> None:
        effects: Effects = []
        journal = make()
        journal.open()
        sim.system.journal = journal
        spec = SupervisorSpec([ChildSpec("order", Props(Order, effects))], intensity=9)
        await sim.system.spawn(Props(Supervisor, spec), name="shop").started()
        order: Any = sim.system.lookup("/shop/order")
        await stored(order, Ship())
        await paid(order)
        await asyncio.sleep(10.0)
        found.append((effects, await history_of(order)))

    explore_system(scenario, schedules=1).check()
    return found[-1]


CALM = run(MemoryJournal)
WRITES = len(CALM[1].entries)


def test_the_calm_run_uses_all_there_is() -> None:
    effects, history = CALM
    assert [name for name, _ in effects] == [
        "enter", "charge", "receipt", "leave", "post", "enter", "archive",
    ]  # fmt: skip
    assert [target for _, _, target in history.transitions] == [
        "PAID", "PAID", "SHIPPED", "SHIPPED",
    ]  # fmt: skip


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(2, WRITES + 1))
def test_a_write_that_fails_changes_nothing_in_the_end(number: int, when: When) -> None:
    effects, history = run(lambda: Breaking(number, when))

    assert history.transitions == CALM[1].transitions
    # Each at least once, and again only under the same key.
    assert list(dict.fromkeys(effects)) == CALM[0]
    assert len(effects) <= len(CALM[0]) + 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_first_write_that_fails_fails_the_start_and_the_next_start_begins(
    when: When,
) -> None:
    effects: Effects = []
    async with ActorSystem("test", journal=Breaking(1, when)) as system:
        with pytest.raises(StartFailed):
            await within(system.spawn(Props(Order, effects), name="order").started())
        order: Any = system.spawn(Props(Order, effects), name="order")
        assert len((await within(history_of(order))).entries) == 2

    assert effects == [("enter", "/order/1/0")]
