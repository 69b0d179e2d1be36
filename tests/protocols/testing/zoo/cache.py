"""A cache beside a database: what a reader puts there may be old (Nishtala et al., 2013)."""

from typing import NamedTuple

from dramaturg.protocols.testing import Network, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

WRITES = 2


class Get(NamedTuple): ...


class Hit(NamedTuple):
    version: int


class Miss(NamedTuple):
    lease: int


class Query(NamedTuple): ...


class Row(NamedTuple):
    version: int


class Put(NamedTuple):
    version: int
    lease: int


class Write(NamedTuple): ...


class Stored(NamedTuple):
    version: int


class Invalidate(NamedTuple): ...


class Cache(Actor):
    """A put counts only if nothing was invalidated since the miss."""

    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.version: int | None = None
        self.lease = 0

    def get(self, sender: str) -> Outputs:
        return [(sender, Miss(self.lease) if self.version is None else Hit(self.version))]

    def put(self, sender: str, version: int, lease: int) -> Outputs:
        if lease == self.lease or self.variant == "any put counts":
            self.version = version
        return []

    def invalidate(self, sender: str) -> Outputs:
        self.version = None
        if self.variant != "any put counts":
            self.lease += 1
        return []


class Database(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.version = 0

    def query(self, sender: str) -> Outputs:
        return [(sender, Row(self.version))]

    def write(self, sender: str) -> Outputs:
        self.version += 1
        if self.variant == "invalidates first":
            return [(sender, Stored(self.version))]
        return [("cache", Invalidate()), (sender, Stored(self.version))]


class Reader(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.lease = 0
        self.reads = 2
        self.hits = 0

    def on_start(self) -> Outputs:
        self.reads -= 1
        return [("cache", Get())]

    def hit(self, sender: str, version: int) -> Outputs:
        self.hits += 1
        return self.on_start() if self.reads else []

    def miss(self, sender: str, lease: int) -> Outputs:
        self.lease = lease
        return [("db", Query())]

    def row(self, sender: str, version: int) -> Outputs:
        return [("cache", Put(version, self.lease)), *(self.on_start() if self.reads else [])]


class Writer(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.written = 0

    def on_start(self) -> Outputs:
        first: Outputs = [("cache", Invalidate())] if self.variant == "invalidates first" else []
        return [*first, ("db", Write())]

    def stored(self, sender: str, version: int) -> Outputs:
        self.written += 1
        return self.on_start() if self.written < WRITES else []


def fill(world: World, variant: str) -> None:
    world.add("cache", Cache(variant))
    world.add("db", Database(variant))
    world.add("r1", Reader(variant))
    world.add("r2", Reader(variant))
    world.add("w", Writer(variant))
    world.at_rest(lambda view: view["cache"].version in {None, view["db"].version}, "nothing old")
    world.sometimes(lambda view: view["r1"].hits > 0, "a hit")


SPECIMENS = (
    Specimen(
        "cache",
        fill,
        {
            "any put counts": Bug("easy", 17),
            "invalidates first": Bug("easy", 17),
        },
        network=Network.UNORDERED,
    ),
)
