"""Causal broadcast (Birman, Schiper and Stephenson, 1991)."""

from typing import NamedTuple

from dramaturg.protocols.testing import Faults, Network, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

NAMES = ["a", "b", "c"]


class Post(NamedTuple):
    number: int
    clock: tuple[int, ...]


class Node(Actor):
    """Posts an answer to each of the first posts, one node after the other."""

    def __init__(self, variant: str, place: int) -> None:
        super().__init__(variant)
        self.place = place
        self.clock = [0] * len(NAMES)
        self.waiting: list[tuple[int, Post]] = []
        self.seen: list[int] = []

    def on_start(self) -> Outputs:
        return self.say(1) + self.say(2) if self.place == 0 else []

    def say(self, number: int) -> Outputs:
        self.clock[self.place] += 1
        self.seen.append(number)
        post = Post(number, tuple(self.clock))
        return [(name, post) for name in NAMES if name != NAMES[self.place]]

    def post(self, sender: str, number: int, clock: tuple[int, ...]) -> Outputs:
        self.waiting.append((NAMES.index(sender), Post(number, clock)))
        outputs: Outputs = []
        again = True
        while again:
            again = False
            for place, post in list(self.waiting):
                if not self.is_next(place, post.clock):
                    continue
                self.waiting.remove((place, post))
                outputs += self.see(place, post)
                again = self.variant != "looks through the waiting ones once"
        return outputs

    def is_next(self, place: int, clock: tuple[int, ...]) -> bool:
        if self.variant == "shows what comes":
            return clock[place] > self.clock[place]
        if clock[place] != self.clock[place] + 1:
            return False
        if self.variant == "compares only the sender's entry":
            return True
        return all(clock[n] <= self.clock[n] for n in range(len(NAMES)) if n != place)

    def see(self, place: int, post: Post) -> Outputs:
        self.clock[place] = post.clock[place]
        self.seen.append(post.number)
        answers = {2: 1, 3: 2}.get(post.number) == self.place
        return self.say(post.number + 1) if answers else []


def in_order(view: View) -> bool:
    return all(view[name].seen == sorted(view[name].seen) for name in NAMES)


def fill(world: World, variant: str) -> None:
    for place, name in enumerate(NAMES):
        world.add(name, Node(variant, place))
    world.always(in_order)
    world.at_rest(lambda view: all(len(view[name].seen) == 4 for name in NAMES), "all see all")
    world.sometimes(lambda view: any(len(view[name].waiting) > 1 for name in NAMES), "two wait")


SPECIMENS = (
    Specimen(
        "causal broadcast",
        fill,
        {
            "shows what comes": Bug("easy", 3),
            "compares only the sender's entry": Bug("easy", 4),
            "looks through the waiting ones once": Bug("easy", 4),
        },
        network=Network.UNORDERED,
        faults=Faults(duplicates=1),
    ),
)
