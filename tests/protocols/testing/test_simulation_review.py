"""What a review of simulations and their nodes has found: who is gone does nothing, and more."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorStopped,
    DeadlineExceeded,
    Props,
    handler,
)
from dramaturg.protocols.testing import (
    Disk,
    Faults,
    Network,
    Node,
    ScenarioError,
    Simulation,
    explore_system,
)
from tests.protocols.testing.nodes_kit import Add, Counter, Pay, Teller, Who, notes, ran


class Parting(Actor):
    """Writes when it is cancelled."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk

    @handler
    async def pay(self, message: Pay) -> None:
        try:
            await asyncio.sleep(100.0)
        finally:
            await self.disk.append("log", b"too late")
            await self.disk.sync("log")


def test_who_is_on_the_way_out_writes_nothing_to_the_disk() -> None:
    async def start(node: Node) -> None:
        if node.incarnation == 1:
            node.system.spawn(Props(Parting, node.disk), name="parting").tell(Pay(1))

    async def scenario(sim: Simulation) -> None:
        node = await sim.node("a", start)
        await asyncio.sleep(60.0)
        sim.note(node.disk.read("log"))

    schedule = ["deliver scenario->a/parting #0", "crash a #0", "restart a"]

    replayed = ran(scenario, schedule, Faults(node_crashes=1))

    assert notes(replayed) == [b""]
    assert not [name for name in replayed.run.schedule if name.startswith("write")]


def test_a_node_comes_back_though_its_start_wanted_to_write_when_it_was_cut_short() -> None:
    async def start(node: Node) -> None:
        try:
            await asyncio.sleep(1.0)
        finally:
            await node.disk.append("log", b"%d" % node.incarnation)

    async def scenario(sim: Simulation) -> None:
        node = await sim.node("a", start)
        await asyncio.sleep(60.0)
        sim.note((node.up, node.disk.read("log")))

    schedule = [
        *("timer scenario:sleep #0", "write a:log #0"),
        *("crash a #0", "restart a", "crash a #1", "restart a"),
    ]

    replayed = ran(scenario, schedule, Faults(node_crashes=2))

    assert notes(replayed) == [(True, b"3")]


def test_what_a_start_has_set_going_ends_with_its_node() -> None:
    async def scenario(sim: Simulation) -> None:
        kept: list[asyncio.Task[None]] = []

        async def tick(incarnation: int) -> None:
            for _ in range(2):
                await asyncio.sleep(1.0)
                sim.note(incarnation)

        async def start(node: Node) -> None:
            kept.append(asyncio.create_task(tick(node.incarnation)))

        await sim.node("a", start)
        await asyncio.sleep(60.0)

    replayed = ran(scenario, ["crash a #0", "restart a"], Faults(node_crashes=1))

    assert notes(replayed) == [2, 2]


def test_who_is_on_the_way_out_reaches_nobody_by_a_ref_that_is_made_then() -> None:
    async def scenario(sim: Simulation) -> None:
        class Calling(Actor):
            def __init__(self, node: Node) -> None:
                self.node = node

            @handler
            async def pay(self, message: Pay) -> None:
                try:
                    await asyncio.sleep(100.0)
                finally:
                    sim.ref("far/counter").tell(Add(1))
                    await asyncio.sleep(1.0)
                    self.node.ref("far/counter").tell(Add(2))

        def start(node: Node) -> None:
            if node.incarnation == 1:
                node.system.spawn(Props(Calling, node), name="calling").tell(Pay(1))

        far = await sim.node("far", start_counter)
        await sim.node("near", start)
        await asyncio.sleep(60.0)
        counter: Any = far.system.lookup("/counter")
        sim.note(counter.cell.actor.seen)

    schedule = ["deliver scenario->near/calling #0", "crash near #0", "restart near"]

    assert notes(ran(scenario, schedule, Faults(node_crashes=1))) == [[]]


def test_who_is_not_there_on_the_own_node_has_stopped() -> None:
    async def scenario(sim: Simulation) -> None:
        node = await sim.node("far", start_counter)
        node.ref("far/nobody").tell(Add(1))
        with pytest.raises(ActorStopped):
            await node.ref("far/nobody").request(Add(1))

    assert ran(scenario, []).run.broken is None


