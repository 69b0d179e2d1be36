"""The bulkhead around calls of functions."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, final, overload

from dramaturg.actors._clock import SystemClock
from dramaturg.actors._errors import DeadlineExceeded, OptionError
from dramaturg.actors._router_messages import check_count
from dramaturg.actors._system import ActorSystem
from dramaturg.actors._timers import check_seconds
from dramaturg.supervision._breaker_decorator import call_guarded, guarded
from dramaturg.supervision._breaker_limit import call_later
from dramaturg.supervision._bulkhead_places import LoopTurn, Places, ThreadTurn

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
    from types import TracebackType

    from dramaturg.supervision._bulkhead_messages import BulkheadStatus

__all__ = ["Bulkhead", "check_limits"]

P = ParamSpec("P")
R = TypeVar("R")


@final
class Bulkhead:
    """Lets so many calls be under way at once, and so many wait for that.

    ::

        bulkhead = Bulkhead("gateway", system, max_in_flight=10, max_waiting=50, timeout=2.0)

        @bulkhead
        async def charge(card: Card) -> Receipt: ...

        answer = await bulkhead.call(gateway.request, Charge(card))

        async with bulkhead:
            ...

    Whoever waits is let in first in, first out; nobody overtakes. One that is
    cancelled while it waits leaves the queue, and loses no place to it. A call
    that is let in keeps its place until it has ended, however long that takes;
    within it, another call through the same bulkhead needs another place.

    A ``def`` function waits in its thread, which must not be one that runs the
    system's actors. Safe from any thread and any loop.

    :param name: for errors.
    :param system: whose clock it goes by.
    :param max_in_flight: how many calls may be under way.
    :param max_waiting: how many may wait.
    :param timeout: seconds that each may wait; default the system's ``default_timeout``.
    :raises OptionError: for a value that cannot be.
    """

    def __init__(
        self,
        name: str,
        system: ActorSystem,
        *,
        max_in_flight: int,
        max_waiting: int = 0,
        timeout: float | None = None,
    ) -> None:
        given: tuple[object, object] = (name, system)
        if not isinstance(given[0], str) or not name:
            raise OptionError(option="name", value=name, expected="a text that is not empty")
        if not isinstance(given[1], ActorSystem):
            raise OptionError(option="system", value=system, expected="an ActorSystem")
        check_limits(max_in_flight, max_waiting, timeout)
        self.name = name
        self._system = system
        self._timeout = system.default_timeout if timeout is None else timeout
        self._places = Places(name, max_in_flight, max_waiting)

    def __repr__(self) -> str:
        status = self.status()
        return (
            f"<Bulkhead {self.name} in_flight={status.in_flight}/{status.max_in_flight}"
            f" waiting={status.waiting}/{status.max_waiting}>"
        )

    def status(self) -> BulkheadStatus:
        """Count who is under way and who waits. Any thread."""
        return self._places.status()

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Wrap a function, ``async def`` or ``def``, so that each call of it needs a place.

        A call raises what :meth:`call` does, and that of a ``def`` function ``BlockingCallError``
        if it had to wait on a thread that runs the system's actors. What a ``def`` function
        returns is not awaited: for one that returns a coroutine use :meth:`call`.

        :raises OptionError: for what is not callable, or yields instead of returning.
        """
        return guarded(self, function)

    @overload
    async def call(
        self, function: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs
    ) -> R: ...
    @overload
    async def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R: ...
    async def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call the function, and await what it returns if that is awaitable.

        :raises BulkheadFull: if there is room neither to begin nor to wait.
        :raises DeadlineExceeded: if there was no place in time.
        """
        return await call_guarded(self, function, args, kwargs)

    async def __aenter__(self) -> None:
        """Take a place for a block; raises as :meth:`call` does."""
        turn = self._places.enter(LoopTurn)
        if turn is None:
            return
        alarm = call_later(self._system.clock, self._timeout, turn.expire)
        try:
            await turn.wait()
        except BaseException:
            if self._places.withdraw(turn):
                self._places.leave()
            raise
        finally:
            alarm.cancel()
        self._check_given(turn)

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._places.leave()

    @asynccontextmanager
    async def _guard(self) -> AsyncGenerator[None]:
        async with self:
            yield

    @contextmanager
    def _guard_thread(self) -> Generator[None]:
        turn = self._places.enter(self._thread_turn)
        if turn is not None:
            self._wait(turn)
        try:
            yield
        finally:
            self._places.leave()

    def _thread_turn(self) -> ThreadTurn:
        self._system.check_may_block("a full bulkhead", "use `await bulkhead.call(function)`")
        return ThreadTurn()

    def _wait(self, turn: ThreadTurn) -> None:
        clock = self._system.clock
        alarm = None
        try:
            if isinstance(clock, SystemClock):
                turn.wait(self._timeout)
            else:
                alarm = clock.call_at(clock.monotonic() + self._timeout, turn.wake)
                turn.wait(None)
        except BaseException:
            if self._places.withdraw(turn):
                self._places.leave()
            raise
        finally:
            if alarm is not None:
                alarm.cancel()
        self._check_given(turn)

    def _check_given(self, turn: LoopTurn | ThreadTurn) -> None:
        if not self._places.withdraw(turn):
            raise DeadlineExceeded(waiting_for=f"the bulkhead {self.name}", timeout=self._timeout)


def check_limits(max_in_flight: object, max_waiting: object, timeout: float | None) -> None:
    """Check the options that both forms of a bulkhead have.

    :raises OptionError: for a value that cannot be.
    """
    check_count("max_in_flight", max_in_flight)
    if not isinstance(max_waiting, int) or isinstance(max_waiting, bool) or max_waiting < 0:
        raise OptionError(option="max_waiting", value=max_waiting, expected="an int of at least 0")
    if timeout is not None:
        check_seconds("timeout", timeout)
