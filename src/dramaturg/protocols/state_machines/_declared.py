"""From a class to its definition, and to the types that it stores."""

from __future__ import annotations

import dataclasses
import types
from enum import Enum, EnumType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel

from dramaturg.actors import RegistryError, TypeRegistry
from dramaturg.protocols.state_machines._checks import checked
from dramaturg.protocols.state_machines._definition import Definition
from dramaturg.protocols.state_machines._errors import MachineDefinitionError
from dramaturg.protocols.state_machines._records import RECORDS

__all__ = ["declared", "stored_types"]


def declared(cls: type[Any], base: type) -> Definition:
    """Check a class's declaration.

    :raises MachineDefinitionError: if it cannot be.
    """
    states, data = _arguments(cls, base)
    if isinstance(states, EnumType) and not isinstance(cls.initial, states):
        problem = f"is {cls.initial!r}: expected a member of {states.__name__}"
        raise MachineDefinitionError(machine=cls.__qualname__, part="initial", problem=problem)
    limit = cls.max_postponed
    if type(limit) is not int or limit < 0:
        problem = f"is {limit!r}: expected an int of at least 0"
        raise MachineDefinitionError(
            machine=cls.__qualname__, part="max_postponed", problem=problem
        )
    return checked(cls.__qualname__, cls.initial, cls.final, cls.table, _classes(data))


def _arguments(cls: type, base: type) -> tuple[Any, Any]:
    """Return what stands in the brackets of ``StateMachine[States, Data]``."""
    for each in cls.__mro__:
        for written in vars(each).get("__orig_bases__", ()):
            if get_origin(written) is base:
                states, data = get_args(written)
                return states, data
    return None, Any


def _classes(annotation: Any) -> tuple[type, ...]:
    if get_origin(annotation) in (Union, types.UnionType):
        found = [_classes(each) for each in get_args(annotation)]
        return () if () in found else tuple(each for one in found for each in one)
    if annotation is None:
        return (types.NoneType,)
    if annotation is Any or isinstance(annotation, TypeVar):
        return ()
    origin = get_origin(annotation) or annotation
    return (origin,) if isinstance(origin, type) else ()


def stored_types(cls: type[Any], definition: Definition, others: TypeRegistry) -> TypeRegistry:
    """Return what the journal of a machine may hold.

    :raises MachineDefinitionError: if that cannot be stored.
    """
    data = [each for each in definition.data_types if _has_fields(each)]
    try:
        return RECORDS.including(others, *definition.events, *data, *cls.upcasters)
    except RegistryError as error:
        raise MachineDefinitionError(
            machine=cls.__qualname__, part="what it stores", problem=str(error)
        ) from error


def _has_fields(cls: Any) -> bool:
    return issubclass(cls, BaseModel | Enum) or dataclasses.is_dataclass(cls)
