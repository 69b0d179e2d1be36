"""Children that fail, hang and stop on cue."""

import asyncio
import inspect
import threading
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import pykka
import pytest
import structlog

from dramaturg.actors import Actor, Props, ThreadActor, handler
from dramaturg.supervision import ChildSpec
from tests.actors.kit import LIMIT, Do, Fail, Note

Act: TypeAlias = Callable[[Any], Any]
"""What an instance does in a hook or a handler; an async one awaits what it returns."""
Hook: TypeAlias = Literal["__init__", "on_start", "on_stop", "on_failure", "on_restart"]

STARTS: tuple[Hook, ...] = ("__init__", "on_start")
RESTARTS: tuple[Hook, ...] = ("__init__", "on_restart", "on_start")

MANY = 1_000
"""More restarts than any test makes: the supervisor does not give up."""

LONG = 60.0
"""Seconds of virtual time; longer than anything here takes."""


class Script:
    """What the instances of one child do in their hooks, and what they did."""

    def __init__(self) -> None:
        self.births = 0
        self.calls: list[tuple[Hook, int]] = []
        """Each hook that ran, with the number of the instance."""
        self.handled: list[tuple[Any, int]] = []
        """Each note that was handled, with the number of the instance."""
        self.causes: list[BaseException] = []
        """What the instances' ``on_restart`` got to see."""
        self._acts: dict[tuple[Hook, int | None], Act] = {}

    def on(self, hook: Hook, act: Act, *, birth: int | None = None) -> "Script":
        """Let the instance of that number do this in the hook; default all of them."""
        self._acts[hook, birth] = act
        return self

    def play(self, hook: Hook, actor: Any) -> Any:
        self.calls.append((hook, actor.birth))
        act = self._acts.get((hook, actor.birth)) or self._acts.get((hook, None))
        return None if act is None else act(actor)

    def hooks(self, birth: int) -> list[Hook]:
        """Return the hooks of one instance that ran, in order."""
        return [hook for hook, number in self.calls if number == birth]


class PlainChild(Actor):
    """Does what it is told, and has no hooks but ``__init__``."""

    def __init__(self, script: Script) -> None:
        self.script = script
        script.births += 1
        self.birth = script.births
        script.play("__init__", self)

    @handler
    def do(self, message: Do) -> Any:
        return message.what(self)

    @handler
    def note(self, message: Note) -> Any:
        self.script.handled.append((message.text, self.birth))
        return self.birth

    @handler
    def fail(self, message: Fail) -> None:
        raise message.error


class LoopChild(PlainChild):
    """Does what its script says in its hooks, too; with ``def`` methods only."""

    def on_start(self) -> Any:
        return self.script.play("on_start", self)

    def on_stop(self) -> Any:
        return self.script.play("on_stop", self)

    def on_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> Any:
        return self.script.play("on_failure", self)

    def on_restart(self, cause: BaseException) -> Any:
        self.script.causes.append(cause)
        return self.script.play("on_restart", self)


async def done(result: Any) -> Any:
    """Wait for what has to be waited for."""
    return await result if inspect.isawaitable(result) else result


class AsyncChild(LoopChild):
    """The same with ``async def`` methods."""

    @handler
    async def do(self, message: Do) -> Any:
        return await done(message.what(self))

    async def on_start(self) -> Any:
        return await done(super().on_start())

    async def on_stop(self) -> Any:
        return await done(super().on_stop())

    async def on_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> Any:
        return await done(super().on_failure(exception_type, exception_value, traceback))

    async def on_restart(self, cause: BaseException) -> Any:
        return await done(super().on_restart(cause))


class ThreadChild(LoopChild, ThreadActor):
    """The same on a thread of its own."""


