"""A bulkhead in front of an actor, and an actor to stand behind it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from dramaturg.actors import ActorRef, ActorSystem, ManualClock, Props, handler
from dramaturg.supervision._bulkhead_actor import BulkheadActor
from dramaturg.supervision._bulkhead_messages import GetBulkhead
from tests.actors.kit import Do, Note, within
from tests.actors.messaging_kit import turns
from tests.any_order import new_system
from tests.supervision.in_front_kit import Lasting


@dataclass(frozen=True)
class Job:
    """Is put aside by the target, and answered with its name by `finish`."""

    name: str


class Target(Lasting):
    """Works at many jobs at once, and finishes them when it is told to."""

    def __init__(self, log: list[Any]) -> None:
        super().__init__(log)
        self.finished: set[str] = set()

    @handler
    def job(self, message: Job) -> str | None:
        if message.name not in self.log:
            self.log.append(message.name)
        if message.name in self.finished:
            return message.name
        return self.context.stash()

    def finish(self, name: str) -> None:
        self.finished.add(name)
        self.context.unstash_all()


@dataclass
class Bench:
    """A bulkhead for two, and two that wait, on a clock that stands still."""

    clock: ManualClock
    system: ActorSystem
    target: ActorRef[Any]
    bulkhead: ActorRef[BulkheadActor]
    log: list[Any]
    replies: list["asyncio.Task[Any]"] = field(default_factory=list["asyncio.Task[Any]"])

    async def sent(self, *names: str, **options: Any) -> list["asyncio.Task[Any]"]:
        replies = [
            asyncio.ensure_future(self.bulkhead.request(Job(name), **options)) for name in names
        ]
        self.replies += replies
        await turns()
        return replies

    async def told(self, *texts: str) -> None:
        for text in texts:
            self.bulkhead.tell(Note(text))
        await turns()

    async def finish(self, *names: str) -> None:
        for name in names:
            await within(self.target.request(Do(lambda actor, name=name: actor.finish(name))))  # type: ignore[misc]
        await turns()

    async def counts(self) -> tuple[int, int]:
        status = await within(self.bulkhead.request(GetBulkhead()))
        return status.in_flight, status.waiting


async def open_bench() -> AsyncIterator[Bench]:
    clock = ManualClock()
    log: list[Any] = []
    async with new_system(clock=clock) as system:
        target = system.spawn(Props(Target, log), name="target")
        props = Props(BulkheadActor, target, max_in_flight=2, max_waiting=2)
        bench = Bench(clock, system, target, system.spawn(props, name="bulkhead"), log)
        yield bench
    # The rest has been stopped by now; those errors are read here.
    await within(asyncio.gather(*bench.replies, return_exceptions=True))
