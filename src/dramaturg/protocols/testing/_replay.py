"""Replay: a schedule as a token or a file, and whether a scenario is reproducible at all."""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from typing import TYPE_CHECKING, NamedTuple, cast

from dramaturg.protocols.testing._errors import NotReproducibleError, ScenarioError
from dramaturg.protocols.testing._pickers import Following
from dramaturg.protocols.testing._run import Run, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.protocols.testing._event import Schedule
    from dramaturg.protocols.testing._kernel import Kernel

__all__ = ["Replayed", "check_reproducible", "from_token", "replay", "to_token"]

_VERSION = "v1"
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
"""What differs between the reprs of two objects that are alike."""
ROOM = 1_000
"""So many events a replay may go on calmly after the last name."""


class Replayed(NamedTuple):
    """What came of a replay."""

    run: Run
    skipped: tuple[str, ...]
    """The events of the schedule that were not possible any more."""


def to_token(schedule: Schedule) -> str:
    """Return a schedule as one word, for a command line."""
    packed = zlib.compress(json.dumps(schedule, separators=(",", ":")).encode(), 9)
    return f"{_VERSION}:{base64.urlsafe_b64encode(packed).decode().rstrip('=')}"


def from_token(token: str) -> Schedule:
    """Return the schedule of a token.

    :raises ScenarioError: if it is none, or one of another version.
    """
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


def _no_token(token: str) -> ScenarioError:
    shown = token if len(token) < 40 else f"{token[:40]}..."  # noqa: PLR2004 - one line
    return ScenarioError(
        thing=f"token {shown!r}", problem="cannot be read", expected=f"one that begins {_VERSION}:"
    )


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
