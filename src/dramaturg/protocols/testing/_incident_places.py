"""Things that a test can import, by their places."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from types import FunctionType
from typing import Any

from dramaturg.protocols._recording_errors import RecordingError
from dramaturg.protocols._recording_shape import place_of

__all__ = ["located"]

PLACE = re.compile(r"[^\W\d][\w.]*:[^\W\d][\w.]*")


def located(what: str, thing: str | Callable[..., Any]) -> tuple[str, Any]:
    """Return "package.module:name" of a thing, and the thing, having looked.

    :param thing: a function or class, or its place.
    :raises RecordingError: if it cannot be imported.
    """
    if not isinstance(thing, str | FunctionType | type):
        raise RecordingError(thing=f"{what} {thing!r}", problem="it has no name to import")
    if not isinstance(thing, str):
        place = place_of(thing)
        if "<" in place or place.startswith("__main__:"):
            raise RecordingError(
                thing=f"{what} {place}", problem="no test can import it: it has to be in a module"
            )
        return place, thing
    if PLACE.fullmatch(thing) is None:
        raise RecordingError(
            thing=f"{what} {thing!r}", problem='it is no "package.module:function"'
        )
    module, _, path = thing.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for name in path.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError) as error:
        raise RecordingError(thing=f"{what} {thing!r}", problem=str(error)) from error
    return thing, found
