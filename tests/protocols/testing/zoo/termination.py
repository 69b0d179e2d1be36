"""Detecting that nothing goes on any more: Dijkstra and Scholten (1980), Safra (1987)."""

from typing import NamedTuple

from dramaturg.protocols.testing import Faults, Network, SetTimer, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

NAMES = ["n0", "n1", "n2"]
RING = [*NAMES, "n3"]


class Work(NamedTuple):
    depth: int


class Signal(NamedTuple): ...


class Finish(NamedTuple): ...


class Worker(Actor):
    """Works for whom it was engaged by first, until all whom it has engaged have signalled."""

    def __init__(self, variant: str, name: str) -> None:
        super().__init__(variant)
        self.name = name
        self.parent: str | None = None
        self.working = 0
        self.deficit = 0
        self.done = False

    def work(self, sender: str, depth: int) -> Outputs:
        self.working += 1
        outputs: Outputs = [(self.name, Finish())]
        if depth:
            outputs += [(each, Work(depth - 1)) for each in NAMES[1:] if each != self.name]
            self.deficit += len(outputs) - 1
        if self.parent is None or self.variant == "the newest is its parent":
            if self.parent not in {None, "user"}:
                outputs.append((str(self.parent), Signal()))
            self.parent = sender
        else:
            outputs.append((sender, Signal()))
        if self.variant == "signals at once" and sender != "user":
            outputs.append((sender, Signal()))
        return outputs

    def finish(self, sender: str) -> Outputs:
        self.working -= 1
        return self.leave()

    def signal(self, sender: str) -> Outputs:
        self.deficit -= 1
        return self.leave()

    def leave(self) -> Outputs:
        idle = self.working == 0 or self.variant == "does not wait for its own work"
        children = self.deficit <= 0 or self.variant == "does not wait for its children"
        if self.parent is None or not idle or not children:
            return []
        parent, self.parent = self.parent, None
        if parent == "user":
            self.done = True
            return []
        return [(parent, Signal())]


def fill_tree(world: World, variant: str) -> None:
    for name in NAMES:
        world.add(name, Worker(variant, name))
    world.send("user", "n0", Work(2))

    def nothing_goes_on(view: View) -> bool:
        return not view["n0"].done or not any(view[name].working for name in NAMES)

    def nothing_comes(view: View) -> bool:
        return not view["n0"].done or not any(isinstance(m, Work) for _, _, m in view.in_flight)

    world.always(nothing_goes_on)
    world.always(nothing_comes)
    world.at_rest(lambda view: view["n0"].done, "it is detected")


class Job(NamedTuple):
    answers: int


class Token(NamedTuple):
    total: int
    black: bool


class Machine(Actor):
    """Counts the jobs it sends less those it gets, and is black when it has got one."""

    def __init__(self, variant: str, name: str) -> None:
        super().__init__(variant)
        self.name = name
        self.count = 0
        self.black = False
        self.token_is_out = False
        self.done = False

    def on_start(self) -> Outputs:
        if self.name == "n2":
            self.count += 1
            return [("n3", Job(2))]
        return self.round() if self.name == "n0" else []

    def round(self) -> Outputs:
        self.black = False
        self.token_is_out = True
        return [("n3", Token(0, black=False)), SetTimer("again", 5)]

    def job(self, sender: str, answers: int) -> Outputs:
        if self.variant != "does not count what it gets":
            self.count -= 1
        if self.variant != "stays white":
            self.black = True
        self.count += answers
        return [(sender, Job(0))] * answers

    def token(self, sender: str, total: int, black: bool) -> Outputs:
        black = black or self.black
        if self.variant != "does not add its count":
            total += self.count
        if self.variant == "forgets that the token was black":
            black = self.black
        self.black = False
        if self.name == "n0":
            self.token_is_out = False
            self.done = total == 0 and not black
            return []
        return [(RING[RING.index(self.name) - 1], Token(total, black))]

    def on_timer(self, name: str) -> Outputs:
        if self.token_is_out:
            return [SetTimer("again", 5)]
        return [] if self.done else self.round()


def fill_ring(world: World, variant: str) -> None:
    for name in RING:
        world.add(name, Machine(variant, name))

    def nothing_comes(view: View) -> bool:
        return not view["n0"].done or not any(isinstance(m, Job) for _, _, m in view.in_flight)

    world.always(nothing_comes)
    world.eventually(lambda view: view["n0"].done, within=50, name="it is detected")


SPECIMENS = (
    Specimen(
        "Dijkstra-Scholten",
        fill_tree,
        {
            "does not wait for its children": Bug("easy", 2),
            "does not wait for its own work": Bug("easy", 9),
            "signals at once": Bug("easy", 6),
            "the newest is its parent": Bug("easy", 8),
        },
        network=Network.UNORDERED,
    ),
    Specimen(
        "Safra",
        fill_ring,
        {
            "does not count what it gets": Bug("easy", 58),
            "does not add its count": Bug("easy", 4),
            "stays white": Bug("hard", 6),
            "forgets that the token was black": Bug("hard", 6),
        },
        network=Network.UNORDERED,
        faults=Faults(early_timers=1),
    ),
)
