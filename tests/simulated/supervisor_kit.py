"""Supervisors and children whose comings and goings a household watches."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any

from dramaturg.actors import Actor, ActorRef, ExitReason, Props, handler
from dramaturg.protocols.testing import Simulation
from dramaturg.supervision import ChildSpec, Supervisor, SupervisorSpec
from dramaturg.supervision._spec import child_props
from tests.simulated.household import Household

OWN_SHUTDOWN = ExitReason("shutdown", tag="by itself")


class Fallen(Exception):  # noqa: N818 - what happened to the actor
    """What a child fails with when it is told to."""


@dataclass(frozen=True)
class Act:
    """Do as told: fall (fail), leave (end in peace), quit (end as if told to)."""

    what: str


class Part(Actor):
    """A child without hooks.

    :param plan: whether each of the next starts fails; then none does.
    """

    def __init__(self, house: Household, plan: deque[bool] | None = None) -> None:
        house.child_begins(self.context.name, self.context.incarnation)
        self.house = house
        self.plan = plan
        if plan is not None and plan and plan.popleft():
            raise Fallen

    @handler
    def act(self, message: Act) -> None:
        if message.what == "fall":
            raise Fallen
        self.context.stop_self(REASONS[message.what])


REASONS = {"leave": ExitReason("normal"), "quit": OWN_SHUTDOWN}


class SlowPart(Part):
    """A child that takes its time to start and to stop."""

    async def on_start(self) -> None:
        await asyncio.sleep(0.1)

    async def on_stop(self) -> None:
        await asyncio.sleep(0.1)


class Chief(Supervisor):
    """A supervisor that says when it begins."""

    def __init__(self, house: Household) -> None:
        super().__init__(house.spec)
        if house.above is not None:
            house.above.child_begins(self.context.name, self.context.incarnation)
        house.supervisor_begins()


class Tormentor(Actor):
    """Tells a child what to do, one thing a turn."""

    def __init__(self, ref: ActorRef[Any], *orders: str) -> None:
        self.ref = ref
        self.orders = list(orders)
        self.actor_ref.tell(Act("begin"))

    @handler
    def act(self, message: Act) -> None:
        self.ref.tell(Act(self.orders.pop(0)))
        if self.orders:
            self.actor_ref.tell(message)


@dataclass(frozen=True)
class Due:
    """The time of an order has come."""

    ref: ActorRef[Any]
    order: Act


class Timed(Actor):
    """Tells children what to do, at certain times."""

    def __init__(self, *orders: tuple[float, ActorRef[Any], str]) -> None:
        for number, (when, ref, what) in enumerate(orders):
            self.context.start_timer(number, Due(ref, Act(what)), after=when)

    @handler
    def act(self, message: Due) -> None:
        message.ref.tell(message.order)


def household(
    sim: Simulation, *children: ChildSpec, path: str = "/sup", **options: Any
) -> Household:
    """Make the books of a supervisor whose children get them as their first argument."""
    house = Household(sim, SupervisorSpec(), path)
    house.spec = SupervisorSpec([_with(each, house) for each in children], **options)
    return house


def with_plan(part: type[Part], plan: deque[bool]) -> Props[Any]:
    """Make the recipe of a child whose starts fail as planned; the books come in front."""
    cls: type[Any] = part
    return Props(cls, plan)


def _with(spec: ChildSpec, house: Household) -> ChildSpec:
    """Return the spec with the books as the first argument of its recipe, if it is a Part."""
    start: Any = spec.start
    props = child_props(start)
    if not issubclass(props.actor_class, Part):
        return spec
    made: Props[Any] = Props(props.actor_class, house, *props.args)
    given = {name: getattr(spec, name) for name in OPTIONS}
    return ChildSpec(spec.id, made, **given)


OPTIONS = ("restart", "shutdown", "significant", "backoff")


async def started(sim: Simulation, house: Household) -> dict[str, ActorRef[Any]]:
    """Start the supervisor at the top of the tree; return it as "sup", and its children."""
    sup = sim.system.spawn(Props(Chief, house), name=house.path[1:])
    await sup.started()
    return {"sup": sup, **children_of(sim, house)}


def children_of(sim: Simulation, house: Household) -> dict[str, ActorRef[Any]]:
    """Find the children by their ids."""
    found = {each.id: sim.system.lookup(f"{house.path}/{each.id}") for each in house.spec.children}
    return {id_: ref for id_, ref in found.items() if ref is not None}


def torment(sim: Simulation, refs: dict[str, ActorRef[Any]], **orders: str) -> None:
    """Let somebody tell each of some children what to do: ``a="fall leave"``."""
    for id_, said in orders.items():
        sim.system.spawn(Props(Tormentor, refs[id_], *said.split()), name=f"tormentor-{id_}")
