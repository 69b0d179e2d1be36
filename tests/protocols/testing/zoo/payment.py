"""A payment that is made once, however often it is asked for: client, gateway, bank."""

from typing import NamedTuple

from dramaturg.protocols.testing import CancelTimer, Faults, Network, SetTimer, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen


class Pay(NamedTuple):
    key: int


class Paid(NamedTuple):
    key: int


class Charge(NamedTuple):
    key: str


class Charged(NamedTuple):
    key: str


class Book(NamedTuple):
    key: str


class Client(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.key = 1
        self.paid_ = False

    def on_start(self) -> Outputs:
        return [("gateway", Pay(self.key)), SetTimer("again", 10)]

    def on_timer(self, name: str) -> Outputs:
        self.key += self.variant == "a new key when it asks again"
        return self.on_start()

    def paid(self, sender: str, key: int) -> Outputs:
        self.paid_ = True
        return [CancelTimer("again")]


class Gateway(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.durable = ("starts", "done")
        self.starts = 0
        self.done: set[int] = set()
        self.open: set[int] = set()

    def on_restart(self) -> Outputs:
        self.starts += 1
        return []

    def bank_key(self, key: int) -> str:
        return f"{key}.{self.starts}" if self.variant == "a new key after a restart" else f"{key}"

    def pay(self, sender: str, key: int) -> Outputs:
        if key in self.done:
            return [("client", Paid(key))]
        if self.variant == "asks the bank once" and key in self.open:
            return []
        self.open.add(key)
        return [("bank", Charge(self.bank_key(key)))]

    def charged(self, sender: str, key: str) -> Outputs:
        number = int(key.partition(".")[0])
        self.done.add(number)
        return [("client", Paid(number))]


class Bank(Actor):
    """Looks at a charge first and books it later."""

    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        keys = () if variant == "keys not durable" else ("keys",)
        self.durable = ("booked", *keys)
        self.keys: set[str] = set()
        self.booked = 0

    def charge(self, sender: str, key: str) -> Outputs:
        if key in self.keys and self.variant != "no keys":
            return [("gateway", Charged(key))]
        if self.variant == "the key before the booking":
            self.keys.add(key)
        return [("bank", Book(key))]

    def book(self, sender: str, key: str) -> Outputs:
        looks = self.variant not in {"no second look", "no keys", "the key before the booking"}
        if key not in self.keys or not looks:
            self.keys.add(key)
            self.booked += 1
        return [("gateway", Charged(key))]


def fill(world: World, variant: str) -> None:
    world.add("client", Client(variant))
    world.add("gateway", Gateway(variant))
    world.add("bank", Bank(variant))

    def paid(view: View) -> bool:
        return bool(view["bank"].booked == 1 and view["client"].paid_)

    world.always(lambda view: view["bank"].booked <= 1, "not twice")
    world.always(lambda view: view["bank"].booked or not view["client"].paid_, "not for nothing")
    world.eventually(paid, within=100)
    world.sometimes(lambda view: view["gateway"].starts > 0, "a restart")


SPECIMENS = (
    Specimen(
        "idempotent payment",
        fill,
        {
            "a new key when it asks again": Bug("easy", 7),
            "no keys": Bug("easy", 5),
            "no second look": Bug("easy", 5),
            "the key before the booking": Bug("easy", 5),
            "asks the bank once": Bug("easy", 23),
            "keys not durable": Bug("hard", 7),
            "a new key after a restart": Bug("hard", 9),
        },
        network=Network.UNORDERED,
        faults=Faults(crashes={"gateway": 1, "bank": 1}, drops=1, duplicates=1, early_timers=1),
    ),
)
