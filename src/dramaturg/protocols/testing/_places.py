"""Where in the code of a test's author something went wrong, for reports.

Paths are relative to the working directory, so that a report is the same on every machine.
"""

from __future__ import annotations

import linecache
import os
from inspect import currentframe
from pathlib import Path
from traceback import walk_stack, walk_tb
from typing import TYPE_CHECKING, Any

from dramaturg.actors._cell import Cell
from dramaturg.actors._errors import ActorCrashed, StartFailed
from dramaturg.protocols.testing._addresses import name_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable
    from types import CodeType, FrameType

__all__ = ["OURS", "here", "told", "told_of_actor", "waits_at"]

OURS = str(Path(__file__).parents[2]) + os.sep
"""Where the code of this library is."""
_STDLIB = str(Path(os.__file__).parent) + os.sep
_INSTALLED = f"{os.sep}site-packages{os.sep}"


def told(error: BaseException) -> str:
    """Say what an error says, and where it was raised, but not its type.

    An ``assert`` that says nothing is shown itself. Of an actor that failed on a request
    both places are named: where it failed, and where it was asked.
    """
    places = _places(error)
    said, newline, more = _text(error).partition("\n")
    if isinstance(error, ActorCrashed | StartFailed) and error.__cause__ is not None:
        raised = _at(_last(_places(error.__cause__)))
        raised = raised or getattr(error, "where", None) or ""
        where = "; ".join(
            f"{how} {place}"
            for how, place in (("raised in", raised), ("awaited in", _at(_last(places))))
            if place
        )
    else:
        where = _at(_last(places))
    if not said:
        said = _line(_last(places))
    head = f"{said} ({where})" if said and where else said or where
    return f"{head}{newline}{more}"


def told_of_actor(error: BaseException) -> str:
    """Say which error an actor has failed with, who that was, and where."""
    places = _places(error)
    actor = _actor_in(error)
    who = "" if actor is None else f" in {name_of(actor)}"
    where = _at(_last(places))
    said = _text(error) or _line(_last(places))
    text = f"{type(error).__name__}{who}" + (f" ({where})" if where else "")
    return f"{text}: {said}" if said else text


def here() -> str:
    """Say which line runs just now."""
    # The innermost comes first. Without a frame given, walk_stack counts those of its caller,
    # of which a comprehension is one only before Python 3.12.
    stack = [(frame.f_code, line) for frame, line in walk_stack(currentframe())]
    return _at(_last(list(reversed(stack))))


def waits_at(task: asyncio.Task[Any]) -> str:
    """Say at which line a task waits."""
    found: list[_Place] = []
    waits: Any = task.get_coro()
    while (frame := getattr(waits, "cr_frame", None)) is not None:
        found.append((frame.f_code, frame.f_lineno))
        waits = waits.cr_await
    return _at(_last(found))


_Place = tuple["CodeType", int]


def _places(error: BaseException) -> list[_Place]:
    return [(frame.f_code, line) for frame, line in walk_tb(error.__traceback__)]


def _last(places: list[_Place]) -> _Place | None:
    """Return the innermost place in somebody's own code, or else in what they use."""
    for is_meant in (_is_own, _is_foreign):
        for place in reversed(places):
            if is_meant(place[0].co_filename):
                return place
    return None


def _is_own(filename: str) -> bool:
    return _is_foreign(filename) and not filename.startswith((_STDLIB, "<frozen"))


def _is_foreign(filename: str) -> bool:
    return not filename.startswith(OURS) and _INSTALLED not in filename


def _at(place: _Place | None) -> str:
    if place is None:
        return ""
    code, line = place
    name = code.co_qualname.rpartition("<locals>.")[2]
    return f"{name}, {_short(code.co_filename)}:{line}"


def _short(filename: str) -> str:
    path = Path(filename)
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except (ValueError, OSError):
        return path.name


def _line(place: _Place | None) -> str:
    return "" if place is None else linecache.getline(place[0].co_filename, place[1]).strip()


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - the method of somebody's own class
        return "its __str__ fails"


def _actor_in(error: BaseException) -> Cell | None:
    """Return the actor in whose turn an error was raised: the outermost, which caught it."""
    frames: Iterable[FrameType] = (frame for frame, _ in walk_tb(error.__traceback__))
    for frame in frames:
        if not frame.f_code.co_filename.startswith(OURS):
            continue
        for name in ("self", "cell"):
            found = frame.f_locals.get(name)
            if isinstance(found, Cell):
                return found
    return None
