"""Deadlocks in simulated systems: who waits for whom is told, and who can go on is not blamed."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from dramaturg.actors import Actor, ActorRef, Props, handler
from dramaturg.protocols.testing import (
    Node,
    ScenarioError,
    Simulation,
    SystemScenario,
    explore_system,
    no_deadlock,
)

# Of what is found it matters here that it is found, not how short it becomes.
pytestmark = pytest.mark.usefixtures("brief_shrinking")


@dataclass(frozen=True)
class Ask: ...


@dataclass(frozen=True)
class Later: ...


@dataclass(frozen=True)
class Meet:
    other: ActorRef[Any]


class Asker(Actor):
    """Asks another one, and waits."""

    def __init__(self, other: ActorRef[Any] | None = None) -> None:
        self.other = other

    @handler
    async def ask(self, message: Ask) -> int:
        assert self.other is not None
        return int(await self.other.request(Ask(), timeout=60))


class Hanging(Actor):
    """Waits for what nobody does."""

    def __init__(self) -> None:
        self.never = asyncio.Event()

    @handler
    async def hang(self, message: Ask) -> int:
        await self.never.wait()
        return 1

    @handler
    async def later(self, message: Later) -> None: ...


class Sleeper(Actor):
    @handler
    async def ask(self, message: Ask) -> int:
        await asyncio.sleep(10)
        return 1


class Stashing(Actor):
    @handler
    def ask(self, message: Ask) -> int:
        result: int = self.context.stash()
        return result

    @handler
    def later(self, message: Later) -> None:
        self.context.unstash_all()
        self.context.become(self.answering)

    def answering(self, message: Any) -> int:
        return 1


class Answering(Actor):
    @handler
    def ask(self, message: Ask) -> int:
        return 1


class Partner(Actor):
    """Awaits the future of a request, which the runtime's own check for circles does not see."""

    def __init__(self) -> None:
        self.other: ActorRef[Any] | None = None

    @handler
    def meet(self, message: Meet) -> None:
        self.other = message.other

    @handler
    async def ask(self, message: Ask) -> int:
        assert self.other is not None
        return int(await self.other.ask(Ask(), block=False))


def said(scenario: SystemScenario, **options: Any) -> str:
    """Return how the deadlock of a scenario is reported."""
    failure = explore_system(scenario, schedules=20, **options).failure
    assert failure is not None
    assert failure.property == "always no_deadlock"
    return failure.detail


def test_a_chain_is_told_to_its_end_before_its_deadlines_pass() -> None:
    async def scenario(sim: Simulation) -> None:
        no_deadlock(sim)
        c = sim.system.spawn(Hanging, name="c")
        b = sim.system.spawn(Props(Asker, c), name="b")
        a = sim.system.spawn(Props(Asker, b), name="a")
        await a.request(Ask(), timeout=100)

    line = Hanging.hang.__code__.co_firstlineno + 2
    assert said(scenario) == (
        "deadlock: the scenario waits for /a (Ask), /a waits for /b (Ask), /b waits for /c (Ask),"
        f" /c waits in Hanging.hang (test_deadlock.py:{line}) for nothing that could come"
    )


def test_deadlines_may_be_taken_for_help() -> None:
    async def scenario(sim: Simulation) -> None:
        no_deadlock(sim, deadlines_help=True)
        c = sim.system.spawn(Hanging, name="c")
        a = sim.system.spawn(Props(Asker, c), name="a")
        with pytest.raises(Exception, match="/a"):
            await a.request(Ask(), timeout=100)
        c.tell(Later())

    text = said(scenario)
    assert text.startswith("deadlock: /c waits in Hanging.hang (")
    assert text.endswith("for nothing that could come, with 1 unread")


def test_who_sleeps_is_not_stuck() -> None:
    async def scenario(sim: Simulation) -> None:
        no_deadlock(sim)
        b = sim.system.spawn(Sleeper)
        a = sim.system.spawn(Props(Asker, b))
        assert await a.request(Ask(), timeout=100) == 1

    explore_system(scenario, schedules=20).check()


