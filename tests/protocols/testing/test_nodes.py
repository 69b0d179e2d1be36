"""Several systems in one simulation: what reaches from one node to another, and what does not."""

import asyncio
from threading import Lock
from typing import Any

import pytest

from dramaturg.actors import ActorStopped
from dramaturg.protocols.testing import (
    Faults,
    Network,
    Node,
    ScenarioError,
    Simulation,
    explore_system,
)
from tests.protocols.testing.nodes_kit import (
    Add,
    Basket,
    Counter,
    Pay,
    Who,
    notes,
    pay_once,
    ran,
    start_counter,
    start_ledger,
    start_till,
    tell_three,
)


def test_a_request_and_its_answer_cross_the_network() -> None:
    replayed = ran(pay_once, ["deliver shop/till->bank/ledger #0"][:0])

    assert replayed.run.schedule == (
        "deliver scenario->shop/till #0",
        "deliver shop/till->bank/ledger #0",
        "write bank:log #0",
        "sync bank:log #0",
        "deliver bank/ledger->shop/till #0",
        "deliver shop/till->scenario #0",
    )
    assert notes(replayed) == [("answer", 5)]


def test_an_answer_cannot_come_before_its_question() -> None:
    verdict = explore_system(pay_once, network=Network.UNORDERED, schedules=50)

    assert verdict.outcome == "pass"


def test_a_message_is_from_its_sender_also_on_another_node() -> None:
    async def scenario(sim: Simulation) -> None:
        await tell_three(sim)
        counter: Any = sim.nodes.all["far"].system.lookup("/counter")
        sim.note(counter.cell.actor.senders)

    assert notes(ran(scenario, [])) == [["near/teller"] * 3]


def test_messages_of_one_sender_stay_in_order() -> None:
    async def scenario(sim: Simulation) -> None:
        sim.at_rest(lambda view: view["far/counter"].seen == [1, 2, 3], "in order")
        await tell_three(sim)

    assert explore_system(scenario, schedules=100).outcome == "pass"


def test_a_network_without_order_delivers_in_any() -> None:
    async def scenario(sim: Simulation) -> None:
        sim.at_rest(lambda view: view["far/counter"].seen == [1, 2, 3], "in order")
        await tell_three(sim)

    verdict = explore_system(scenario, network=Network.UNORDERED, schedules=100)

    assert verdict.failure is not None
    assert verdict.failure.property == "at_rest in order"
    assert verdict.failure.departures == 1


def test_no_two_nodes_share_a_message() -> None:
    async def scenario(sim: Simulation) -> None:
        far = await sim.node("far", start_counter)
        await sim.node("near", start_till("far/counter"))
        mine = Basket(["mine"])
        sim.ref("near/till").tell(mine)
        await asyncio.sleep(1.0)
        counter: Counter = far.system.lookup("/counter").cell.actor  # type: ignore[union-attr,assignment]
        sim.note((mine.items, [basket.items for basket in counter.seen]))

    assert notes(ran(scenario, [])) == [(["mine"], [["mine", "changed"]])]


def test_a_ref_in_a_message_leads_back_to_its_node() -> None:
    async def scenario(sim: Simulation) -> None:
        await sim.node("far", start_counter)
        near = await sim.node("near", start_till("far/counter"))
        sim.ref("near/till").tell(Basket())
        await asyncio.sleep(1.0)
        till: Any = near.system.lookup("/till").cell.actor  # type: ignore[union-attr]
        sim.note(till.told)

    assert notes(ran(scenario, [])) == [[1]]


def test_a_ref_in_an_answer_leads_to_its_node() -> None:
    async def scenario(sim: Simulation) -> None:
        far = await sim.node("far", start_counter)
        near = await sim.node("near", start_till("far/counter"))
        await sim.ref("near/till").request(Who())
        await asyncio.sleep(1.0)
        till: Any = near.system.lookup("/till").cell.actor  # type: ignore[union-attr]
        counter: Any = far.system.lookup("/counter").cell.actor  # type: ignore[union-attr]
        sim.note((till.answers, counter.seen))

    assert notes(ran(scenario, [])) == [(["far/counter"], [7])]


def test_an_actor_of_the_own_node_is_itself() -> None:
    async def scenario(sim: Simulation) -> None:
        far = await sim.node("far", start_counter)
        await asyncio.sleep(1.0)
        sim.note(far.ref("far/counter") == far.system.lookup("/counter"))

    assert notes(ran(scenario, [])) == [True]


def test_a_request_to_an_actor_that_is_not_there_is_told_so() -> None:
    async def scenario(sim: Simulation) -> None:
        bank = await sim.node("bank", start_ledger)
        with pytest.raises(ActorStopped, match="/nobody"):
            await sim.ref("bank/nobody").request(Add(1))
        sim.ref("bank/nobody").tell(Add(2))
        await asyncio.sleep(1.0)
        sim.note([letter.message for letter in bank.system.dead_letters.list()])

    assert notes(ran(scenario, [])) == [[Add(1), Add(2)]]


