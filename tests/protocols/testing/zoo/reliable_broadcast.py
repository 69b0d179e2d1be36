"""Uniform reliable broadcast (Hadzilacos and Toueg, 1993): everybody passes on what is new."""

from typing import NamedTuple

from dramaturg.protocols.testing import Faults, Network, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

NAMES = ["a", "b", "c"]


class Post(NamedTuple):
    word: str


class Node(Actor):
    """Shows a word that a majority has."""

    def __init__(self, variant: str, name: str) -> None:
        super().__init__(variant)
        lost = {"has not durable": "has", "shown not durable": "shown"}.get(variant)
        self.durable = tuple(each for each in ("shown", "has", "passed") if each != lost)
        self.name = name
        self.others = [each for each in NAMES if each != name]
        self.has: dict[str, tuple[str, ...]] = {}
        self.passed: tuple[str, ...] = ()
        self.shown: list[str] = []

    def on_start(self) -> Outputs:
        return self.pass_on(f"of {self.name}") if self.name != "c" else []

    def pass_on(self, word: str) -> Outputs:
        self.passed += (word,)
        self.has[word] = (*self.has.get(word, ()), self.name)
        return [(each, Post(word)) for each in self.others]

    def post(self, sender: str, word: str) -> Outputs:
        if sender not in self.has.get(word, ()):
            self.has[word] = (*self.has.get(word, ()), sender)
        outputs: Outputs = []
        if word not in self.passed and self.variant != "nobody passes on":
            outputs = self.pass_on(word)
        enough = 1 if self.variant in {"shows at once", "nobody passes on"} else 2
        again = word in self.shown and self.variant != "shows copies"
        if len(self.has[word]) >= enough and not again:
            self.shown.append(word)
        return outputs

    def on_restart(self) -> Outputs:
        return [(each, Post(word)) for word in self.passed for each in self.others]


def once(view: View) -> bool:
    return all(len(set(view[name].shown)) == len(view[name].shown) for name in NAMES)


def alike(view: View) -> bool:
    return len({frozenset(view[name].shown) for name in NAMES}) == 1


def fill(world: World, variant: str) -> None:
    for name in NAMES:
        world.add(name, Node(variant, name))
    world.always(once)
    world.at_rest(alike)
    world.sometimes(lambda view: view["c"].shown == ["of b", "of a"], "the other order")


SPECIMENS = (
    Specimen(
        "uniform reliable broadcast",
        fill,
        {
            "nobody passes on": Bug("easy", 4),
            "shows copies": Bug("easy", 3),
            "has not durable": Bug("hard", 16),
            "shown not durable": Bug("easy", 16),
        },
        network=Network.UNORDERED,
        faults=Faults(crashes=1, drops=1, duplicates=1),
    ),
)
