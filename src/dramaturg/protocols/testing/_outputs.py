"""What a handler of a plain actor may return beside messages, and what it has returned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from dramaturg.protocols._borders import SECONDS
from dramaturg.protocols.testing._errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["NOTHING", "CancelTimer", "Effects", "Noted", "Output", "SetTimer", "effects_of"]


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Set the actor's timer of that name, anew if it is set already.

    :param after: seconds of virtual time; between two timers only the order counts.
    :raises ScenarioError: if they are no finite number of at least 0, or it is no name.
    """

    name: str
    after: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not SECONDS.fits(self.after):
            raise ScenarioError(
                thing=f"SetTimer({self.name!r}, after={self.after!r})",
                problem="is no time" if isinstance(self.name, str) else "is no name",
                expected="seconds of at least 0" if isinstance(self.name, str) else "a text",
            )


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Call the actor's timer of that name off, if it is set.

    :raises ScenarioError: if it is no name.
    """

    name: str

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise ScenarioError(
                thing=f"CancelTimer({self.name!r})", problem="is no name", expected="a text"
            )


@dataclass(frozen=True, slots=True)
class Noted:
    """Add something to the history of the run, which properties may read.

    The history is a part of the state: note as little as a property needs.
    """

    value: Any


Output: TypeAlias = "tuple[str, Any] | SetTimer | CancelTimer | Noted"


class Effects(NamedTuple):
    """What one handler has returned, sorted by kind; each in its order."""

    messages: tuple[tuple[str, Any], ...] = ()
    timers: tuple[SetTimer | CancelTimer, ...] = ()
    notes: tuple[Any, ...] = ()


NOTHING = Effects()

MESSAGE = 2
"""A message is a pair: to whom, and what."""


def effects_of(handler: Callable[..., Any], outputs: Iterable[Output] | None) -> Effects:
    """Check and sort what a handler has returned.

    :raises ScenarioError: if it is anything but messages, timers and notes.
    """
    if not outputs:
        return NOTHING
    messages: list[tuple[str, Any]] = []
    timers: list[SetTimer | CancelTimer] = []
    notes: list[Any] = []
    plain = outputs.__class__ is list
    if not plain and (isinstance(outputs, tuple | str) or not hasattr(outputs, "__iter__")):
        raise _unexpected(handler, outputs)
    output: Any
    for output in outputs:
        if output.__class__ is tuple and len(output) == MESSAGE and output[0].__class__ is str:
            messages.append(output)
        elif isinstance(output, SetTimer | CancelTimer):
            timers.append(output)
        elif isinstance(output, Noted):
            notes.append(output.value)
        else:
            raise _unexpected(handler, output)
    if not timers and not notes:
        return Effects(tuple(messages))
    return Effects(tuple(messages), tuple(timers), tuple(notes))


def _unexpected(handler: Callable[..., Any], output: object) -> ScenarioError:
    return ScenarioError(
        thing=getattr(handler, "__qualname__", repr(handler)),
        problem=f"returned {output!r}",
        expected="a list of (destination, message), SetTimer, CancelTimer and Noted",
    )
