"""Puppets that do what they are told, and what the tests of the life cycle watch them with."""

import asyncio
import inspect
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorSystem,
    DeadLetterReason,
    Directive,
    LifecycleEvent,
    Props,
    Terminated,
    ThreadActor,
    handler,
)

T = TypeVar("T")
E = TypeVar("E", bound=LifecycleEvent)

LIMIT = 30.0
"""Seconds that any test waits for anything; what it waits for takes milliseconds."""


@dataclass(frozen=True)
class Do:
    """Call this with the actor, in the actor; what it returns is the reply."""

    what: Callable[[Any], Any]


@dataclass(frozen=True)
class Note:
    """Append this to the actor's log."""

    text: Any


@dataclass(frozen=True)
class Fail:
    """Raise this."""

    error: BaseException


class Crash(Exception):  # noqa: N818 - what it is called everywhere
    """What the tests let actors fail with."""


class Unusual(BaseException):
    """Neither an Exception nor one of Python's own."""


class Idler(Actor):
    """Does nothing, and runs on the loop."""


class Puppet(Actor):
    """Does what it is told, and notes what happens to it."""

    def __init__(self, log: list[Any] | None = None) -> None:
        self.log: list[Any] = [] if log is None else log

    @handler
    def do(self, message: Do) -> Any:
        return message.what(self)

    @handler
    def note(self, message: Note) -> None:
        self.log.append(message.text)

    @handler
    def fail(self, message: Fail) -> None:
        raise message.error

    @handler
    def terminated(self, message: Terminated) -> None:
        self.log.append(message)

    def on_start(self) -> Any:
        self.log.append("on_start")

    def on_stop(self) -> Any:
        self.log.append("on_stop")

    def on_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> Any:
        self.log.append("on_failure")

    def on_restart(self, cause: BaseException) -> Any:
        self.log.append("on_restart")


class AsyncPuppet(Puppet):
    """The same with ``async def`` methods, so that it runs in tasks."""

    @handler
    async def do(self, message: Do) -> Any:
        result = message.what(self)
        return await result if inspect.isawaitable(result) else result

    async def on_start(self) -> None:
        await asyncio.sleep(0)
        self.log.append("on_start")

    async def on_stop(self) -> None:
        await asyncio.sleep(0)
        self.log.append("on_stop")


class ThreadPuppet(Puppet, ThreadActor):
    """The same on a thread of its own."""


Kind: TypeAlias = type[Puppet]
KINDS: list[Kind] = [Puppet, AsyncPuppet, ThreadPuppet]


def restarted(kind: type[Any], *args: Any) -> Props[Any]:
    """Make the recipe of an actor that is restarted whenever it fails."""
    return Props(kind, *args).using(policy=Directive.RESTART)


def nothing(_actor: Any) -> None:
    """Do nothing; asking for it waits until what was sent before has been handled."""


def deaf(_actor: Any) -> Awaitable[Any]:
    """Wait for ever; for an async puppet."""
    return asyncio.get_running_loop().create_future()


def incarnation(actor: Any) -> int:
    """Return how often the actor has been made; to be asked for with `Do`."""
    return int(actor.context.incarnation)


async def within(awaitable: Awaitable[T]) -> T:
    """Wait for it, but not for ever."""
    # A task of its own: that lets the loop go on, as wait_for itself does before Python 3.12.
    return await asyncio.wait_for(asyncio.ensure_future(awaitable), LIMIT)


async def stop(ref: ActorRef[Any]) -> bool:
    """Stop the actor and wait for its end."""
    return await within(ref.stop(block=False))


async def ended(ref: ActorRef[Any]) -> None:
    """Wait for the end of an actor that ends by itself."""
    events = Events(ref.cell.system)
    await events.until(lambda: not ref.is_alive())


async def settled(ref: ActorRef[Any]) -> None:
    """Wait until the actor has handled what was sent to it before."""
    await within(ref.request(Do(nothing)))


def thread_of(ref: ActorRef[Any]) -> threading.Thread:
    """Return the thread that a thread actor has for itself."""
    assert ref.cell.extra is not None
    assert ref.cell.extra.thread is not None
    return ref.cell.extra.thread.thread


def reasons(system: ActorSystem) -> list[tuple[Any, DeadLetterReason]]:
    """Return the dead letters' messages with the reasons why they died."""
    return [(letter.message, letter.reason) for letter in system.dead_letters.list()]


class Events:
    """Records the events of a system, from any thread, and waits for them on the loop."""

    def __init__(self, system: ActorSystem, *types: type[LifecycleEvent]) -> None:
        self.all: list[LifecycleEvent] = []
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        system.events.subscribe(self._note, *(types or (LifecycleEvent,)))

    def of(self, kind: type[E], path: str | None = None) -> list[E]:
        """Return those of one kind, and of one actor if its path is given."""
        return [
            event
            for event in self.all
            if isinstance(event, kind) and (path is None or event.path == path)
        ]

    async def first(self, kind: type[E], path: str | None = None) -> E:
        """Wait for one of this kind."""
        await self.until(lambda: bool(self.of(kind, path)))
        return self.of(kind, path)[0]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds, looking after each event."""
        async with asyncio.timeout(LIMIT):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def _note(self, event: LifecycleEvent) -> None:
        self.all.append(event)
        self._loop.call_soon_threadsafe(self._changed.set)


class Latch:
    """An event for threads whose wait has a limit and must succeed."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def open(self) -> None:
        self._event.set()

    def wait(self) -> None:
        assert self._event.wait(LIMIT), "nobody opened the latch"

    async def reached(self) -> None:
        """Wait on the loop."""
        await within(asyncio.to_thread(self.wait))


async def in_threads(count: int, function: Callable[[], T]) -> list[T]:
    """Call the function in so many threads at the same time."""
    start = threading.Barrier(count)

    def run() -> T:
        start.wait(LIMIT)
        return function()

    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(count) as pool:
        return await within(
            asyncio.gather(*(loop.run_in_executor(pool, run) for _ in range(count)))
        )


@asynccontextmanager
async def spawned(
    actor: type[Puppet] | Props[Any], **options: Any
) -> AsyncGenerator[ActorRef[Any]]:
    """Run one actor called "it" in a system of its own."""
    async with ActorSystem("test", **options) as system:
        yield system.spawn(actor, name="it")
