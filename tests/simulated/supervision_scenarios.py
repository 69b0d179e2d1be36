"""Scenarios on what a supervisor is asked meanwhile, on its pauses, and on its end."""

from dataclasses import dataclass
from typing import Any

from dramaturg.actors import Actor, ActorRef, DeadlineExceeded, Props, handler
from dramaturg.actors._state import RUNNING
from dramaturg.protocols.testing import Faults, Simulation, SystemView
from dramaturg.supervision import (
    Backoff,
    ChildRefused,
    ChildSpec,
    DeleteChild,
    RestartChild,
    StartChild,
    StartInstance,
    TerminateChild,
    WhichChildren,
)
from tests.simulated.case import Case
from tests.simulated.household import Household
from tests.simulated.supervisor_kit import (
    Chief,
    Part,
    SlowPart,
    Timed,
    household,
    started,
    torment,
)


@dataclass(frozen=True)
class Go:
    """Begin to ask."""


class Client(Actor):
    """Asks a supervisor for the end of a child, its restart and so on, one after the other."""

    def __init__(self, sup: ActorRef[Any], house: Household, id_: str, *what: str) -> None:
        self.sup = sup
        self.house = house
        self.id = id_
        self.what = what

    @handler
    async def go(self, message: Go) -> None:
        for each in self.what:
            try:
                await getattr(self, each)()
            except ChildRefused as error:
                self.house.sim.note((self.id, each, type(error).__name__))
            except DeadlineExceeded:  # rung early: it may be done yet
                return

    async def terminate(self) -> None:
        self.house.asks_end(self.id)
        await self.sup.request(TerminateChild(self.id))
        self.house.has_ended(self.id)

    async def restart(self) -> None:
        self.house.asks_start(self.id)
        await self.sup.request(RestartChild(self.id))

    async def delete(self) -> None:
        await self.sup.request(DeleteChild(self.id))
        self.house.forgets(self.id)

    async def add(self) -> None:
        spec = ChildSpec(self.id, Props(Part, self.house))
        await self.sup.request(StartChild(spec))


def client(sim: Simulation, sup: ActorRef[Any], house: Household, id_: str, *what: str) -> None:
    """Let a client begin to ask."""
    sim.system.spawn(Props(Client, sup, house, id_, *what), name=f"client-{id_}").tell(Go())


def agrees(house: Household) -> Any:
    """Hold if the supervisor's own list of its children is right."""

    def check(view: SystemView) -> None:
        sup = view[house.path]
        listed = {each.id: each.state for each in sup._which_children(WhichChildren())}
        known = {id_: "running" if each.up else "down" for id_, each in house.members.items()}
        assert listed == known, f"{listed} instead of {known}"

    return check


async def asked(sim: Simulation) -> None:
    """Children are ended, restarted, deleted and added while they fail."""
    house = household(sim, *[ChildSpec(id_, Part) for id_ in "abc"], intensity=9)
    refs = await started(sim, house)
    sim.at_rest(agrees(house), "it knows its children")
    sim.at_rest(lambda view: set(house.members) >= {"a", "b"}, "two are still there")
    torment(sim, refs, b="fall leave", c="fall")
    client(sim, refs["sup"], house, "b", "terminate", "restart")
    client(sim, refs["sup"], house, "c", "terminate", "delete", "add")


async def asked_slowly(sim: Simulation) -> None:
    house = household(sim, *[ChildSpec(id_, SlowPart) for id_ in "abc"], intensity=9)
    refs = await started(sim, house)
    sim.at_rest(agrees(house), "it knows its children")
    torment(sim, refs, b="fall", c="fall")
    client(sim, refs["sup"], house, "b", "terminate", "delete", "add")
    client(sim, refs["sup"], house, "c", "restart", "terminate")


async def terminated_while_due(sim: Simulation) -> None:
    """A child is terminated about when it fails, or while its restart is due."""
    backoff = Backoff(1.0, 1.0)
    house = household(sim, ChildSpec("a", Part, backoff=backoff), ChildSpec("b", Part), intensity=9)
    refs = await started(sim, house)
    torment(sim, refs, a="fall")
    client(sim, refs["sup"], house, "a", "terminate")
    a = house.members["a"]
    sim.sometimes(lambda view: a.is_owed and not a.wanted, "its restart is due")
    sim.at_rest(lambda view: not a.up, "it is down")


async def pauses(sim: Simulation) -> None:
    """The pauses before restarts double, up to their limit, and begin anew after a good time."""
    backoff = Backoff(1.0, 4.0, reset_after=10.0)
    house = household(sim, ChildSpec("a", Part, backoff=backoff), intensity=9, period=1.0)
    refs = await started(sim, house)
    falls = [1.0, 3.0, 6.0, 11.0, 30.0]
    sim.system.spawn(Props(Timed, *[(when, refs["a"], "fall") for when in falls]), name="timed")

    def right(view: SystemView) -> None:
        times = [time for time, _ in house.begun]
        assert times == [0.0, 2.0, 5.0, 10.0, 15.0, 31.0], times

    sim.at_rest(right, "the pauses are right")


