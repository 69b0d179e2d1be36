"""A register on a majority of replicas (Attiya, Bar-Noy and Dolev, 1995): one writer."""

from typing import NamedTuple

from dramaturg.protocols.testing import Faults, Network, Noted, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

REPLICAS = ["r1", "r2", "r3"]
MAJORITY = 2


class Store(NamedTuple):
    operation: int
    value: int


class Stored(NamedTuple):
    operation: int


class Get(NamedTuple):
    operation: int


class Value(NamedTuple):
    operation: int
    value: int


class Replica(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.durable = () if variant == "replica not durable" else ("kept",)
        self.kept = 0

    def store(self, sender: str, operation: int, value: int) -> Outputs:
        newer = value > self.kept or self.variant == "an older value overwrites"
        self.kept = value if newer else self.kept
        return [(sender, Stored(operation))]

    def get(self, sender: str, operation: int) -> Outputs:
        return [(sender, Value(operation, self.kept))]


class Client(Actor):
    def __init__(self, variant: str, name: str, plan: tuple[int, ...]) -> None:
        super().__init__(variant)
        self.name = name
        self.plan = plan  # a number is written, 0 is a read
        self.operation = 0
        self.result = 0
        self.storing = False
        self.answers: dict[str, int] = {}

    def on_start(self) -> Outputs:
        return self.begin()

    def begin(self) -> Outputs:
        self.operation += 1
        self.answers = {}
        if len(self.plan) == 0:
            return []
        self.result, *rest = self.plan
        self.plan = tuple(rest)
        self.storing = bool(self.result)
        return [Noted(("begin", self.name, 0)), *self.ask()]

    def ask(self) -> Outputs:
        if self.storing:
            return [(each, Store(self.operation, self.result)) for each in REPLICAS]
        return [(each, Get(self.operation)) for each in REPLICAS]

    def current(self, operation: int, *, storing: bool) -> bool:
        if self.variant == "takes old answers":
            return self.storing == storing
        return operation == self.operation and self.storing == storing

    def value(self, sender: str, operation: int, value: int) -> Outputs:
        if not self.current(operation, storing=False):
            return []
        self.answers[sender] = value
        if len(self.answers) < (1 if self.variant == "asks one replica" else MAJORITY):
            return []
        self.result = max(self.answers.values())
        if self.variant == "reads do not write back":
            return [Noted(("end", self.name, self.result)), *self.begin()]
        self.answers = {}
        self.operation += 1
        self.storing = True
        return self.ask()

    def stored(self, sender: str, operation: int) -> Outputs:
        if not self.current(operation, storing=True):
            return []
        self.answers[sender] = 0
        if len(self.answers) < (1 if self.variant == "writes one replica" else MAJORITY):
            return []
        self.storing = False
        return [Noted(("end", self.name, self.result)), *self.begin()]


def atomic(view: View) -> None:
    """Nobody gets less than what somebody had before it began."""
    seen = 0
    floor: dict[str, int] = {}
    for kind, who, value in view.history:
        if kind == "begin":
            floor[who] = seen
            continue
        assert value >= floor[who], f"{who} gets {value} after {floor[who]}"
        seen = max(seen, value)


def fill(world: World, variant: str) -> None:
    for name in REPLICAS:
        world.add(name, Replica(variant))
    world.add("w", Client(variant, "w", (1, 2)))
    world.add("x", Client(variant, "x", (0, 0)))
    world.add("y", Client(variant, "y", (0,)))
    world.always(atomic)
    world.sometimes(lambda view: ("end", "y", 2) in view.history, "the second write is read")


SPECIMENS = (
    Specimen(
        "ABD register",
        fill,
        {
            "asks one replica": Bug("easy", 14),
            "writes one replica": Bug("easy", 14),
            "an older value overwrites": Bug("easy", 20),
            "replica not durable": Bug("hard", 19),
            "takes old answers": Bug("hard", 20),
            "reads do not write back": Bug("hard", 9),
        },
        network=Network.UNORDERED,
        faults=Faults(crashes=1, duplicates=1),
    ),
)
