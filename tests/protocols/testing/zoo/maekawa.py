"""Mutual exclusion by quorums that meet (Maekawa, 1985); asking in one order keeps off deadlock."""

from itertools import combinations
from typing import NamedTuple

from dramaturg.protocols.testing import Faults, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

QUORUMS = {"a": ["v1", "v2"], "b": ["v2", "v3"], "c": ["v1", "v3"]}


class Ask(NamedTuple):
    number: int


class Granted(NamedTuple):
    number: int


class Release(NamedTuple):
    number: int


class Leave(NamedTuple):
    number: int


class Client(Actor):
    def __init__(self, variant: str, name: str, quorum: list[str], rounds: int) -> None:
        super().__init__(variant)
        self.name = name
        self.quorum = quorum
        self.rounds = rounds
        self.number = 1
        self.votes: set[str] = set()
        self.inside = False

    def on_start(self) -> Outputs:
        return self.ask()

    def ask(self) -> Outputs:
        if self.variant == "asks all at once":
            return [(each, Ask(self.number)) for each in self.quorum]
        return [(self.quorum[len(self.votes)], Ask(self.number))]

    def next(self) -> Outputs:
        return [] if self.variant == "asks all at once" else self.ask()

    def granted(self, sender: str, number: int) -> Outputs:
        if number != self.number or sender in self.votes:
            return []
        self.votes.add(sender)
        if len(self.votes) < len(self.quorum):
            return self.next()
        self.inside = True
        return [(self.name, Leave(number))]

    def leave(self, sender: str, number: int) -> Outputs:
        if not self.inside or number != self.number:
            return []
        self.inside = False
        self.votes = set()
        self.rounds -= 1
        self.number += 1
        released: Outputs = [(each, Release(number)) for each in self.quorum]
        return released + (self.ask() if self.rounds else [])


class Arbiter(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.holder: tuple[str, int] | None = None
        self.waiting: list[tuple[str, int]] = []
        self.known: set[tuple[str, int]] = set()

    def ask(self, sender: str, number: int) -> Outputs:
        if (sender, number) in self.known:
            return []
        self.known.add((sender, number))
        if self.holder is None:
            self.holder = (sender, number)
            return [(sender, Granted(number))]
        self.waiting.append((sender, number))
        return []

    def release(self, sender: str, number: int) -> Outputs:
        if self.holder != (sender, number) and self.variant != "anybody may release":
            return []
        self.holder = None
        if not self.waiting:
            return []
        self.holder = name, first = self.waiting.pop(0)
        return [(name, Granted(first))]


def one_inside(view: View) -> bool:
    return not any(view[a].inside and view[b].inside for a, b in combinations(QUORUMS, 2))


def fill(world: World, variant: str) -> None:
    for name, quorum in QUORUMS.items():
        of = quorum[:1] if variant == "quorums that do not meet" else quorum
        world.add(name, Client(variant, name, of, 2 if name == "c" else 1))
    for name in ("v1", "v2", "v3"):
        world.add(name, Arbiter(variant))
    world.always(one_inside)
    world.at_rest(lambda view: all(view[name].rounds == 0 for name in QUORUMS), "everybody was in")
    world.sometimes(lambda view: bool(view["v1"].waiting), "somebody waits")


SPECIMENS = (
    Specimen(
        "Maekawa",
        fill,
        {
            "asks all at once": Bug("easy", 9),
            "quorums that do not meet": Bug("easy", 4),
            "anybody may release": Bug("hard", 17),
        },
        faults=Faults(duplicates=1),
    ),
)
