"""A lease with a fencing token: who has been overtaken without noticing can do no harm.

A lease ends by itself, so that one who holds it and dies keeps nobody waiting. But its holder may
only have paused, and come back after its time. So each lease has a number, a higher one than those
before, and the storage refuses a write under a lower number than it has seen. The planted bug is
a storage that does not look at the number.

Run it with `python -m examples.lease_with_fencing`.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from dramaturg.actors import Actor, ActorRef, Props, handler
from dramaturg.protocols import Monitor, Protocol, ProtocolViolated, Role, Seen, sequence
from dramaturg.protocols.testing import Faults, Simulation, SystemScenario, Verdict, explore_system

TERM: Final = 10.0


@dataclass(frozen=True)
class Begin:
    """To a writer: there is something to write."""


@dataclass(frozen=True)
class Acquire:
    """To the leases: I want to write."""

    who: ActorRef[Any] = field(repr=False)


@dataclass(frozen=True)
class Granted:
    """To a writer: go ahead, for so long as the term is."""

    token: int


@dataclass(frozen=True)
class Release:
    """To the leases: I have written."""

    token: int


@dataclass(frozen=True)
class Expired:
    """The leases' own alarm: the term is over."""

    token: int


@dataclass(frozen=True)
class Write:
    """To the storage."""

    token: int
    who: ActorRef[Any] = field(repr=False)


@dataclass(frozen=True)
class Written:
    """To a writer: it is there."""


@dataclass(frozen=True)
class Fenced:
    """To a writer: your lease was over, and somebody else has written."""


WRITER = Role("writer")
LEASES, STORAGE = Role("leases", serves=True), Role("storage", serves=True)
PROTOCOL: Final = Protocol(
    "lease_with_fencing",
    roles=(WRITER, LEASES, STORAGE),
    order=sequence(
        WRITER >> LEASES @ Acquire,
        LEASES >> WRITER @ Granted,
        WRITER >> STORAGE @ Write,
        (STORAGE >> WRITER @ Written) | (STORAGE >> WRITER @ Fenced),
        WRITER >> LEASES @ Release,
    ),
)


def writer_of(seen: Seen) -> str | None:
    """Tell conversations apart: each is one writer's, with both of the others."""
    return seen.receiver if seen.sender in {"/leases", "/storage"} else seen.sender


class Leases(Actor):
    """Grants one lease at a time, in turn; each under a new number."""

    def __init__(self) -> None:
        self.token = 0
        self.held = False
        self.waiting: deque[ActorRef[Any]] = deque()

    @handler
    def acquire(self, message: Acquire) -> None:
        """Let a writer wait for its turn."""
        self.waiting.append(message.who)
        self.grant()

    @handler
    def over(self, message: Release | Expired) -> None:
        """Let the next one have its turn; what is said of an earlier lease is old."""
        if message.token == self.token:
            self.context.cancel_timer("term")
            self.held = False
            self.grant()

    def grant(self) -> None:
        """Grant a lease, if it is free and somebody waits."""
        if self.waiting and not self.held:
            self.held = True
            self.token += 1
            self.context.start_timer("term", Expired(self.token), after=TERM)
            self.waiting.popleft().tell(Granted(self.token))


class Storage(Actor):
    """Takes what is written, unless a later lease has written before."""

    def __init__(self) -> None:
        self.writes: list[int] = []

    @handler
    def write(self, message: Write) -> None:
        """Write, or refuse to."""
        if self.is_late(message.token):
            message.who.tell(Fenced())
            return
        self.writes.append(message.token)
        message.who.tell(Written())

    def is_late(self, token: int) -> bool:
        """Tell whether a later lease has written."""
        return token < max(self.writes, default=0)


class TrustingStorage(Storage):
    """The bug."""

    def is_late(self, token: int) -> bool:
        """Trust them all: the leases will see to it."""
        return False


class Writer(Actor):
    """Writes once, when it has the lease."""

    def __init__(self, leases: ActorRef[Leases], storage: ActorRef[Storage]) -> None:
        self.leases = leases
        self.storage = storage
        self.token = 0
        self.outcome = "open"

    @handler
    def begin(self, message: Begin) -> None:
        """Ask for the lease."""
        self.leases.tell(Acquire(self.context.ref))

    @handler
    def granted(self, message: Granted) -> None:
        """Write. This may come to be handled late: the lease may be over by now."""
        self.token = message.token
        self.storage.tell(Write(self.token, self.context.ref))

    @handler
    def done(self, message: Written | Fenced) -> None:
        """Give the lease back."""
        self.outcome = type(message).__name__.lower()
        self.leases.tell(Release(self.token))


async def two_writers(sim: Simulation, storage: type[Storage]) -> None:
    """Let two write one after the other, under the eyes of the protocol."""
    players = {WRITER: Writer, LEASES: Leases, STORAGE: Storage}
    Monitor(PROTOCOL, players, key=writer_of).attach(sim.system)
    sim.system.events.subscribe(sim.note, ProtocolViolated)
    leases = sim.system.spawn(Leases, name="leases")
    stored = sim.system.spawn(storage, name="storage")
    writer = Props(Writer, leases, stored)
    writers = [sim.system.spawn(writer, name=name) for name in ("ann", "bob")]
    await asyncio.gather(leases.started(), stored.started(), *[each.started() for each in writers])

    def outcomes(view: Any) -> list[str]:
        return [view["/ann"].outcome, view["/bob"].outcome]

    sim.always(lambda view: view["/storage"].writes == sorted(view["/storage"].writes), "in turn")
    sim.always(lambda view: not view.history, "by the protocol")
    sim.at_rest(lambda view: "open" not in outcomes(view), "nobody waits")
    sim.sometimes(lambda view: outcomes(view) == ["written", "written"], "both have written")
    if storage is Storage:
        sim.sometimes(lambda view: "fenced" in outcomes(view), "one was too late")
    for each in writers:
        each.tell(Begin())


def system(storage: type[Storage]) -> Verdict:
    """Look for a run in which a writer that was overtaken writes; a term may end early."""
    scenario: SystemScenario = partial(two_writers, storage=storage)
    return explore_system(scenario, faults=Faults(early_timers=1), schedules=200)


def main() -> None:
    """Show both, as they should be and with the bug."""
    print("checked:", system(Storage))
    print("trusting:", system(TrustingStorage))


if __name__ == "__main__":
    main()
