"""A saga (Garcia-Molina and Salem, 1987): three bookings, or those that were made are undone."""

import asyncio
from dataclasses import dataclass
from typing import Any

from dramaturg.actors import Actor, ActorRef, handler
from dramaturg.protocols.testing import Faults, Network, Node, Simulation, SystemView
from tests.protocols.testing.real_zoo.specimen import (
    NOBODY_ANSWERED,
    Go,
    Journal,
    Specimen,
    spawning,
)

SERVICES = ["flight", "hotel", "car"]


@dataclass(frozen=True)
class Book: ...


@dataclass(frozen=True)
class Cancel: ...


class Trip(Actor):
    """Goes on to the next step, or back; on a timeout back, for nobody knows what was done."""

    def __init__(self, node: Node, variant: str) -> None:
        self.variant = variant
        self.journal = Journal(node.disk)
        self.services: list[ActorRef[Any]] = [node.ref(f"{name}/service") for name in SERVICES]
        lines = self.journal.lines
        self.back = "back" in lines
        self.step = lines.count("done")
        self.to_undo = len(SERVICES)
        self.finished = False

    @handler
    async def go(self, message: Go) -> None:
        while not self.back and self.step < len(SERVICES):
            await self.forth()
        if self.back:
            await self.undo()
        self.finished = True

    async def forth(self) -> None:
        try:
            booked: bool = await self.services[self.step].request(Book(), timeout=2.0)
        except NOBODY_ANSWERED:
            booked = False
            if self.variant == "the step that timed out is not undone":
                self.to_undo = self.step
        if booked:
            await self.journal.add("done")
            self.step += 1
        else:
            self.back = True
            await self.journal.add("back", sync=self.variant != "direction not synced")

    async def undo(self) -> None:
        for service in self.services[: self.to_undo]:
            undone = False
            while not undone:
                try:
                    await service.request(Cancel(), timeout=2.0)
                    undone = True
                except NOBODY_ANSWERED:
                    await asyncio.sleep(1.0)


class Service(Actor):
    def __init__(self, node: Node, variant: str) -> None:
        self.variant = variant
        self.journal = Journal(node.disk)
        lines = self.journal.lines
        self.cancelled = "cancelled" in lines
        self.booked = "booked" in lines and not self.cancelled

    @handler
    async def book(self, message: Book) -> bool:
        # What was cancelled before it was ordered must never be booked.
        if self.cancelled and self.variant != "the order may come after its cancellation":
            return False
        await self.journal.add("booked")
        self.booked = True
        return True

    @handler
    async def cancel(self, message: Cancel) -> None:
        await self.journal.add("cancelled")
        self.booked = False
        self.cancelled = True


async def play(sim: Simulation, variant: str) -> None:
    for name in SERVICES:
        await sim.node(name, spawning("service", Service, variant))
    await sim.node("trip", spawning("trip", Trip, variant, go=True))

    def all_or_none(view: SystemView) -> bool:
        booked = [view[f"{name}/service"].booked for name in SERVICES].count(True)
        return booked == (0 if view["trip/trip"].back else len(SERVICES))

    sim.at_rest(all_or_none)
    sim.at_rest(lambda view: view["trip/trip"].finished, "it comes to an end")
    sim.sometimes(lambda view: view["trip/trip"].step == len(SERVICES), "all booked")


SPECIMENS = (
    Specimen(
        "saga",
        play,
        {
            "the step that timed out is not undone": "easy",
            "direction not synced": "hard",
            "the order may come after its cancellation": "hard",
        },
        network=Network.UNORDERED,
        faults=Faults(drops=1, delays=1, node_crashes={"trip": 1, "hotel": 1}),
    ),
)
