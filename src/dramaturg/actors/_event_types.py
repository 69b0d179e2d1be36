"""Which types an event-sourced class stores: those that its ``apply`` names."""

from __future__ import annotations

import dataclasses
import types
import typing
from enum import Enum
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from pydantic import BaseModel

from dramaturg.actors._codec_errors import RegistryError
from dramaturg.actors._errors import HandlerDefinitionError
from dramaturg.actors._handler import enclosing_names
from dramaturg.actors._registry import TypeRegistry

if TYPE_CHECKING:
    from dramaturg.actors._event_sourced import EventSourced

__all__ = ["registry_of"]


def registry_of(cls: type[EventSourced[Any]]) -> TypeRegistry:
    """Make the registry of an event-sourced class from the annotations of its ``apply``.

    :raises HandlerDefinitionError: if these do not tell.
    """
    apply: Any = cls.apply

    def wrong(problem: str) -> HandlerDefinitionError:
        return HandlerDefinitionError(owner=cls.__qualname__, method="apply", problem=problem)

    if apply.__qualname__ == "EventSourced.apply":
        raise wrong("is missing: it returns the state after an event")
    try:
        hints = typing.get_type_hints(apply, localns=enclosing_names(apply))
    except Exception as error:
        raise wrong(f"an annotation that cannot be evaluated: {error}") from error
    parameters = list(apply.__annotations__)
    names = [each for each in parameters if each != "return"]
    expected = "annotate it: (self, state: State, event: ThisEvent | ThatEvent) -> State"
    if len(names) != 2 or "return" not in hints:  # noqa: PLR2004 - state and event
        raise wrong(expected)
    events = _members(hints[names[1]])
    if not all(isinstance(each, type) and _is_storable(each) for each in events):
        raise wrong(f"its events have to be messages; {expected}")
    states = [each for each in _members(hints["return"]) if isinstance(each, type)]
    stored = [each for each in states if _is_storable(each)]
    try:
        return TypeRegistry(*events, *stored, *cls.upcasters)
    except RegistryError as error:
        raise wrong(str(error)) from error


def _is_storable(cls: Any) -> bool:
    is_made_of_fields = dataclasses.is_dataclass(cls)
    return isinstance(cls, type) and (issubclass(cls, BaseModel | Enum) or is_made_of_fields)


def _members(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(part for each in get_args(annotation) for part in _members(each))
    return (annotation,)
