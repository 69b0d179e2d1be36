"""Two clients that add to one number: read, compute, write if nobody else has written."""

from typing import NamedTuple

from dramaturg.protocols.testing import CancelTimer, Faults, SetTimer, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

ADDITIONS = 2


class Read(NamedTuple): ...


class Value(NamedTuple):
    value: int
    version: int


class Write(NamedTuple):
    operation: int
    value: int
    version: int


class Written(NamedTuple):
    operation: int


class Conflict(NamedTuple):
    operation: int
    value: int
    version: int


class Store(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.value = 0
        self.version: int = 0
        self.done: dict[str, int] = {}

    def read(self, sender: str) -> Outputs:
        return [(sender, Value(self.value, self.version))]

    def write(self, sender: str, operation: int, value: int, version: int) -> Outputs:
        done = self.done.get(sender, 0)
        if operation <= done and self.variant != "does not know what it has done":
            return [(sender, Written(operation))]
        if version != self.version and self.variant != "writes in any case":
            return [(sender, Conflict(operation, self.value, self.version))]
        self.value = value
        stays = self.variant == "the version stays" and value % 2 == 0
        self.version += 0 if stays else 1
        self.done[sender] = operation
        return [(sender, Written(operation))]


class Client(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.operation = 1
        self.pending: Write | None = None

    def on_start(self) -> Outputs:
        self.pending = None
        return [("s", Read()), SetTimer("again", 5)]

    def on_timer(self, name: str) -> Outputs:
        if self.pending is None:
            return self.on_start()
        if self.variant == "a new number when it asks again":
            self.operation += 1
            self.pending = self.pending._replace(operation=self.operation)
        return [("s", self.pending), SetTimer("again", 5)]

    def value(self, sender: str, value: int, version: int) -> Outputs:
        if self.pending is not None or self.operation > ADDITIONS:
            return []
        self.pending = Write(self.operation, value + 1, version)
        return [("s", self.pending), SetTimer("again", 5)]

    def conflict(self, sender: str, operation: int, value: int, version: int) -> Outputs:
        if self.pending is None or operation != self.operation:
            return []
        new = self.pending.value if self.variant == "writes the old sum again" else value + 1
        self.pending = Write(operation, new, version)
        return [("s", self.pending), SetTimer("again", 5)]

    def written(self, sender: str, operation: int) -> Outputs:
        if self.pending is None or operation != self.operation:
            return []
        self.operation += 1
        self.pending = None
        return [CancelTimer("again")] if self.operation > ADDITIONS else self.on_start()


def fill(world: World, variant: str) -> None:
    world.add("s", Store(variant))
    world.add("a", Client(variant))
    world.add("b", Client(variant))

    def added(view: View) -> None:
        value = view["s"].value
        assert value == 2 * ADDITIONS, f"it is {value}"

    world.at_rest(added)
    world.sometimes(lambda view: bool(view["a"].pending and view["b"].pending), "both write")


SPECIMENS = (
    Specimen(
        "optimistic lock",
        fill,
        {
            "writes in any case": Bug("easy", 16),
            "writes the old sum again": Bug("easy", 18),
            "does not know what it has done": Bug("easy", 21),
            "the version stays": Bug("easy", 16),
            "a new number when it asks again": Bug("easy", 14),
        },
        faults=Faults(drops=1, duplicates=1, early_timers=1),
    ),
)
