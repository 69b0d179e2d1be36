"""Total order by a sequencer (Kaashoek and Tanenbaum, 1991): who misses a number asks for it."""

from typing import NamedTuple

from dramaturg.protocols.testing import CancelTimer, Faults, Network, SetTimer, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

MEMBERS = ["m1", "m2", "m3"]
WORDS = {"m1": ("x", "y"), "m2": ("z",), "m3": ()}


class Say(NamedTuple):
    word: str


class Ordered(NamedTuple):
    number: int
    word: str


class Missing(NamedTuple):
    number: int


class Sequencer(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.durable = () if variant == "order not durable" else ("words",)
        self.words: list[str] = []

    def say(self, sender: str, word: str) -> Outputs:
        if word not in self.words or self.variant == "numbers it twice":
            self.words.append(word)
        ordered = Ordered(self.words.index(word), word)
        if self.variant == "numbers it twice":
            ordered = Ordered(len(self.words) - 1, word)
        return [(each, ordered) for each in MEMBERS]

    def missing(self, sender: str, number: int) -> Outputs:
        if number >= len(self.words):
            return []
        return [(sender, Ordered(number, self.words[number]))]


class Member(Actor):
    def __init__(self, variant: str, name: str) -> None:
        super().__init__(variant)
        self.unsaid = list(WORDS[name])
        self.heard: list[str] = []
        self.early: dict[int, str] = {}

    def on_start(self) -> Outputs:
        return [*[("s", Say(word)) for word in self.unsaid], SetTimer("again", 5)]

    def on_timer(self, name: str) -> Outputs:
        again: Outputs = [("s", Say(word)) for word in self.unsaid]
        if len(self.heard) < 3:
            asks = self.variant != "asks for nothing"
            again += [("s", Missing(len(self.heard)))] if asks else []
            again += [SetTimer("again", 5)] if asks or self.unsaid else []
        return again

    def ordered(self, sender: str, number: int, word: str) -> Outputs:
        if self.variant == "hears what comes":
            self.heard += [] if word in self.heard else [word]
        elif number >= len(self.heard):
            self.early[number] = word
        while len(self.heard) in self.early:
            self.heard.append(self.early.pop(len(self.heard)))
        self.unsaid = [each for each in self.unsaid if each not in self.heard]
        return [CancelTimer("again")] if len(self.heard) >= 3 else []


def same_order(view: View) -> bool:
    heard = [view[name].heard for name in MEMBERS]
    longest = max(heard, key=len)
    return all(each == longest[: len(each)] for each in heard)


def fill(world: World, variant: str) -> None:
    world.add("s", Sequencer(variant))
    for name in MEMBERS:
        world.add(name, Member(variant, name))
    world.always(same_order)
    world.always(lambda view: all(len(set(view[n].heard)) == len(view[n].heard) for n in MEMBERS))
    world.at_rest(lambda view: all(len(view[name].heard) == 3 for name in MEMBERS), "all heard")
    world.sometimes(lambda view: view["m3"].heard[:1] == ["z"], "the other order")


SPECIMENS = (
    Specimen(
        "sequencer",
        fill,
        {
            "hears what comes": Bug("easy", 4),
            "numbers it twice": Bug("easy", 5),
            "asks for nothing": Bug("easy", 13),
            "order not durable": Bug("hard", 6),
        },
        network=Network.UNORDERED,
        faults=Faults(crashes={"s": 1}, drops=2, early_timers=1),
    ),
)