class Passer(Actor):
    """Passes on what it is told."""

    def __init__(self, other: ActorRef[Any]) -> None:
        self.other = other

    @handler
    def add(self, message: Add) -> None:
        self.context.forward(self.other)


def start_counter(node: Node) -> None:
    node.system.spawn(Counter, name="counter")


def start_passer(node: Node) -> None:
    node.system.spawn(Props(Passer, node.ref("far/counter")), name="passer")


def test_what_a_node_passes_on_for_the_scenario_may_get_lost() -> None:
    async def scenario(sim: Simulation) -> None:
        await sim.node("far", start_counter)
        await sim.node("near", start_passer)
        sim.at_rest(lambda view: view["far/counter"].seen == [1], "arrived")
        sim.ref("near/passer").tell(Add(1))

    assert explore_system(scenario, schedules=20).passed
    verdict = explore_system(scenario, faults=Faults(drops=1), schedules=20)

    assert verdict.failure is not None
    assert verdict.failure.property == "at_rest arrived"


def test_what_a_node_passes_on_goes_by_its_own_part_of_the_network() -> None:
    def start_asker(node: Node) -> None:
        node.system.spawn(Props(Teller, node.ref("near/passer")), name="teller")

    async def scenario(sim: Simulation) -> None:
        await sim.node("far", start_counter)
        await sim.node("near", start_passer)
        await sim.node("third", start_asker)
        sim.ref("third/teller").tell(Pay(1))

    faults = Faults(partitions=1)
    schedule = [
        *("deliver scenario->third/teller #0", "deliver third/teller->near/passer #0"),
        *("partition far,third|near", "heal", "deliver third/teller->far/counter #0"),
    ]

    assert ran(scenario, schedule, faults).run.schedule == tuple(schedule)


def test_what_a_start_sends_to_another_node_may_get_lost() -> None:
    def start_caller(node: Node) -> None:
        node.ref("far/counter").tell(Add(1))

    async def scenario(sim: Simulation) -> None:
        await sim.node("far", start_counter)
        await sim.node("near", start_caller)
        sim.at_rest(lambda view: view["far/counter"].seen == [1], "arrived")

    assert explore_system(scenario, schedules=20).passed
    assert explore_system(scenario, faults=Faults(drops=1), schedules=20).failure is not None


class Writer(Actor):
    def __init__(self, disk: Disk) -> None:
        self.disk = disk

    @handler
    async def add(self, message: Add) -> None:
        await self.disk.append("log", b"x")


class Reader(Actor):
    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.saw = b"?"

    @handler
    def add(self, message: Add) -> None:
        self.saw = self.disk.read("log")


def start_two(node: Node) -> None:
    node.system.spawn(Props(Writer, node.disk), name="writer")
    node.system.spawn(Props(Reader, node.disk), name="reader")


def start_tellers(node: Node) -> None:
    for name in ("writer", "reader"):
        node.system.spawn(Props(Teller, node.ref(f"store/{name}")), name=f"to_{name}")


def test_two_actors_who_share_a_disk_do_not_commute() -> None:
    seen: set[bytes] = set()

    async def scenario(sim: Simulation) -> None:
        await sim.node("store", start_two)
        await sim.node("source", start_tellers)
        sim.at_rest(lambda view: seen.add(view["store/reader"].saw), "noted")
        for name in ("to_writer", "to_reader"):
            sim.ref(f"source/{name}").tell(Pay(1))

    verdict = explore_system(scenario, exhaustive=True)

    assert verdict.complete
    assert seen == {b"", b"x"}


class Cell(Actor):
    """Forgets all when it crashes."""

    def __init__(self) -> None:
        self.value = 0

    @handler
    def who(self, message: Who) -> int:
        return self.value

    @handler
    def add(self, message: Add) -> None:
        self.value = message.amount


class Adder(Actor):
    def __init__(self, cell: ActorRef[Cell]) -> None:
        self.cell = cell

    @handler
    async def pay(self, message: Pay) -> None:
        found = await self.cell.request(Who())
        self.cell.tell(Add(found + message.amount))


