"""Machines that are made from a table, and systems in which they live."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from enum import Enum
from typing import Any

from dramaturg.actors import (
    ActorRef,
    ActorSystem,
    DeadLetterReason,
    Directive,
    ManualClock,
    MemoryJournal,
    Props,
    Request,
)
from dramaturg.actors.journal import MemoryStore
from dramaturg.protocols.state_machines import (
    GetHistory,
    GetStatus,
    MachineStatus,
    StateMachine,
    Step,
    Table,
    Timer,
    on,
)
from tests.actors.kit import within


class S(Enum):
    """States."""

    A = 1
    B = 2
    C = 3


A, B, C = S
RETRY, BEAT = Timer("retry"), Timer("beat")


class Go(Request[MachineStatus[Any, Any]]):
    """An event."""


class Back(Request[MachineStatus[Any, Any]]):
    """Another one."""


class End(Request[MachineStatus[Any, Any]]):
    """Another one."""


class Poke(Request[Any]):
    """One of which there are several."""

    number: int = 0


LINE = on(Go).at(A).to(B)
END = on(End).at(B).to(C)
"""The rest of a table in which C is where a machine ends."""

Notes = tuple[str, ...]


class Lab(StateMachine[S, Notes]):
    """A machine without a table; what its actions do goes into a list."""

    initial = A
    initial_data = ()

    def __init__(self, log: list[Any] | None = None) -> None:
        self.log: list[Any] = [] if log is None else log


def machine(table: Table, **declared: Any) -> type[Lab]:
    """Declare a machine; C is where it ends, unless something else is said."""
    return type("Made", (Lab,), {"table": table, "final": (C,), **declared})


def noting(text: str) -> Callable[[Notes, Any], Notes]:
    """Return an update that adds a text."""

    def note(data: Notes, event: Any) -> Notes:
        return (*data, text)

    return note


def doing(text: str, answer: Any = None) -> Callable[[Lab, Step[Any, Notes]], Any]:
    """Return an action that notes a text, and with it the state that it finds."""

    def act(lab: Lab, step: Step[Any, Notes]) -> Any:
        lab.log.append((text, lab.state.name))
        return answer

    return act


class World:
    """A journal and a clock, which outlive systems and actors."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.clock = ManualClock()
        self.log: list[Any] = []
        self.system: ActorSystem

    @asynccontextmanager
    async def living(
        self, made: type[Lab], *, policy: Any = Directive.RESTART
    ) -> AsyncGenerator[ActorRef[Any]]:
        """Run a machine called "lab" in a system of its own; it is restarted when it fails."""
        journal = MemoryJournal(self.store)
        async with ActorSystem("test", clock=self.clock, journal=journal) as self.system:
            ref = self.system.spawn(Props(made, self.log).using(policy=policy), name="lab")
            await within(ref.started())
            yield ref

    @property
    def letters(self) -> list[tuple[Any, DeadLetterReason]]:
        """The dead letters, with their reasons."""
        return [(each.message, each.reason) for each in self.system.dead_letters.list()]


async def status(ref: ActorRef[Any]) -> MachineStatus[S, Notes]:
    """Return how a machine stands, when it has handled what was sent before."""
    return await within(ref.request(GetStatus()))


async def moves(ref: ActorRef[Any]) -> list[tuple[str, Any, str]]:
    """Return the transitions of a machine."""
    history = await within(ref.request(GetHistory()))
    return list(history.transitions)


async def advance(world: World, ref: ActorRef[Any], seconds: float) -> MachineStatus[S, Notes]:
    """Let time go by, and the machine notice."""
    await status(ref)
    world.clock.advance(seconds)
    return await status(ref)
