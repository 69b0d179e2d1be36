"""A counter that grows, by gossip (Shapiro et al., 2011): an entry for each node."""

from typing import NamedTuple

from dramaturg.protocols.testing import Faults, Network, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

NAMES = ["a", "b", "c"]


class Add(NamedTuple):
    number: int


class Gossip(NamedTuple):
    counts: tuple[int, ...]


class Counter(Actor):
    def __init__(self, variant: str, place: int) -> None:
        super().__init__(variant)
        self.place = place
        self.counts = [0] * len(NAMES)
        self.added: set[int] = set()

    def tell(self) -> Outputs:
        gossip = Gossip(tuple(self.counts))
        return [(name, gossip) for name in NAMES if name != NAMES[self.place]]

    def add(self, sender: str, number: int) -> Outputs:
        if number in self.added:
            return []
        self.added.add(number)
        self.counts[self.place] += 1
        return self.tell()

    def gossip(self, sender: str, counts: tuple[int, ...]) -> Outputs:
        if self.variant == "adds what it hears":
            mine = NAMES.index(sender)
            self.counts[mine] += counts[mine]
            return []
        if self.variant == "the newest message counts":
            self.counts = [
                self.counts[place] if place == self.place else count
                for place, count in enumerate(counts)
            ]
            return []
        if self.variant == "its own entry, too, may be overwritten":
            self.counts = list(counts)
            return []
        self.counts = [max(pair) for pair in zip(self.counts, counts, strict=True)]
        return []


def fill(world: World, variant: str) -> None:
    for place, name in enumerate(NAMES):
        world.add(name, Counter(variant, place))
    for number, name in enumerate(("a", "a", "b")):
        world.send("user", name, Add(number))

    def right(view: View) -> bool:
        return all(sum(view[name].counts) == 3 for name in NAMES)

    world.always(lambda view: all(sum(view[name].counts) <= 3 for name in NAMES), "never more")
    world.at_rest(right)


BUGS = {
    "adds what it hears": Bug("easy", 5),
    "the newest message counts": Bug("easy", 9),
    "its own entry, too, may be overwritten": Bug("easy", 9),
}

SPECIMENS = (
    Specimen(
        "gossip counter",
        fill,
        BUGS,
        network=Network.UNORDERED,
        faults=Faults(duplicates=2),
    ),
)
