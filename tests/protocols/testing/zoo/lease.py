"""A lease with a fencing token (Gray and Cheriton, 1989; Burrows, 2006)."""

from typing import NamedTuple

from dramaturg.protocols.testing import CancelTimer, Faults, Noted, SetTimer, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

WRITES = 2


class Acquire(NamedTuple): ...


class Granted(NamedTuple):
    token: int


class Release(NamedTuple):
    token: int


class Write(NamedTuple):
    token: int


class Stored(NamedTuple):
    token: int


class Service(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.durable = () if variant == "token not durable" else ("token",)
        self.token = 0
        self.holder: str | None = None
        self.waiting: list[str] = []

    def acquire(self, sender: str) -> Outputs:
        if sender == self.holder or sender in self.waiting:
            return []
        self.waiting.append(sender)
        return self.grant()

    def grant(self) -> Outputs:
        if self.holder is not None or not self.waiting:
            return []
        self.holder = self.waiting.pop(0)
        if self.variant != "one token for all":
            self.token += 1
        return [
            Noted(("grant", self.token)),
            (self.holder, Granted(self.token)),
            SetTimer("expire", 10),
        ]

    def release(self, sender: str, token: int) -> Outputs:
        if token != self.token and self.variant != "takes any release":
            return []
        self.holder = None
        return [Noted(("free", token)), CancelTimer("expire"), *self.grant()]

    def on_timer(self, name: str) -> Outputs:
        self.holder = None
        return [Noted(("free", self.token)), *self.grant()]

    def on_restart(self) -> Outputs:
        return [Noted(("free", self.token))]


class Client(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.token = 0
        self.written = 0

    def on_start(self) -> Outputs:
        return [("l", Acquire()), SetTimer("again", 30)]

    def granted(self, sender: str, token: int) -> Outputs:
        self.token = token
        return [CancelTimer("again"), ("s", Write(token))]

    def stored(self, sender: str, token: int) -> Outputs:
        if token != self.token:
            return []
        self.written += 1
        if self.written < WRITES:
            return [("s", Write(token))]
        return [("l", Release(token))]

    def on_timer(self, name: str) -> Outputs:
        return self.on_start()


class Storage(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.highest = 0

    def write(self, sender: str, token: int) -> Outputs:
        if token < self.highest and self.variant != "the storage does not look":
            return []
        self.highest = token
        return [Noted(("write", token, sender)), (sender, Stored(token))]


def written_in_turn(view: View) -> None:
    """Who has been overtaken writes no more, and no token is two clients'."""
    writes = [(token, sender) for _, token, *who in view.history for sender in who]
    tokens = [token for token, _ in writes]
    assert tokens == sorted(tokens), f"in turns: {tokens}"
    assert len(set(tokens)) == len(set(writes)), f"one token of two: {writes}"


def one_lease(view: View) -> None:
    held: int | None = None
    for kind, token, *_ in view.history:
        if kind == "grant":
            assert held is None, f"{token} while {held} is held"
            held = token
        elif kind == "free":
            held = None if token == held else held


def fill(world: World, variant: str) -> None:
    world.add("l", Service(variant))
    world.add("s", Storage(variant))
    for name in ("a", "b", "c"):
        world.add(name, Client(variant))
    world.always(written_in_turn)
    world.always(one_lease)
    world.sometimes(lambda view: view["c"].written == WRITES, "the last has its turn")
    world.sometimes(lambda view: any(kind == "free" for kind, *_ in view.history), "one is free")


SPECIMENS = (
    Specimen(
        "lease with fencing token",
        fill,
        {
            "the storage does not look": Bug("easy", 7),
            "one token for all": Bug("easy", 7),
            "token not durable": Bug("easy", 4),
            "takes any release": Bug("easy", 10),
        },
        faults=Faults(crashes={"l": 1}, early_timers=2, duplicates=1),
    ),
)
