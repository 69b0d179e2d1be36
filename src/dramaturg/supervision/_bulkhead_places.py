"""So many places, and a queue for them, for coroutines and threads alike.

Who has a place is decided under the lock: a place that becomes free is *given* to the
first of those who wait, before that one wakes up. So nobody can overtake it; and one
that gives up either was still in the queue, or has a place and can pass it on.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from threading import get_ident
from typing import TYPE_CHECKING, Protocol, TypeVar, final

from dramaturg.actors._errors import Refused
from dramaturg.supervision._bulkhead_messages import BulkheadStatus

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BulkheadFull", "LoopTurn", "Places", "ThreadTurn"]


class BulkheadFull(Refused):
    """Too many are under way and too many wait: the call was not made. Slow down.

    In a handler that does not catch it, it goes to whoever asked, and the actor lives on.
    """

    def __init__(self, *, name: str, max_in_flight: int, max_waiting: int) -> None:
        self.name = name
        self.max_in_flight = max_in_flight
        self.max_waiting = max_waiting
        super().__init__(
            f"the bulkhead {name} is full: {max_in_flight} in flight and {max_waiting} waiting",
            name=name,
            max_in_flight=max_in_flight,
            max_waiting=max_waiting,
        )


class Turn(Protocol):
    """Somebody who waits for a place."""

    given: bool
    """Whether it was given a place and has not taken it yet; changed under the lock."""

    def wake(self) -> bool:
        """Let it go on; any thread. False if it never will."""
        ...


T = TypeVar("T", bound=Turn)


@final
class Places:
    """The places of one bulkhead. Safe from any thread."""

    def __init__(self, name: str, max_in_flight: int, max_waiting: int) -> None:
        self.name = name
        self._max_in_flight = max_in_flight
        self._max_waiting = max_waiting
        self._in_flight = 0
        self._waiting: deque[Turn] = deque()
        self._lock = threading.Lock()

    def enter(self, make_turn: Callable[[], T]) -> T | None:
        """Take a place, or else stand in the queue with the turn that is returned.

        :param make_turn: what it raises is raised, and nothing has changed.
        :raises BulkheadFull: if there is room in neither.
        """
        with self._lock:
            if self._in_flight < self._max_in_flight:
                self._in_flight += 1
                return None
            if len(self._waiting) >= self._max_waiting:
                raise BulkheadFull(
                    name=self.name,
                    max_in_flight=self._max_in_flight,
                    max_waiting=self._max_waiting,
                )
            turn = make_turn()
            self._waiting.append(turn)
            return turn

    def leave(self) -> None:
        """Give a place back: the first in the queue gets it."""
        while True:
            with self._lock:
                if not self._waiting:
                    self._in_flight -= 1
                    return
                turn = self._waiting.popleft()
                turn.given = True
            if turn.wake():
                return
            with self._lock:
                # Unless it has just been thrown away, and has given the place back itself.
                if not turn.given:
                    return
                turn.given = False

    def withdraw(self, turn: Turn) -> bool:
        """End the wait of a turn; tell whether it has been given a place, which it then keeps."""
        with self._lock:
            given, turn.given = turn.given, False
            if not given:
                with contextlib.suppress(ValueError):  # its loop was closed: it was passed over
                    self._waiting.remove(turn)
        return given

    def status(self) -> BulkheadStatus:
        """Count who is there."""
        with self._lock:
            return BulkheadStatus(
                name=self.name,
                in_flight=self._in_flight,
                waiting=len(self._waiting),
                max_in_flight=self._max_in_flight,
                max_waiting=self._max_waiting,
            )


@final
class LoopTurn:
    """A coroutine that waits for a place, on whatever loop it runs."""

    __slots__ = ("_future", "_ident", "_loop", "given")

    def __init__(self) -> None:
        self.given = False
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[None] = self._loop.create_future()
        self._ident = get_ident()

    def wake(self) -> bool:
        if get_ident() == self._ident:
            self.expire()
            return True
        try:
            self._loop.call_soon_threadsafe(self.expire)
        except RuntimeError:  # the loop was closed: nobody waits there any more
            return False
        return True

    def expire(self) -> None:
        """End the wait; in the loop's own thread."""
        if not self._future.done():
            self._future.set_result(None)

    async def wait(self) -> None:
        await self._future


@final
class ThreadTurn:
    """A thread that waits for a place."""

    __slots__ = ("_event", "given")

    def __init__(self) -> None:
        self.given = False
        self._event = threading.Event()

    def wake(self) -> bool:
        self._event.set()
        return True

    def wait(self, seconds: float | None) -> None:
        self._event.wait(seconds)
