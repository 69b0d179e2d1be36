"""Agents, and a system with a delegator, for the tests of delegation."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorSystem,
    Directive,
    ManualClock,
    Policy,
    Props,
    Refused,
    Request,
    handler,
)
from dramaturg.protocols import (
    Delegator,
    DelegatorFigures,
    FailedTask,
    GetFigures,
    Route,
)
from dramaturg.protocols.workflows import Retry
from dramaturg.supervision import Backoff
from tests.actors.kit import within

TWICE = Retry(attempts=2, backoff=Backoff(1.0, 1.0))


class Task(Request[str]):
    text: str = ""
    key: str = ""


class Special(Task): ...


@dataclass(frozen=True)
class Plain:
    text: str
    key: str | None = None
    capability: str = "plain"


class Agent(Actor):
    """Does what the text says, and keeps what it was asked."""

    policy: ClassVar[Policy | None] = Directive.RESTART

    def __init__(self, log: list[Any]) -> None:
        self.log = log

    @handler
    def do(self, task: Task | Plain | FailedTask) -> Any:
        self.log.append(task)
        if isinstance(task, FailedTask):
            return f"{len(task.attempts)} have failed"
        return self.act(task)

    def act(self, task: Task | Plain) -> Any:
        return f"{self.context.name}: {task.text}"


class Fails(Agent):
    def act(self, task: Task | Plain) -> Any:
        raise RuntimeError("cannot")


class Refuses(Agent):
    def act(self, task: Task | Plain) -> Any:
        raise Refused("no")


class Silent(Agent):
    """Keeps tasks for itself."""

    def act(self, task: Task | Plain) -> Any:
        self.log[-1] = self.context.deadline
        self.context.stash()  # pyright: ignore[reportUnknownMemberType]
        return None


class Bench:
    def __init__(self, system: ActorSystem, clock: ManualClock) -> None:
        self.system = system
        self.clock = clock
        self.logs: dict[str, list[Any]] = {}

    def agent(self, name: str, cls: type[Agent] = Agent) -> ActorRef[Any]:
        return self.system.spawn(Props[Any](cls, self.log(name)), name=name)

    def log(self, name: str) -> list[Any]:
        return self.logs.setdefault(name, [])

    async def desk(self, *routes: Route, **options: Any) -> ActorRef[Any]:
        desk = self.system.spawn(Delegator.of(*routes, **options), name="desk")
        await within(desk.started())
        return desk

    async def figures(self) -> DelegatorFigures:
        desk = self.system.lookup("/desk")
        assert desk is not None
        found: DelegatorFigures = await within(desk.request(GetFigures()))
        return found


@asynccontextmanager
async def opened(**options: Any) -> AsyncGenerator[Bench]:
    clock = ManualClock()
    async with ActorSystem("test", clock=clock, **options) as system:
        yield Bench(system, clock)
