"""Mutual exclusion by a queue that everybody keeps (Lamport, 1978), on channels that keep order."""

from typing import NamedTuple

from dramaturg.protocols.testing import Network, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

NAMES = ["a", "b", "c"]


class Want(NamedTuple): ...


class Request(NamedTuple):
    clock: int


class Ack(NamedTuple):
    clock: int


class Release(NamedTuple):
    clock: int


class Leave(NamedTuple): ...


class Node(Actor):
    def __init__(self, variant: str, name: str, rounds: int) -> None:
        super().__init__(variant)
        self.name = name
        self.others = [each for each in NAMES if each != name]
        self.rounds = rounds
        self.clock = 0
        self.queue: dict[str, int] = {}
        self.heard = dict.fromkeys(self.others, 0)
        self.inside = False

    def want(self, sender: str) -> Outputs:
        self.clock += 1
        self.queue[self.name] = self.clock
        if self.variant == "waits for the fastest":
            self.heard = dict.fromkeys(self.others, 0)
        return [(each, Request(self.clock)) for each in self.others]

    def hear(self, sender: str, clock: int) -> None:
        self.clock = max(self.clock, clock) + 1
        self.heard[sender] = clock

    def request(self, sender: str, clock: int) -> Outputs:
        self.hear(sender, clock)
        self.queue[sender] = clock
        if self.variant == "the clock of an acknowledgement stands still":
            self.clock -= 1
        return [(sender, Ack(self.clock)), *self.enter()]

    def ack(self, sender: str, clock: int) -> Outputs:
        self.hear(sender, clock)
        return self.enter()

    def release(self, sender: str, clock: int) -> Outputs:
        self.hear(sender, clock)
        if self.variant == "keeps who is gone":
            return self.enter()
        self.queue.pop(sender, None)
        return self.enter()

    def enter(self) -> Outputs:
        mine = self.queue.get(self.name)
        if mine is None or self.inside or not self.all_heard(mine):
            return []
        if (mine, self.name) != min((clock, name) for name, clock in self.queue.items()):
            return []
        self.inside = True
        return [(self.name, Leave())]

    def all_heard(self, mine: int) -> bool:
        if self.variant == "heads its own queue":
            return True
        if self.variant == "waits for the fastest":
            return max(self.heard.values()) > mine
        if self.variant == "heard of once is enough":
            return all(self.heard.values())
        return all(clock > mine for clock in self.heard.values())

    def leave(self, sender: str) -> Outputs:
        self.inside = False
        self.rounds -= 1
        del self.queue[self.name]
        self.clock += 1
        gone: Outputs = [(each, Release(self.clock)) for each in self.others]
        return gone + (self.want(self.name) if self.rounds else [])


def one_inside(view: View) -> bool:
    return len([name for name in NAMES if view[name].inside]) <= 1


def fill(world: World, variant: str) -> None:
    for name in NAMES:
        world.add(name, Node(variant, name, 2 if name == "a" else 1))
        world.send("user", name, Want())
    world.always(one_inside)
    world.at_rest(lambda view: all(view[name].rounds == 0 for name in NAMES), "everybody was in")
    world.sometimes(lambda view: any(len(view[n].queue) > 2 for n in NAMES), "all want")


BUGS = {
    "heads its own queue": Bug("easy", 5),
    "waits for the fastest": Bug("easy", 6),
    "keeps who is gone": Bug("easy", 18),
    "heard of once is enough": Bug("hard", 11),
}

SPECIMENS = (
    Specimen("Lamport's mutual exclusion", fill, BUGS),
    Specimen(
        "Lamport's mutual exclusion, unordered",
        fill,
        {"correct": Bug("easy", 15)},
        correct=(),
        network=Network.UNORDERED,
    ),
)