def test_a_circle_is_reported_although_a_timer_is_set() -> None:
    async def scenario(sim: Simulation) -> None:
        no_deadlock(sim)
        ann, bob = (sim.system.spawn(Partner, name=name) for name in ("ann", "bob"))
        for one, other in ((ann, bob), (bob, ann)):
            one.tell(Meet(other))
            one.tell(Ask())
        await asyncio.sleep(1_000)

    text = said(scenario)
    assert text in {
        "deadlock: /ann waits for /bob (Ask), /bob waits for /ann (Ask)",
        "deadlock: /bob waits for /ann (Ask), /ann waits for /bob (Ask)",
    }


def test_the_scenario_that_waits_alone_is_reported() -> None:
    async def scenario(sim: Simulation) -> None:
        no_deadlock(sim)
        await asyncio.Event().wait()

    assert said(scenario) == "deadlock: the scenario waits for nothing that could come"


def test_what_is_stashed_for_good_is_reported() -> None:
    async def scenario(sim: Simulation) -> None:
        no_deadlock(sim)
        stashing = sim.system.spawn(Stashing, name="s")
        stashing.tell(Ask())
        stashing.tell(Ask())

    assert said(scenario) == ("deadlock: /s has stashed 2 messages (Ask, Ask) and takes up none")


def test_who_waits_for_a_request_that_was_stashed_is_told() -> None:
    async def scenario(sim: Simulation) -> None:
        no_deadlock(sim)
        stashing = sim.system.spawn(Stashing, name="s")
        await sim.system.spawn(Props(Asker, stashing), name="a").request(Ask(), timeout=100)

    assert said(scenario) == (
        "deadlock: the scenario waits for /a (Ask), /a waits for /s (Ask),"
        " /s has stashed 1 message (Ask) and takes up none"
    )


def test_what_is_stashed_for_a_while_is_no_deadlock() -> None:
    async def scenario(sim: Simulation) -> None:
        no_deadlock(sim)
        stashing = sim.system.spawn(Stashing)
        asked = asyncio.ensure_future(stashing.request(Ask(), timeout=100))
        await asyncio.sleep(5)
        stashing.tell(Later())
        assert await asked == 1

    explore_system(scenario, schedules=20).check()


def test_who_waits_by_its_nature_may_do_so() -> None:
    async def scenario(sim: Simulation) -> None:
        no_deadlock(sim, may_wait=["/c", "/s"])
        sim.system.spawn(Hanging, name="c").tell(Ask())
        sim.system.spawn(Stashing, name="s").tell(Ask())

    explore_system(scenario, schedules=5).check()


def test_requests_that_are_answered_are_no_deadlock() -> None:
    async def scenario(sim: Simulation) -> None:
        no_deadlock(sim)
        c = sim.system.spawn(Answering)
        b = sim.system.spawn(Props(Asker, c))
        assert await sim.system.spawn(Props(Asker, b)).request(Ask()) == 1

    explore_system(scenario, schedules=20).check()


def test_a_deadlock_depends_on_the_order_and_is_found() -> None:
    class Careless(Partner):
        """Asks the other one while that one may be asking."""

        @handler
        async def ask(self, message: Ask) -> int:
            if self.other is None:
                return 0
            other, self.other = self.other, None
            return int(await other.ask(Ask(), block=False))

    async def scenario(sim: Simulation) -> None:
        no_deadlock(sim)
        ann, bob = (sim.system.spawn(Careless, name=name) for name in ("ann", "bob"))
        ann.tell(Meet(bob))
        bob.tell(Meet(ann))
        await asyncio.gather(*[each.request(Ask(), timeout=100) for each in (ann, bob)])

    assert "/ann waits for /bob (Ask)" in said(scenario)


def test_it_sees_over_the_borders_of_nodes() -> None:
    async def start_b(node: Node) -> None:
        node.system.spawn(Hanging, name="c")

    async def start_a(node: Node) -> None:
        node.system.spawn(Props(Asker, node.ref("b/c")), name="a").tell(Ask())

    async def scenario(sim: Simulation) -> None:
        no_deadlock(sim)
        await sim.node("b", start_b)
        await sim.node("a", start_a)

    text = said(scenario)
    assert "a/a waits for b/c (a request), b/c waits in Hanging.hang" in text


def test_it_is_declared_once() -> None:
    async def scenario(sim: Simulation) -> None:
        no_deadlock(sim)
        no_deadlock(sim)

    with pytest.raises(ScenarioError):
        explore_system(scenario)
