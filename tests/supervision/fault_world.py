"""The world in which scripted children fail: a system in virtual time, and its supervisors."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from dramaturg.actors import (
    ActorEnded,
    ActorFailed,
    ActorRef,
    ActorStarted,
    ActorSystem,
    DeadLetterReason,
    IncarnationEnded,
    LifecycleEvent,
    ManualClock,
    Props,
)
from dramaturg.supervision import (
    ChildSpec,
    ChildStarted,
    RestartChild,
    StartChild,
    StartInstance,
    Supervisor,
    SupervisorSpec,
)
from tests.actors.kit import LIMIT, Events, Note, within
from tests.actors.messaging_kit import turns as some_turns
from tests.any_order import moment, new_system
from tests.supervision.faults import MANY, Hang


async def turns(count: int = 20) -> None:
    """Let everything on the loop that is ready go on, with what follows from it."""
    await some_turns(count)


async def started(
    sup: ActorRef[Supervisor], order: StartChild | StartInstance | RestartChild
) -> ActorRef[Any]:
    """Have a supervisor start a child, and return its ref."""
    reply = await within(sup.request(order, timeout=LIMIT))
    assert isinstance(reply, ChildStarted)
    assert reply.ref is not None
    return reply.ref


class World:
    """A system in virtual time, its supervisors, and what happens in it."""

    def __init__(self, system: ActorSystem, clock: ManualClock) -> None:
        self.system = system
        self.clock = clock
        self.events = Events(system)
        self._hangs: list[Hang] = []

    def hang(self, *, stubborn: bool = False) -> Hang:
        """Make something to hang in; it lets go when the test ends."""
        hang = Hang(stubborn=stubborn)
        self._hangs.append(hang)
        return hang

    def release(self) -> None:
        """Let go all that hang."""
        for hang in self._hangs:
            hang.release()

    def begin(self, *children: ChildSpec, name: str = "sup", **flags: Any) -> ActorRef[Supervisor]:
        """Spawn a supervisor at the top, and do not wait for its start."""
        flags = {"intensity": MANY} | flags
        return self.system.spawn(Props(Supervisor, SupervisorSpec(children, **flags)), name=name)

    async def supervise(
        self, *children: ChildSpec, name: str = "sup", **flags: Any
    ) -> ActorRef[Supervisor]:
        """Spawn a supervisor at the top, and wait until its children are up."""
        ref = self.begin(*children, name=name, **flags)
        await within(ref.started())
        return ref

    def ref(self, path: str = "/sup/it") -> ActorRef[Any]:
        """Find an actor."""
        ref = self.system.lookup(path)
        assert ref is not None, f"nobody at {path}"
        return ref

    async def passes(self, seconds: float) -> None:
        """Let so much time pass, in steps, and whatever is due then happen."""
        end = self.clock.monotonic() + seconds
        await turns()
        while (left := end - self.clock.monotonic()) > 0:
            self.clock.advance(min(0.25, left))
            await turns()

    async def planned(self, count: int = 1) -> None:
        """Wait until so many calls are planned: a pause or a limit has begun."""
        async with asyncio.timeout(LIMIT):
            while self.clock.pending < count:  # no event tells of it
                await moment()

    async def incarnations(self, count: int, path: str = "/sup/it") -> None:
        """Wait until so many incarnations of an actor are over."""
        await self.events.until(lambda: len(self.ends(path)) >= count)

    def ends(self, path: str = "/sup/it") -> list[str]:
        """Say how the incarnations of an actor ended."""
        return [event.reason.kind for event in self.events.of(IncarnationEnded, path)]

    def gone(self, path: str) -> int:
        """Say how often an actor ended for good."""
        return len(self.events.of(ActorEnded, path))

    def failures(self, path: str = "/sup/it") -> list[tuple[str, int]]:
        """Return phase and incarnation of each failure that was reported."""
        return [(each.phase, each.incarnation) for each in self.events.of(ActorFailed, path)]

    def letters(self, reason: DeadLetterReason | None = None) -> list[Any]:
        """Return the messages that became dead letters; of notes their text."""
        messages = [each.message for each in self.system.dead_letters.list(reason=reason)]
        return [each.text if isinstance(each, Note) else each for each in messages]

    @property
    def actors(self) -> int:
        """How many actors live."""
        return self.system.statistics().actors

    async def shut_down(self) -> None:
        """End the system, whatever it takes; fail if that is more than its own limit."""
        ending = asyncio.ensure_future(self.system.shutdown())
        limit = self.clock.monotonic() + self.system.shutdown_timeout + 60.0
        while not ending.done():
            assert self.clock.monotonic() < limit, "the shutdown takes for ever"
            await asyncio.wait({ending}, timeout=0.2)
            await self.passes(2.0)
        await ending


@asynccontextmanager
async def world(**options: Any) -> AsyncGenerator[World]:
    """Run a system in virtual time; at the end nothing hangs any more and nobody is left."""
    clock = ManualClock()
    system = new_system(clock=clock, **options)
    await system.__aenter__()
    made = World(system, clock)
    try:
        yield made
    finally:
        made.release()
        await made.shut_down()
    assert made.actors == 0
    assert orphans(made.events.all) == set()


def orphans(events: Iterable[LifecycleEvent]) -> set[tuple[str, int]]:
    """Return path and incarnation of what has started and never ended."""
    alive: set[tuple[str, int]] = set()
    for event in events:
        match event:
            case ActorStarted():
                alive.add((event.path, event.incarnation))
            case IncarnationEnded():
                alive.discard((event.path, event.incarnation))
            case _:
                pass
    return alive
