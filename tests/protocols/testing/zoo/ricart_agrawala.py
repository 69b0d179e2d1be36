"""Mutual exclusion by permission of all others (Ricart and Agrawala, 1981)."""

from itertools import combinations
from typing import NamedTuple

from dramaturg.protocols.testing import Faults, Network, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

NAMES = ["a", "b", "c"]


class Want(NamedTuple): ...


class Request(NamedTuple):
    clock: int


class Reply(NamedTuple):
    clock: int


class Leave(NamedTuple):
    clock: int


class Node(Actor):
    def __init__(self, variant: str, name: str, rounds: int) -> None:
        super().__init__(variant)
        self.name = name
        self.rounds = rounds
        self.clock = 0
        self.mine: int | None = None
        self.inside = False
        self.replied: set[str] = set()
        self.deferred: dict[str, int] = {}

    def want(self, sender: str) -> Outputs:
        if self.mine is not None or not self.rounds:
            return []
        self.clock += 1
        self.mine = self.clock
        self.replied = set()
        return [(other, Request(self.clock)) for other in NAMES if other != self.name]

    def request(self, sender: str, clock: int) -> Outputs:
        if self.variant != "clock stands still":
            self.clock = max(self.clock, clock)
        if self.goes_first(sender, clock):
            if self.variant == "keeps one waiting":
                self.deferred.clear()
            self.deferred[sender] = clock
            return []
        return [(sender, Reply(clock))]

    def goes_first(self, sender: str, clock: int) -> bool:
        if self.mine is None or (self.inside and self.variant == "replies while inside"):
            return False
        if self.variant == "two at the same time":
            return self.mine < clock
        return (self.mine, self.name) < (clock, sender)

    def reply(self, sender: str, clock: int) -> Outputs:
        if self.mine is None or self.inside:
            return []
        if clock != self.mine and self.variant != "takes an old reply":
            return []
        self.replied.add(sender)
        if len(self.replied) < len(NAMES) - 1:
            return []
        self.inside = True
        return [(self.name, Leave(self.mine))]

    def leave(self, sender: str, clock: int) -> Outputs:
        if clock != self.mine or not self.inside:
            return []
        self.inside = False
        self.mine = None
        self.rounds -= 1
        replies: Outputs = [(name, Reply(clock)) for name, clock in self.deferred.items()]
        self.deferred.clear()
        return replies + self.want(self.name)


def one_inside(view: View) -> bool:
    return not any(view[a].inside and view[b].inside for a, b in combinations(NAMES, 2))


def fill(world: World, variant: str) -> None:
    for name in NAMES:
        world.add(name, Node(variant, name, 2 if name == "a" else 1))
        world.send("user", name, Want())
    world.always(one_inside)
    world.at_rest(lambda view: all(view[name].rounds == 0 for name in NAMES), "everybody was in")
    world.sometimes(lambda view: any(len(view[n].deferred) > 1 for n in NAMES), "two wait")


SPECIMENS = (
    Specimen(
        "Ricart-Agrawala",
        fill,
        {
            "two at the same time": Bug("easy", 10),
            "keeps one waiting": Bug("easy", 14),
            "replies while inside": Bug("easy", 10),
            "clock stands still": Bug("easy", 10),
            "takes an old reply": Bug("hard", 15),
        },
        network=Network.UNORDERED,
        faults=Faults(duplicates=1),
    ),
)
