"""Callers, agents that fail or take their time, and the books of what became of each task."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorRef,
    ActorStopped,
    DeadlineExceeded,
    Directive,
    PlainRequest,
    Props,
    Refused,
    handler,
)
from dramaturg.protocols import (
    DelegationFailed,
    Delegator,
    DelegatorFigures,
    GetFigures,
    Route,
)
from dramaturg.protocols.testing import Simulation, SystemView
from tests.simulated.topic_kit import Go, Lamp


@dataclass(frozen=True)
class Task(PlainRequest[str]):
    number: int
    key: str = ""


@dataclass
class Work:
    """What was asked, what agents have begun, and what callers were told."""

    sim: Simulation
    keys: dict[int, str] = field(default_factory=dict[int, str])
    asked: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    """Which task was begun by whom, in order."""
    told: dict[int, Any] = field(default_factory=dict[int, Any])
    open: set[int] = field(default_factory=set[int])
    wrong: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.sim.always(lambda view: not self.wrong, "nothing goes wrong")
        self.sim.at_rest(lambda view: not self.open, "each caller is told")

    def begun(self, task: Task, agent: str) -> None:
        self.asked.append((task.number, agent))
        if not task.key:
            self.wrong.append(f"task {task.number} has no key")
        if self.keys.setdefault(task.number, task.key) != task.key:
            self.wrong.append(f"task {task.number} has two keys")
        if list(self.keys.values()).count(task.key) > 1:
            self.wrong.append(f"two tasks have the key {task.key}")


class Caller(Actor):
    """Asks for its tasks, one after the other."""

    def __init__(self, work: Work, desk: ActorRef[Any], *numbers: int) -> None:
        self.work = work
        self.desk = desk
        self.numbers = numbers

    @handler
    async def go(self, message: Go) -> None:
        for number in self.numbers:
            self.work.open.add(number)
            try:
                told: Any = await self.desk.request(Task(number), timeout=100)
            except (
                ActorCrashed, ActorStopped, DeadlineExceeded, DelegationFailed, Refused,
            ) as error:  # fmt: skip
                told = error
            if isinstance(told, str) and not told.endswith(f" {number}"):
                self.work.wrong.append(f"{number} is answered {told!r}")
            self.work.told[number] = told
            self.work.open.remove(number)


class Steady(Actor):
    """Does what it is asked."""

    policy = Directive.RESTART

    def __init__(self, work: Work) -> None:
        self.work = work

    @handler
    def do(self, task: Task) -> Any:
        self.work.begun(task, self.context.name)
        return f"{self.context.name} {task.number}"


class Failing(Steady):
    """Fails at whatever it is asked."""

    @handler
    def do(self, task: Task) -> str:
        self.work.begun(task, self.context.name)
        raise RuntimeError("cannot")


class Refusing(Steady):
    """Says no."""

    @handler
    def do(self, task: Task) -> str:
        self.work.begun(task, self.context.name)
        raise Refused("no")


class Slow(Steady):
    """Takes its time: as long as its lamp does, which may be any."""

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self.lamp = self.context.spawn(Lamp, name="lamp")

    @handler
    async def do(self, task: Task) -> str:
        self.work.begun(task, self.context.name)
        await self.lamp.request(Go(), timeout=1_000)
        return f"{self.context.name} {task.number}"


class Never(Steady):
    """Never answers in time."""

    @handler
    async def do(self, task: Task) -> str:
        self.work.begun(task, self.context.name)
        await asyncio.sleep(10)
        return f"{self.context.name} {task.number}"


async def desk_of(sim: Simulation, *routes: Route, **options: Any) -> ActorRef[Any]:
    """Start a delegator whose counts always add up."""
    props = Delegator.of(*routes, **options).using(policy=Directive.RESTART)
    desk = sim.system.spawn(props, name="desk")
    await desk.started()

    def adds_up(view: SystemView) -> None:
        actor: Any = desk.cell.actor
        if actor is None:
            return
        counts = figures(desk)
        ended = counts.answered + counts.handed_up + counts.expired
        assert counts.accepted == ended + counts.in_flight, f"{counts}"
        for each in counts.agents:
            done = each.successes + each.refusals + each.failures
            assert each.tasks == done + each.in_flight, f"{each}"

    def at_the_end(view: SystemView) -> None:
        actor: Any = desk.cell.actor
        if actor is None:
            return
        counts = figures(desk)
        assert not counts.in_flight, f"{counts}"
        assert not any(each.in_flight for each in counts.agents), f"{counts}"

    sim.always(adds_up, "the counts add up")
    sim.at_rest(at_the_end, "and nothing is left open")
    return desk


def figures(desk: ActorRef[Any]) -> DelegatorFigures:
    """Look at the counts."""
    actor: Any = desk.cell.actor
    found: DelegatorFigures = actor.get_figures(GetFigures())
    return found


def call(sim: Simulation, work: Work, desk: ActorRef[Any], name: str, *numbers: int) -> None:
    """Let somebody ask."""
    sim.system.spawn(Props(Caller, work, desk, *numbers), name=name).tell(Go())
