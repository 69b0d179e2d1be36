"""Which types the fields of a type mention, and where the field alone tells a value's type.

A nested model is stored with its name in front, unless nothing but that very type can stand in
its place. Leaving the name out halves the cost of decoding lists of models, so it is worth
working out, once per type. The rule is careful: a type in a union, in a set or a key, or with
known subclasses keeps its name; and one *open* place, a field that takes anything or whose
validation is the user's own, keeps every name in the whole message.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import abc
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    NamedTuple,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)
from uuid import UUID

from pydantic import AfterValidator, BaseModel, RootModel, Strict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SCALARS = frozenset(
    {
        *(NoneType, bool, int, float, str, bytes, UUID, Decimal),
        *(dt.datetime, dt.date, dt.time, dt.timedelta),
    }
)
_ORDERED = frozenset({list, tuple, abc.Sequence, abc.Iterable, abc.Collection})
_HASHED = frozenset({set, frozenset, abc.Set, abc.MutableSet})
_KEYED = frozenset({dict, abc.Mapping, abc.MutableMapping})


class Place(NamedTuple):
    """A type mentioned by a field; ``sure`` if a value there can be of that type only."""

    type: type
    sure: bool


OPEN = Place(object, sure=False)


def reachable(types: Iterable[type]) -> Iterator[type]:
    """Go through ``types`` and the models, dataclasses and enums that their fields mention.

    Each comes before its own fields are read.
    """
    pending = list(types)
    seen: set[type] = set()
    while pending:
        cls = pending.pop()
        if cls in seen:
            continue
        seen.add(cls)
        yield cls
        pending.extend(place.type for place in _fields(cls) if _is_part(place.type))


def sure_types(cls: type, known: Iterable[type]) -> frozenset[type] | None:
    """Return the models that need no name wherever they stand within ``cls``.

    ``known`` are all types that values may be of. None if ``cls`` is *open*: if it has an open
    place, so that the fields do not vouch for the types of their values; or if a type may hold
    itself, so that they do not tell how deep values are nested.
    """
    everything = tuple(known)
    parts: dict[type, set[type]] = {}
    unsure: set[type] = set()
    pending = [cls]
    while pending:
        current = pending.pop()
        if current in parts:
            continue
        parts[current] = set()
        for place in _fields(current):
            if place == OPEN:
                return None
            candidates = [each for each in everything if issubclass(each, place.type)]
            parts[current].update(candidates)
            if not place.sure or len(candidates) > 1:
                unsure.update(candidates)
        pending.extend(parts[current])
    if _has_cycle(parts):
        return None
    return frozenset(filter(_is_plain_model, parts.keys() - unsure))


def _has_cycle(parts: dict[type, set[type]]) -> bool:
    """Tell whether some type is left when those without parts are taken away, again and again."""
    left = dict(parts)
    while True:
        leaves = {each for each, inner in left.items() if inner.isdisjoint(left)}
        if not leaves:
            return bool(left)
        left = {each: inner for each, inner in left.items() if each not in leaves}


def field_names(dataclass: type) -> tuple[str, ...]:
    """Return the names of the fields of a dataclass."""
    kind: Any = dataclass
    return tuple(each.name for each in dataclasses.fields(kind))


def _is_part(cls: Any) -> bool:
    return issubclass(cls, BaseModel | Enum) or dataclasses.is_dataclass(cls)


def _is_plain_model(cls: type) -> bool:
    return issubclass(cls, BaseModel) and not issubclass(cls, RootModel)


def _fields(cls: Any) -> Iterator[Place]:
    if issubclass(cls, BaseModel):
        if _checks_its_own_way(cls) or cls.model_config.get("extra") == "allow":
            yield OPEN
        for field in cls.model_fields.values():
            yield from _places(Annotated[(field.annotation, None, *field.metadata)], sure=True)
    elif dataclasses.is_dataclass(cls):
        for annotation in get_type_hints(cls, include_extras=True).values():
            # A dataclass checks nothing: anything may stand anywhere.
            yield OPEN
            yield from _places(annotation, sure=False)


def _checks_its_own_way(cls: type[BaseModel]) -> bool:
    """Tell whether validators of ``cls`` may see a dict in the place of a model."""
    decorators = cls.__pydantic_decorators__
    fields = (each.info.mode for each in decorators.field_validators.values())
    models = (each.info.mode for each in decorators.model_validators.values())
    standard: Any = BaseModel.__get_pydantic_core_schema__
    schema: Any = cls.__get_pydantic_core_schema__
    return (
        bool(decorators.validators or decorators.root_validators)
        or any(mode != "after" for mode in (*fields, *models))
        or bool(cls.model_config.get("strict"))
        or schema.__func__ is not standard.__func__
    )


def _places(annotation: Any, *, sure: bool) -> Iterator[Place]:
    origin = get_origin(annotation)
    if origin is None:
        yield from _single(annotation, sure=sure)
    elif origin is Annotated:
        inner, *metadata = get_args(annotation)
        if not all(map(_is_constraint, metadata)):
            yield OPEN
        yield from _places(inner, sure=sure)
    elif origin is Literal:
        yield from (Place(type(each), sure) for each in get_args(annotation))
    elif origin in {Union, UnionType}:
        members = [each for each in get_args(annotation) if each is not NoneType]
        for each in members:
            yield from _places(each, sure=sure and len(members) == 1)
    else:
        yield from _container(origin, get_args(annotation), sure=sure)


def _container(origin: Any, arguments: tuple[Any, ...], *, sure: bool) -> Iterator[Place]:
    if origin in _ORDERED:
        hashed: tuple[Any, ...] = ()
    elif origin in _HASHED:
        hashed = arguments
    elif origin in _KEYED:
        hashed = arguments[:1]
    else:
        yield OPEN
        yield from _places(origin, sure=False)
        hashed = arguments
    for position, each in enumerate(arguments):
        if each is not Ellipsis:
            # A model can be hashed, the dict it would be without its name cannot.
            yield from _places(each, sure=sure and position >= len(hashed))


def _single(annotation: Any, *, sure: bool) -> Iterator[Place]:
    if annotation is None or annotation in _SCALARS:
        return
    if hasattr(annotation, "__supertype__"):
        yield from _places(annotation.__supertype__, sure=sure)
    elif isinstance(annotation, type) and _is_part(annotation):
        yield Place(annotation, sure)
    else:
        # Any, a bare list, a type variable, a lazy alias, somebody else's class.
        yield OPEN


def _is_constraint(metadata: Any) -> bool:
    """Tell whether ``metadata`` only narrows what a field accepts."""
    if isinstance(metadata, Strict):
        return False
    custom = hasattr(metadata, "__get_pydantic_core_schema__")
    return isinstance(metadata, AfterValidator) or not custom
