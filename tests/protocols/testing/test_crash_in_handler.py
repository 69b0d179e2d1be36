"""Crashes before, within and after a handler; and actors that are slow."""

import asyncio
from typing import Any

from dramaturg.actors import Actor, ActorRef, Props, handler
from dramaturg.protocols.testing import Faults, Simulation, explore_system
from tests.protocols.testing.nodes_kit import (
    Add,
    Counter,
    Pay,
    notes,
    pay_once,
    ran,
    tell_three,
)

TAKE = "deliver scenario->/teller #0"


class Teller(Actor):
    """Tells 1, 2, 3, having counted itself that it does."""

    def __init__(self, other: ActorRef[Any], sim: Simulation) -> None:
        self.other = other
        self.sim = sim

    @handler
    def pay(self, message: Pay) -> None:
        self.sim.note("begins")
        for number in range(1, message.amount + 1):
            self.other.tell(Add(number))
        self.sim.note("ends")


class Swallower(Teller):
    @handler
    def pay(self, message: Pay) -> None:
        try:
            self.other.tell(Add(1))
        except Exception:  # noqa: BLE001 - what it is about
            self.sim.note("swallowed")


def telling(actor: type[Teller], amount: int = 3) -> Any:
    async def scenario(sim: Simulation) -> None:
        counter = sim.system.spawn(Counter, name="counter")
        teller = sim.system.spawn(Props(actor, counter, sim), name="teller")
        teller.tell(Pay(amount))
        await asyncio.sleep(1.0)
        sim.note(sim.system.lookup("/teller") is not None)
        sim.note([*counter.cell.actor.seen])  # type: ignore[union-attr]

    return scenario


CRASH = Faults(crashes={"/teller": 1})


def test_before_a_handler_nothing_of_it_has_happened() -> None:
    assert notes(ran(telling(Teller), ["crash /teller #0"], CRASH)) == [False, []]


def test_within_a_handler_what_it_has_sent_is_sent_and_the_rest_is_not() -> None:
    first = ran(telling(Teller), [f"crash /teller in {TAKE} @1"], CRASH)
    second = ran(telling(Teller), [f"crash /teller in {TAKE} @2"], CRASH)

    assert notes(first) == ["begins", False, []]
    assert notes(second) == ["begins", False, [1]]


def test_after_a_handler_all_of_it_has_happened() -> None:
    replayed = ran(telling(Teller, 1), [f"crash /teller in {TAKE} @2"], CRASH)

    assert notes(replayed) == ["begins", "ends", False, [1]]


def test_who_catches_the_crash_crashes_all_the_same() -> None:
    replayed = ran(telling(Swallower), [f"crash /teller in {TAKE} @1"], CRASH)

    assert notes(replayed) == ["swallowed", False, []]


def test_a_handler_of_another_nodes_message_may_crash_too() -> None:
    event = "crash bank/ledger in deliver shop/till->bank/ledger #0 @1"

    replayed = ran(
        pay_once, ["deliver scenario->shop/till #0", event], Faults(crashes={"bank/ledger": 1})
    )

    assert replayed.run.schedule[1] == event
    assert replayed.run.broken is not None
    assert "ActorCrashed" in replayed.run.broken.detail


def test_crashes_within_a_handler_cost_the_budget_of_crashes() -> None:
    verdict = explore_system(telling(Teller), faults=CRASH, schedules=100)

    assert verdict.outcome == "pass"
    assert verdict.failure is None


def test_a_slow_actor_takes_no_turn_until_a_timer_has_rung() -> None:
    replayed = ran(telling(Teller), [TAKE, "slow /counter"], Faults(slow=1))

    assert replayed.run.schedule[2] == "timer scenario:sleep #0"
    assert notes(replayed) == ["begins", "ends", True, []]


def test_a_slow_actor_goes_on_at_last_if_there_is_no_timer() -> None:
    async def scenario(sim: Simulation) -> None:
        sim.at_rest(lambda view: view["/counter"].seen == [1], "counted")
        sim.system.spawn(Counter, name="counter").tell(Add(1))

    replayed = ran(scenario, ["slow /counter"], Faults(slow=1))

    assert replayed.run.schedule[1:] == ("deliver scenario->/counter #0",)
    assert replayed.run.broken is None


def test_what_comes_to_a_slow_actor_waits_in_its_mailbox() -> None:
    schedule = ["deliver scenario->near/teller #0", "slow far/counter"]

    replayed = ran(tell_three, schedule, Faults(slow=1))

    assert replayed.run.schedule[2:] == (
        "deliver near/teller->far/counter #0",
        "deliver near/teller->far/counter #1",
        "deliver near/teller->far/counter #2",
        "timer scenario:sleep #0",
        "take near/teller->far/counter #0",
        "take near/teller->far/counter #1",
        "take near/teller->far/counter #2",
    )
