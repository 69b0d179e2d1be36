"""A shop in which two clerks sell the last book: what the tests of incidents record and repeat."""

import asyncio
from dataclasses import dataclass
from typing import Any

from dramaturg.actors import Actor, ActorRef, ActorSystem, Props, handler
from dramaturg.protocols import Recorder, Recording
from dramaturg.protocols.testing import Simulation


@dataclass(frozen=True)
class Read:
    """Ask for the stock."""


@dataclass(frozen=True)
class Write:
    """Set the stock, to one less than was read."""

    stock: int


@dataclass(frozen=True)
class Take:
    """Take one, if there is one."""


@dataclass(frozen=True)
class Sell:
    """Sell a book."""

    title: str = "Emma"


class SoldTwiceError(Exception):
    """The same book was sold to two."""


class Store(Actor):
    def __init__(self) -> None:
        self.stock = 1

    @handler
    def read(self, message: Read) -> int:
        return self.stock

    @handler
    def write(self, message: Write) -> None:
        if message.stock == self.stock:
            raise SoldTwiceError
        self.stock = message.stock

    @handler
    def take(self, message: Take) -> bool:
        found = self.stock > 0
        self.stock -= found
        return found


class Clerk(Actor):
    """Reads the stock, looks for the book, and writes one less: a race."""

    def __init__(self, store: ActorRef[Store]) -> None:
        self.store = store

    @handler
    async def sell(self, message: Sell) -> bool:
        stock: int = await self.store.request(Read())
        if not stock:
            return False
        await self.look_for_the_book()
        await self.store.request(Write(stock - 1))
        return True

    async def look_for_the_book(self) -> None:
        await asyncio.sleep(0)


class RivalClerk(Clerk):
    """Takes as long to look for the book as the other one: what happens to be so in the shop."""

    both_look: asyncio.Barrier

    async def look_for_the_book(self) -> None:
        await self.both_look.wait()


class CarefulClerk(Clerk):
    @handler
    async def sell(self, message: Sell) -> bool:
        sold: bool = await self.store.request(Take())
        return sold


def open_shop(system: ActorSystem, clerk: type[Clerk]) -> list[ActorRef[Clerk]]:
    store = system.spawn(Store, name="store")
    return [system.spawn(Props(clerk, store), name=name) for name in ("ann", "bob")]


async def sold_twice(**options: Any) -> Recording:
    """Record a real system in which both clerks read before one of them writes."""
    RivalClerk.both_look = asyncio.Barrier(2)
    async with ActorSystem("shop") as system:
        with Recorder(**options).attach(system) as recorder:
            clerks = open_shop(system, RivalClerk)
            sales = [clerk.request(Sell()) for clerk in clerks]
            await asyncio.gather(*sales, return_exceptions=True)
            return recorder.recording()


async def racy(sim: Simulation) -> None:
    open_shop(sim.system, Clerk)


def careful(sim: Simulation) -> None:
    open_shop(sim.system, CarefulClerk)


def never_negative(view: Any) -> object:
    return view["/store"] is None or view["/store"].stock >= 0
