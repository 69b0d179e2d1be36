"""Scenarios on blackboards: what is acknowledged is there, and followers hear all of it once."""

from functools import partial
from typing import Any

from dramaturg.actors import Actor, Props, handler
from dramaturg.actors.journal import MemoryJournal
from dramaturg.protocols import (
    CatchUp,
    CompareAndSet,
    Delete,
    EntryConflict,
    Get,
    Park,
    Put,
    PutAll,
    Unlimited,
)
from dramaturg.protocols.testing import Faults, Simulation, SystemView
from tests.simulated.blackboard_kit import (
    Board,
    Books,
    FailsOnce,
    Forgetful,
    Listener,
    SlowListener,
    follow,
    opened,
    write,
)
from tests.simulated.case import Case
from tests.simulated.topic_kit import Go

WRITES = 6


def both_write(sim: Simulation, books: Books) -> None:
    """Let two write, `WRITES` times in all."""
    write(sim, books, "p", Put("a/x", 1), PutAll(Put("a/x", 2), Put("b", 2)), Delete("a/x"))
    write(sim, books, "q", Put("a/y", 1), Put("b", 3), Put("a/x", 4))


async def failing(sim: Simulation, at: int, *, keeps: bool) -> None:
    """The journal fails at one write, so the board restarts."""
    journal = FailsOnce(at, keeps=keeps)
    books, board = opened(sim, journal)
    follow(sim, books, "x", Listener)
    follow(sim, books, "y", SlowListener, slow=CatchUp(1))
    follow(sim, books, "z", Listener, from_version=0, slow=Unlimited(), pattern="a/*")
    both_write(sim, books)
    sim.sometimes(lambda view: board.cell.incarnation > 1, "the board restarts")


async def followed(sim: Simulation) -> None:
    """Two write while others begin to follow."""
    books, _ = opened(sim, MemoryJournal())
    follow(sim, books, "x", Listener, pattern="a/*")
    follow(sim, books, "y", SlowListener, slow=CatchUp(1), from_version=0)
    follow(sim, books, "z", SlowListener, slow=Park(1, 9), from_version=0)
    both_write(sim, books)


async def crashed(sim: Simulation) -> None:
    """The board crashes anywhere."""
    books, _ = opened(sim, MemoryJournal())
    follow(sim, books, "x", Listener)
    follow(sim, books, "y", SlowListener, slow=CatchUp(1), from_version=0)
    both_write(sim, books)


async def forgetful(sim: Simulation) -> None:
    """What a slow follower has not had is deleted: it is told what there is instead."""
    books, _ = opened(sim, MemoryJournal(), Forgetful)
    follow(sim, books, "x", Listener)
    follow(sim, books, "y", SlowListener, slow=CatchUp(1))
    both_write(sim, books)


class Counter(Actor):
    """Counts on the board: reads, and sets what comes next."""

    def __init__(self, board: Any, counted: list[int], *, versions: bool) -> None:
        self.board = board
        self.counted = counted
        self.versions = versions

    @handler
    async def count(self, message: Go) -> None:
        while True:
            found = await self.board.request(Get("n"), timeout=1_000)
            value = 0 if found is None else found.value
            wish: Any = CompareAndSet("n", None if found is None else value, value + 1)
            if self.versions:
                wish = Put("n", value + 1, 0 if found is None else found.version)
            try:
                done = await self.board.request(wish, timeout=1_000)
            except EntryConflict as error:
                current = error.current
            else:
                break
            assert current is not None
            assert current.value > value
        self.counted.append(done.value)


async def counted(sim: Simulation, *, versions: bool) -> None:
    """Three count at once: nobody's step is lost."""
    _, board = opened(sim, MemoryJournal(), Board)
    numbers: list[int] = []
    for name in "pqr":
        sim.system.spawn(Props(Counter, board, numbers, versions=versions), name=name).tell(Go())

    def check(view: SystemView) -> None:
        assert sorted(numbers) == [1, 2, 3], f"{numbers}"

    sim.at_rest(check, "each number once")


CASES = (
    Case("blackboard/followed", followed, schedules=200),
    Case("blackboard/followed, any sender first", followed, any_sender_first=True),
    Case("blackboard/crashed", crashed, Faults(crashes={"/board": 2}), schedules=200),
    Case("blackboard/forgetful", forgetful),
    Case("blackboard/counted by version", partial(counted, versions=True)),
    Case("blackboard/counted by value", partial(counted, versions=False)),
    *(
        Case(
            f"blackboard/write {at} {'kept' if keeps else 'lost'}",
            partial(failing, at=at, keeps=keeps),
            schedules=40,
        )
        for at in range(1, WRITES + 1)
        for keeps in (True, False)
    ),
)