class PykkaChild(pykka.ThreadingActor):
    """The same as somebody wrote it who knows pykka only."""

    def __init__(self, script: Script) -> None:
        super().__init__()
        self.script = script
        script.births += 1
        self.birth = script.births
        script.play("__init__", self)

    def on_receive(self, message: Any) -> Any:
        if isinstance(message, Do):
            return message.what(self)
        if isinstance(message, Fail):
            raise message.error
        self.script.handled.append((message.text, self.birth))
        return self.birth

    def on_start(self) -> None:
        self.script.play("on_start", self)

    def on_stop(self) -> None:
        self.script.play("on_stop", self)

    def on_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:
        self.script.play("on_failure", self)

    def on_restart(self, cause: BaseException) -> Any:
        # Pykka has no such hook; whoever adds one to a class of pykka's gets it called.
        self.script.causes.append(cause)
        return self.script.play("on_restart", self)


Kind: TypeAlias = type[Any]
KINDS: list[Kind] = [LoopChild, AsyncChild, ThreadChild, PykkaChild]
ALL_KINDS: list[Kind] = [PlainChild, *KINDS]
HANGING: list[Kind] = [AsyncChild, ThreadChild, PykkaChild]
"""Those that can hang without holding everybody else."""
THREADS: list[Kind] = [ThreadChild, PykkaChild]

each_start = pytest.mark.parametrize("hook", STARTS)
each_restart = pytest.mark.parametrize("hook", RESTARTS)
each_slow_restart = pytest.mark.parametrize("hook", RESTARTS[1:])
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
with_plain = pytest.mark.parametrize("kind", ALL_KINDS, ids=lambda kind: kind.__name__)
each_hanging = pytest.mark.parametrize("kind", HANGING, ids=lambda kind: kind.__name__)
each_thread = pytest.mark.parametrize("kind", THREADS, ids=lambda kind: kind.__name__)


def child(kind: Kind, script: Script, id: str = "it", **options: Any) -> ChildSpec:  # noqa: A002
    """Make the spec of a scripted child."""
    return ChildSpec(id, Props(kind, script), **options)


def template(kind: Kind, **options: Any) -> ChildSpec:
    """Make the spec of a pool's children, each of which is given its script."""
    return ChildSpec("one", Props(kind), **options)


def raising(error: BaseException) -> Act:
    """Let an instance raise this."""

    def act(actor: Any) -> None:
        raise error

    return act


def birth(actor: Any) -> int:
    """Let an instance tell its number."""
    number: int = actor.birth
    return number


def _drop(*_: Any) -> Any:
    raise structlog.DropEvent


def silent() -> Any:
    """Make a log for so many failures that nobody wants to read about them."""
    return structlog.wrap_logger(None, processors=[_drop], wrapper_class=structlog.BoundLogger)


class Hang:
    """Holds whoever comes to it, until the end of the test.

    :param stubborn: hold a coroutine also when it is cancelled.
    """

    def __init__(self, *, stubborn: bool = False) -> None:
        self.cancelled = 0
        """How often a coroutine was cancelled here."""
        self.entered = 0
        self._stubborn = stubborn
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._released = asyncio.Event()
        self._thread_released = threading.Event()

    def __call__(self, actor: Any) -> Any:
        """Hold the actor; this is an :data:`Act`."""
        if isinstance(actor, AsyncChild):
            return self._hold()
        self._note_entered()
        assert self._thread_released.wait(LIMIT), "nobody released the hang"
        return "late"

    async def reached(self, count: int = 1) -> None:
        """Wait until so many have come."""
        async with asyncio.timeout(LIMIT):
            while self.entered < count:
                self._changed.clear()
                await self._changed.wait()

    def release(self) -> None:
        """Let everybody go; on the loop's thread."""
        self._thread_released.set()
        self._released.set()

    async def _hold(self) -> Any:
        self._note_entered()
        while True:
            try:
                await self._released.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                self._wake()
                if not self._stubborn:
                    raise
            else:
                return "late"

    def _note_entered(self) -> None:
        self.entered += 1
        self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._changed.set()
