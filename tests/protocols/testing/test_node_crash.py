"""Nodes that crash and come back: what is lost with them, and what their disks keep."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import Actor, ActorStopped, Props, handler
from dramaturg.protocols.testing import (
    Disk,
    Faults,
    ForeignScheduleError,
    Node,
    ScenarioError,
    Simulation,
    explore_system,
)
from tests.protocols.testing.nodes_kit import (
    Add,
    Pay,
    notes,
    pay_once,
    ran,
    start_counter,
    start_ledger,
)

PAY = "deliver scenario->shop/till #0"
ASK = "deliver shop/till->bank/ledger #0"
CRASH = "crash bank #0"
ONE = Faults(node_crashes=1)


def test_a_crash_takes_what_its_actors_knew() -> None:
    async def scenario(sim: Simulation) -> None:
        await sim.node("far", start_counter)
        sim.ref("far/counter").tell(Add(1))
        sim.at_rest(lambda view: view["far/counter"].seen == [], "forgotten")
        await asyncio.sleep(1.0)

    replayed = ran(scenario, ["deliver scenario->far/counter #0", "crash far #0"], ONE)

    assert replayed.run.schedule[2] == "restart far"
    assert replayed.run.broken is None


def test_what_was_synced_survives() -> None:
    schedule = [PAY, ASK, "write bank:log #0", "sync bank:log #0", CRASH]

    replayed = ran(with_total(5), schedule, ONE)

    assert replayed.run.broken is None


def test_what_was_not_synced_is_lost() -> None:
    replayed = ran(with_total(0), [PAY, ASK, "write bank:log #0", CRASH], ONE)

    assert replayed.run.broken is None


def test_what_was_not_even_written_is_lost() -> None:
    replayed = ran(with_total(0), [PAY, ASK, CRASH], ONE)

    assert replayed.run.broken is None


def test_a_torn_write_is_there_in_part() -> None:
    async def scenario(sim: Simulation) -> None:
        await sim.node("one", start_writer(sim, b"abcdef"))
        await asyncio.sleep(1.0)

    faults = Faults(node_crashes=1, torn_writes=1)
    before = ran(scenario, ["deliver /->one/writer #0"][:0], faults)
    cached = ran(scenario, [*take(before, 1), "write one:file #0", "crash one #0 torn"], faults)

    assert notes(cached)[:2] == [b"", b"abc"]


def test_an_answer_to_a_crashed_node_is_lost() -> None:
    schedule = [PAY, ASK, "write bank:log #0", "sync bank:log #0", "crash shop #0"]

    replayed = ran(pay_once, schedule, ONE)

    assert "deliver bank/ledger->shop/till #0" in replayed.run.schedule
    assert notes(replayed) == []
    assert replayed.run.broken is not None
    assert replayed.run.broken.name == "scenario raises DeadlineExceeded"


def test_a_question_to_a_crashed_node_waits_for_it() -> None:
    replayed = ran(pay_once, [PAY, CRASH], ONE)

    assert replayed.run.schedule[2:4] == ("restart bank", ASK)
    assert notes(replayed) == [("answer", 5)]


def test_a_question_to_a_crashed_node_may_be_lost_with_it() -> None:
    faults = Faults(node_crashes=1, lost_with_crash=True)

    replayed = ran(pay_once, [PAY, CRASH], faults)

    assert notes(replayed) == [("answer", "DeadlineExceeded")]


def test_a_deadline_passes_while_a_node_is_down() -> None:
    replayed = ran(pay_once, [PAY, CRASH, "timer shop/till:deadline #0"], ONE)

    assert notes(replayed) == [("answer", "DeadlineExceeded")]


def test_timers_end_with_their_node() -> None:
    async def scenario(sim: Simulation) -> None:
        await sim.node("one", start_ticker(sim))
        await asyncio.sleep(1.5)

    calm = ran(scenario, [], ONE)
    one = calm.run.schedule.index("timer scenario:sleep #0")
    crashed = ran(scenario, [*take(calm, one), "crash one #0"], ONE)

    assert notes(calm) == [1, 1, 1]
    assert notes(crashed) == [1, 2, 2, 2]


def test_who_is_on_the_way_out_does_nothing_any_more() -> None:
    class Stubborn(Actor):
        def __init__(self, sim: Simulation, other: Any, disk: Disk) -> None:
            self.sim = sim
            self.other = other
            self.disk = disk

        @handler
        async def pay(self, message: Pay) -> None:
            try:
                await asyncio.sleep(10.0)
            finally:
                self.sim.note("from beyond")
                self.other.tell(Add(1))
                self.context.spawn(Stubborn)

    async def start(node: Node) -> None:
        props = Props(Stubborn, here["sim"], node.ref("far/counter"), node.disk)
        stubborn = node.system.spawn(props, name="stubborn")
        if node.incarnation == 1:
            stubborn.tell(Pay(1))

    here: dict[str, Simulation] = {}

    async def scenario(sim: Simulation) -> None:
        here["sim"] = sim
        await sim.node("far", start_counter)
        await sim.node("one", start)
        sim.at_rest(lambda view: view["far/counter"].seen == [], "heard nothing")
        await asyncio.sleep(20.0)

    turn = ran(scenario, []).run.schedule[0]
    replayed = ran(scenario, [turn, "crash one #0"], ONE)

    assert notes(replayed) == []
    assert replayed.run.broken is None


def test_who_asks_an_actor_of_a_crashed_system_is_told_that_it_has_stopped() -> None:
    async def scenario(sim: Simulation) -> None:
        bank = await sim.node("bank", start_ledger)
        ledger = bank.system.lookup("/ledger")
        assert ledger is not None
        await asyncio.sleep(1.0)
        with pytest.raises(ActorStopped):
            await ledger.request(Add(1))
        sim.note("stopped")

    assert notes(ran(scenario, [CRASH], ONE)) == ["stopped"]


def test_a_node_may_crash_while_it_starts_again() -> None:
    async def slowly(node: Node) -> None:
        await asyncio.sleep(1.0)
        node.system.spawn(Props(Counter3, node.incarnation), name="counter")

    class Counter3(Actor):
        def __init__(self, incarnation: int) -> None:
            self.incarnation = incarnation

    async def scenario(sim: Simulation) -> None:
        await sim.node("one", slowly)
        sim.at_rest(lambda view: view["one/counter"].incarnation == 3, "the third")
        await asyncio.sleep(5.0)

    replayed = ran(
        scenario,
        ["timer scenario:sleep #0", "crash one #0", "restart one", "crash one #1"],
        Faults(node_crashes=2),
    )

    assert replayed.run.broken is None


def test_a_start_that_fails_after_a_crash_is_a_failure() -> None:
    async def only_once(node: Node) -> None:
        if node.incarnation > 1:
            raise LookupError("the disk is empty")

    async def scenario(sim: Simulation) -> None:
        await sim.node("one", only_once)
        await asyncio.sleep(1.0)

    verdict = explore_system(scenario, faults=ONE, schedules=20)

    assert verdict.failure is not None
    assert verdict.failure.property == "node one starts again"
    assert verdict.failure.schedule == ("crash one #0", "restart one")


def test_a_budget_counts_for_its_node_alone() -> None:
    faults = Faults(node_crashes={"shop": 1})

    with pytest.raises(ForeignScheduleError):
        ran(pay_once, [PAY, CRASH], faults)

    assert "crash shop #0" in ran(pay_once, [PAY, "crash shop #0"], faults).run.schedule


def test_a_write_may_fail() -> None:
    replayed = ran(pay_once, [PAY, ASK, "fail write bank:log #0"], Faults(write_errors=1))

    assert replayed.run.broken is not None
    assert "OSError" in replayed.run.broken.detail


def test_a_failed_sync_leaves_what_was_written_unsynced() -> None:
    async def scenario(sim: Simulation) -> None:
        await sim.node("one", start_writer(sim, b"abcdef"))
        await asyncio.sleep(1.0)

    faults = Faults(write_errors=1, node_crashes=1)
    first = ran(scenario, [], faults)
    replayed = ran(
        scenario,
        [*take(first, 1), "write one:file #0", "fail sync one:file #0", "crash one #0"],
        faults,
    )

    assert notes(replayed)[:3] == [b"", "failed: b'abcdef'", b""]


async def cut_short(disk: Disk) -> bytes:
    await disk.append("file", b"abcdef")
    await disk.truncate("file", 2)
    return disk.read("file")


def test_a_file_is_cut_down() -> None:
    async def scenario(sim: Simulation) -> None:
        node = await sim.node("one", start_counter)
        sim.note(await cut_short(node.disk))
        sim.note(node.disk.names)

    assert notes(ran(scenario, [])) == [b"ab", ("file",)]


@pytest.mark.parametrize(("name", "data"), [("", b"x"), (3, b"x"), ("file", "text")])
def test_what_cannot_be_written_is_refused(name: Any, data: Any) -> None:
    async def scenario(sim: Simulation) -> None:
        node = await sim.node("one", start_counter)
        await node.disk.append(name, data)

    with pytest.raises(ScenarioError, match="cannot be written"):
        explore_system(scenario, schedules=1)


def with_total(total: int) -> Any:
    async def scenario(sim: Simulation) -> None:
        sim.at_rest(lambda view: view["bank/ledger"].total == total, f"the total is {total}")
        try:
            await pay_once(sim)
        except ActorStopped:
            sim.note("stopped")

    return scenario


def take(replayed: Any, number: int) -> tuple[str, ...]:
    names: tuple[str, ...] = replayed.run.schedule[:number]
    return names


class Writer(Actor):
    """Notes what is on its disk, then writes."""

    def __init__(self, sim: Simulation, disk: Disk, data: bytes) -> None:
        self.sim = sim
        self.disk = disk
        self.data = data

    @handler
    async def pay(self, message: Pay) -> None:
        self.sim.note(self.disk.read("file"))
        if message.amount:
            await self.disk.append("file", self.data)
            try:
                await self.disk.sync("file")
            except OSError:
                self.sim.note(f"failed: {self.disk.read('file')!r}")
            await asyncio.sleep(10.0)


def start_writer(sim: Simulation, data: bytes) -> Any:
    async def start(node: Node) -> None:
        writer = node.system.spawn(Props(Writer, sim, node.disk, data), name="writer")
        writer.tell(Pay(1 if node.incarnation == 1 else 0))

    return start


class Ticker(Actor):
    def __init__(self, sim: Simulation, incarnation: int) -> None:
        self.sim = sim
        self.incarnation = incarnation
        self.left = 3

    def on_start(self) -> None:
        self.context.start_timer("tick", Pay(1), every=1.0)

    @handler
    def pay(self, message: Pay) -> None:
        self.sim.note(self.incarnation)
        self.left -= 1
        if not self.left:
            self.context.cancel_timer("tick")


def start_ticker(sim: Simulation) -> Any:
    async def start(node: Node) -> None:
        node.system.spawn(Props(Ticker, sim, node.incarnation), name="ticker")

    return start
