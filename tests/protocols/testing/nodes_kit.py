"""A bank and a shop on two nodes, for tests of nodes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dramaturg.actors import Actor, ActorRef, ActorStopped, DeadlineExceeded, Props, handler
from dramaturg.protocols.testing import (
    NO_FAULTS,
    Disk,
    Faults,
    Network,
    Node,
    Replayed,
    Simulation,
    replay_system,
)


@dataclass(frozen=True)
class Add:
    amount: int


@dataclass(frozen=True)
class Pay:
    amount: int


@dataclass(frozen=True)
class Who:
    """Asks for a ref of whoever answers."""


@dataclass
class Basket:
    """A message that can be changed: what one node does to it must not reach another."""

    items: list[str] = field(default_factory=list[str])
    owner: ActorRef[Any] | None = None


class Ledger(Actor):
    """Keeps its total on the disk: what it has answered is never lost."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.total = sum(int(line) for line in disk.read("log").split(b"\n") if line)
        self.added: list[int] = []

    @handler
    async def add(self, message: Add) -> int:
        await self.disk.append("log", b"%d\n" % message.amount)
        await self.disk.sync("log")
        self.total += message.amount
        self.added.append(message.amount)
        return self.total


class Counter(Actor):
    """Counts what it is told, in memory."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.senders: list[str] = []

    @handler
    def add(self, message: Add) -> None:
        self.seen.append(message.amount)
        sender = self.context.sender
        self.senders.append("nobody" if sender is None else sender.path)

    @handler
    def basket(self, message: Basket) -> None:
        message.items.append("changed")
        self.seen.append(message)
        if message.owner is not None:
            message.owner.tell(Add(len(message.items)))

    @handler
    def who(self, message: Who) -> ActorRef[Any]:
        return self.actor_ref


class Till(Actor):
    """Tells another node's actor what it is told, or asks it."""

    def __init__(self, other: ActorRef[Any]) -> None:
        self.other = other
        self.answers: list[Any] = []
        self.told: list[int] = []

    @handler
    async def pay(self, message: Pay) -> Any:
        try:
            self.answers.append(await self.other.request(Add(message.amount), timeout=1.0))
        except (ActorStopped, DeadlineExceeded) as error:
            self.answers.append(type(error).__name__)
        return self.answers[-1]

    @handler
    def add(self, message: Add) -> None:
        self.told.append(message.amount)

    @handler
    def basket(self, message: Basket) -> None:
        message.owner = self.actor_ref
        self.other.tell(message)
        message.items.append("after it was sent")

    @handler
    async def who(self, message: Who) -> None:
        found = await self.other.request(Who())
        self.answers.append(found.path)
        found.tell(Add(7))


async def start_ledger(node: Node) -> None:
    node.system.spawn(Props(Ledger, node.disk), name="ledger")


async def start_counter(node: Node) -> None:
    node.system.spawn(Counter, name="counter")


def start_till(address: str) -> Any:
    async def start(node: Node) -> None:
        node.system.spawn(Props(Till, node.ref(address)), name="till")

    return start


async def pay_once(sim: Simulation) -> None:
    """Let the till pay 5 into the ledger of the bank."""
    await sim.node("bank", start_ledger)
    await sim.node("shop", start_till("bank/ledger"))
    answer = await sim.ref("shop/till").request(Pay(5), timeout=100.0)
    sim.note(("answer", answer))


async def tell_three(sim: Simulation) -> None:
    """Let the scenario's main system tell a counter 1, 2, 3, through an actor of a node."""
    await sim.node("far", start_counter)
    await sim.node("near", start_teller)
    sim.ref("near/teller").tell(Pay(3))
    await asyncio.sleep(60.0)


class Teller(Actor):
    def __init__(self, other: ActorRef[Any]) -> None:
        self.other = other

    @handler
    def pay(self, message: Pay) -> None:
        for number in range(1, message.amount + 1):
            self.other.tell(Add(number))


async def start_teller(node: Node) -> None:
    node.system.spawn(Props(Teller, node.ref("far/counter")), name="teller")


class Sleeper(Actor):
    """Sleeps, and then notes its node."""

    def __init__(self, sim: Simulation, node: str, seconds: float) -> None:
        self.sim = sim
        self.node = node
        self.seconds = seconds

    @handler
    async def pay(self, message: Pay) -> None:
        await asyncio.sleep(self.seconds)
        self.sim.note(self.node)


def start_sleeper(sim: Simulation, seconds: float) -> Any:
    async def start(node: Node) -> None:
        sleeper = node.system.spawn(Props(Sleeper, sim, node.name, seconds), name="sleeper")
        sleeper.tell(Pay(0))

    return start


def ran(
    scenario: Any,
    schedule: Sequence[str],
    faults: Faults = NO_FAULTS,
    network: Network = Network.FIFO,
) -> Replayed:
    """Run a schedule of which no name may be skipped."""
    replayed = replay_system(scenario, schedule, faults=faults, network=network)
    assert replayed.skipped == ()
    return replayed


def notes(replayed: Replayed) -> list[Any]:
    """Return what a run has noted."""
    return [note for step in replayed.run.steps for note in step.notes]