def test_nodes_have_ids_and_randomness_of_their_own_and_the_same_in_each_run() -> None:
    async def scenario(sim: Simulation) -> None:
        for name in ("a", "b"):
            node = await sim.node(name, start_counter)
            await asyncio.sleep(1.0)
            sim.note((name, str(node.system.ids()), node.system.random.random()))

    first, second = notes(ran(scenario, [])), notes(ran(scenario, []))

    assert first == second
    assert first[0][1:] != first[1][1:]


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a>b", "a#1", "scenario", 3])
def test_a_node_needs_a_name(name: Any) -> None:
    async def scenario(sim: Simulation) -> None:
        await sim.node(name, start_counter)

    with pytest.raises(ScenarioError, match="node"):
        explore_system(scenario, schedules=1)


def test_two_nodes_of_one_name_are_refused() -> None:
    async def scenario(sim: Simulation) -> None:
        await sim.node("a", start_counter)
        await sim.node("a", start_counter)

    with pytest.raises(ScenarioError, match="taken"):
        explore_system(scenario, schedules=1)


@pytest.mark.parametrize("address", ["", "bank", "bank/", 7])
def test_what_is_no_address_is_refused(address: Any) -> None:
    async def scenario(sim: Simulation) -> None:
        sim.ref(address)

    with pytest.raises(ScenarioError, match="no address"):
        explore_system(scenario, schedules=1)


def test_a_message_to_a_node_that_is_not_there_is_refused() -> None:
    async def scenario(sim: Simulation) -> None:
        sim.ref("bank/ledger").tell(Add(1))

    with pytest.raises(ScenarioError, match="there is no node 'bank'"):
        explore_system(scenario, schedules=1)


def test_what_cannot_be_copied_does_not_leave_a_node() -> None:
    async def scenario(sim: Simulation) -> None:
        await sim.node("bank", start_ledger)
        sim.ref("bank/ledger").tell(Lock())

    with pytest.raises(ScenarioError, match="cannot be copied"):
        explore_system(scenario, schedules=1)


def test_an_actor_of_another_node_cannot_be_stopped() -> None:
    async def scenario(sim: Simulation) -> None:
        await sim.node("bank", start_ledger)
        sim.ref("bank/ledger").request_stop()

    with pytest.raises(ScenarioError, match="lives on another node"):
        explore_system(scenario, schedules=1)


def test_a_failing_start_is_the_scenarios_failure() -> None:
    async def start(node: Node) -> None:
        raise LookupError(node.name)

    async def scenario(sim: Simulation) -> None:
        await sim.node("bank", start)

    verdict = explore_system(scenario, schedules=1)

    assert verdict.failure is not None
    assert verdict.failure.property == "scenario raises LookupError"


def test_faults_of_a_network_need_nodes() -> None:
    async def scenario(sim: Simulation) -> None:
        await asyncio.sleep(1.0)

    with pytest.raises(ScenarioError, match="cannot happen in one system"):
        explore_system(scenario, faults=Faults(node_crashes={"bank": 1}), schedules=1)


def test_a_network_that_repeats_is_only_for_plain_actors() -> None:
    with pytest.raises(ScenarioError, match="plain actors"):
        explore_system(pay_once, network=Network.REPEATING)


def test_a_ref_of_another_nodes_actor_does_not_lead_past_the_network() -> None:
    async def scenario(sim: Simulation) -> None:
        bank = await sim.node("bank", start_ledger)
        ledger = bank.system.lookup("/ledger")

        async def start(node: Node) -> None:
            node.system.spawn(Counter, name="counter").tell(Basket(owner=ledger))

        await sim.node("shop", start)
        await asyncio.sleep(1.0)

    verdict = explore_system(scenario, schedules=1)

    assert verdict.failure is not None
    assert 'node.ref("bank/...")' in verdict.failure.detail


def test_the_scenario_may_use_the_refs_of_a_node() -> None:
    async def scenario(sim: Simulation) -> None:
        bank = await sim.node("bank", start_ledger)
        ledger = bank.system.lookup("/ledger")
        assert ledger is not None
        sim.note(await ledger.request(Add(4)))

    assert notes(ran(scenario, [])) == [4]


def test_a_view_knows_the_actors_of_nodes() -> None:
    async def scenario(sim: Simulation) -> None:
        await sim.node("shop", start_till("bank/ledger"))
        await sim.node("bank", start_ledger)
        sim.sometimes(lambda view: view["bank/ledger"].total == 5, "paid")
        sim.always(lambda view: view.up("bank"), "the bank is up")
        await sim.ref("shop/till").request(Pay(5))

    assert explore_system(scenario, schedules=5).outcome == "pass"
