"""An outbox and an inbox: what is stored with an order is sent, and handled once."""

from typing import NamedTuple

from dramaturg.protocols.testing import CancelTimer, Faults, SetTimer, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

ORDERS = [1, 2]


class Order(NamedTuple):
    number: int


class Accepted(NamedTuple):
    number: int


class Ship(NamedTuple):
    number: int


class Shipped(NamedTuple):
    number: int


class Customer(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.accepted: list[int] = []

    def on_start(self) -> Outputs:
        return [("shop", Order(ORDERS[0])), SetTimer("again", 10)]

    def accepted_(self, number: int) -> Outputs:
        if number in self.accepted:
            return []
        self.accepted.append(number)
        rest = [each for each in ORDERS if each not in self.accepted]
        return [("shop", Order(rest[0])), SetTimer("again", 10)] if rest else [CancelTimer("again")]

    def on_timer(self, name: str) -> Outputs:
        rest = [each for each in ORDERS if each not in self.accepted]
        return [("shop", Order(rest[0])), SetTimer("again", 10)] if rest else []

    def on_message(self, sender: str, message: Accepted) -> Outputs:
        return self.accepted_(message.number)


class Shop(Actor):
    """Stores an order and what is to be sent for it in one write; a timer sends it."""

    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.durable = ("orders",) if variant == "outbox not durable" else ("orders", "outbox")
        self.orders: list[int] = []
        self.outbox: list[int] = []

    def order(self, sender: str, number: int) -> Outputs:
        if number not in self.orders:
            self.orders.append(number)
            self.outbox.append(number)
        poll: Outputs = [SetTimer("poll", 2)]
        return [(sender, Accepted(number)), *poll]

    def on_timer(self, name: str) -> Outputs:
        if not self.outbox:
            return []
        first = self.outbox[0]
        if self.variant == "forgets it when it is sent":
            self.outbox = self.outbox[1:]
        return [("store", Ship(first)), SetTimer("poll", 4)]

    def shipped(self, sender: str, number: int) -> Outputs:
        if self.variant == "any answer is for the first":
            self.outbox = self.outbox[1:]
        elif number in self.outbox:
            self.outbox.remove(number)
        return [SetTimer("poll", 1)]

    def on_restart(self) -> Outputs:
        return [SetTimer("poll", 2)]


class Store(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.durable = ("parcels",) if variant == "inbox not durable" else ("parcels", "inbox")
        self.parcels: list[int] = []
        self.inbox: list[int] = []

    def ship(self, sender: str, number: int) -> Outputs:
        known = number in self.inbox
        if self.variant == "remembers the last one only":
            known = self.inbox[-1:] == [number]
        if not known or self.variant == "no inbox":
            self.inbox.append(number)
            self.parcels.append(number)
        elif self.variant == "answers only what is new":
            return []
        return [(sender, Shipped(number))]


def fill(world: World, variant: str) -> None:
    world.add("customer", Customer(variant))
    world.add("shop", Shop(variant))
    world.add("store", Store(variant))

    def once(view: View) -> bool:
        return len(set(view["store"].parcels)) == len(view["store"].parcels)

    world.always(once)
    world.at_rest(lambda view: sorted(view["store"].parcels) == ORDERS, "all are sent")
    world.sometimes(lambda view: len(view["shop"].outbox) > 1, "two are to be sent")


SPECIMENS = (
    Specimen(
        "outbox and inbox",
        fill,
        {
            "no inbox": Bug("easy", 5),
            "forgets it when it is sent": Bug("easy", 10),
            "outbox not durable": Bug("easy", 7),
            "inbox not durable": Bug("hard", 7),
            "any answer is for the first": Bug("hard", 10),
            "remembers the last one only": Bug("hard", 14),
        },
        faults=Faults(
            crashes={"shop": 1, "store": 1}, drops=1, duplicates=1, reorders=1, early_timers=2
        ),
    ),
)
