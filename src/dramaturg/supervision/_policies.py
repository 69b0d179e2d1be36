"""Policies: what an actor that failed does about it itself, before anybody else decides.

For any actor, ``Props.using(policy=...)`` or the class's ``policy``. Without one an
actor that fails stops; below a :class:`Supervisor` that then follows the child's spec.
With one, only a failure that the policy answers with STOP or ESCALATE reaches the
supervisor (Akka: supervision wraps the behaviour, the parent sees what is left).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, cast, final

from dramaturg.actors import Directive, OptionError, Restart
from dramaturg.actors._timers import check_seconds
from dramaturg.supervision._backoff import Backoff

if TYPE_CHECKING:
    from dramaturg.actors import Failure, Policy

__all__ = ["LimitedRestart", "OnError"]

_MOST = 1000
"""What ``Failure.restarted_at`` can tell."""


@final
@dataclass(frozen=True, slots=True)
class LimitedRestart:
    """Restart the actor, at most ``limit`` times within ``within`` seconds; then stop it.

    The window slides, as OTP's does (Akka's is fixed). An actor that fails to start
    again is tried again within the limit.

    :param limit: 0 to 1,000: 0 stops at the first failure; None: no limit, and then an
        actor that fails to start stops, unless there is a back-off.
    :param within: seconds.
    :param backoff: pauses before the restarts; messages queue meanwhile.
    :raises OptionError: for a value that cannot be.
    """

    limit: int | None = 3
    within: float = 60.0
    backoff: Backoff | None = None

    def __post_init__(self) -> None:
        limit = cast("object", self.limit)
        is_count = isinstance(limit, int) and not isinstance(limit, bool)
        if limit is not None and not (is_count and 0 <= cast("int", limit) <= _MOST):
            raise OptionError(
                option="limit", value=limit, expected=f"an int from 0 to {_MOST}, or None"
            )
        if not check_seconds("within", self.within):
            raise OptionError(option="within", value=self.within, expected="more than 0 seconds")
        if self.backoff is not None and not isinstance(cast("object", self.backoff), Backoff):
            raise OptionError(option="backoff", value=self.backoff, expected="a Backoff or None")

    def __call__(self, failure: Failure) -> Directive | Restart:
        if self.limit is not None:
            since = failure.now - self.within
            if sum(instant >= since for instant in failure.restarted_at) >= self.limit:
                return Directive.STOP
        if self.backoff is None:
            return Directive.RESTART if self.limit is None else Restart()
        in_a_row = self.backoff.next_count(failure.in_a_row, failure.up_for)
        return Restart(self.backoff.delay(in_a_row, failure.random), in_a_row)


@final
@dataclass(frozen=True, slots=True)
class OnError:
    """Choose by the type of the exception; the nearest base class counts.

    ::

        OnError(
            {
                ValueError: Directive.RESUME,
                ConnectionError: LimitedRestart(5, within=60.0, backoff=Backoff(0.1, 10.0)),
            },
            otherwise=Directive.STOP,
        )

    :param choices: for each exception class a directive or another policy.
    :param otherwise: for all others.
    :raises OptionError: for a key that is no exception class, or a value that is no policy.
    """

    choices: Mapping[type[BaseException], Policy]
    otherwise: Policy = Directive.STOP

    def __post_init__(self) -> None:
        if not isinstance(cast("object", self.choices), Mapping):
            raise OptionError(
                option="choices", value=self.choices, expected="a mapping of exception classes"
            )
        for error, policy in self.choices.items():
            if not isinstance(cast("object", error), type) or not issubclass(error, BaseException):
                raise OptionError(option="choices", value=error, expected="an exception class")
            _check_policy("choices", policy)
        _check_policy("otherwise", self.otherwise)
        object.__setattr__(self, "choices", MappingProxyType(dict(self.choices)))

    def __call__(self, failure: Failure) -> Directive | Restart:
        nearest = (base for base in type(failure.error).__mro__ if base in self.choices)
        found = next(nearest, None)
        policy = self.otherwise if found is None else self.choices[found]
        return policy if isinstance(policy, Directive) else policy(failure)


def _check_policy(option: str, policy: object) -> None:
    if not isinstance(policy, Directive) and not callable(policy):
        raise OptionError(
            option=option, value=policy, expected="a Directive or a function that returns one"
        )
