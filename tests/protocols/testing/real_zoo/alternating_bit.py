"""Alternating bit (Bartlett et al., 1969): one item after the other, over a line that loses."""

from dataclasses import dataclass

from dramaturg.actors import Actor, handler
from dramaturg.protocols.testing import Faults, Node, Simulation
from tests.protocols.testing.real_zoo.specimen import Go, Specimen, spawning

ITEMS = [0, 1, 2]


@dataclass(frozen=True)
class Data:
    bit: int
    item: int


@dataclass(frozen=True)
class Ack:
    bit: int


class Sender(Actor):
    def __init__(self, node: Node, variant: str) -> None:
        self.variant = variant
        self.receiver = node.ref("r/receiver")
        self.next = 0
        self.bit = 0

    @handler
    def go(self, message: Go) -> None:
        if self.next < len(ITEMS):
            self.receiver.tell(Data(self.bit, self.next))
            self.context.start_timer("again", Go(), after=5.0)

    @handler
    def ack(self, message: Ack) -> None:
        if self.next == len(ITEMS):
            return
        if message.bit == self.bit or self.variant == "takes any acknowledgement":
            self.context.cancel_timer("again")
            self.next += 1
            self.bit = 1 - self.bit
            self.go(Go())


class Receiver(Actor):
    def __init__(self, node: Node, variant: str) -> None:
        self.variant = variant
        self.sender = node.ref("s/sender")
        self.expected = 0
        self.got: list[int] = []

    @handler
    def data(self, message: Data) -> None:
        if message.bit == self.expected:
            self.got.append(message.item)
            self.expected = 1 - self.expected
        elif self.variant == "takes copies":
            self.got.append(message.item)
        elif self.variant == "acknowledges only what is new":
            return
        self.sender.tell(Ack(message.bit))


async def play(sim: Simulation, variant: str) -> None:
    await sim.node("r", spawning("receiver", Receiver, variant))
    await sim.node("s", spawning("sender", Sender, variant, go=True))
    sim.always(
        lambda view: view["r/receiver"].got == ITEMS[: len(view["r/receiver"].got)], "in order"
    )
    sim.eventually(lambda view: view["r/receiver"].got == ITEMS, within=100.0, name="all arrive")


SPECIMENS = (
    Specimen(
        "alternating bit",
        play,
        {
            "takes copies": "easy",
            "takes any acknowledgement": "hard",
            "acknowledges only what is new": "easy",
        },
        faults=Faults(drops=2, duplicates=2, early_timers=1),
    ),
)
