"""Primary and backup: the backup takes over when it has not heard of the primary for long.

The primary confirms only what the backup has; one that has been given up is not answered by the
backup any more, and so confirms nothing.
"""

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
from tests.protocols.testing.real_zoo.specimen import NOBODY_ANSWERED, Go, Specimen, spawning


@dataclass(frozen=True)
class Put:
    value: int


@dataclass(frozen=True)
class Get: ...


@dataclass(frozen=True)
class Copy:
    value: int


@dataclass(frozen=True)
class Suspect: ...


class Primary(Actor):
    """Does not serve once it has lost what it knew: the backup takes over then."""

    def __init__(self, node: Node, variant: str) -> None:
        self.variant = variant
        self.serves = node.incarnation == 1 or variant == "comes back as the primary"
        self.backup: ActorRef[Any] = node.ref("s2/server")
        self.kept = 0

    @handler
    async def put(self, message: Put) -> int | None:
        return await self.serve(max(self.kept, message.value))

    @handler
    async def get(self, message: Get) -> int | None:
        if self.variant == "reads by the primary alone":
            return self.kept if self.serves else None
        return await self.serve(self.kept)

    async def serve(self, value: int) -> int | None:
        if not self.serves:
            return None
        self.kept = value
        if self.variant == "answers before the backup has it":
            self.backup.tell(Copy(value))
            return value
        try:
            taken = await self.backup.request(Copy(value), timeout=2.0)
        except NOBODY_ANSWERED:
            return None
        self.serves = taken
        return value if taken else None


class Backup(Actor):
    def __init__(self, node: Node, variant: str) -> None:
        self.variant = variant
        self.serves = False
        self.kept = 0

    @handler
    def go(self, message: Go) -> None:
        self.context.start_timer("suspect", Suspect(), after=20.0)

    @handler
    def suspect(self, message: Suspect) -> None:
        self.serves = True

    @handler
    def copy(self, message: Copy) -> bool:
        if self.serves and self.variant != "the backup confirms for who was given up":
            return False
        if not self.serves:
            self.go(Go())
        self.kept = max(self.kept, message.value)
        return True

    @handler
    def put(self, message: Put) -> int | None:
        if not self.serves:
            return None
        self.kept = max(self.kept, message.value)
        return self.kept

    @handler
    def get(self, message: Get) -> int | None:
        return self.kept if self.serves else None


class Client(Actor):
    """Does what it is told, again and again at both until one of them has served it."""

    def __init__(
        self, node: Node, plan: tuple[Put | Get, ...], note: Callable[[Any], None]
    ) -> None:
        self.name = node.name
        self.plan = plan
        self.note = note
        self.servers: list[ActorRef[Any]] = [node.ref("s1/server"), node.ref("s2/server")]
        self.done = False

    @handler
    async def go(self, message: Go) -> None:
        for each in self.plan:
            if isinstance(each, Put):
                self.note(Invoked(self.name, "write", each.value))
                await self.served(each)
                self.note(Returned(self.name))
            else:
                self.note(Invoked(self.name, "read"))
                self.note(Returned(self.name, await self.served(each)))
            await asyncio.sleep(3.0)
        self.done = True

    async def served(self, message: Put | Get) -> int:
        while True:
            for server in self.servers:
                try:
                    answer: int | None = await server.request(message, timeout=5.0)
                except NOBODY_ANSWERED:
                    continue
                if answer is not None:
                    return answer
            await asyncio.sleep(3.0)


def atomic(view: SystemView) -> None:
    verdict = linearizable(events_in(view.history), RegisterModel(0))
    assert verdict, str(verdict)


PLANS: dict[str, tuple[Put | Get, ...]] = {"w": (Put(1), Put(2)), "r": (Get(), Get(), Get())}


async def play(sim: Simulation, variant: str) -> None:
    await sim.node("s2", spawning("server", Backup, variant, go=True))
    await sim.node("s1", spawning("server", Primary, variant))
    for name, plan in PLANS.items():
        await sim.node(name, spawning("client", Client, plan, sim.note, go=True))
    sim.at_rest(atomic)
    sim.at_rest(lambda view: all(view[f"{name}/client"].done for name in PLANS), "all served")
    sim.sometimes(lambda view: view["s2/server"].serves, "the backup takes over")


SPECIMENS = (
    Specimen(
        "primary and backup",
        play,
        {
            "answers before the backup has it": "easy",
            "comes back as the primary": "easy",
            "reads by the primary alone": "hard",
            "the backup confirms for who was given up": "hard",
        },
        faults=Faults(node_crashes={"s1": 1}, drops=1, early_timers=1, partitions=1, skews=1),
    ),
)
