"""The rules of a circuit breaker: functions over a frozen circuit, with time passed in.

::

    CLOSED --max_failures in a row--> OPEN --reset_timeout later--> HALF_OPEN
       ^                               ^                            |   |
       |                               +--- its one call fails -----+   |
       +------------------------------ its one call succeeds -----------+

Akka's rules, said more exactly: an outcome counts only in the *period* in which its
call was let in, so what comes back late neither opens nor closes a circuit that has
changed since. And nothing happens by itself: a circuit half-opens when somebody looks
at it after its time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, final

from dramaturg.actors._errors import OptionError
from dramaturg.actors._router_messages import check_count
from dramaturg.actors._timers import check_seconds

if TYPE_CHECKING:
    from typing import Self

__all__ = ["BreakerRules", "BreakerState", "Circuit", "Outcome", "admit", "look", "record"]


class BreakerState(Enum):
    """What a circuit breaker does with calls."""

    CLOSED = "closed"
    """It lets all of them through."""
    OPEN = "open"
    """It lets none through: each fails at once."""
    HALF_OPEN = "half_open"
    """It lets one through, and the outcome of that decides."""


class Outcome(Enum):
    """What a call says about whoever was called."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEITHER = "neither"
    """Nothing: the caller gave up, say."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRules:
    """When a circuit opens, and for how long.

    With ``reset_timeout=2.0``, ``backoff_factor=2.0`` and ``max_reset_timeout=6.0`` a
    circuit whose trial calls keep failing stays open for 2, 4, 6, 6, ... seconds.

    :raises OptionError: for a value that cannot be.
    """

    max_failures: int = 5
    call_timeout: float | None = 10.0
    reset_timeout: float = 30.0
    backoff_factor: float = 1.0
    max_reset_timeout: float | None = None

    def __post_init__(self) -> None:
        check_count("max_failures", self.max_failures)
        if self.call_timeout is not None:
            _check_above_0("call_timeout", self.call_timeout)
        _check_above_0("reset_timeout", self.reset_timeout)
        factor = self.backoff_factor
        if not isinstance(factor, int | float) or not 1 <= factor < math.inf:
            raise OptionError(
                option="backoff_factor", value=factor, expected="a number of at least 1"
            )
        limit = self.max_reset_timeout
        if limit is not None and check_seconds("max_reset_timeout", limit) < self.reset_timeout:
            expected = f"at least reset_timeout={self.reset_timeout:g}, or None"
            raise OptionError(option="max_reset_timeout", value=limit, expected=expected)

    def longer(self, reset_timeout: float) -> float:
        """Return how long a circuit stays open after a trial call has failed."""
        limit = math.inf if self.max_reset_timeout is None else self.max_reset_timeout
        return min(reset_timeout * self.backoff_factor, limit)


def _check_above_0(option: str, value: float) -> None:
    if not check_seconds(option, value):
        raise OptionError(option=option, value=value, expected="more than 0 seconds")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """A circuit at one moment; it begins closed."""

    reset_timeout: float
    """Seconds for which it is open, or will be when it opens next."""
    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    """Failures in a row, while it is closed."""
    until: float = 0.0
    """When it half-opens, while it is open."""
    on_trial: bool = False
    """Whether its one call is under way, while it is half-open."""
    period: int = 0
    """How often it has changed its state."""

    @classmethod
    def closed(cls, rules: BreakerRules) -> Self:
        """Make a new circuit."""
        return cls(reset_timeout=rules.reset_timeout)

    def retry_after(self, now: float) -> float:
        """Return the seconds for which calls fail for certain."""
        return max(0.0, self.until - now) if self.state is BreakerState.OPEN else 0.0


def look(circuit: Circuit, now: float) -> Circuit:
    """Return the circuit as it is now: half-open if its time has come."""
    if circuit.state is not BreakerState.OPEN or now < circuit.until:
        return circuit
    return replace(circuit, state=BreakerState.HALF_OPEN, on_trial=False, period=circuit.period + 1)


def admit(circuit: Circuit, now: float) -> tuple[Circuit, bool]:
    """Let a call in, or not; the circuit that is returned is then the call's ticket."""
    circuit = look(circuit, now)
    if circuit.state is BreakerState.CLOSED:
        return circuit, True
    if circuit.state is BreakerState.OPEN or circuit.on_trial:
        return circuit, False
    return replace(circuit, on_trial=True), True


def record(
    rules: BreakerRules, circuit: Circuit, ticket: Circuit, outcome: Outcome, now: float
) -> Circuit:
    """Take note of the outcome of a call that was let in; once for each ticket."""
    if ticket.period != circuit.period:
        return circuit
    if circuit.state is BreakerState.CLOSED:
        return _counted(rules, circuit, outcome, now)
    if outcome is Outcome.SUCCESS:
        return replace(Circuit.closed(rules), period=circuit.period + 1)
    if outcome is Outcome.FAILURE:
        return _opened(circuit, rules.longer(circuit.reset_timeout), now)
    return replace(circuit, on_trial=False)


def _counted(rules: BreakerRules, circuit: Circuit, outcome: Outcome, now: float) -> Circuit:
    if outcome is Outcome.SUCCESS:
        return replace(circuit, failures=0) if circuit.failures else circuit
    if outcome is Outcome.NEITHER:
        return circuit
    circuit = replace(circuit, failures=circuit.failures + 1)
    if circuit.failures < rules.max_failures:
        return circuit
    return _opened(circuit, circuit.reset_timeout, now)


def _opened(circuit: Circuit, reset_timeout: float, now: float) -> Circuit:
    return replace(
        circuit,
        state=BreakerState.OPEN,
        reset_timeout=reset_timeout,
        until=now + reset_timeout,
        on_trial=False,
        period=circuit.period + 1,
    )
