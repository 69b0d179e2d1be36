"""Who talks and who listens in the scenarios on mailboxes."""

import asyncio
from dataclasses import dataclass
from typing import Any

from dramaturg.actors import Actor, ActorRef, MailboxFull, Props, handler
from dramaturg.protocols.testing import Simulation
from dramaturg.supervision import ChildSpec, Supervisor, SupervisorSpec
from tests.simulated.ledger import Item, Ledger


class Poisoned(Exception):  # noqa: N818 - what happened to the actor
    """What an actor fails with on the message that is poison for it."""


@dataclass(frozen=True)
class Talk:
    """Say what there is to say."""


@dataclass(frozen=True)
class Close:
    """Drain the receiver."""


class Talker(Actor):
    """Tells its items two to a turn, so that others come in between."""

    def __init__(self, ledger: Ledger, target: ActorRef[Any], count: int) -> None:
        self.ledger = ledger
        self.target = target
        self.count = count
        self.said = 0

    @handler
    def talk(self, message: Talk) -> Any:
        for _ in range(min(2, self.count - self.said)):
            item = self.ledger.send(self.item())
            self.said += 1
            self.target.tell(item)
        if self.said < self.count:
            self.actor_ref.tell(message)

    def item(self) -> Item:
        return Item(self.context.name, self.said)


class ToldOff(Talker):
    """Notes what it was told to be too much; says all in one turn."""

    def __init__(
        self, ledger: Ledger, target: ActorRef[Any], count: int, refused: list[Item]
    ) -> None:
        super().__init__(ledger, target, count)
        self.refused = refused

    @handler
    def talk(self, message: Talk) -> None:
        for number in range(self.count):
            item = self.ledger.send(Item(self.context.name, number))
            try:
                self.target.tell(item)
            except MailboxFull:
                self.refused.append(item)


class Waiting(Talker):
    """Waits for room where there is none."""

    @handler
    async def talk(self, message: Talk) -> None:
        for number in range(self.count):
            await self.target.send(self.ledger.send(Item(self.context.name, number)))


class Taker(Actor):
    """Takes items; on its poison it fails."""

    def __init__(self, ledger: Ledger, poison: Item | None = None) -> None:
        self.ledger = ledger
        self.poison = poison

    @handler
    def take(self, item: Item) -> Any:
        self.ledger.begin(item)
        if item == self.poison:
            raise Poisoned


class SlowTaker(Taker):
    """Takes its time."""

    @handler
    async def take(self, item: Item) -> None:
        self.ledger.begin(item)
        begun = len(self.ledger.begun)
        await asyncio.sleep(0.1)
        if len(self.ledger.begun) != begun:
            self.ledger.wrong.append(f"another one was handled while {item} was")
        if item == self.poison:
            raise Poisoned


class Closer(Actor):
    """Drains another actor, in its turn."""

    def __init__(self, target: ActorRef[Any], ledger: Ledger) -> None:
        self.target = target
        self.ledger = ledger
        self.before: list[Any] = []
        """What had been sent when the door closed."""

    @handler
    def close(self, message: Close) -> None:
        self.before += self.ledger.sent
        self.target.drain(block=False)


class Stopper(Actor):
    """Stops another actor, in its turn."""

    def __init__(self, target: ActorRef[Any]) -> None:
        self.target = target

    @handler
    def close(self, message: Close) -> None:
        self.target.request_stop()


async def supervised(sim: Simulation, child: ChildSpec, *, intensity: int = 9) -> ActorRef[Any]:
    """Start an actor below a supervisor; return its ref."""
    spec = SupervisorSpec([child], intensity=intensity, period=100.0)
    sup = sim.system.spawn(Props(Supervisor, spec), name="sup")
    await sup.started()
    ref = sim.system.lookup(f"/sup/{child.id}")
    assert ref is not None
    return ref


def talk(sim: Simulation, *recipes: Props[Any]) -> None:
    """Let as many talkers begin, named from a on."""
    for name, recipe in zip("abcd", recipes, strict=False):
        sim.system.spawn(recipe, name=name).tell(Talk())
