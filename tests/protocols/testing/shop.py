"""Real actors that several tests of simulated systems use."""

import asyncio
from dataclasses import dataclass
from typing import Any

from dramaturg.actors import Actor, ActorRef, Props, handler
from dramaturg.protocols.testing import Simulation


@dataclass(frozen=True)
class Get:
    """Ask for the stock."""


@dataclass(frozen=True)
class Put:
    """Set the stock."""

    stock: int


@dataclass(frozen=True)
class Take:
    """Take one."""


class Store(Actor):
    def __init__(self, stock: int = 2) -> None:
        self.stock = stock

    @handler
    def get(self, message: Get) -> int:
        return self.stock

    @handler
    def put(self, message: Put) -> None:
        self.stock = message.stock

    @handler
    def take(self, message: Take) -> int:
        self.stock -= 1
        return self.stock


class Clerk(Actor):
    """Takes one by reading the stock and writing it back, which is a race."""

    def __init__(self, store: ActorRef[Any]) -> None:
        self.store = store

    @handler
    async def take(self, message: Take) -> None:
        stock = await self.store.request(Get())
        await self.store.request(Put(stock - 1))


class CarefulClerk(Clerk):
    @handler
    async def take(self, message: Take) -> None:
        await self.store.request(Take())


async def two_clerks(sim: Simulation, clerk: type[Clerk]) -> None:
    """Let two clerks take one each."""
    store = sim.system.spawn(Store, name="store")
    clerks = [sim.system.spawn(Props(clerk, store), name=name) for name in ("ann", "bob")]
    sim.at_rest(lambda view: view["/store"].stock == 0, "none left")
    await asyncio.gather(*[each.request(Take()) for each in clerks])


async def racy(sim: Simulation) -> None:
    await two_clerks(sim, Clerk)


async def careful(sim: Simulation) -> None:
    await two_clerks(sim, CarefulClerk)
