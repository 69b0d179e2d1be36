"""Alternating bit and stop-and-wait (Bartlett et al., 1969): one item after the other."""

from typing import NamedTuple

from dramaturg.protocols.testing import CancelTimer, Faults, Network, SetTimer, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen


class Data(NamedTuple):
    number: int
    item: int


class Ack(NamedTuple):
    number: int


MODULUS = {"one bit": 2, "two bits": 4, "numbers without end": 1_000}


class Sender(Actor):
    def __init__(self, variant: str, items: int, modulus: int) -> None:
        super().__init__(variant)
        self.items = items
        self.modulus = modulus
        self.next = 0
        self.number = 0

    def send(self) -> Outputs:
        return [("r", Data(self.number, self.next)), SetTimer("again", 5)]

    def on_start(self) -> Outputs:
        return self.send()

    def ack(self, sender: str, number: int) -> Outputs:
        if self.next == self.items:
            return []
        if number != self.number and self.variant != "takes any acknowledgement":
            return []
        self.next += 1
        self.number = (self.number + 1) % self.modulus
        return [CancelTimer("again")] if self.next == self.items else self.send()

    def on_timer(self, name: str) -> Outputs:
        if self.variant == "sends again under a new number":
            self.number = (self.number + 1) % self.modulus
        return self.send()


class Receiver(Actor):
    def __init__(self, variant: str, modulus: int) -> None:
        super().__init__(variant)
        self.modulus = modulus
        self.expected = 0
        self.got: list[int] = []

    def data(self, sender: str, number: int, item: int) -> Outputs:
        if number == self.expected:
            self.got.append(item)
            self.expected = (self.expected + 1) % self.modulus
        elif self.variant == "takes copies":
            self.got.append(item)
        elif self.variant == "acknowledges only what is new":
            return []
        return [(sender, Ack(number))]


def fill(world: World, variant: str, items: int = 3, modulus: int = 2) -> None:
    world.add("s", Sender(variant, items, modulus))
    world.add("r", Receiver(variant, modulus))
    world.always(lambda view: view["r"].got == list(range(len(view["r"].got))), "in order")
    world.eventually(lambda view: view["s"].next == items, within=100, name="all arrive")
    world.at_rest(lambda view: len(view["r"].got) == items, "all are there")
    world.sometimes(lambda view: view.now > 0, "something is sent again")


def fill_reordering(world: World, variant: str) -> None:
    fill(world, variant, 7, MODULUS.get(variant, 1_000))


SPECIMENS = (
    Specimen(
        "alternating bit",
        fill,
        {
            "takes copies": Bug("easy", 3),
            "sends again under a new number": Bug("easy", 3),
            "acknowledges only what is new": Bug("easy", 43),
            "takes any acknowledgement": Bug("hard", 7),
        },
        faults=Faults(drops=2, duplicates=2, early_timers=1),
    ),
    Specimen(
        "stop and wait, reordering",
        fill_reordering,
        {
            "one bit": Bug("hard", 5),
            "two bits": Bug("hard", 9),
            "takes any acknowledgement": Bug("hard", 15),
        },
        correct=("numbers without end",),
        network=Network.UNORDERED,
        faults=Faults(drops=1, duplicates=1, early_timers=1),
    ),
)
