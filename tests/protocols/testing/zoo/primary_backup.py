"""Primary and backup with a view service (as in MIT 6.824): reads and writes go by both.

The view service gives the primary up at its timeout, rightly or not. A server that it has
given up may not know it yet: the backup, which does, must not confirm anything for it.
"""

from typing import NamedTuple

from dramaturg.protocols.testing import CancelTimer, Faults, Noted, SetTimer, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen


class NewView(NamedTuple):
    number: int


class Which(NamedTuple): ...


class Put(NamedTuple):
    value: int


class Get(NamedTuple):
    ticket: int


class Replicate(NamedTuple):
    view: int
    client: str
    ticket: int
    value: int


class Replicated(NamedTuple):
    view: int
    client: str
    ticket: int
    value: int


class Done(NamedTuple):
    ticket: int
    value: int


class Views(Actor):
    """Gives out view 1 (s1, with s2 as its backup), after the timeout view 2 (s2 alone)."""

    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.number = 1

    def on_start(self) -> Outputs:
        return [SetTimer("suspect", 5)]

    def on_timer(self, name: str) -> Outputs:
        self.number = 2
        return [("s1", NewView(2)), ("s2", NewView(2))]

    def which(self, sender: str) -> Outputs:
        # The old primary may do without: nobody needs its answers any more.
        servers: Outputs = [] if self.number == 1 else [("s2", NewView(2))]
        return [*servers, (sender, NewView(self.number))]


class Server(Actor):
    def __init__(self, variant: str, name: str) -> None:
        super().__init__(variant)
        self.durable = ("view",) if variant == "comes back as the primary" else ()
        self.name = name
        self.view = 0
        self.kept = 0

    def on_start(self) -> Outputs:
        self.view = 1
        return []

    def newview(self, sender: str, number: int) -> Outputs:
        # Who comes back with nothing stays out of view 1, where it would be the primary.
        self.view = max(number, self.view)
        return []

    def put(self, sender: str, value: int) -> Outputs:
        return self.serve(sender, value, value)

    def get(self, sender: str, ticket: int) -> Outputs:
        return self.serve(sender, ticket, 0)

    def serve(self, client: str, ticket: int, value: int) -> Outputs:
        if self.view != (1 if self.name == "s1" else 2):
            return []
        self.kept = max(self.kept, value)
        done = Done(ticket, self.kept)
        if self.name == "s2":
            return [(client, done)]
        confirm: Outputs = [("s2", Replicate(self.view, client, ticket, self.kept))]
        if self.variant == "answers before the backup has it" and value:
            return [*confirm, (client, done)]
        if self.variant == "reads by the primary alone" and not value:
            return [(client, done)]
        return confirm

    def replicate(self, sender: str, view: int, client: str, ticket: int, value: int) -> Outputs:
        if view != self.view and self.variant != "the backup confirms for old views":
            return []
        self.kept = max(self.kept, value)
        return [(sender, Replicated(view, client, ticket, value))]

    def replicated(self, sender: str, view: int, client: str, ticket: int, value: int) -> Outputs:
        return [(client, Done(ticket, value))] if view == self.view else []


class Client(Actor):
    """Writes 1, 2, 3, or reads four times; asks for the view when it waits too long."""

    def __init__(self, variant: str, name: str) -> None:
        super().__init__(variant)
        self.name = name
        self.times, self.pause = (3, 3) if name == "w" else (4, 4)
        self.view = 1
        self.ticket = 1
        self.busy = False

    def on_start(self) -> Outputs:
        self.busy = True
        return [Noted(("begin", self.name, 0)), *self.go()]

    def go(self) -> Outputs:
        primary = "s1" if self.view == 1 else "s2"
        operation = Put(self.ticket) if self.name == "w" else Get(self.ticket)
        return [(primary, operation), SetTimer("again", 3 if self.name == "w" else 4)]

    def on_timer(self, name: str) -> Outputs:
        return [("v", Which()), SetTimer("again", 3)] if name == "again" else self.on_start()

    def newview(self, sender: str, number: int) -> Outputs:
        self.view = max(self.view, number)
        return self.go() if self.busy else []

    def done(self, sender: str, ticket: int, value: int) -> Outputs:
        if ticket != self.ticket:
            return []
        self.ticket += 1
        self.busy = False
        ended = Noted(("end", self.name, value))
        if self.ticket > self.times:
            return [ended, CancelTimer("again")]
        return [ended, CancelTimer("again"), SetTimer("next", self.pause)]


def no_old_reads(view: View) -> None:
    seen = 0
    floor: dict[str, int] = {}
    for kind, who, value in view.history:
        if kind == "begin":
            floor[who] = seen
            continue
        assert value >= floor[who], f"{who} gets {value} after {floor[who]}"
        seen = max(seen, value)


def fill(world: World, variant: str) -> None:
    world.add("v", Views(variant))
    world.add("s1", Server(variant, "s1"))
    world.add("s2", Server(variant, "s2"))
    world.add("w", Client(variant, "w"))
    world.add("r", Client(variant, "r"))
    world.always(no_old_reads)
    world.eventually(
        lambda view: view["w"].ticket > 3 and view["r"].ticket > 4, within=60, name="all served"
    )
    world.sometimes(lambda view: view["r"].view == 2 and view["r"].ticket < 3, "reads in view 2")


SPECIMENS = (
    Specimen(
        "primary and backup",
        fill,
        {
            "answers before the backup has it": Bug("easy", 16),
            "comes back as the primary": Bug("easy", 16),
            "reads by the primary alone": Bug("hard", 15),
            "the backup confirms for old views": Bug("hard", 19),
        },
        faults=Faults(crashes={"s1": 1}, drops=2, early_timers=2, skews=1),
    ),
)
