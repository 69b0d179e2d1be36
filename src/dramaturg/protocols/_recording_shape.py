"""Shapes: values taken apart into plain ones, to be read and rebuilt without pickle.

What msgpack knows by itself is its own shape: None, bool, int, float, str, bytes. All else is a
list with a tag in front::

    ["list" | "tuple" | "set" | "frozenset", *items]      ["dict", [key, value], ...]
    ["object", "package.module:Class", [field, value], ...]
    ["call", "package.module:function", *arguments]
    ["enum", "package.module:Class", "NAME"]
    ["name", "package.module:Class"]                      ["ref", "/path"]

Classes are named, never imported: to read a recording runs nothing but this.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, TypeAlias, cast
from uuid import UUID

from pydantic import BaseModel, RootModel

from dramaturg.actors import ActorRef

__all__ = ["OpaqueError", "Shape", "place_of", "shape_of", "text_of"]

Shape: TypeAlias = Any
"""A plain value, or a list with a tag in front."""

DEEPEST = 50
LARGEST_INT = 2**63


class OpaqueError(Exception):
    """A value cannot be taken apart; the text says which and why."""


def place_of(thing: Any) -> str:
    """Name a class or function: ``package.module:Qualified.name``."""
    return f"{thing.__module__}:{thing.__qualname__}"


def shape_of(value: object) -> Shape:
    """Take a value apart.

    :raises OpaqueError: if there is something in it that nothing is known of.
    """
    return _shape(value, 0)


def _shape(value: Any, depth: int) -> Shape:
    cls: type[Any] = value.__class__
    if cls in _PLAIN:
        return value
    if depth > DEEPEST:
        raise OpaqueError(f"more than {DEEPEST} levels deep")
    known = _KNOWN.get(cls)
    if known is not None:
        return known(value)
    if cls in _SEQUENCES:
        items: Iterable[Any] = value
        if cls in {set, frozenset}:
            items = sorted(items, key=repr)  # their own order differs between processes
        return [cls.__name__, *[_shape(each, depth + 1) for each in items]]
    if cls is dict:
        pairs: Iterable[tuple[Any, Any]] = value.items()
        return [
            "dict",
            *[[_shape(one, depth + 1), _shape(other, depth + 1)] for one, other in pairs],
        ]
    return _of_user(value, cls, depth)


def _of_user(value: Any, cls: type[Any], depth: int) -> Shape:
    for base, take_apart in _BASES:
        if isinstance(value, base):
            return take_apart(value)
    if isinstance(value, RootModel):
        return ["call", place_of(cls), _shape(cast("Any", value).root, depth + 1)]
    if isinstance(value, BaseException):
        return ["call", place_of(cls), *[_shape(each, depth + 1) for each in value.args]]
    fields = _fields_of(value, cls)
    if fields is None:
        raise OpaqueError(f"{cls.__module__}.{cls.__qualname__} is neither plain data nor a model")
    shapes = [[name, _shape(each, depth + 1)] for name, each in fields.items()]
    return ["object", place_of(cls), *shapes]


def _fields_of(value: Any, cls: type[Any]) -> dict[str, Any] | None:
    """Return what the value's constructor would need to be called with."""
    if isinstance(value, BaseModel):
        by_name = value.model_config.get("populate_by_name", False)
        known = type(value).model_fields.items()
        named = {
            name if by_name else field.alias or name: getattr(value, name) for name, field in known
        }
        return named | (value.model_extra or {})
    if dataclasses.is_dataclass(cls):
        fields = dataclasses.fields(cls)
        return {each.name: getattr(value, each.name) for each in fields if each.init}
    names: tuple[str, ...] | None = getattr(cls, "_fields", None)
    if names is not None and issubclass(cls, tuple):
        return {name: getattr(value, name) for name in names}
    return None


def _int(value: int) -> Shape:
    return value if -LARGEST_INT <= value < LARGEST_INT else ["call", "builtins:int", str(value)]


def _iso(value: Any) -> Shape:
    tzinfo = getattr(value, "tzinfo", None)
    if tzinfo is not None and not isinstance(tzinfo, dt.timezone):
        raise OpaqueError(f"the time zone {tzinfo!r} is no fixed offset")
    return ["call", f"datetime:{type(value).__name__}.fromisoformat", value.isoformat()]


def _timedelta(value: dt.timedelta) -> Shape:
    parts = {"days": value.days, "seconds": value.seconds, "microseconds": value.microseconds}
    fields = [[name, each] for name, each in parts.items() if each]
    return ["object", "datetime:timedelta", *fields]


_PLAIN = frozenset({type(None), bool, float, str, bytes})
_SEQUENCES = frozenset({list, tuple, set, frozenset})
_KNOWN: Mapping[type, Callable[[Any], Shape]] = {
    int: _int,
    dt.datetime: _iso,
    dt.date: _iso,
    dt.time: _iso,
    dt.timedelta: _timedelta,
    UUID: lambda value: ["call", "uuid:UUID", str(value)],
    Decimal: lambda value: ["call", "decimal:Decimal", str(value)],
}


_BASES: tuple[tuple[type, Callable[[Any], Shape]], ...] = (
    (Enum, lambda value: ["enum", place_of(type(value)), value.name]),
    (ActorRef, lambda value: ["ref", value.path]),
    (PurePath, lambda value: ["call", f"pathlib:{type(value).__name__}", str(value)]),
    (type, lambda value: ["name", place_of(value)]),
)


def text_of(shape: Shape) -> str:
    """Write a shape as the repr of its value, classes by their last name."""
    if shape.__class__ is not list:
        return repr(shape)
    parts: list[Any] = shape
    tag, *rest = parts
    if tag in {"list", "tuple", "set", "frozenset"}:
        return _text_of_items(tag, [text_of(each) for each in rest])
    if tag == "dict":
        return f"{{{', '.join(f'{text_of(key)}: {text_of(each)}' for key, each in rest)}}}"
    if tag == "ref":
        return f"<ref {rest[0]}>"
    return _text_of_named(tag, str(rest[0]).rpartition(":")[2].rpartition("<locals>.")[2], rest[1:])


def _text_of_named(tag: str, name: str, rest: list[Any]) -> str:
    if tag == "enum":
        return f"{name}.{rest[0]}"
    if tag == "name":
        return name
    if tag == "call":
        return f"{name}({', '.join(text_of(each) for each in rest)})"
    return f"{name}({', '.join(f'{field}={text_of(each)}' for field, each in rest)})"


def _text_of_items(tag: str, items: list[str]) -> str:
    inner = ", ".join(items)
    if tag == "list":
        return f"[{inner}]"
    if tag == "tuple":
        return f"({inner},)" if len(items) == 1 else f"({inner})"
    if tag == "set" and items:
        return f"{{{inner}}}"
    return f"{tag}({{{inner}}})" if items else f"{tag}()"
