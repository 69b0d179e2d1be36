"""From bytes to values.

There are two ways. `Reader.read` (or `Reader.read_closed`) makes every nested value as soon as
its bytes are complete, inner first; it knows only the current versions. Where it meets another
one it raises `NotCurrentError`, and the same bytes go through `Reader.read_stored` instead: that
leaves what has a type of its own as `StoredFields` or `Stored`, so that `Reader.revive` can go
from the outside in, and upcasters see the fields as they were stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, final

from dramaturg.actors._codec_shapes import Shape, class_of, is_map, mark_key, split_mark_key
from dramaturg.actors._codec_values import Code, ScalarLoads
from dramaturg.actors._msgpack import unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dramaturg.actors._registry import TypeRegistry


_CONTAINERS = frozenset({list, tuple, set, frozenset})


class NotCurrentError(Exception):
    """The bytes name a type or a version that is not among the current ones."""


@final
@dataclass(frozen=True, slots=True)
class Stored:
    """What an upcaster finds in the place of a value that cannot be made as it was stored."""

    type_name: str
    version: int
    body: Any


class StoredFields(dict[str, Any]):
    """The fields of a nested value, which remember the type they were stored under."""

    __slots__ = ("type_name", "version")

    def __init__(self, type_name: str, version: int, fields: dict[str, Any]) -> None:
        super().__init__(fields)
        self.type_name = type_name
        self.version = version

    def __hash__(self) -> int:  # type: ignore[override]
        # By identity: it may have to wait in a set or as a key.
        return id(self)


@final
class _Mark:
    """The head of a list that stands for something else."""

    __slots__ = ("load",)

    def __init__(self, load: Callable[[list[Any]], object]) -> None:
        self.load = load


@final
class Reader:
    """Reads what a `Writer` of the same registry wrote. Raises all sorts of errors on the rest."""

    __slots__ = ("_containers", "_current", "_registry", "_scalars", "_shapes", "_types")

    def __init__(
        self,
        registry: TypeRegistry,
        shapes: Mapping[type, Shape],
        load_ref: Callable[[str], object],
    ) -> None:
        self._registry = registry
        self._shapes = shapes
        self._scalars: dict[int, Callable[[bytes], object]] = {
            **ScalarLoads().table,
            int(Code.REF): lambda data: load_ref(data.decode()),
        }
        self._containers = {
            int(Code.TUPLE): _Mark(lambda items: tuple(items[1:])),
            int(Code.SET): _Mark(lambda items: set(items[1:])),
            int(Code.FROZENSET): _Mark(lambda items: frozenset(items[1:])),
        }
        self._types = {
            mark_key(each.entry.name, each.entry.version): _Mark(partial(_load_current, each))
            for each in shapes.values()
        }
        self._current = partial(self._ext, self._types.get)

    def read_closed(self, data: bytes) -> Any:
        """Do as `read`, for a body whose type checks every value: half a microsecond faster.

        :raises NotCurrentError: as `read`.
        """
        return unpack(data, self._current, _marked)

    def read(self, data: bytes) -> Any:
        """Return the value in ``data``, all of whose types are current.

        :raises NotCurrentError: if one is not.
        """
        return self._checked(data, self._types.get)

    def read_stored(self, data: bytes) -> Any:
        """Return the value in ``data``, with typed parts left as they were stored."""
        return self._checked(data, self._stored_mark)

    def revive(self, value: Any) -> Any:
        """Turn what `read_stored` left into values of the current types, from the outside in."""
        kind = class_of(value)
        if kind is StoredFields:
            return self.revive_fields(value.type_name, value.version, dict(value))
        if kind is Stored:
            entry = self._registry.resolve(value.type_name, value.version)
            return self._shapes[entry.cls].load(self.revive(value.body))
        if kind is dict:
            return {self.revive(key): self.revive(each) for key, each in value.items()}
        if kind in _CONTAINERS:
            return kind(map(self.revive, value))
        return value

    def revive_fields(self, name: str, version: int, fields: dict[str, Any]) -> Any:
        """Upcast the fields of one type, then revive what they hold, then make the value."""
        entry = self._registry.resolve(name, version)
        fields = self._registry.upcast(name, version, fields)
        return self._shapes[entry.cls].load(self.revive(dict(fields)))

    def _checked(self, data: bytes, types: Callable[[bytes], _Mark | None]) -> Any:
        # Marks that head no list (yet). The codec never writes such a thing, and a place that
        # takes anything would take the mark itself.
        marks: list[_Mark] = []

        def ext(code: int, data: bytes) -> object:
            value = self._ext(types, code, data)
            if type(value) is _Mark:
                marks.append(value)
            return value

        def marked(items: list[Any]) -> object:
            if items and type(items[0]) is _Mark:
                marks.pop()
            return _marked(items)

        value = unpack(data, ext, marked)
        if marks:
            message = "a mark that heads no list"
            raise ValueError(message)
        return value

    def _ext(self, types: Callable[[bytes], _Mark | None], code: int, data: bytes) -> object:
        load = self._scalars.get(code)
        if load is not None:
            return load(data)
        if code == Code.TYPE:
            mark = types(data)
            if mark is None:
                raise NotCurrentError
            return mark
        if code in self._containers:
            return self._containers[code]
        message = f"unknown extension type {code}"
        raise ValueError(message)

    def _stored_mark(self, key: bytes) -> _Mark:
        return _Mark(partial(self._load_stored, *split_mark_key(key)))

    def _load_stored(self, name: str, version: int, items: list[Any]) -> object:
        _, body = items
        if is_map(body):
            return StoredFields(name, version, body)
        mark = self._types.get(mark_key(name, version))
        if mark is not None and issubclass(self._registry.resolve(name, version).cls, Enum):
            try:
                return mark.load(items)
            except ValueError:
                pass
        return Stored(name, version, body)


def _load_current(shape: Shape, items: list[Any]) -> object:
    _, body = items
    return shape.load(body)


def _marked(items: list[Any]) -> object:
    """Turn a list with a mark in front into what it stands for."""
    if items and type(items[0]) is _Mark:
        return items[0].load(items)
    return items
