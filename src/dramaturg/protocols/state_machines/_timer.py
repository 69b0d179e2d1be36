"""The timers of a machine, and what a transition does about them: values, which are journaled.

There are OTP's three kinds. The state timeout is one, and a change of state cancels it. The event
timeout is one, and any event cancels it. Of named ones there are many, and none is cancelled by
itself. Starting one that runs replaces it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final

from dramaturg.actors import Message, OptionError
from dramaturg.actors._timers import check_seconds

__all__ = [
    "EVENT_TIMEOUT",
    "STATE_TIMEOUT",
    "Kind",
    "Seconds",
    "Timeout",
    "Timer",
    "Timing",
    "check_span",
]

Kind = Literal["state", "event", "named"]
Seconds: TypeAlias = "float | Callable[[Any, Any], float | None] | None"
"""A time, a function of data and event that gives one, or None: never."""
Content: TypeAlias = "object | Callable[[Any, Any], object]"


class Timeout(Message, name="dramaturg.machine.Timeout"):
    """The event that a timer of the machine has run out."""

    kind: Kind
    name: str = ""
    content: Any = None
    """What the timer was started with."""


@final
@dataclass(frozen=True, slots=True)
class Timer:
    """A named timer of a machine: ``RETRY = Timer("retry")``; see also ``STATE_TIMEOUT``.

    ``on(RETRY)`` waits for it; ``timing(RETRY.start(5.0))`` starts it.

    :raises OptionError: if the name is no text.
    """

    name: str
    kind: Kind = "named"

    def __post_init__(self) -> None:
        named = self.kind == "named"
        if not isinstance(self.name, str) or bool(self.name) != named:
            raise OptionError(option="name", value=self.name, expected="the name of a timer")

    def __str__(self) -> str:
        return f"timer {self.name!r}" if self.kind == "named" else f"{self.kind} timeout"

    def start(self, seconds: Seconds, content: Content = None) -> Timing:
        """Start it, in the place of one that runs. 0 is at once, None never: it cancels.

        :param seconds: or a function of data and event.
        :param content: what its event is to hold; or a function of data and event.
        :raises OptionError: if it is no time.
        """
        return Timing(self, "start", seconds if callable(seconds) else check_span(seconds), content)

    def update(self, content: Content) -> Timing:
        """Exchange the content of the one that runs; if none does it runs out at once."""
        return Timing(self, "update", 0.0, content)

    def cancel(self) -> Timing:
        """Call it off; nothing happens if none runs."""
        return Timing(self, "start", None, None)


STATE_TIMEOUT = Timer("", "state")
"""The one timer that a change of state cancels."""

EVENT_TIMEOUT = Timer("", "event")
"""The one timer that any event cancels, also a postponed or an inserted one."""


@final
@dataclass(frozen=True, slots=True)
class Timing:
    """What is done about a timer: made by :class:`Timer`."""

    timer: Timer
    what: Literal["start", "update"]
    seconds: Seconds
    content: Content

    def __str__(self) -> str:
        if self.what == "update":
            return f"update {self.timer}"
        if self.seconds is None:
            return f"cancel {self.timer}"
        return f"{self.timer} in {span(self.seconds)}"


def span(seconds: Seconds) -> str:
    """Write a time for people."""
    return f"{seconds:g} s" if isinstance(seconds, int | float) else "a while"


def check_span(seconds: Any) -> float | None:
    """Check a time; None is never.

    :raises OptionError: if it is no finite number of at least 0.
    """
    return None if seconds is None else check_seconds("seconds", seconds)
