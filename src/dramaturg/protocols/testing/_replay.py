"""Replay: a schedule as a token or a file, and whether a scenario is reproducible at all."""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from typing import TYPE_CHECKING, NamedTuple, cast

from dramaturg.protocols._borders import TEXTS, instance, several, shown
from dramaturg.protocols.testing._borders import check_kinds
from dramaturg.protocols.testing._diagram import sequence_diagram
from dramaturg.protocols.testing._errors import (
    ForeignScheduleError,
    NotReproducibleError,
    ScenarioError,
)
from dramaturg.protocols.testing._pickers import Following
from dramaturg.protocols.testing._run import Run, run
from dramaturg.protocols.testing._verdict import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dramaturg.protocols.testing._event import Schedule
    from dramaturg.protocols.testing._kernel import Kernel

__all__ = [
    "Replayed",
    "check_reproducible",
    "from_token",
    "replay",
    "replay_again",
    "schedule_of",
    "to_token",
]

_VERSION = "v1"
_NAMES = several(instance(str, "a text"), "a tuple of the names of events")
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
"""What differs between the reprs of two objects that are alike."""
ROOM = 1_000
"""So many events a replay may go on calmly after the last name."""


class Replayed(NamedTuple):
    """What came of a replay; as text, with the diagram of the run."""

    run: Run
    skipped: tuple[str, ...]
    """The events of the schedule that were not possible any more."""

    def __str__(self) -> str:
        ran = self.run
        lines = [f"replayed: {_came(ran)}", "", sequence_diagram(ran.actors, ran.steps), ""]
        lines.append(counted(len(ran.schedule), "event"))
        lines += [f"skipped, since not possible any more: {name}" for name in self.skipped]
        return "\n".join(lines)


def _came(ran: Run) -> str:
    if ran.broken is not None:
        return f"{ran.broken.name}: {ran.broken.detail}".rstrip(": ")
    if ran.truncated:
        return "cut off before it was at rest, so that what has to hold then was not looked at"
    return "passes"


def to_token(schedule: Schedule) -> str:
    """Return a schedule as one word, for a command line.

    :raises ScenarioError: for what is no list of names.
    """
    check_kinds(schedule=(schedule, _NAMES))
    packed = zlib.compress(json.dumps(schedule, separators=(",", ":")).encode(), 9)
    return f"{_VERSION}:{base64.urlsafe_b64encode(packed).decode().rstrip('=')}"


def from_token(token: str) -> Schedule:
    """Return the schedule of a token.

    :raises ScenarioError: if it is none, or one of another version.
    """
    if not isinstance(token, str):
        raise _no_token(token)
    version, _, word = token.strip().partition(":")
    if version != _VERSION:
        raise _no_token(token)
    try:
        padded = word + "=" * (-len(word) % 4)
        names = json.loads(zlib.decompress(base64.urlsafe_b64decode(padded)))
    except (ValueError, binascii.Error, zlib.error):
        raise _no_token(token) from None
    if not isinstance(names, list):
        raise _no_token(token)
    return tuple(str(name) for name in cast("list[object]", names))


def schedule_of(asked: str | Sequence[str]) -> Schedule:
    """Return a schedule that is given as its token, or as its names.

    :raises ScenarioError: if it is neither.
    """
    if isinstance(asked, str) or not TEXTS.fits(asked):
        return from_token(cast("str", asked))
    return tuple(asked)


def _no_token(token: object) -> ScenarioError:
    return ScenarioError(
        thing=f"token {_short(token)}",
        problem="cannot be read",
        expected=f"one that begins {_VERSION}:, or a list of the names of events",
    )


def _short(token: object) -> str:
    if not isinstance(token, str):
        return shown(token)
    return repr(token if len(token) < 40 else f"{token[:40]}...")  # noqa: PLR2004 - one line


def replay(
    make: Callable[[], Kernel],
    schedule: Schedule,
    *,
    look: Callable[[Kernel], None] | None = None,
) -> Replayed:
    """Run a schedule again: by name, what is not possible is skipped, then calmly to the end.

    :param look: called before each event, and at the end.
    """
    following = Following(schedule)
    ran = run(make, following, most=len(schedule) + ROOM, look=look)
    return Replayed(ran, tuple(following.skipped))


def replay_again(make: Callable[[], Kernel], asked: str | Sequence[str]) -> Replayed:
    """Replay a schedule that somebody has from a report: its token, or its names.

    :raises ScenarioError: if it is no token.
    :raises ForeignScheduleError: if what is possible of it is no more than the calm run does
        anyway, so that nothing of it was tried.
    """
    schedule = schedule_of(asked)
    following = Following(schedule)
    ran = run(make, following, most=len(schedule) + ROOM)
    skipped = tuple(following.skipped)
    calm = all(name == other for name, other in zip(ran.schedule, following.calm, strict=False))
    if skipped and calm and ran.broken is None:
        thing = f"token {_short(asked)}" if isinstance(asked, str) else "the schedule"
        raise ForeignScheduleError(thing=thing, skipped=skipped, events=len(schedule))
    return Replayed(ran, skipped)


def check_reproducible(make: Callable[[], Kernel], schedule: Schedule) -> Run:
    """Run a schedule twice, and compare what was possible at each step.

    :raises NotReproducibleError: at the first difference.
    """
    first: list[str] = []
    second: list[str] = []
    ran = run(make, Following(schedule), most=len(schedule) + ROOM, look=_noter(first))
    again = run(make, Following(schedule), most=len(schedule) + ROOM, look=_noter(second))
    first.append(_outcome(ran))
    second.append(_outcome(again))
    for step, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            before = ran.steps[step - 1].event if 0 < step <= len(ran.steps) else None
            raise NotReproducibleError(
                step=step,
                first=one,
                second=other,
                handler=None if before is None else f"{before.actor}: {before.name}",
            )
    return ran


def _noter(into: list[str]) -> Callable[[Kernel], None]:
    def note(kernel: Kernel) -> None:
        possible = [event.name for event in [*kernel.enabled(), *kernel.faults()]]
        last = kernel.steps[-1] if kernel.steps else None
        sent = "" if last is None else f", sent {[each.message for each in last.sent]!r}"
        sent = ADDRESS.sub("", sent)
        into.append(f"{', '.join(possible) or 'nothing'}{sent}")

    return note


def _outcome(ran: Run) -> str:
    # Not the detail, which may show the address of an object.
    return "no failure" if ran.broken is None else ran.broken.name
