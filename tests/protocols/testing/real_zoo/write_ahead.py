"""A set that keeps what it has confirmed: a write-ahead log, on a disk that fails and tears."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from dramaturg.actors import Actor, handler
from dramaturg.protocols.testing import Faults, Node, Simulation, SystemView
from tests.protocols.testing.real_zoo.specimen import (
    NOBODY_ANSWERED,
    Go,
    Journal,
    Specimen,
    spawning,
)

VALUES = [1, 2, 3]


@dataclass(frozen=True)
class Put:
    value: int


class Store(Actor):
    def __init__(self, node: Node, variant: str) -> None:
        self.journal = Journal(node.disk)
        self.variant = variant
        self.kept = {line for line in self.journal.lines if line.startswith("put ")}

    @handler
    async def go(self, message: Go) -> None:
        mended = self.variant == "a torn end stays"
        while not mended:
            with suppress(OSError):
                await self.journal.mend()
                mended = True

    @handler
    async def put(self, message: Put) -> bool:
        line = f"put {message.value}"
        try:
            await self.journal.add(line, sync=self.variant != "answers before the sync")
        except OSError:
            if self.variant != "a failed write is confirmed":
                return False
        self.kept.add(line)
        return True


class Client(Actor):
    def __init__(self, node: Node) -> None:
        self.store = node.ref("store/set")
        self.confirmed: list[int] = []

    @handler
    async def go(self, message: Go) -> None:
        for value in VALUES:
            confirmed = False
            while not confirmed:
                try:
                    confirmed = await self.store.request(Put(value), timeout=1.0)
                except NOBODY_ANSWERED:
                    await asyncio.sleep(1.0)
            self.confirmed.append(value)


async def play(sim: Simulation, variant: str) -> None:
    await sim.node("store", spawning("set", Store, variant, go=True))
    await sim.node("client", spawning("client", Client, go=True))

    def kept(view: SystemView) -> bool:
        store = view["store/set"]
        confirmed = {f"put {value}" for value in view["client/client"].confirmed}
        return store is None or confirmed <= store.kept

    sim.always(kept, "what was confirmed is kept")
    sim.at_rest(lambda view: view["client/client"].confirmed == VALUES, "all confirmed")


SPECIMENS = (
    Specimen(
        "write-ahead log",
        play,
        {
            "answers before the sync": "easy",
            "a failed write is confirmed": "hard",
            "a torn end stays": "hard",
        },
        faults=Faults(node_crashes={"store": 2}, torn_writes=1, write_errors=1),
    ),
)
