"""A token ring (Le Lann, 1977): the first node makes a lost token anew."""

from typing import NamedTuple

from dramaturg.protocols.testing import CancelTimer, Faults, Noted, SetTimer, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

NODES = ["n0", "n1", "n2"]
LAST = 6


class Token(NamedTuple):
    number: int


class Node(Actor):
    def __init__(self, variant: str, place: int) -> None:
        super().__init__(variant)
        self.durable = ("done",) if variant == "number not durable" else ("done", "seen")
        self.place = place
        self.seen = 0
        self.done = False
        self.watched = False

    def watch(self) -> Outputs:
        if self.place or self.done:
            return []
        if self.watched and self.variant == "watches until it has made one anew":
            return []
        return [SetTimer("lost", 10)]

    def on_start(self) -> Outputs:
        return self.enter(1) if self.place == 0 else []

    def token(self, sender: str, number: int) -> Outputs:
        if number <= self.seen and self.variant != "takes any token":
            return []
        return self.enter(number)

    def enter(self, number: int) -> Outputs:
        self.seen = number
        if self.place == 0 and number >= LAST:
            self.done = True
            return [Noted(number), CancelTimer("lost")]
        following = NODES[(self.place + 1) % len(NODES)]
        return [Noted(number), (following, Token(number + 1)), *self.watch()]

    def on_timer(self, name: str) -> Outputs:
        # The token is lost, or waits for somebody who is down: the others have seen less than this.
        self.watched = True
        return self.enter(self.seen + (0 if self.variant == "the same number" else len(NODES)))

    def on_restart(self) -> Outputs:
        return self.watch()


def one_token(view: View) -> bool:
    return len(set(view.history)) == len(view.history)


def fill(world: World, variant: str) -> None:
    for place in range(len(NODES)):
        world.add(NODES[place], Node(variant, place))
    world.always(one_token)
    world.eventually(lambda view: view["n0"].done, within=200, name="goes round")
    world.sometimes(lambda view: view.now > 0, "a token is lost")


SPECIMENS = (
    Specimen(
        "token ring",
        fill,
        {
            "takes any token": Bug("easy", 3),
            "the same number": Bug("easy", 2),
            "watches until it has made one anew": Bug("hard", 3),
            "number not durable": Bug("hard", 5),
        },
        faults=Faults(drops=2, duplicates=1, crashes=1),
    ),
)
