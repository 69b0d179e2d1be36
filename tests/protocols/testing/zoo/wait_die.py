"""Two-phase locking over two accounts; the younger gives up (Rosenkrantz et al., 1978)."""

from typing import NamedTuple

from dramaturg.protocols.testing import Network, SetTimer, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

PLANS = {"t1": ("x", "y"), "t2": ("y", "x"), "t3": ("x", "y")}
AGES = {"t1": 1, "t2": 2, "t3": 3}


class Lock(NamedTuple):
    age: int


class Locked(NamedTuple):
    value: int


class Die(NamedTuple): ...


class Unlock(NamedTuple):
    value: int | None


class Account(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.value = 0
        self.owner: tuple[int, str] | None = None
        self.waiting: list[tuple[int, str]] = []

    def lock(self, sender: str, age: int) -> Outputs:
        if self.owner is None:
            self.owner = (age, sender)
            return [(sender, Locked(self.value))]
        if self.variant != "everybody waits" and self.owner[0] < age:
            return [(sender, Die())]
        self.waiting.append((age, sender))
        return []

    def unlock(self, sender: str, value: int | None) -> Outputs:
        if value is not None:
            self.value = value
        if self.owner is None or self.owner[1] != sender:
            return []
        self.owner = None
        if not self.waiting:
            return []
        oldest = self.variant == "the oldest is next"
        # An older one that waits still waits for a younger one.
        first = min(self.waiting) if oldest else max(self.waiting)
        self.waiting = [each for each in self.waiting if each != first]
        self.owner = first
        if self.variant == "wakes all who wait":
            woken, self.waiting = [first, *self.waiting], []
            return [(each, Locked(self.value)) for _, each in woken]
        return [(first[1], Locked(self.value))]


class Transfer(Actor):
    """Adds one to each of two accounts, together."""

    def __init__(self, variant: str, name: str) -> None:
        super().__init__(variant)
        self.name = name
        self.age = AGES[name]
        self.held: dict[str, int] = {}
        self.tries = 0
        self.done = False

    def on_start(self) -> Outputs:
        self.tries += 1
        self.held = {}
        return [(PLANS[self.name][0], Lock(self.age))]

    def on_timer(self, name: str) -> Outputs:
        return self.on_start()

    def locked(self, sender: str, value: int) -> Outputs:
        self.held[sender] = value
        first, second = PLANS[self.name]
        if len(self.held) < 2:
            early = self.variant == "unlocks before it has all"
            released: Outputs = [(first, Unlock(None))] if early else []
            return [*released, (second, Lock(self.age))]
        self.done = True
        return [(each, Unlock(self.held[each] + 1)) for each in (first, second)]

    def die(self, sender: str) -> Outputs:
        held = list(self.held) if self.variant != "keeps its lock when it dies" else []
        return [*[(each, Unlock(None)) for each in held], SetTimer("again", 5)]


def fill(world: World, variant: str) -> None:
    for name in ("x", "y"):
        world.add(name, Account(variant))
    for name in PLANS:
        world.add(name, Transfer(variant, name))

    def all_added(view: View) -> bool:
        return bool(view["x"].value == view["y"].value == len(PLANS))

    world.at_rest(lambda view: all(view[name].done for name in PLANS), "all are done")
    world.at_rest(all_added)
    world.sometimes(lambda view: any(view[name].tries > 1 for name in PLANS), "one dies")


SPECIMENS = (
    Specimen(
        "wait-die locking",
        fill,
        {
            "everybody waits": Bug("easy", 7),
            "unlocks before it has all": Bug("easy", 21),
            "keeps its lock when it dies": Bug("easy", 10),
            "wakes all who wait": Bug("easy", 18),
            "the oldest is next": Bug("hard", 12),
        },
        network=Network.FIFO,
    ),
)