async def stopped(sim: Simulation, strategy: str) -> None:
    """A supervisor is told to stop while its children fail, or wait for their restarts."""
    backoff = Backoff(1.0, 1.0)
    house = household(
        sim,
        ChildSpec("a", SlowPart),
        ChildSpec("b", Part, backoff=backoff),
        ChildSpec("c", Part),
        strategy=strategy,
        intensity=9,
    )
    refs = await started(sim, house)
    torment(sim, refs, a="fall", b="fall", c="leave")
    sim.sometimes(lambda view: house.over and house.members["b"].is_owed, "a restart is due")
    sim.at_rest(lambda view: house.over, "it has ended")
    sim.at_rest(lambda view: not refs["b"].is_alive(), "and so have its children, for good")
    ender = sim.system.spawn(Props(Ender, refs["sup"], house), name="ender")
    ender.tell(Go())


class Ender(Actor):
    """Stops a supervisor, and waits for that."""

    def __init__(self, sup: ActorRef[Any], house: Household) -> None:
        self.sup = sup
        self.house = house

    @handler
    async def go(self, message: Go) -> None:
        await self.sup.stop(block=False)
        self.house.ends()


async def stopped_of_one(sim: Simulation) -> None:
    await stopped(sim, "one_for_one")


async def stopped_of_all(sim: Simulation) -> None:
    await stopped(sim, "one_for_all")


async def any_significant(sim: Simulation) -> None:
    """The end of one significant child ends the supervisor; its failures do not."""
    house = household(
        sim,
        ChildSpec("a", Part, restart="transient", significant=True),
        ChildSpec("b", Part),
        auto_shutdown="any_significant",
        intensity=9,
    )
    refs = await started(sim, house)
    sim.always(lambda view: not house.over or "a" in house.finished, "not before its end")
    sim.at_rest(lambda view: house.over, "with its end")
    torment(sim, refs, a="fall leave", b="leave")


async def not_significant(sim: Simulation) -> None:
    """Neither a failure nor an end that was asked for is of any significance."""
    house = household(
        sim,
        ChildSpec("a", Part, restart="transient", significant=True),
        ChildSpec("b", Part),
        auto_shutdown="any_significant",
        intensity=9,
    )
    refs = await started(sim, house)
    sim.always(lambda view: not house.over, "it goes on")
    torment(sim, refs, a="fall", b="leave")
    client(sim, refs["sup"], house, "a", "terminate")


async def all_significant(sim: Simulation) -> None:
    """The end of the last significant child ends the supervisor; one may be due meanwhile."""
    due = ChildSpec("b", Part, restart="transient", significant=True, backoff=Backoff(1.0, 1.0))
    house = household(
        sim,
        ChildSpec("a", Part, restart="transient", significant=True),
        due,
        ChildSpec("c", Part),
        auto_shutdown="all_significant",
        intensity=9,
    )
    refs = await started(sim, house)
    both = {"a", "b"}
    sim.always(lambda view: not house.over or both <= house.finished, "not before both have ended")
    sim.at_rest(lambda view: house.over, "with the end of both")
    torment(sim, refs, a="fall leave", b="fall leave")


async def pool(sim: Simulation) -> None:
    """Instances are added and ended while others fail; each is restarted by itself."""
    house = household(sim, ChildSpec("w", Part), strategy="simple_one_for_one", intensity=9)
    sup = sim.system.spawn(Props(Chief, house), name="sup")
    await sup.started()
    del house.members["w"]
    refs: dict[str, ActorRef[Any]] = {}
    for name in "xyz":
        reply = await sup.request(StartInstance(name=name))
        assert reply.ref is not None
        refs[name] = reply.ref
    torment(sim, refs, x="fall", y="fall leave", z="fall")
    house.asks_end("z")
    await sup.request(TerminateChild(refs["z"]))
    house.has_ended("z")
    sim.at_rest(lambda view: refs["z"].cell.state is not RUNNING, "one has ended")
    sim.at_rest(lambda view: refs["x"].cell.state is RUNNING, "another one has not")


CRASH = Faults(crashes={"/sup/": 1})
CASES = (
    Case("supervisor/asked", asked, CRASH),
    Case("supervisor/asked slowly", asked_slowly, CRASH, True),
    Case("supervisor/terminated while due", terminated_while_due, Faults(early_timers=1)),
    Case("supervisor/pauses", pauses, schedules=20),
    Case("supervisor/stopped", stopped_of_one, Faults(early_timers=1)),
    Case("supervisor/stopped, all", stopped_of_all, Faults(early_timers=1)),
    Case("supervisor/any significant", any_significant, CRASH),
    Case("supervisor/not significant", not_significant, CRASH),
    Case("supervisor/all significant", all_significant, Faults(early_timers=1)),
    Case("supervisor/pool", pool, CRASH),
)
