"""Shapes: how values of one known type become a storable body, and how they come back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, TypeGuard, final

from pydantic import BaseModel, RootModel

from dramaturg.actors._codec_reach import field_names
from dramaturg.actors._codec_values import Code
from dramaturg.actors._msgpack import ext

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors._registry import RegisteredType


@final
@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A known type with its two directions.

    ``dump`` gives the body: a dict of fields for what has fields. ``load`` takes a body whose
    parts are values again, and raises whatever the type raises on a wrong one.
    """

    entry: RegisteredType
    dump: Callable[[Any], object]
    load: Callable[[Any], object]

    def mark(self) -> Any:
        """Return what stands in front of a body whose type the field does not tell."""
        return ext(Code.TYPE, mark_key(self.entry.name, self.entry.version))


def mark_key(name: str, version: int) -> bytes:
    """Return name and version as the bytes of a mark."""
    return f"{name}@{version}".encode()


def split_mark_key(key: bytes) -> tuple[str, int]:
    """Return name and version from the bytes of a mark.

    :raises ValueError: if there are none.
    """
    name, _, version = key.decode().rpartition("@")
    return name, int(version)


def shape_of(entry: RegisteredType) -> Shape:
    """Make the shape of a registered type."""
    cls: type[Any] = entry.cls
    if issubclass(cls, Enum):
        return Shape(entry, _enum_value, cls)
    if issubclass(cls, RootModel):
        return Shape(entry, _root_value, cls.model_validate)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    if issubclass(cls, BaseModel):
        return Shape(entry, _model_dump(cls), _model_load(cls))
    return Shape(entry, partial(_attributes, field_names(cls)), partial(_make, cls))


def _enum_value(member: Enum) -> object:
    return member.value


def _root_value(model: RootModel[Any]) -> object:
    return model.root


def _model_dump(cls: type[BaseModel]) -> Callable[[BaseModel], Any]:
    names = tuple(cls.model_fields)
    expected = frozenset(names)
    keeps_extra = cls.model_config.get("extra") == "allow"

    def dump(model: BaseModel) -> Any:
        # Not model_dump: serialisers may lose what only the value itself holds, and reading
        # __dict__ costs nothing. A cached_property may have left more in it than the fields.
        body: Any = model.__dict__
        keys: object = body.keys()
        if keys != expected:
            body = {name: _required(body, name) for name in names}
        if keeps_extra:
            body = {**body, **(model.__pydantic_extra__ or {})}
        return body

    return dump


def _model_load(cls: type[BaseModel]) -> Callable[[Any], object]:
    validate = cls.__pydantic_validator__.validate_python

    def load(body: Any) -> object:
        # An instance, perhaps of a subclass, would pass validation as it is.
        return validate(_fields(body), by_alias=False, by_name=True)

    return load


def _required(body: dict[str, Any], name: str) -> Any:
    if name not in body:
        # Only model_construct makes such a thing.
        message = f"it has no value for {name}"
        raise ValueError(message)
    return body[name]


def _attributes(names: tuple[str, ...], value: object) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names}


def _make(cls: type, body: Any) -> object:
    # A dataclass checks nothing when it is made; checking it here could only change its values.
    return cls(**_fields(body))


def class_of(value: object) -> Any:
    """Return the exact class of ``value``."""
    return type(value)


def is_map(body: object) -> TypeGuard[dict[Any, Any]]:
    """Tell whether ``body`` is a plain dict, as fields are stored."""
    return type(body) is dict


def _fields(body: Any) -> dict[str, Any]:
    if type(body) is not dict:
        message = f"expected a map of fields, not a {type(body).__name__}"
        raise TypeError(message)
    return body  # pyright: ignore[reportUnknownVariableType] -- pydantic checks the keys
