"""The text of stored types: how it is written, and read again."""

from __future__ import annotations

import re
from dataclasses import MISSING, dataclass, field, fields
from enum import Enum
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import BaseModel

from dramaturg.actors._type_name import type_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dramaturg.actors._registry import RegisteredType, TypeRegistry

__all__ = ["StoredType", "alternatives", "described", "parsed", "written"]

TITLE = "# What is stored. check_stored_types writes and reads this file; see docs/journal.md."
MAY_BE_MISSING = "  # may be missing"

_HEAD = re.compile(
    r"(?P<name>\S.*?) v(?P<version>\d+)(?P<part>, a part)?(, reads v(?P<oldest>\d+) and newer)?:"
)
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


@dataclass(frozen=True, slots=True)
class StoredType:
    """What may be stored under one name."""

    name: str
    version: int
    oldest: int
    """The oldest version that can be read."""
    is_part: bool
    """Whether it is stored inside of other types only."""
    required: dict[str, str] = field(default_factory=dict[str, str])
    """The types of the fields that have to be there, by name."""
    optional: dict[str, str] = field(default_factory=dict[str, str])
    """The types of those that may be missing."""
    values: frozenset[str] = frozenset()
    """Those of an enum."""

    @property
    def fields(self) -> dict[str, str]:
        """The types of all fields."""
        return {**self.required, **self.optional}


def described(registry: TypeRegistry) -> dict[str, StoredType]:
    """Describe what may be stored, by name."""
    given = {each.name for each in registry}
    return {
        each.name: _describe(each, registry, is_part=each.name not in given)
        for each in registry.parts()
    }


def _describe(entry: RegisteredType, registry: TypeRegistry, *, is_part: bool) -> StoredType:
    oldest = entry.version - len(registry._chains.get(entry.name, ()))
    cls: Any = entry.cls
    if issubclass(cls, Enum):
        values = frozenset(repr(each.value) for each in cls)
        return StoredType(entry.name, entry.version, oldest, is_part, values=values)
    required: dict[str, str] = {}
    optional: dict[str, str] = {}
    for name, text, is_required in _fields(cls, registry):
        (required if is_required else optional)[name] = text
    return StoredType(entry.name, entry.version, oldest, is_part, required, optional)


def _fields(cls: Any, registry: TypeRegistry) -> Iterator[tuple[str, str, bool]]:
    if issubclass(cls, BaseModel):
        for name, info in cls.model_fields.items():
            annotation: Any = Annotated[(info.annotation, None, *info.metadata)]
            yield name, _said(annotation, registry), info.is_required()
    else:
        hints = get_type_hints(cls, include_extras=True)
        for each in fields(cls):
            is_required = each.default is MISSING and each.default_factory is MISSING
            yield each.name, _said(hints[each.name], registry), is_required


def _said(annotation: Any, registry: TypeRegistry) -> str:
    """Write an annotation without anything that is not stored, such as modules."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *metadata = get_args(annotation)
        said = [_said(inner, registry), *(_constraint(each) for each in metadata if each)]
        return " & ".join(said)
    if origin is Literal:
        return f"Literal[{', '.join(repr(each) for each in get_args(annotation))}]"
    if origin in {Union, UnionType}:
        return " | ".join(sorted({_said(each, registry) for each in get_args(annotation)}))
    if origin is not None:
        arguments = [_said(each, registry) for each in get_args(annotation)]
        return f"{_said(origin, registry)}[{', '.join(arguments)}]"
    return _said_plainly(annotation, registry)


def _said_plainly(annotation: Any, registry: TypeRegistry) -> str:
    if annotation is None or annotation is NoneType:
        return "None"
    if annotation is Ellipsis:
        return "..."
    if isinstance(annotation, type):
        known = registry._by_type.get(annotation)
        return type_name(annotation) if known is None else known.name
    return _ADDRESS.sub("", str(getattr(annotation, "__name__", None) or annotation))


def _constraint(metadata: object) -> str:
    # The repr of a function has its address, and would be another in each process.
    text = repr(metadata)
    return _ADDRESS.sub("", text).replace("\n", " ").replace("|", "/")


def written(types: Iterable[StoredType]) -> str:
    """Write the text."""
    lines = [TITLE]
    for each in sorted(types, key=lambda each: each.name):
        notes = ", a part" if each.is_part else ""
        if each.oldest < each.version:
            notes += f", reads v{each.oldest} and newer"
        lines += ["", f"{each.name} v{each.version}{notes}:"]
        found = [f"{name}: {text}" for name, text in each.required.items()]
        found += [f"{name}: {text}{MAY_BE_MISSING}" for name, text in each.optional.items()]
        found += [f"= {value}" for value in each.values]
        lines += [f"    {line}" for line in sorted(found) or ["nothing"]]
    return "\n".join(lines) + "\n"


def parsed(text: str) -> dict[str, StoredType]:
    """Read the text.

    :raises ValueError: if it is not such a text; it says which line is not.
    """
    found: dict[str, StoredType] = {}
    current: StoredType | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        if not line.startswith(" "):
            current = _head(line, number)
            found[current.name] = current
        elif current is None:
            raise _not_understood(number, line)
        else:
            found[current.name] = current = _with_line(current, line.strip(), number)
    return found


def _head(line: str, number: int) -> StoredType:
    match = _HEAD.fullmatch(line.rstrip())
    if match is None:
        raise _not_understood(number, line)
    version = int(match["version"])
    oldest = version if match["oldest"] is None else int(match["oldest"])
    return StoredType(match["name"], version, oldest, match["part"] is not None)


def _with_line(known: StoredType, line: str, number: int) -> StoredType:
    required, optional, values = dict(known.required), dict(known.optional), known.values
    if line.startswith("= "):
        values |= {line[2:]}
    elif line != "nothing":
        name, colon, text = line.partition(": ")
        if not colon:
            raise _not_understood(number, line)
        if text.endswith(MAY_BE_MISSING):
            optional[name] = text.removesuffix(MAY_BE_MISSING)
        else:
            required[name] = text
    return StoredType(
        known.name, known.version, known.oldest, known.is_part, required, optional, values
    )


def _not_understood(number: int, line: str) -> ValueError:
    return ValueError(f"line {number} is not understood: {line!r}")


def alternatives(text: str) -> frozenset[str]:
    """Return the members of a union, or what is no union by itself."""
    found: list[str] = [""]
    depth = 0
    for character in text:
        depth += (character in "[(") - (character in "])")
        if character == "|" and not depth:
            found.append("")
        else:
            found[-1] += character
    return frozenset(each.strip() for each in found)
