"""Report handlers that hold the event loop."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeAlias, final

from dramaturg.actors._events import LoopHeld
from dramaturg.actors._thread import stack_of

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator

    from dramaturg.actors._cell import Cell
    from dramaturg.actors._system import ActorSystem

__all__ = ["Watchdog", "Watched"]


LOOKS = 4
"""So often it looks within the limit."""

_Look: TypeAlias = tuple[int, "Cell | Watched", Any]


def _same(now: _Look, then: _Look | None) -> bool:
    """Tell whether it is still the same turn; two messages may be equal and not the same."""
    return then is not None and now[0] == then[0] and now[1] is then[1] and now[2] is then[2]


@final
class Watched:
    """What an actor has going on beside its turns, so that it is seen when that holds the loop.

    Awaited it does what the coroutine does.

    :param path: of the actor.
    :param what: it is, for the report.
    """

    __slots__ = ("_coroutine", "_dog", "path", "what")

    def __init__(
        self, dog: Watchdog, coroutine: Coroutine[Any, Any, Any], path: str, what: str
    ) -> None:
        self._dog = dog
        self._coroutine = coroutine
        self.path = path
        self.what = what

    def __await__(self) -> Generator[Any, Any, Any]:
        dog, coroutine = self._dog, self._coroutine
        value: Any = None
        error: BaseException | None = None
        while True:
            dog.steps += 1
            outer, dog.watched = dog.watched, self
            try:
                waits_for = coroutine.send(value) if error is None else coroutine.throw(error)
            except StopIteration as ended:
                return ended.value
            finally:
                dog.watched = outer
            value, error = None, None
            try:
                value = yield waits_for
            except GeneratorExit:
                coroutine.close()
                raise
            except BaseException as thrown:  # noqa: BLE001 - for the coroutine to handle
                error = thrown


@final
class Watchdog:
    """A thread that looks now and then whether the same turn is still running.

    It costs the actors nothing: it compares the dispatcher's pass counter,
    current cell and its current message with what they were when it looked last,
    four times in a limit. A handler is therefore reported after one limit, or a quarter more.
    """

    def __init__(self, system: ActorSystem, limit: float | None) -> None:
        self._system = system
        self._limit = limit
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.watched: Watched | None = None
        """What takes a step just now beside the turns of actors."""
        self.steps = 0

    def watch(
        self, coroutine: Coroutine[Any, Any, Any], *, path: str, what: str
    ) -> Coroutine[Any, Any, Any] | Watched:
        """Have something looked at that an actor has going on beside its turns."""
        return coroutine if self._limit is None else Watched(self, coroutine, path, what)

    def start(self) -> None:
        """Begin to look, if there is a limit."""
        if self._limit is not None:
            self._thread = threading.Thread(
                target=self._run, args=(self._limit,), name="dramaturg-watchdog", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """End the thread, and wait for it."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self, limit: float) -> None:
        seen: _Look | None = None
        times = 0
        while not self._stop.wait(limit / LOOKS):
            now = self._look()
            times = times + 1 if now is not None and _same(now, seen) else 0
            if now is not None and times == LOOKS:
                self._report(now[1], limit)
            seen = now

    def _look(self) -> _Look | None:
        direct, tasks = self._system.direct, self._system.tasks
        passes, cell = direct.passes, direct.current
        if cell is None and tasks.running is not None:
            passes, cell = tasks.steps, tasks.running.cell
        watched = self.watched
        if cell is None and watched is not None:
            return self.steps, watched, None
        return None if cell is None else (passes, cell, cell.message)

    def _report(self, who: Cell | Watched, limit: float) -> None:
        system = self._system
        ident = system.direct.owner or system.host.ident
        if ident:
            system.events.publish(
                LoopHeld(
                    path=who.path,
                    time=system.clock.time(),
                    limit=limit,
                    stack=stack_of(ident),
                    what=who.what if isinstance(who, Watched) else "",
                )
            )
