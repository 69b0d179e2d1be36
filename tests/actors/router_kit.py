"""What the tests of routers share: jobs, workers at a desk, and routers of such workers."""

import asyncio
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorSystem,
    GetRoutees,
    Message,
    Props,
    Request,
    RoundRobin,
    Router,
    RoutingLogic,
    ThreadActor,
    handler,
)


class Job(Request[str]):
    """Answered with the name of the worker."""

    number: int = 0
    customer: str = ""


class Fail(Request[str]):
    pass


class Hold(Message):
    """Keep the worker busy until the test lets it go."""


class Where(Request[tuple[str | None, float | None]]):
    """Answered with sender and deadline, as the worker sees them."""


@dataclass
class Desk:
    """What workers share with their test."""

    done: list[tuple[str, Any]] = field(default_factory=list[tuple[str, Any]])
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    held: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    @property
    def counts(self) -> dict[str, int]:
        return dict(Counter(name for name, _ in self.done))

    def numbers(self, name: str) -> list[int]:
        return [message.number for who, message in self.done if who == name]


class Worker(Actor):
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    @handler
    def job(self, message: Job) -> str:
        self.desk.done.append((self.context.name, message))
        return self.context.name

    @handler
    def fail(self, message: Fail) -> str:
        raise ZeroDivisionError(self.context.name)

    @handler
    def where(self, message: Where) -> tuple[str | None, float | None]:
        sender = self.context.sender
        return sender and sender.path, self.context.deadline

    @handler
    async def hold(self, message: Hold) -> None:
        self.desk.held.release()
        await self.desk.let_go.wait()


class Plain(Actor):
    """A worker without async methods; keeps what the runtime handed it."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    @handler
    def anything(self, message: object) -> str:
        self.items.append(self._cell.message)
        return self.context.name


class Blocking(ThreadActor):
    @handler
    def job(self, message: Job) -> str:
        return f"{self.context.name} on {threading.current_thread().name}"

    @handler
    def fail(self, message: Fail) -> str:
        raise ZeroDivisionError


def jobs(count: int) -> list[Job]:
    return [Job(number=number) for number in range(count)]


def pool_of(size: int, desk: Desk, logic: RoutingLogic | None = None) -> Props[Router]:
    return Router.pool(Props(Worker, desk), size, RoundRobin() if logic is None else logic)


def group_of(
    system: ActorSystem, desk: Desk, names: Sequence[str], logic: RoutingLogic | None = None
) -> tuple[ActorRef[Router], list[ActorRef[Worker]]]:
    workers = [system.spawn(Props(Worker, desk), name=name) for name in names]
    group = Router.group(workers, RoundRobin() if logic is None else logic)
    return system.spawn(group, name="group"), workers


async def names_of(router: ActorRef[Router]) -> list[str]:
    return [ref.name for ref in (await router.request(GetRoutees())).refs]


async def held(desk: Desk, count: int = 1) -> None:
    async with asyncio.timeout(5):
        for _ in range(count):
            await desk.held.acquire()
