"""What may come over the border of this package, and the words for what may not.

A :class:`Kind` says what a value has to be. Whoever refuses one does so in the error of its own
house: an option, a part of a declaration, a thing of a test. A bool is no number here, and a text
is no collection of texts: both are slips that would go unseen.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeGuard, cast

from dramaturg.actors import ActorRef, ActorSystem, OptionError
from dramaturg.protocols._protocol_errors import ProtocolError

__all__ = [
    "ACTOR_REF",
    "BOOL",
    "FUNCTION",
    "INT",
    "ITERABLE",
    "MAPPING",
    "NUMBER",
    "PATH",
    "SECONDS",
    "SYSTEM",
    "TEXT",
    "TEXTS",
    "Given",
    "Kind",
    "at_least",
    "check_declared",
    "check_options",
    "instance",
    "is_list",
    "is_several",
    "limited",
    "optional",
    "several",
    "shown",
]

LONGEST = 120
"""So much of a value is shown."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value has to be, and how that is said."""

    fits: Callable[[Any], bool]
    expected: str


Given: TypeAlias = tuple[object, Kind]


def instance(cls: type | tuple[type, ...], expected: str) -> Kind:
    """Return the kind of the instances of a class."""
    return Kind(lambda value: isinstance(value, cls), expected)


def optional(kind: Kind) -> Kind:
    """Return the kind that None is of, too."""
    return Kind(lambda value: value is None or kind.fits(value), f"{kind.expected}, or None")


def at_least(least: int) -> Kind:
    """Return the kind of the whole numbers from a least one on."""
    return Kind(lambda value: _is_int(value) and value >= least, f"an int of at least {least}")


def limited(kind: Kind, most: float, expected: str) -> Kind:
    """Return the kind of the numbers of another kind up to a greatest."""
    return Kind(lambda value: kind.fits(value) and value <= most, expected)


def several(kind: Kind, expected: str) -> Kind:
    """Return the kind of the lists and tuples of what is of another kind."""
    return Kind(lambda value: is_list(value) and all(map(kind.fits, value)), expected)


def is_list(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    """Tell whether a value is a list or a tuple."""
    return isinstance(value, list | tuple)


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_seconds(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and isinstance(value, int | float) and float(value) >= 0
    except OverflowError:  # an int beyond all floats
        return False


def is_several(value: object) -> TypeGuard[Collection[Any]]:
    """Tell whether a value is a collection, and no text."""
    return isinstance(value, Collection) and not isinstance(value, str | bytes)


def _is_texts(value: object) -> bool:
    return is_several(value) and all(isinstance(each, str) for each in value)


def _is_path(value: object) -> bool:
    try:
        text = os.fspath(cast("str", value))
    except TypeError:
        return False
    return isinstance(cast("object", text), str) and bool(text) and "\0" not in text


INT = Kind(_is_int, "an int")
BOOL = instance(bool, "a bool")
NUMBER = Kind(lambda value: isinstance(value, float) or _is_int(value), "a number")
TEXT = Kind(lambda value: isinstance(value, str) and bool(value), "a text that is not empty")
TEXTS = Kind(_is_texts, "a list or tuple of texts")
FUNCTION = Kind(callable, "a function")
ITERABLE = instance(Iterable, "a list, or something else to go through")
MAPPING = instance(Mapping, "a dict")
SECONDS = Kind(lambda value: _is_seconds(value) and value < math.inf, "seconds, at least 0")
PATH = Kind(_is_path, "the path of a file")
ACTOR_REF = instance(ActorRef, "an ActorRef")
SYSTEM = instance(ActorSystem, "an ActorSystem")


def shown(value: object) -> str:
    """Return a value's repr in one line, not all of it if it is long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def check_options(**given: Given) -> None:
    """Check options, each a value and its kind.

    :raises OptionError: for the first that is of another kind.
    """
    for option, (value, kind) in given.items():
        if not kind.fits(value):
            raise OptionError(option=option, value=value, expected=kind.expected)


def check_declared(part: str, **given: Given) -> None:
    """Check what a part of a declaration is made of.

    :raises ProtocolError: for the first value that is of another kind.
    """
    for name, (value, kind) in given.items():
        if not kind.fits(value):
            raise ProtocolError(
                part=f"{part}, {name}={shown(value)}", problem=f"expected {kind.expected}"
            )
