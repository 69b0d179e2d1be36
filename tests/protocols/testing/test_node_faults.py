"""What goes wrong between nodes: the network that loses, repeats, delays, overtakes and parts."""

import asyncio

import pytest

from dramaturg.protocols.testing import Faults, Simulation, explore_system
from tests.protocols.testing.nodes_kit import (
    Add,
    Pay,
    notes,
    pay_once,
    ran,
    start_counter,
    start_sleeper,
    start_teller,
    tell_three,
)

# Of what is found it matters here that it is found, not how short it becomes.
pytestmark = pytest.mark.usefixtures("brief_shrinking")

PAY = "deliver scenario->shop/till #0"
ASK = "deliver shop/till->bank/ledger #0"
ANSWER = "deliver bank/ledger->shop/till #0"


def test_a_lost_question_is_noticed_at_its_deadline() -> None:
    replayed = ran(pay_once, [PAY, "drop shop/till->bank/ledger #0"], Faults(drops=1))

    assert notes(replayed) == [("answer", "DeadlineExceeded")]


def test_a_lost_answer_is_noticed_at_the_deadline_of_its_question() -> None:
    schedule = [PAY, ASK, "write bank:log #0", "sync bank:log #0", "drop bank/ledger->shop/till #0"]

    replayed = ran(pay_once, schedule, Faults(drops=1))

    assert notes(replayed) == [("answer", "DeadlineExceeded")]


def test_a_question_that_comes_twice_is_answered_twice_and_the_second_answer_is_dropped() -> None:
    replayed = ran(pay_once, [PAY, "duplicate shop/till->bank/ledger #0"], Faults(duplicates=1))

    assert "deliver shop/till->bank/ledger #0'1" in replayed.run.schedule
    assert "deliver bank/ledger->shop/till #1" in replayed.run.schedule
    assert notes(replayed) == [("answer", 5)]


def test_what_is_delayed_comes_after_a_timer() -> None:
    replayed = ran(pay_once, [PAY, "delay shop/till->bank/ledger #0"], Faults(delays=1))

    assert replayed.run.schedule[2] == "timer shop/till:deadline #0"
    assert notes(replayed) == [("answer", "DeadlineExceeded")]
    assert ASK in replayed.run.schedule


def test_what_is_delayed_comes_at_last_if_there_is_no_timer() -> None:
    async def scenario(sim: Simulation) -> None:
        await sim.node("far", start_counter)
        sim.at_rest(lambda view: view["far/counter"].seen == [1, 2, 3], "all in order")
        await sim.node("near", start_teller)
        sim.ref("near/teller").tell(Pay(3))

    replayed = ran(
        scenario,
        ["deliver scenario->near/teller #0", "delay near/teller->far/counter #0"],
        Faults(delays=1),
    )

    assert replayed.run.schedule[2:] == (
        "deliver near/teller->far/counter #0",
        "deliver near/teller->far/counter #1",
        "deliver near/teller->far/counter #2",
    )
    assert replayed.run.broken is None


def test_a_message_overtakes_within_the_budget() -> None:
    async def scenario(sim: Simulation) -> None:
        sim.at_rest(lambda view: view["far/counter"].seen == [2, 1, 3], "the second came first")
        await tell_three(sim)

    replayed = ran(
        scenario,
        ["deliver scenario->near/teller #0", "reorder near/teller->far/counter #1"],
        Faults(reorders=1),
    )

    assert replayed.run.broken is None


def test_nothing_crosses_a_partition_until_it_heals() -> None:
    replayed = ran(pay_once, [PAY, "partition bank|shop"], Faults(partitions=1))

    assert replayed.run.schedule[2:4] == ("heal", ASK)


def test_a_deadline_passes_while_the_network_is_parted() -> None:
    replayed = ran(
        pay_once,
        [PAY, "partition bank|shop", "timer shop/till:deadline #0"],
        Faults(partitions=1),
    )

    assert notes(replayed) == [("answer", "DeadlineExceeded")]


def test_the_scenario_reaches_each_part() -> None:
    replayed = ran(pay_once, ["partition bank|shop", PAY], Faults(partitions=1))

    assert notes(replayed) == [("answer", 5)]


def test_faults_spare_what_goes_between_the_scenario_and_a_node() -> None:
    async def scenario(sim: Simulation) -> None:
        await sim.node("far", start_counter)
        sim.at_rest(lambda view: view["far/counter"].seen == [1], "came once")
        sim.ref("far/counter").tell(Add(1))
        await asyncio.sleep(1.0)

    faults = Faults(drops=2, duplicates=2, delays=2, reorders=2)

    assert explore_system(scenario, faults=faults, schedules=50).outcome == "pass"


def test_a_clock_runs_ahead_of_the_others() -> None:
    async def scenario(sim: Simulation) -> None:
        await sim.node("fast", start_sleeper(sim, 10.0))
        await sim.node("slow", start_sleeper(sim, 30.0))
        await asyncio.sleep(100.0)
        sim.note([sim.nodes.all[name].system.clock.monotonic() for name in ("fast", "slow")])

    first = ran(scenario, [])
    starts = first.run.schedule[:2]
    skewed = ran(scenario, [*starts, "skew slow/sleeper:sleep #0"], Faults(skews=1))

    assert notes(first) == ["fast", "slow", [100.0, 100.0]]
    assert notes(skewed) == ["slow", "fast", [100.0, 130.0]]


def test_within_one_clock_timers_keep_their_order() -> None:
    async def scenario(sim: Simulation) -> None:
        await sim.node("one", start_counter)

        async def two(seconds: float) -> None:
            await asyncio.sleep(seconds)
            sim.note(seconds)

        await asyncio.gather(two(3.0), two(2.0), two(1.0))

    for seed in range(5):
        verdict = explore_system(scenario, faults=Faults(skews=2), schedules=20, seed=seed)
        assert verdict.outcome == "pass"


@pytest.mark.parametrize("seed", range(3))
def test_the_same_seed_gives_the_same_verdict(seed: int) -> None:
    faults = Faults(drops=1, duplicates=1, node_crashes=1, partitions=1)

    def look() -> str:
        return str(explore_system(pay_once, faults=faults, schedules=40, seed=seed))

    assert look() == look()
