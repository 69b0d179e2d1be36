"""The closed set of types that may be stored, and how their old versions are read.

A registry is a value: nothing registers itself by being imported, two systems in one process may
know different types, and no name found in data can lead to a type that nobody put in.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, final, get_type_hints

from pydantic import BaseModel, PydanticUserError, RootModel

from dramaturg.actors._codec_errors import (
    RegistryError,
    UnknownTypeError,
    UnknownVersionError,
    UnregisteredTypeError,
)
from dramaturg.actors._codec_reach import field_names, reachable
from dramaturg.actors._message import Message
from dramaturg.actors._type_name import checked_name, checked_version, type_name, type_version
from dramaturg.actors._upcaster import Upcaster

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import ModuleType


@final
@dataclass(frozen=True, slots=True)
class RegisteredType:
    """A type with the name and the version under which it is stored.

    Give it to a registry instead of the type itself where the type cannot name itself, as an
    enum, a dataclass, or a model from elsewhere cannot.
    """

    cls: type
    name: str
    version: int = 1

    def __post_init__(self) -> None:
        """Check the version.

        :raises RegistryError: if it is not a whole number from 1.
        """
        checked_version(self.cls, self.version)

    @classmethod
    def of(cls, given: type) -> RegisteredType:
        """Register ``given`` under its own name and version.

        :raises RegistryError: if it is not a message, pydantic model, enum or frozen dataclass.
        """
        return cls(given, type_name(given), type_version(given))


@final
class TypeRegistry:
    """An immutable set of types and upcasters, each type under a (type name, version).

    Takes `Message` classes, other pydantic models, enums and frozen dataclasses, as they are or
    as `RegisteredType`, and upcasters. Types that the fields of these mention need not be given:
    they are known as *parts*, which may be stored inside another type but not on their own.

    :raises RegistryError: if an entry is none of these; if two types bear one name; if a type
        keeps private attributes, which would not be stored; or if the upcasters of a type leave
        a gap below its current version, belong to no type, or do not lead anywhere.
    """

    __slots__ = ("_by_name", "_by_type", "_chains", "_given")

    def __init__(self, *entries: type | RegisteredType | Upcaster) -> None:
        """Collect and check ``entries``; the same entry twice counts once."""
        given = dict.fromkeys(RegisteredType.of(e) if isinstance(e, type) else e for e in entries)
        types = [each for each in given if isinstance(each, RegisteredType)]
        self._given: Final = tuple(given)
        self._by_type: Final = _with_parts(types)
        self._by_name: Final = _by_name(self._by_type.values())
        upcasters = [each for each in given if isinstance(each, Upcaster)]
        self._chains: Final = _chains(upcasters, self._by_name)

    @classmethod
    def from_module(cls, module: ModuleType) -> TypeRegistry:
        """Return a registry of the messages and upcasters that ``module`` defines.

        What it merely imported is left out; so are generic messages without their arguments. An
        alias ``ItemPage = Page[Item]`` counts as defined there.

        :raises RegistryError: as the registry itself, and if there is nothing to register.
        """
        found = [each for each in vars(module).values() if _belongs(each, module)]
        if not found:
            raise RegistryError(subject=module.__name__, problem="the module defines no messages")
        return cls(*found)

    def including(self, *others: TypeRegistry | type | RegisteredType | Upcaster) -> TypeRegistry:
        """Return a registry that also holds ``others``; this one stays as it is.

        :raises RegistryError: as the registry itself.
        """
        entries: list[type | RegisteredType | Upcaster] = list(self._given)
        for each in others:
            if isinstance(each, TypeRegistry):
                entries.extend(each._given)
            else:
                entries.append(each)
        return TypeRegistry(*entries)

    def __contains__(self, cls: object) -> bool:
        """Tell whether ``cls`` was registered; parts were not."""
        return any(cls is each.cls for each in self)

    def __iter__(self) -> Iterator[RegisteredType]:
        """Go through the registered types in the order they were given, without parts."""
        return (each for each in self._given if isinstance(each, RegisteredType))

    def __len__(self) -> int:
        """Count the registered types, without parts."""
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        """Show names and versions."""
        return f"TypeRegistry({', '.join(f'{each.name} v{each.version}' for each in self)})"

    def parts(self) -> Iterator[RegisteredType]:
        """Go through all known types: the registered ones, and those their fields mention."""
        return iter(self._by_type.values())

    def of(self, cls: type) -> RegisteredType:
        """Return the name and version of ``cls``, which may be a part.

        :raises UnregisteredTypeError: if it is not known.
        """
        entry = self._by_type.get(cls)
        if entry is None:
            raise UnregisteredTypeError(type_name=type_name(cls), unregistered=_place(cls))
        return entry

    def resolve(self, name: str, version: int) -> RegisteredType:
        """Return the type called ``name``, if ``version`` of it can be read.

        :raises UnknownTypeError: if no known type is called so.
        :raises UnknownVersionError: if the version is neither current nor upcast.
        """
        entry = self._by_name.get(name)
        if entry is None:
            raise UnknownTypeError(type_name=name, version=version)
        readable = range(entry.version - len(self._chains.get(name, ())), entry.version + 1)
        if version not in readable:
            raise UnknownVersionError(type_name=name, version=version, known=tuple(readable))
        return entry

    def upcast(self, name: str, version: int, fields: dict[str, Any]) -> dict[str, Any]:
        """Lead ``fields``, stored under ``version``, to the current version of ``name``.

        :raises UnknownTypeError: if no known type is called so.
        :raises UnknownVersionError: if the version is neither current nor upcast.
        :raises UpcastError: if an upcaster raises or returns something other than a dict.
        """
        entry = self.resolve(name, version)
        pending = entry.version - version
        chain = self._chains.get(name, ())
        for step in chain[len(chain) - pending :]:
            fields = step(fields)
        return fields


def _belongs(value: object, module: ModuleType) -> bool:
    if isinstance(value, Upcaster):
        return value.upcast.__module__ == module.__name__
    return (
        isinstance(value, type)
        and issubclass(value, Message)
        and value.__module__ == module.__name__
        and not value.__pydantic_generic_metadata__["parameters"]
    )


def _with_parts(types: Iterable[RegisteredType]) -> dict[type, RegisteredType]:
    """Check the types, and add those that their fields mention."""
    known: dict[type, RegisteredType] = {}
    for each in types:
        _check_given(each)
        earlier = known.setdefault(each.cls, each)
        if earlier != each:
            reason = f"registered both as {earlier.name} v{earlier.version} and as {each.name}"
            raise RegistryError(subject=each.name, problem=f"{reason} v{each.version}")
    for part in reachable(tuple(known)):
        _check_part(part)
        known.setdefault(part, RegisteredType.of(part))
    return known


def _check_given(entry: RegisteredType) -> None:
    cls: type[Any] = entry.cls
    if not issubclass(cls, Message):
        checked_name(cls, entry.name)
    if issubclass(cls, BaseModel | Enum):
        return
    parameters: Any = getattr(cls, "__dataclass_params__", None)
    if parameters is None:
        reason = "only messages, pydantic models, enums and frozen dataclasses can be registered"
        raise RegistryError(subject=entry.name, problem=reason)
    if not parameters.frozen:
        raise RegistryError(subject=entry.name, problem="the dataclass is not frozen")


def _check_part(cls: type[Any]) -> None:
    """Refuse a type whose values would lose something on the way."""
    try:
        if issubclass(cls, BaseModel):
            cls.model_rebuild()
        else:
            get_type_hints(cls)
    except (PydanticUserError, NameError) as error:
        reason = f"its fields mention an undefined name ({error})"
        raise RegistryError(subject=type_name(cls), problem=reason) from error
    if issubclass(cls, BaseModel):
        if cls.__private_attributes__:
            names = ", ".join(sorted(cls.__private_attributes__))
            reason = f"private attributes ({names}) are not stored"
            raise RegistryError(subject=type_name(cls), problem=reason)
    elif not issubclass(cls, Enum) and not _is_made_of_its_fields(cls):
        reason = "the dataclass cannot be made from its fields alone"
        raise RegistryError(subject=type_name(cls), problem=reason)


def _is_made_of_its_fields(dataclass: type) -> bool:
    return set(field_names(dataclass)) == set(inspect.signature(dataclass).parameters)


def _by_name(entries: Iterable[RegisteredType]) -> dict[str, RegisteredType]:
    names: dict[str, RegisteredType] = {}
    for each in entries:
        other = names.setdefault(each.name, each)
        if other is not each:
            reason = (
                f"two types bear this name: {_place(other.cls)} and {_place(each.cls)};"
                f" give one of them another"
            )
            raise RegistryError(subject=each.name, problem=reason)
    return names


def _place(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _chains(
    upcasters: Iterable[Upcaster], types: Mapping[str, RegisteredType]
) -> dict[str, tuple[Upcaster, ...]]:
    """Put the upcasters of each type in order, oldest first, up to the current version."""
    steps: defaultdict[str, dict[int, Upcaster]] = defaultdict(dict)
    for each in upcasters:
        if each.type_name not in types:
            raise RegistryError(
                subject=each.type_name, problem="it has an upcaster, but no such type is known"
            )
        if each.from_version in steps[each.type_name]:
            reason = f"it has two upcasters from version {each.from_version}"
            raise RegistryError(subject=each.type_name, problem=reason)
        steps[each.type_name][each.from_version] = each
    return {name: _chain(types[name], found) for name, found in steps.items()}


def _chain(entry: RegisteredType, steps: Mapping[int, Upcaster]) -> tuple[Upcaster, ...]:
    if issubclass(entry.cls, Enum | RootModel):
        raise RegistryError(subject=entry.name, problem="it has an upcaster, but no fields")
    newest = max(steps)
    if newest >= entry.version:
        reason = f"it has an upcaster from version {newest}, but its version is {entry.version}"
        raise RegistryError(subject=entry.name, problem=reason)
    needed = range(min(steps), entry.version)
    gaps = [version for version in needed if version not in steps]
    if gaps:
        missing = ", ".join(f"{version} to {version + 1}" for version in gaps)
        raise RegistryError(
            subject=entry.name, problem=f"an upcaster is missing from version {missing}"
        )
    return tuple(steps[version] for version in needed)
