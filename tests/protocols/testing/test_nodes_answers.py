"""What crosses nodes beside messages: errors as answers, refs of who is not there yet, timers."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorRef,
    ActorStopped,
    Props,
    Refused,
    handler,
)
from dramaturg.protocols.testing import Faults, Node, Simulation
from tests.protocols.testing.nodes_kit import Add, Pay, Who, notes, ran


class Refuser(Actor):
    """Says no, and why: with a list that it goes on to change, and its own ref."""

    def __init__(self) -> None:
        self.reasons = ["first"]

    @handler
    def pay(self, message: Pay) -> None:
        raise Refused("no", reasons=self.reasons, whom=self.actor_ref)

    @handler
    def add(self, message: Add) -> None:
        raise UnusableError([message.amount])

    @handler
    def who(self, message: Who) -> None:
        raise SlotsError(1, held=[])


class UnusableError(Exception):
    def __init__(self, held: list[int]) -> None:
        self.held = held
        super().__init__("unusable")


class SlotsError(Exception):
    """Cannot be copied: it is made of more than its arguments."""

    def __init__(self, number: int, *, held: list[int]) -> None:
        self.held = held
        super().__init__(number)


def start_refuser(node: Node) -> None:
    node.system.spawn(Refuser, name="refuser")


async def refusal(sim: Simulation, message: object) -> Any:
    """Return what an actor of a node answers with, and that actor."""
    node = await sim.node("far", start_refuser)
    here: Any = node.system.lookup("/refuser")
    try:
        await sim.ref("far/refuser").request(message)
    except (Refused, ActorCrashed) as error:
        return error, here.cell.actor
    raise AssertionError("answered")


def test_an_error_that_is_an_answer_shares_nothing_with_its_node() -> None:
    async def scenario(sim: Simulation) -> None:
        error, actor = await refusal(sim, Pay(1))
        error.details["reasons"].append("mine")
        sim.note((actor.reasons, error.details["whom"].path, str(error)))

    assert notes(ran(scenario, [])) == [(["first"], "far/refuser", "no")]


def test_what_an_error_was_caused_by_is_copied_with_it() -> None:
    async def scenario(sim: Simulation) -> None:
        error, _ = await refusal(sim, Add(3))
        sim.note((type(error.__cause__).__name__, error.__traceback__ is not None))
        sim.note((error.__cause__.__traceback__, error.where.partition(" in ")[2]))

    assert notes(ran(scenario, [])) == [("UnusableError", True), (None, "add")]


def test_a_cause_that_cannot_be_copied_stays_behind() -> None:
    async def scenario(sim: Simulation) -> None:
        error, _ = await refusal(sim, Who())
        sim.note((error.cause, error.__cause__))

    assert notes(ran(scenario, [])) == [("SlotsError: 1", None)]


def test_a_crash_of_the_simulations_is_known_as_such_on_other_nodes() -> None:
    class Asker(Actor):
        def __init__(self, other: ActorRef[Any]) -> None:
            self.other = other

        @handler
        async def pay(self, message: Pay) -> None:
            await self.other.request(Who())

    class Answerer(Actor):
        @handler
        async def who(self, message: Who) -> None:
            await asyncio.sleep(1.0)

    def start_far(node: Node) -> None:
        node.system.spawn(Answerer, name="answerer")

    def start_near(node: Node) -> None:
        node.system.spawn(Props(Asker, node.ref("far/answerer")), name="asker")

    async def scenario(sim: Simulation) -> None:
        await sim.node("far", start_far)
        await sim.node("near", start_near)
        sim.ref("near/asker").tell(Pay(1))

    schedule = [
        "deliver scenario->near/asker #0",
        "deliver near/asker->far/answerer #0",
        "crash far/answerer #0",
    ]
    replayed = ran(scenario, schedule, Faults(crashes={"far": 1}))

    assert replayed.run.broken is None
    assert "ActorCrashed" in str(replayed)


# -- refs ------------------------------------------------------------------------------------


class Counter(Actor):
    def __init__(self) -> None:
        self.total = 0

    @handler
    def add(self, message: Add) -> int:
        self.total += message.amount
        return self.total


def test_a_ref_that_was_taken_before_its_actor_was_there_leads_to_it() -> None:
    async def scenario(sim: Simulation) -> None:
        def start(node: Node) -> None:
            early = node.ref("own/counter")
            assert early is node.ref("own/counter")
            assert not early.is_alive()
            early.tell(Add(100))
            counter = node.system.spawn(Counter, name="counter")
            assert early is counter
            early.tell(Add(1))

        node = await sim.node("own", start)
        sim.note(await sim.ref("own/counter").request(Add(1)))
        sim.note([letter.message for letter in node.system.dead_letters.list()])

    assert notes(ran(scenario, [])) == [2, [Add(100)]]


def test_a_ref_of_the_system_that_is_always_there_can_be_asked() -> None:
    async def scenario(sim: Simulation) -> None:
        ref = sim.ref("/counter")
        with pytest.raises(ActorStopped):
            await ref.request(Add(1))
        sim.system.spawn(Counter, name="counter")
        sim.note(await ref.request(Add(2)))
        sim.note(await sim.ref("/counter").request(Add(3)))

    assert notes(ran(scenario, [])) == [2, 5]


def test_a_ref_of_a_child_that_comes_later_leads_to_it() -> None:
    class Parent(Actor):
        @handler
        def pay(self, message: Pay) -> None:
            self.context.spawn(Counter, name="counter")

    async def scenario(sim: Simulation) -> None:
        ref = sim.ref("/parent/counter")
        await sim.system.spawn(Parent, name="parent").request(Pay(1))
        sim.note(await ref.request(Add(4)))

    assert notes(ran(scenario, [])) == [4]


# -- timers ----------------------------------------------------------------------------------


def test_a_crash_calls_off_what_a_start_function_has_planned() -> None:
    async def scenario(sim: Simulation) -> None:
        def start(node: Node) -> None:
            loop = asyncio.get_running_loop()
            started = node.incarnation

            def ring(times: int) -> None:
                sim.note((started, times))
                if times < 3:
                    loop.call_later(10.0, ring, times + 1)

            loop.call_later(10.0, ring, 1)

        await sim.node("one", start)
        await asyncio.sleep(15.0)
        await asyncio.sleep(60.0)

    calm = notes(ran(scenario, []))
    assert calm == [(1, 1), (1, 2), (1, 3)]

    first = ["timer scenario:sleep #0", "timer scenario:sleep #1", "crash one #0"]
    crashed = ran(scenario, first, Faults(node_crashes=1))
    assert notes(crashed) == [(1, 1), (2, 1), (2, 2), (2, 3)]