def test_what_may_crash_at_the_end_need_not() -> None:
    async def scenario(sim: Simulation) -> None:
        sim.at_rest(lambda view: view["/cell"] is None or view["/cell"].value == 11, "both added")
        cell = sim.system.spawn(Cell, name="cell")
        for name, amount in (("ann", 1), ("bob", 10)):
            sim.system.spawn(Props(Adder, cell), name=name).tell(Pay(amount))

    faults = Faults(crashes={"/cell": 1})

    verdict = explore_system(scenario, faults=faults, exhaustive=True, schedules=10_000)

    assert verdict.failure is not None
    assert verdict.failure.property == "at_rest both added"


class Waiting(Actor):
    @handler
    async def pay(self, message: Pay) -> None:
        await asyncio.sleep(5.0)


def test_a_crash_at_the_top_where_a_handler_waits_is_no_failure_of_the_system() -> None:
    async def scenario(sim: Simulation) -> None:
        sim.system.spawn(Waiting, name="waiting").tell(Pay(1))

    replayed = ran(
        scenario, ["deliver scenario->/waiting #0", "crash /waiting #0"], Faults(crashes=1)
    )

    assert replayed.run.broken is None


def test_a_handler_that_cancels_itself_is_a_failure_of_the_system() -> None:
    class Giving(Actor):
        @handler
        async def pay(self, message: Pay) -> None:
            raise asyncio.CancelledError

    async def scenario(sim: Simulation) -> None:
        sim.system.spawn(Giving, name="giving").tell(Pay(1))

    broken = ran(scenario, [], Faults(crashes=1)).run.broken

    assert broken is not None
    assert broken.name == "system fails"


def test_an_answer_that_cannot_be_copied_is_refused() -> None:
    class Odd(Actor):
        @handler
        def who(self, message: Who) -> Any:
            return iter(map(str, (each for each in "")))

    def start(node: Node) -> None:
        node.system.spawn(Odd, name="odd")

    async def scenario(sim: Simulation) -> None:
        await sim.node("a", start)
        with pytest.raises(DeadlineExceeded):
            await sim.ref("a/odd").request(Who())

    with pytest.raises(ScenarioError, match=r"a/odd: sends .*cannot be copied"):
        explore_system(scenario)


async def one_node(sim: Simulation) -> None:
    await sim.node("bank", start_counter)
    sim.ref("bank/counter").tell(Add(1))


def test_a_crash_of_a_node_that_never_was_is_refused() -> None:
    with pytest.raises(ScenarioError, match="in no run: bnak; expected some of bank"):
        explore_system(one_node, faults=Faults(node_crashes={"bnak": 1, "bank": 1}), schedules=20)


def test_a_crash_of_a_node_that_only_some_runs_have_is_none_of_those() -> None:
    async def scenario(sim: Simulation) -> None:
        node = await sim.node("bank", start_counter)
        await asyncio.sleep(1.0)
        if node.incarnation > 1:
            await sim.node("spare", start_counter)

    faults = Faults(node_crashes={"bank": 1, "spare": 1})

    assert explore_system(scenario, faults=faults, schedules=20).passed


@pytest.mark.parametrize("start", [None, 5, "start"])
def test_what_cannot_start_a_node_is_refused(start: Any) -> None:
    async def scenario(sim: Simulation) -> None:
        await sim.node("a", start)

    with pytest.raises(ScenarioError, match="cannot be started"):
        explore_system(scenario)


@pytest.mark.parametrize(
    "options",
    [
        {"faults": None},
        {"faults": 3},
        {"network": "fifo"},
        {"network": None},
        {"horizon": "long"},
        {"horizon": -1.0},
        {"horizon": float("nan")},
        {"horizon": None},
    ],
)
def test_an_option_that_is_none_is_refused(options: Any) -> None:
    with pytest.raises(ScenarioError, match="cannot be used"):
        explore_system(one_node, **options)


@pytest.mark.parametrize(
    "budgets", [{"drops": {"a": 1}}, {"crashes": {1: 1}}, {"node_crashes": {None: 1}}]
)
def test_a_budget_of_nothing_that_has_a_name_is_refused(budgets: Any) -> None:
    with pytest.raises(ScenarioError, match="no budget"):
        Faults(**budgets)


def test_a_network_without_order_needs_no_budget() -> None:
    assert explore_system(one_node, network=Network.UNORDERED, horizon=10).passed
