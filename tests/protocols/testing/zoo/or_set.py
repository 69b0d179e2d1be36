"""A set that is added to and removed from everywhere (Shapiro et al., 2011): adding wins."""

from typing import NamedTuple

from dramaturg.protocols.testing import Faults, Network, SetTimer, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

NAMES = ["a", "b", "c"]


class Add(NamedTuple): ...


class Remove(NamedTuple): ...


class State(NamedTuple):
    added: frozenset[tuple[str, int]]
    removed: frozenset[tuple[str, int]]


class Replica(Actor):
    """Keeps one element: a tag for each time that it was added, and the tags that are removed."""

    def __init__(self, variant: str, name: str) -> None:
        super().__init__(variant)
        self.name = name
        self.others = [each for each in NAMES if each != name]
        self.count = 0
        self.adds = 0
        self.rounds = 3
        self.added: frozenset[tuple[str, int]] = frozenset()
        self.removed: frozenset[tuple[str, int]] = frozenset()
        self.lasting: frozenset[tuple[str, int]] = frozenset()
        """What its own user has added after all that it removed."""
        self.saw: frozenset[tuple[str, int]] = frozenset()
        """What its own user has seen and removed."""

    def on_start(self) -> Outputs:
        return [SetTimer("gossip", 5)]

    def tell(self) -> Outputs:
        return [(each, State(self.added, self.removed)) for each in self.others]

    def add(self, sender: str) -> Outputs:
        self.count += 0 if self.variant == "one tag for all" else 1
        self.adds += 1
        self.added |= {(self.name, self.count)}
        self.lasting |= {(self.name, self.adds)}
        return []

    def remove(self, sender: str) -> Outputs:
        seen = self.added
        self.saw |= seen
        if self.variant == "removes the element for ever":
            seen |= {(name, count) for name in NAMES for count in range(3)}
        self.removed |= seen
        self.lasting = frozenset()
        return []

    def state(
        self, sender: str, added: frozenset[tuple[str, int]], removed: frozenset[tuple[str, int]]
    ) -> Outputs:
        if self.variant == "the newest state counts":
            self.added = added | self.lasting
            self.removed = removed
            return []
        self.added |= added
        if self.variant != "forgets what others removed":
            self.removed |= removed
        if self.variant == "drops tags with their element":
            self.added -= self.removed
            self.removed &= self.added
        return []

    def on_timer(self, name: str) -> Outputs:
        self.rounds -= 1
        return [*self.tell(), *([SetTimer("gossip", 5)] if self.rounds else [])]


def shows(view: View, name: str) -> bool:
    return bool(view[name].added - view[name].removed)


def fill(world: World, variant: str) -> None:
    for name in NAMES:
        world.add(name, Replica(variant, name))
    for name, what in (("a", Add()), ("a", Remove()), ("b", Add()), ("c", Remove()), ("a", Add())):
        world.send("user", name, what)
    world.at_rest(lambda view: len({shows(view, name) for name in NAMES}) == 1, "alike")
    world.at_rest(kept)
    world.at_rest(gone)
    world.sometimes(lambda view: len(view["c"].saw) > 0, "removes what it saw")


def kept(view: View) -> bool:
    """Tell whether what was added, and seen by nobody who removed, is there."""
    unseen = {tag for name in NAMES for tag in view[name].lasting}
    unseen -= {tag for name in NAMES for tag in view[name].saw}
    return not unseen or shows(view, "a")


def gone(view: View) -> bool:
    """Tell whether what was removed does not show again."""
    saw = {tag for name in NAMES for tag in view[name].saw}
    return all(saw.isdisjoint(view[name].added - view[name].removed) for name in NAMES)


SPECIMENS = (
    Specimen(
        "observed-remove set",
        fill,
        {
            "one tag for all": Bug("easy", 32),
            "removes the element for ever": Bug("easy", 32),
            "the newest state counts": Bug("easy", 32),
            "forgets what others removed": Bug("easy", None),
            "drops tags with their element": Bug("hard", None),
        },
        network=Network.UNORDERED,
        faults=Faults(drops=1, duplicates=1, early_timers=2),
    ),
)
