"""Retry as a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast, final

from dramaturg.actors import OptionError, Refused, UsageError
from dramaturg.actors._timers import check_seconds
from dramaturg.supervision import Backoff

if TYPE_CHECKING:
    from random import Random

__all__ = ["NO_RETRY", "Retry"]


@final
@dataclass(frozen=True, slots=True)
class Retry:
    """How often, when and after which errors something is tried again.

    tenacity is not underneath: its jitter comes from the module ``random`` and its attempts live
    in one running loop, while here the pauses have to come from the system's own clock and random
    source, and the attempts of a workflow have to go on after the process was killed.

    :param attempts: so many in all, the first included; None: no limit but ``budget``.
    :param backoff: the pauses between them.
    :param budget: seconds from the first attempt within which the last may begin; None: no limit.
    :param restarts: of a workflow's step: so often one attempt is made again, under the same
        key, when its process has ended meanwhile; beyond that the step has failed, and nobody
        knows with what effect: it may be what ends its process. None: no limit.
    :param retryable: exceptions worth another attempt.
    :param fatal: exceptions that are not, although they are retryable; by default a declared
        no (``Refused``) and errors of whoever wrote the call.
    :raises OptionError: for a value that cannot be.
    """

    attempts: int | None = 3
    backoff: Backoff = field(default_factory=lambda: Backoff(0.1, 30.0, jitter=0.2))
    budget: float | None = None
    retryable: tuple[type[BaseException], ...] = (Exception,)
    fatal: tuple[type[BaseException], ...] = (Refused, UsageError)
    restarts: int | None = 50

    def __post_init__(self) -> None:
        for option, least in (("attempts", 1), ("restarts", 0)):
            count = getattr(self, option)
            if count is not None and not (type(count) is int and count >= least):
                expected = f"an int of at least {least}, or None"
                raise OptionError(option=option, value=count, expected=expected)
        if not isinstance(cast("object", self.backoff), Backoff):
            raise OptionError(option="backoff", value=self.backoff, expected="a Backoff")
        if self.budget is not None and not check_seconds("budget", self.budget):
            raise OptionError(option="budget", value=self.budget, expected="more than 0 seconds")
        for option in ("retryable", "fatal"):
            if not _are_exceptions(getattr(self, option)):
                raise OptionError(
                    option=option,
                    value=getattr(self, option),
                    expected="a tuple of exception classes",
                )

    def again(
        self, error: BaseException, *, attempt: int, spent: float, random: Random
    ) -> float | None:
        """Tell how many seconds to wait before the next attempt; None: there is none.

        :param attempt: that has failed, from 1.
        :param spent: seconds since the first began.
        """
        if self.attempts is not None and attempt >= self.attempts:
            return None
        if not isinstance(error, self.retryable) or isinstance(error, self.fatal):
            return None
        pause = self.backoff.delay(attempt - 1, random)
        return None if self.budget is not None and spent + pause > self.budget else pause


def _are_exceptions(given: object) -> bool:
    return isinstance(given, tuple) and all(
        isinstance(each, type) and issubclass(each, BaseException)
        for each in cast("tuple[object, ...]", given)
    )


NO_RETRY = Retry(attempts=1)
