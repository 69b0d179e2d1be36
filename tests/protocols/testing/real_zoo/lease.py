"""A lease with a fencing token (Gray and Cheriton, 1989): held by one's own clock."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dramaturg.actors import Actor, ActorRef, handler
from dramaturg.protocols.testing import Faults, Node, Simulation, SystemView
from tests.protocols.testing.real_zoo.specimen import (
    NOBODY_ANSWERED,
    Go,
    Journal,
    Specimen,
    spawning,
)

CLIENTS = ["a", "b"]
SECONDS = 10.0
WRITES = 2


@dataclass(frozen=True)
class Acquire: ...


@dataclass(frozen=True)
class Release:
    token: int


@dataclass(frozen=True)
class Expired:
    token: int


@dataclass(frozen=True)
class Write:
    token: int
    client: str


class Service(Actor):
    def __init__(self, node: Node, variant: str) -> None:
        self.variant = variant
        self.journal = Journal(node.disk)
        self.token = len(self.journal.lines)
        self.held = False

    @handler
    async def acquire(self, message: Acquire) -> int | None:
        if self.held:
            return None
        if self.variant != "one token for all" or not self.token:
            await self.journal.add("granted", sync=self.variant != "token not synced")
            self.token += 1
        self.held = True
        self.context.start_timer("expire", Expired(self.token), after=SECONDS)
        return self.token

    @handler
    def release(self, message: Release | Expired) -> None:
        if message.token == self.token:
            self.held = False
            self.context.cancel_timer("expire")


class Client(Actor):
    """Writes as long as it believes to hold the lease."""

    def __init__(self, node: Node, name: str) -> None:
        self.name = name
        self.service: ActorRef[Any] = node.ref("l/service")
        self.storage: ActorRef[Any] = node.ref("s/storage")
        self.left = WRITES

    @handler
    async def go(self, message: Go) -> None:
        asked = self.context.clock.monotonic()
        try:
            token = await self.service.request(Acquire(), timeout=5.0)
            if token is not None:
                await self.write(token, asked + SECONDS)
        except NOBODY_ANSWERED:
            pass
        if self.left:
            self.context.start_timer("again", Go(), after=4.0)

    async def write(self, token: int, until: float) -> None:
        while self.left and self.context.clock.monotonic() < until:
            if not await self.storage.request(Write(token, self.name), timeout=5.0):
                return  # somebody else has it by now
            self.left -= 1
        self.service.tell(Release(token))


class Storage(Actor):
    def __init__(self, node: Node, variant: str, note: Callable[[Any], None]) -> None:
        self.variant = variant
        self.note = note
        self.highest = 0

    @handler
    def write(self, message: Write) -> bool:
        if message.token < self.highest and self.variant != "the storage does not look":
            return False
        self.highest = message.token
        self.note((message.token, message.client))
        return True


def in_turn(view: SystemView) -> None:
    """Who has been overtaken writes no more, and no token is two clients'."""
    tokens = [token for token, _ in view.history]
    assert tokens == sorted(tokens), f"in turns: {tokens}"
    assert len(set(tokens)) == len(set(view.history)), f"one token of two: {view.history}"


async def play(sim: Simulation, variant: str) -> None:
    await sim.node("l", spawning("service", Service, variant))
    await sim.node("s", spawning("storage", Storage, variant, sim.note))
    for name in CLIENTS:
        await sim.node(name, spawning("client", Client, name, go=True))
    sim.always(in_turn)
    sim.at_rest(lambda view: not any(view[f"{name}/client"].left for name in CLIENTS), "all done")


SPECIMENS = (
    Specimen(
        "lease with fencing token",
        play,
        {
            "one token for all": "easy",
            "token not synced": "easy",
            "the storage does not look": "hard",
        },
        faults=Faults(node_crashes={"l": 1}, delays=1, drops=1, duplicates=1, skews=2),
    ),
)
