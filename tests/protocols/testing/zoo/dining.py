"""Dining philosophers (Dijkstra, 1971): forks are actors, each goes to one at a time."""

from typing import NamedTuple

from dramaturg.protocols.testing import View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

PLACES = 3


class Take(NamedTuple): ...


class Granted(NamedTuple): ...


class PutBack(NamedTuple): ...


class Enough(NamedTuple): ...


class Philosopher(Actor):
    def __init__(self, variant: str, place: int, meals: int) -> None:
        super().__init__(variant)
        self.name = f"p{place}"
        self.forks = [f"f{place}", f"f{(place + 1) % PLACES}"]
        if variant != "everybody takes the left one first":
            self.forks.sort()
        self.meals = meals
        self.held = 0
        self.eating = False

    def on_start(self) -> Outputs:
        return [(self.forks[0], Take())]

    def granted(self, sender: str) -> Outputs:
        self.held += 1
        if self.held < 2:
            return [(self.forks[1], Take())]
        self.eating = True
        return [(self.name, Enough())]

    def enough(self, sender: str) -> Outputs:
        self.eating = False
        self.held = 0
        self.meals -= 1
        back: Outputs = [(fork, PutBack()) for fork in self.forks]
        if self.variant == "puts the first one back twice":
            back.append((self.forks[0], PutBack()))
        return back + (self.on_start() if self.meals else [])


class Fork(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.holder: str | None = None
        self.waiting: list[str] = []

    def take(self, sender: str) -> Outputs:
        if self.holder is not None:
            self.waiting.append(sender)
            return []
        self.holder = sender
        return [(sender, Granted())]

    def putback(self, sender: str) -> Outputs:
        self.holder = None
        if not self.waiting:
            return []
        following = self.waiting.pop(0)
        if self.variant != "passed on, it counts as free":
            self.holder = following
        return [(following, Granted())]


def neighbours(view: View) -> bool:
    return len([place for place in range(PLACES) if view[f"p{place}"].eating]) <= 1


def fill(world: World, variant: str) -> None:
    for place in range(PLACES):
        world.add(f"p{place}", Philosopher(variant, place, 2 if place == 0 else 1))
    for place in range(PLACES):
        world.add(f"f{place}", Fork(variant))
    world.always(neighbours)
    world.at_rest(lambda view: all(view[f"p{n}"].meals == 0 for n in range(PLACES)), "all eat")
    world.sometimes(lambda view: bool(view["f0"].waiting), "somebody waits")


SPECIMENS = (
    Specimen(
        "dining philosophers",
        fill,
        {
            "everybody takes the left one first": Bug("easy", 9),
            "puts the first one back twice": Bug("easy", 16),
            "passed on, it counts as free": Bug("easy", 15),
        },
    ),
)
