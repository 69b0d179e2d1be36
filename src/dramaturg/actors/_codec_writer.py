"""From values to bytes.

msgpack writes what it has a type for by itself, and asks about the rest; what it gets back in
answer is either an extension type, or a list with a *mark* in front: ``[mark of set, 1, 2]``,
``[mark of Item, {fields}]``. A mark is an extension type too, which no value of a user is, so
nothing needs escaping; and lists, unlike nested extension types, are read back in one pass whose
depth msgpack limits.
"""

from __future__ import annotations

from itertools import chain
from types import NoneType
from typing import TYPE_CHECKING, Any, final

from dramaturg.actors._codec_errors import EncodeError, UnregisteredTypeError
from dramaturg.actors._codec_shapes import Shape, class_of, is_map
from dramaturg.actors._codec_values import DUMPS, Code
from dramaturg.actors._msgpack import ExtType, Timestamp, ext, pack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_TUPLE = ext(Code.TUPLE, b"")
_SET = ext(Code.SET, b"")
_FROZENSET = ext(Code.FROZENSET, b"")

# Far below what msgpack (1023) and the recursion of Python can read back.
_DEEPEST = 300

# msgpack takes these as they are, and they would come back as something else.
_INEXACT = frozenset({bytearray, memoryview, ExtType, Timestamp})

_CONTAINERS = frozenset({list, tuple, set, frozenset})
_SCALARS = frozenset({NoneType, bool, int, float, str, bytes, *DUMPS})


@final
class Writer:
    """Writes values, with the names of all nested types but the ``sure`` ones.

    A writer without ``sure`` (None) also takes care of open places: it refuses values that
    msgpack would write without asking, and that would not come back the same. In ``closed``
    types it need not look.
    """

    __slots__ = ("_default", "_dumps", "_open", "_safe")

    def __init__(
        self,
        shapes: Mapping[type, Shape],
        sure: frozenset[type] | None,
        closed: frozenset[type],
        ref_type: type | None,
        dump_ref: Callable[[Any], str],
    ) -> None:
        self._open = sure is None
        self._safe = _SCALARS | closed
        self._dumps = dumps = _Dumps(ref_type, dump_ref)
        # The hottest function of all: no attribute to look up.
        self._default: Callable[[Any], object] = lambda value: dumps[type(value)](value)
        dumps.update(DUMPS)
        dumps[tuple] = lambda value: [_TUPLE, *value]
        dumps[set] = lambda value: [_SET, *self._sorted(value)]
        dumps[frozenset] = lambda value: [_FROZENSET, *self._sorted(value)]
        for cls, shape in shapes.items():
            dumps[cls] = shape.dump if cls in (sure or ()) else _marked(shape)

    def write(self, value: Any, dump: Callable[[Any], object] | None = None) -> bytes:
        """Return ``value``, or what ``dump`` makes of it, as bytes.

        :raises UnregisteredTypeError: if it holds a value of a class that is not known.
        :raises EncodeError: if it holds anything else that would not come back the same.
        """
        body: object = None
        try:
            body = value if dump is None else dump(value)
            if self._open:
                self._refuse_inexact(body, 0)
            return pack(body, self._default)
        except Exception as error:
            raise self._explained(value, body, error) from error

    def _sorted(self, values: Iterable[Any]) -> list[Any]:
        # The order of a set differs between processes, and equal messages shall give equal bytes.
        return sorted(values, key=lambda value: pack(value, self._default))

    def _refuse_inexact(self, value: Any, depth: int) -> None:
        cls = class_of(value)
        if depth > _DEEPEST:
            raise RecursionError
        if cls in _INEXACT:
            message = f"a {cls.__qualname__} cannot be stored; use bytes"
            raise TypeError(message)
        if cls is dict:
            parts: Iterable[Any] = chain(value, value.values())
        elif cls in _CONTAINERS:
            parts = value
        elif cls in self._dumps and cls not in self._safe:
            marked: Any = self._dumps[cls](value)
            parts = marked[1:]
        else:
            return
        for each in parts:
            if type(each) not in self._safe:
                self._refuse_inexact(each, depth + 1)

    def _explained(self, value: object, body: object, error: Exception) -> EncodeError:
        """Find the field at fault, by trying each alone."""
        name = type(value).__qualname__
        fields = body.items() if is_map(body) and body is not value else ()
        for field, each in fields:
            try:
                if self._open:
                    self._refuse_inexact(each, 1)
                pack(each, self._default)
            except Exception as cause:  # noqa: BLE001 -- whatever it is, it is this field
                return _explained(name, cause, str(field))
        return _explained(name, error, None)


@final
class _Dumps(dict[type, "Callable[[Any], object]"]):
    """What to do with a value of a given type; subclasses of the ref type are found by asking."""

    def __init__(self, ref_type: type | None, dump_ref: Callable[[Any], str]) -> None:
        super().__init__()
        self._ref_type = ref_type
        self._dump_ref = dump_ref

    def __missing__(self, cls: type) -> Callable[[Any], object]:
        if self._ref_type is None or not issubclass(cls, self._ref_type):
            raise _UnknownClassError(cls)
        dump_ref = self._dump_ref
        return lambda ref: ext(Code.REF, dump_ref(ref).encode())


class _UnknownClassError(TypeError):
    """Carries the class that no table holds up through msgpack."""


def _explained(name: str, error: Exception, field: str | None) -> EncodeError:
    if isinstance(error, _UnknownClassError):
        cls: type = error.args[0]
        place = f"{cls.__module__}.{cls.__qualname__}"
        return UnregisteredTypeError(type_name=name, unregistered=place, field=field)
    if isinstance(error, UnicodeEncodeError):
        # The whole text would be part of the original sentence.
        problem = f"a text holds a lone surrogate, at position {error.start}"
        return EncodeError(type_name=name, problem=problem, field=field)
    if isinstance(error, RecursionError):
        problem = f"it is nested more than {_DEEPEST} deep, or holds itself"
        return EncodeError(type_name=name, problem=problem, field=field)
    return EncodeError(type_name=name, problem=str(error), field=field)


def _marked(shape: Shape) -> Callable[[Any], object]:
    mark, dump = shape.mark(), shape.dump
    return lambda value: [mark, dump(value)]
