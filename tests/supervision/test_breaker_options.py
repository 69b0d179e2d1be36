"""The options of the circuit breaker that cannot be."""

from typing import Any

import pytest

from dramaturg.actors import ManualClock, OptionError
from dramaturg.supervision._breaker import CircuitBreaker


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"max_failures": 0}, "max_failures=0: expected an int of at least 1"),
        ({"max_failures": 1.5}, "max_failures=1.5: expected an int"),
        ({"call_timeout": 0}, "call_timeout=0: expected more than 0 seconds"),
        ({"call_timeout": -1.0}, "call_timeout=-1.0: expected seconds"),
        ({"call_timeout": "1"}, "call_timeout='1': expected seconds"),
        ({"reset_timeout": 0.0}, "reset_timeout=0.0: expected more than 0 seconds"),
        ({"reset_timeout": float("inf")}, "reset_timeout=inf: expected seconds"),
        ({"reset_timeout": None}, "reset_timeout=None: expected seconds"),
        ({"backoff_factor": 0.5}, "backoff_factor=0.5: expected a number of at least 1"),
        ({"backoff_factor": float("nan")}, "backoff_factor=nan: expected a number"),
        ({"backoff_factor": "2"}, "backoff_factor='2': expected a number"),
        ({"max_reset_timeout": 5}, "max_reset_timeout=5: expected at least reset_timeout=30"),
        ({"max_reset_timeout": float("inf")}, "max_reset_timeout=inf: expected seconds"),
        ({"counts": KeyboardInterrupt}, "counts=<class 'KeyboardInterrupt'>: expected types"),
        ({"counts": ()}, r"counts=\(\): expected types of exceptions"),
        ({"counts": (OSError, "x")}, "counts=.*: expected types of exceptions"),
        ({"counts": 3}, "counts=3: expected types of exceptions, or a function"),
    ],
    ids=str,
)
def test_an_option_that_cannot_be_is_an_error(options: Any, complaint: str) -> None:
    with pytest.raises(OptionError, match=complaint):
        CircuitBreaker("gateway", ManualClock(), **options)


@pytest.mark.parametrize("name", ["", None, 3])
def test_it_needs_a_name(name: Any) -> None:
    with pytest.raises(OptionError, match="name="):
        CircuitBreaker(name, ManualClock())


@pytest.mark.parametrize("system", [None, "system", 3.0])
def test_it_needs_a_system_or_a_clock(system: Any) -> None:
    with pytest.raises(OptionError, match="expected an ActorSystem or a Clock"):
        CircuitBreaker("gateway", system)
