"""What the tests of the messaging side share: messages, actors and bounded waiting."""

import asyncio
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog
from structlog.testing import CapturingLogger

from dramaturg.actors import Actor, ActorRef, ActorSystem, Request, ThreadActor, handler
from tests.actors.kit import (
    LIMIT,
    Fail,
)
from tests.any_order import moment, rest


@dataclass(frozen=True)
class Note:
    """Something that a `Box` keeps."""

    value: Any


@dataclass(frozen=True)
class Kept:
    """A request for what a `Box` has kept, behind everything that was sent before."""


@dataclass(frozen=True)
class Hold:
    """Keeps a coroutine handler waiting until it is released; what it then returns is the reply."""

    reply: Any = "held"
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class Block:
    """Keeps a thread waiting until it is released; what the handler then returns is the reply."""

    reply: Any = "blocked"
    entered: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)

    async def has_begun(self) -> None:
        assert await asyncio.to_thread(self.entered.wait, LIMIT)


@dataclass(frozen=True)
class Whom:
    """Tells a handler with whom to do whatever it does."""

    ref: ActorRef[Any]


class Box(Actor):
    """Keeps the values of notes; only `def` methods."""

    def __init__(self, kept: list[Any] | None = None) -> None:
        self.kept: list[Any] = [] if kept is None else kept

    @handler
    def note(self, message: Note) -> None:
        self.kept.append(message.value)

    @handler
    def show(self, message: Kept) -> list[Any]:
        return self.kept

    @handler
    def fail(self, message: Fail) -> None:
        raise message.error


class AsyncBox(Actor):
    """Keeps the values of notes, and can be held; `async def` methods."""

    def __init__(self, kept: list[Any] | None = None) -> None:
        self.kept: list[Any] = [] if kept is None else kept

    @handler
    async def note(self, message: Note) -> None:
        self.kept.append(message.value)

    @handler
    async def show(self, message: Kept) -> list[Any]:
        return self.kept

    @handler
    async def hold(self, message: Hold) -> Any:
        message.entered.set()
        await message.release.wait()
        return message.reply

    @handler
    async def fail(self, message: Fail) -> None:
        raise message.error


class ThreadBox(ThreadActor):
    """Keeps the values of notes, and can be held; a thread of its own."""

    def __init__(self, kept: list[Any] | None = None) -> None:
        self.kept: list[Any] = [] if kept is None else kept

    @handler
    def note(self, message: Note) -> None:
        self.kept.append(message.value)

    @handler
    def show(self, message: Kept) -> list[Any]:
        return self.kept

    @handler
    def block(self, message: Block) -> Any:
        message.entered.set()
        assert message.release.wait(LIMIT)
        return message.reply

    @handler
    def fail(self, message: Fail) -> None:
        raise message.error


BOXES = [Box, AsyncBox, ThreadBox]


class Double(Request[int]):
    number: int


class Doubler(Actor):
    @handler
    def double(self, message: Double) -> int:
        return message.number * 2


class AsyncDoubler(Actor):
    @handler
    async def double(self, message: Double) -> int:
        return message.number * 2


class WaitingDoubler(Actor):
    @handler
    async def double(self, message: Double) -> int:
        await asyncio.sleep(0)
        return message.number * 2


class ThreadDoubler(ThreadActor):
    @handler
    def double(self, message: Double) -> int:
        return message.number * 2


DOUBLERS: list[type[Actor]] = [Doubler, AsyncDoubler, WaitingDoubler, ThreadDoubler]


async def held(system: ActorSystem, ref: ActorRef[Any], reply: Any = "held") -> Hold:
    """Let an actor begin with a `Hold`, and return it."""
    hold = Hold(reply)
    ref.tell(hold)
    async with asyncio.timeout(LIMIT):
        await hold.entered.wait()
    return hold


async def turns(count: int = 10) -> None:
    """Let everything on the loop that is ready go on for some rounds."""
    if await rest():
        return
    for _ in range(count):
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop go on until the condition holds; for what only other threads do."""
    async with asyncio.timeout(LIMIT):
        while not condition():  # no event says what another thread has done
            await moment()


async def settled(ref: ActorRef[Any]) -> None:
    """Let the actor handle what waits."""
    await until(lambda: ref.cell.depth == 0 and ref.cell.message is None)


class Captured:
    """A structlog logger, and what was logged through it."""

    def __init__(self) -> None:
        self._logger = CapturingLogger()
        self.log: Any = structlog.wrap_logger(
            self._logger, processors=[], wrapper_class=structlog.BoundLogger
        )

    def entries(self, event: str) -> list[dict[str, Any]]:
        """Return the entries with that event name, each with its level."""
        return [
            {**call.kwargs, "level": call.method_name}
            for call in self._logger.calls
            if call.kwargs.get("event") == event
        ]


@contextmanager
def quick_switches() -> Generator[None]:
    """Let threads take turns after a few instructions, so that races come out."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def in_threads(count: int, work: Callable[[int], object]) -> None:
    """Run the work in so many threads, all starting at once; raise what one of them raised."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            barrier.wait(LIMIT)
            work(number)
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
        assert not thread.is_alive()
    if errors:
        raise errors[0]
