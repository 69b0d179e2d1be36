"""A subscription: first all that is there, then each change; who misses one begins anew."""

from typing import NamedTuple

from dramaturg.protocols.testing import Faults, Network, SetTimer, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

CHANGES = 4


class Change(NamedTuple): ...


class Subscribe(NamedTuple):
    number: int


class Snapshot(NamedTuple):
    number: int
    version: int
    total: int


class Delta(NamedTuple):
    version: int
    plus: int


class Beat(NamedTuple):
    version: int


class Source(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.version = 0
        self.total = 0
        self.subscribed = False

    def on_start(self) -> Outputs:
        return [SetTimer("change", 3)]

    def on_timer(self, name: str) -> Outputs:
        if name == "beat":
            return [("reader", Beat(self.version))]
        self.version += 1
        self.total += self.version
        told: Outputs = []
        if self.subscribed:
            told = [("reader", Delta(self.version, self.version))]
        last = self.version == CHANGES
        return [*told, SetTimer("beat" if last else "change", 3)]

    def subscribe(self, sender: str, number: int) -> Outputs:
        self.subscribed = True
        answer = (sender, Snapshot(number, self.version, self.total))
        done = self.version == CHANGES
        return [answer, *([SetTimer("beat", 3)] if done else [])]


class Reader(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.number = 0
        self.version = -1
        self.highest = -1
        self.total = 0
        self.early: dict[int, int] = {}

    def on_start(self) -> Outputs:
        self.number += 1
        return [("source", Subscribe(self.number)), SetTimer("again", 5)]

    def on_timer(self, name: str) -> Outputs:
        return [] if self.version >= CHANGES else self.on_start()

    def snapshot(self, sender: str, number: int, version: int, total: int) -> Outputs:
        if version < self.version and self.variant != "takes an old snapshot":
            return []
        self.version = version
        self.total = total
        return self.catch_up()

    def delta(self, sender: str, version: int, plus: int) -> Outputs:
        if self.variant == "adds what comes":
            self.total += plus
            self.version = max(version, self.version)
            return []
        if version <= self.version and self.variant != "adds old changes":
            return []
        if version <= self.version:
            self.total += plus
            return []
        if self.variant == "skips what is missing" and self.version >= 0:
            self.version = version - 1
        self.early[version] = plus
        return self.catch_up()

    def catch_up(self) -> Outputs:
        while self.version >= 0 and self.version + 1 in self.early:
            self.version += 1
            self.total += self.early.pop(self.version)
        self.highest = max(self.highest, self.version)
        return []

    def beat(self, sender: str, version: int) -> Outputs:
        return [] if version <= self.version else self.on_start()


def fill(world: World, variant: str) -> None:
    world.add("source", Source(variant))
    world.add("reader", Reader(variant))

    def right(view: View) -> bool:
        version: int = view["reader"].version
        return version < 0 or bool(view["reader"].total == version * (version + 1) // 2)

    world.always(right)
    world.always(lambda view: view["reader"].version >= view["reader"].highest, "never back")
    world.at_rest(lambda view: view["reader"].version == CHANGES, "is up to date")
    world.sometimes(lambda view: len(view["reader"].early) > 0, "a change comes early")


SPECIMENS = (
    Specimen(
        "subscription",
        fill,
        {
            "adds what comes": Bug("easy", None),
            "adds old changes": Bug("easy", None),
            "skips what is missing": Bug("easy", None),
            "takes an old snapshot": Bug("hard", None),
        },
        network=Network.UNORDERED,
        faults=Faults(drops=1, duplicates=1, early_timers=2),
    ),
)
