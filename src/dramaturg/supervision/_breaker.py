"""The circuit breaker around calls of functions."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, final, overload

from dramaturg.actors._errors import OptionError
from dramaturg.actors._log import default_log
from dramaturg.actors._system import ActorSystem
from dramaturg.supervision._breaker_decorator import call_guarded, guarded
from dramaturg.supervision._breaker_gate import BreakerGate
from dramaturg.supervision._breaker_limit import time_limit
from dramaturg.supervision._breaker_messages import publish_change
from dramaturg.supervision._breaker_rules import BreakerRules, Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from dramaturg.actors._clock import Clock
    from dramaturg.actors._log import Log
    from dramaturg.supervision._breaker_gate import Counts
    from dramaturg.supervision._breaker_messages import BreakerStatus
    from dramaturg.supervision._breaker_rules import Circuit

__all__ = ["CircuitBreaker"]

P = ParamSpec("P")
R = TypeVar("R")


@final
class CircuitBreaker:
    """Lets calls fail at once while whoever is called is known to be ill.

    ::

        breaker = CircuitBreaker("gateway", system, max_failures=3, call_timeout=2.0)

        @breaker
        async def charge(card: Card) -> Receipt: ...

        answer = await breaker.call(gateway.request, Charge(card))

        async with breaker:
            ...

    It opens after ``max_failures`` failed calls in a row; a call that succeeds
    starts the count anew. While open, calls raise :class:`CircuitOpen` and nothing
    is called. The first call after ``reset_timeout`` seconds is let through as a
    trial: if it succeeds the circuit closes, if it fails the circuit is open again,
    ``backoff_factor`` times as long. Calls that were let in before the circuit
    changed do not count any more when they end.

    A call fails by an exception that ``counts``, or by taking longer than
    ``call_timeout``: a coroutine is then cancelled and its caller gets
    :class:`DeadlineExceeded`. A ``def`` function cannot be cut short: whether it
    took too long is judged when it returns; its value or exception reaches the caller
    all the same. An exception that does not count is a success, since somebody
    answered. If the caller is cancelled, the call counts neither way, and a trial makes
    room for another one.

    Safe from any thread and any loop. Changes are published as
    :class:`BreakerOpened`, :class:`BreakerHalfOpened` and :class:`BreakerClosed`.

    :param name: for errors and events.
    :param system: whose clock it goes by, and on whose ``events`` its changes are
        published; or a clock alone, and then nobody is told.
    :param max_failures: how many failures in a row open it.
    :param call_timeout: seconds that a call may take; None sets no limit, and then a
        trial call that never ends keeps all others out.
    :param reset_timeout: seconds for which it is open.
    :param backoff_factor: how much longer it is open after each trial that failed.
    :param max_reset_timeout: the most that this comes to; None sets no limit.
    :param counts: types of exceptions, or a function that tells whether one counts (if
        it raises, that is logged, and the exception counts). Default: every
        ``Exception`` but ``Refused`` and ``UnhandledError``, which are answers
        (``CircuitOpen`` and ``BulkheadFull`` count: somebody further on is ill or overrun).
        ``DeadlineExceeded`` always counts, ``RequestCycleError`` never.
    :raises OptionError: for a value that cannot be.
    """

    def __init__(
        self,
        name: str,
        system: ActorSystem | Clock,
        *,
        max_failures: int = 5,
        call_timeout: float | None = 10.0,
        reset_timeout: float = 30.0,
        backoff_factor: float = 1.0,
        max_reset_timeout: float | None = None,
        counts: Counts = None,
    ) -> None:
        self.name = _checked_name(name)
        self._clock, self._system = _clock_and_system(system)
        rules = BreakerRules(
            max_failures=max_failures,
            call_timeout=call_timeout,
            reset_timeout=reset_timeout,
            backoff_factor=backoff_factor,
            max_reset_timeout=max_reset_timeout,
        )
        self._gate = BreakerGate(
            name,
            rules,
            counts,
            now=self._clock.monotonic,
            changed=self._changed,
            log=self._log,
        )
        self._entered: dict[object, list[AbstractAsyncContextManager[None]]] = {}

    def __repr__(self) -> str:
        return f"<CircuitBreaker {self._gate!r}>"

    def status(self) -> BreakerStatus:
        """Describe the breaker as it is now. Any thread."""
        return self._gate.status()

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Wrap a function, ``async def`` or ``def``, so that each call of it is guarded.

        What a ``def`` function returns is not awaited: for one that returns a coroutine
        use :meth:`call`.

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

        :raises CircuitOpen: if the call is not let through; nothing has been called.
        :raises DeadlineExceeded: if it took longer than ``call_timeout``.
        """
        return await call_guarded(self, function, args, kwargs)

    async def __aenter__(self) -> None:
        """Guard a block as if it were one call; it is left in the task that entered it.

        :raises CircuitOpen: if it is not let through. (Leaving the block raises
            ``DeadlineExceeded`` if it took longer than ``call_timeout``.)
        """
        guard = self._guard()
        await guard.__aenter__()
        self._entered.setdefault(asyncio.current_task(), []).append(guard)

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        task = asyncio.current_task()
        guards = self._entered[task]
        guard = guards.pop()
        if not guards:
            del self._entered[task]
        await guard.__aexit__(exc_type, exc, traceback)

    @asynccontextmanager
    async def _guard(self) -> AsyncGenerator[None]:
        ticket = self._gate.enter()
        limit = self._gate.rules.call_timeout
        begun = self._clock.monotonic()
        try:
            async with time_limit(self._clock, limit, waiting_for=self.name):
                yield
        except BaseException as error:
            self._leave(ticket, begun, error)
            raise
        self._leave(ticket, begun, None)

    @contextmanager
    def _guard_thread(self) -> Generator[None]:
        ticket = self._gate.enter()
        begun = self._clock.monotonic()
        try:
            yield
        except BaseException as error:
            self._leave(ticket, begun, error)
            raise
        self._leave(ticket, begun, None)

    def _leave(self, ticket: Circuit, begun: float, error: BaseException | None) -> None:
        outcome = self._gate.judge(error)
        limit = self._gate.rules.call_timeout
        late = limit is not None and self._clock.monotonic() - begun > limit
        if late and outcome is Outcome.SUCCESS:
            outcome = Outcome.FAILURE
        self._gate.leave(ticket, outcome)

    def _changed(self, circuit: Circuit) -> None:
        if self._system is not None:
            publish_change(self._system, "/", self.name, circuit)

    def _log(self) -> Log:
        return default_log() if self._system is None else self._system.log


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise OptionError(option="name", value=name, expected="a text that is not empty")
    return name


def _clock_and_system(system: ActorSystem | Clock) -> tuple[Clock, ActorSystem | None]:
    if isinstance(system, ActorSystem):
        return system.clock, system
    if not callable(getattr(system, "monotonic", None)):
        raise OptionError(option="system", value=system, expected="an ActorSystem or a Clock")
    return system, None
