"""A snapshot of accounts between which money moves (Chandy and Lamport, 1985)."""

from typing import NamedTuple

from dramaturg.protocols.testing import View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

NAMES = ["a", "b", "c"]
EACH = 10


class Pay(NamedTuple):
    amount: int
    hops: int


class Marker(NamedTuple): ...


class Account(Actor):
    def __init__(self, variant: str, name: str) -> None:
        super().__init__(variant)
        self.name = name
        self.others = [each for each in NAMES if each != name]
        self.balance = EACH
        self.recorded: int | None = None
        self.channels: dict[str, int] = {}
        self.open: set[str] = set()

    def on_start(self) -> Outputs:
        return self.send(1, 2)

    def send(self, amount: int, hops: int) -> Outputs:
        self.balance -= amount
        return [(self.others[hops % 2], Pay(amount, hops))]

    def pay(self, sender: str, amount: int, hops: int) -> Outputs:
        self.balance += amount
        if sender in self.open and self.variant != "money on its way is not recorded":
            self.channels[sender] = self.channels.get(sender, 0) + amount
        return self.send(amount + 1, hops - 1) if hops else []

    def start(self) -> Outputs:
        self.recorded = self.balance
        self.open = set(self.others)
        return [(each, Marker()) for each in self.others]

    def marker(self, sender: str) -> Outputs:
        started: Outputs = []
        if self.recorded is None:
            started = self.start()
        elif self.variant == "recorded at the last marker" and sender != "user":
            self.recorded = self.balance
        self.open.discard(sender)
        if self.variant == "one marker closes all channels" and sender != "user":
            self.open.clear()
        return started


def adds_up(view: View) -> None:
    on_accounts = sum(view[name].recorded for name in NAMES)
    on_its_way = sum(sum(view[name].channels.values()) for name in NAMES)
    assert on_accounts + on_its_way == EACH * len(NAMES), f"{on_accounts} + {on_its_way}"


def fill(world: World, variant: str) -> None:
    for name in NAMES:
        world.add(name, Account(variant, name))
    world.send("user", "a", Marker())
    world.at_rest(adds_up)
    world.sometimes(lambda view: any(view[name].channels for name in NAMES), "money on its way")


SPECIMENS = (
    Specimen(
        "Chandy-Lamport snapshot",
        fill,
        {
            "money on its way is not recorded": Bug("easy", 16),
            "one marker closes all channels": Bug("easy", 16),
            "recorded at the last marker": Bug("easy", 16),
        },
    ),
)
