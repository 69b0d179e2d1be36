"""The gate at which calls are let in and their outcomes noted; from any thread.

The one place where a circuit changes. The rules are in ``_breaker_rules``; who
calls, and when, is the business of ``_breaker`` and ``_breaker_actor``.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeAlias, cast, final

from dramaturg.actors._errors import (
    DeadlineExceeded,
    OptionError,
    Refused,
    RequestCycleError,
    UnhandledError,
)
from dramaturg.supervision._breaker_messages import BreakerStatus
from dramaturg.supervision._breaker_rules import Circuit, Outcome, admit, look, record
from dramaturg.supervision._bulkhead_places import BulkheadFull

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors._log import Log
    from dramaturg.supervision._breaker_rules import BreakerRules

__all__ = ["BreakerGate", "CircuitOpen", "Counts"]

Counts: TypeAlias = (
    "type[Exception] | tuple[type[Exception], ...] | Callable[[Exception], bool] | None"
)
"""Which exceptions count as failures: types, a function that says so, or None for the default."""


class CircuitOpen(Refused):
    """A circuit breaker did not let the call through; nothing has been called.

    In a handler that does not catch it, it goes to whoever asked, and the actor lives on:
    that somebody else is ill is no failure of this actor's. ``retry_after`` is the number
    of seconds until it lets one through again; 0 if one is under way whose outcome decides.
    """

    def __init__(self, *, name: str, retry_after: float) -> None:
        self.name = name
        self.retry_after = retry_after
        when = f"for {retry_after:g} s" if retry_after else "until its trial call has ended"
        super().__init__(
            f"the circuit of {name} is open {when}", name=name, retry_after=retry_after
        )


@final
class BreakerGate:
    """A circuit for many callers.

    :param now: the clock.
    :param changed: told of each circuit that has changed its state; in the thread
        that changed it, before that goes on.
    :param log: makes the logger, should ``counts`` fail.
    :raises OptionError: if ``counts`` is none of what it may be.
    """

    def __init__(
        self,
        name: str,
        rules: BreakerRules,
        counts: Counts,
        *,
        now: Callable[[], float],
        changed: Callable[[Circuit], None],
        log: Callable[[], Log],
    ) -> None:
        self.name = name
        self.rules = rules
        self._counts = _as_function(counts)
        self._now = now
        self._changed = changed
        self._log = log
        self._circuit = Circuit.closed(rules)
        self._lock = threading.Lock()

    def enter(self) -> Circuit:
        """Let a call in and return its ticket, which is to be handed to :meth:`leave` once.

        :raises CircuitOpen: if the call is not let in.
        """
        now = self._now()
        with self._lock:
            before = self._circuit
            self._circuit, admitted = admit(before, now)
            after = self._circuit
        self._tell(before, after)
        if not admitted:
            raise CircuitOpen(name=self.name, retry_after=after.retry_after(now))
        return after

    def leave(self, ticket: Circuit, outcome: Outcome) -> None:
        """Take note of the outcome of a call."""
        now = self._now()
        with self._lock:
            before = self._circuit
            self._circuit = after = record(self.rules, before, ticket, outcome, now)
        self._tell(before, after)

    def judge(self, error: BaseException | None) -> Outcome:
        """Tell what a call's error, or None, says about whoever was called."""
        if error is None:
            return Outcome.SUCCESS
        # Of a circle nobody is told but the caller, who has made it.
        if not isinstance(error, Exception) or isinstance(error, RequestCycleError):
            return Outcome.NEITHER
        try:
            counts = isinstance(error, DeadlineExceeded) or self._counts(error)
        except Exception as second:  # noqa: BLE001 - the user's function
            self._log().error("breaker_counts_failed", breaker=self.name, exc_info=second)
            counts = True
        return Outcome.FAILURE if counts else Outcome.SUCCESS

    def status(self) -> BreakerStatus:
        """Describe the circuit as it is now; changes nothing."""
        now = self._now()
        circuit = look(self._circuit, now)
        return BreakerStatus(
            name=self.name,
            state=circuit.state,
            failures=circuit.failures,
            retry_after=circuit.retry_after(now),
            reset_timeout=circuit.reset_timeout,
        )

    def __repr__(self) -> str:
        status = self.status()
        return f"{self.name} {status.state.value} failures={status.failures}"

    def _tell(self, before: Circuit, after: Circuit) -> None:
        # Outside the lock: subscribers may look at the breaker.
        if before.state is not after.state:
            self._changed(after)


def _as_function(counts: Counts) -> Callable[[Exception], bool]:
    if counts is None:
        return _counts_by_default
    types = cast("tuple[object, ...]", counts if isinstance(counts, tuple) else (counts,))
    if types and all(isinstance(each, type) and issubclass(each, Exception) for each in types):
        kinds = cast("tuple[type[Exception], ...]", types)
        return lambda error: isinstance(error, kinds)
    if isinstance(counts, tuple | type) or not callable(counts):
        expected = "types of exceptions, or a function that tells whether one counts"
        raise OptionError(option="counts", value=cast("object", counts), expected=expected)
    return counts


def _counts_by_default(error: Exception) -> bool:
    # That somebody further on is ill or overrun is no answer.
    if isinstance(error, CircuitOpen | BulkheadFull):
        return True
    # Both are answers: whoever gave them is well.
    return not isinstance(error, Refused | UnhandledError)
