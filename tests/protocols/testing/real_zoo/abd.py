"""A register on a majority of replicas (Attiya, Bar-Noy and Dolev, 1995): one writer."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dramaturg.actors import Actor, ActorRef, handler
from dramaturg.protocols.testing import (
    Faults,
    Invoked,
    Node,
    RegisterModel,
    Returned,
    Simulation,
    SystemView,
    events_in,
    linearizable,
)
from tests.protocols.testing.real_zoo.specimen import (
    NOBODY_ANSWERED,
    Go,
    Journal,
    Specimen,
    spawning,
)

REPLICAS = ["r1", "r2", "r3"]


@dataclass(frozen=True)
class Store:
    value: int


@dataclass(frozen=True)
class Get: ...


class Replica(Actor):
    def __init__(self, node: Node, variant: str) -> None:
        self.variant = variant
        self.journal = Journal(node.disk)
        self.kept = max((int(line) for line in self.journal.lines), default=0)

    @handler
    async def store(self, message: Store) -> int:
        if message.value > self.kept or self.variant == "an older value overwrites":
            await self.journal.add(f"{message.value}", sync=self.variant != "replica not synced")
            self.kept = message.value
        return self.kept

    @handler
    def get(self, message: Get) -> int:
        return self.kept


class Client(Actor):
    """Writes what it is given; a 0 is a read."""

    def __init__(
        self, node: Node, variant: str, plan: tuple[int, ...], note: Callable[[Any], None]
    ) -> None:
        self.variant = variant
        self.plan = plan
        self.name = node.name
        self.note = note
        self.done = False
        self.replicas: list[ActorRef[Any]] = [node.ref(f"{name}/replica") for name in REPLICAS]

    @handler
    async def go(self, message: Go) -> None:
        for value in self.plan:
            self.note(Invoked(self.name, "write" if value else "read", value or None))
            result = await (self.write(value) if value else self.read())
            self.note(Returned(self.name, result))
        self.done = True

    async def write(self, value: int) -> None:
        await self.majority(Store(value), 1 if self.variant == "writes one replica" else 2)

    async def read(self) -> int:
        value = max(await self.majority(Get(), 1 if self.variant == "asks one replica" else 2))
        if self.variant != "reads do not write back":
            await self.write(value)
        return value

    async def majority(self, message: Store | Get, number: int) -> list[int]:
        """Ask all, until enough have answered."""
        answers: list[int] = []
        while len(answers) < number:
            answers.clear()
            tasks = [asyncio.create_task(self.ask(each, message)) for each in self.replicas]
            for coming in asyncio.as_completed(tasks):
                answer = await coming
                if answer is not None:
                    answers.append(answer)
                if len(answers) == number:
                    break
        return answers

    async def ask(self, replica: ActorRef[Any], message: Store | Get) -> int | None:
        try:
            return int(await replica.request(message, timeout=2.0))
        except NOBODY_ANSWERED:
            return None


def atomic(view: SystemView) -> None:
    verdict = linearizable(events_in(view.history), RegisterModel(0))
    assert verdict, str(verdict)


async def play(sim: Simulation, variant: str) -> None:
    for name in REPLICAS:
        await sim.node(name, spawning("replica", Replica, variant))
    for name, plan in {"w": (1, 2), "x": (0, 0)}.items():
        await sim.node(name, spawning("client", Client, variant, plan, sim.note, go=True))
    sim.at_rest(atomic)
    sim.at_rest(lambda view: all(view[f"{name}/client"].done for name in "wx"), "all done")


SPECIMENS = (
    Specimen(
        "ABD register",
        play,
        {
            "asks one replica": "easy",
            "writes one replica": "easy",
            "reads do not write back": "hard",
            "replica not synced": "hard",
        },
        faults=Faults(node_crashes={"r1": 1, "r2": 1, "r3": 1}, drops=1),
    ),
)
