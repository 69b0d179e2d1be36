"""The codec: messages to bytes and back, exactly.

The wire form of a message is the msgpack list ``[type name, version, body]``; the body of a
message is the map of its fields. See `dramaturg.actors._codec_writer` for what fields hold.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar, final, overload

from pydantic import ValidationError

from dramaturg.actors._codec_errors import DecodeError, UnregisteredTypeError
from dramaturg.actors._codec_reach import sure_types
from dramaturg.actors._codec_reader import NotCurrentError, Reader
from dramaturg.actors._codec_shapes import is_map, shape_of
from dramaturg.actors._codec_writer import Writer
from dramaturg.actors._errors import DramaturgError
from dramaturg.actors._message import Message
from dramaturg.actors._msgpack import head, pack

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors._registry import TypeRegistry

    _Dump = Callable[[Any], object]
    _Load = Callable[[Any], object]
    _Read = Callable[[bytes], Any]

Expected = TypeVar("Expected")

# First byte of [name, version, body], and of the strings that hold their length in it.
_LIST_OF_3 = 0x93
_SHORT_TEXT = range(0xA0, 0xC0)


@final
class Codec:
    """Turns values of registered types into bytes, and back into equal values of the same types.

    What cannot come back the same is refused when it is encoded. Beside the registered types and
    their parts it knows ``None``, ``bool``, ``int`` of any size, ``float``, ``str``, ``bytes``,
    ``list``, ``tuple``, ``dict``, ``set``, ``frozenset``, ``datetime``, ``date``, ``time``,
    ``timedelta``, ``UUID`` and finite ``Decimal``; not their subclasses. Equal messages give
    equal bytes in every process.

    Decoding validates models again, so a validator must accept what it has returned before. It
    imports nothing and runs nothing but the registered types, their upcasters and ``load_ref``.

    Values that are instances of ``ref_type`` are stored as the text that ``dump_ref`` gives, by
    default their ``path``; ``load_ref`` turns it back. Without a ``ref_type`` they are refused.

    A codec is immutable; threads may share it.
    """

    __slots__ = ("_by_prefix", "_by_type", "_open_writer", "_reader", "_registry", "_shapes")

    def __init__(
        self,
        registry: TypeRegistry,
        *,
        ref_type: type | None = None,
        dump_ref: Callable[[Any], str] = attrgetter("path"),
        load_ref: Callable[[str], object] | None = None,
    ) -> None:
        self._registry = registry
        self._shapes = {each.cls: shape_of(each) for each in registry.parts()}
        self._reader = Reader(registry, self._shapes, load_ref or _no_refs)
        sure = {cls: sure_types(cls, self._shapes) for cls in self._shapes}
        closed = frozenset(cls for cls, names in sure.items() if names is not None)
        self._open_writer = Writer(self._shapes, None, closed, ref_type, dump_ref)
        self._by_type: dict[type, tuple[bytes, _Dump, Writer]] = {}
        self._by_prefix: dict[bytes, tuple[_Read, _Load]] = {}
        for entry in registry:
            shape = self._shapes[entry.cls]
            prefix = bytes([_LIST_OF_3]) + pack(entry.name) + pack(entry.version)
            writer, read = self._open_writer, self._reader.read
            if entry.cls in closed:
                writer = Writer(self._shapes, sure[entry.cls], closed, ref_type, dump_ref)
                read = self._reader.read_closed
            self._by_type[entry.cls] = prefix, shape.dump, writer
            self._by_prefix[prefix] = read, shape.load

    @property
    def registry(self) -> TypeRegistry:
        """The types that this codec knows."""
        return self._registry

    def encode(self, message: object) -> bytes:
        """Return ``message`` as bytes.

        :raises UnregisteredTypeError: if the type of the message, or of a value inside it, is
            not registered.
        :raises EncodeError: if something in it would not come back the same: a subclass of a
            plain type, a text with lone surrogates, a Decimal that is not finite, a circle, or
            more than 300 levels of nesting.
        """
        known = self._by_type.get(type(message))
        if known is None:
            cls = type(message)
            place = f"{cls.__module__}.{cls.__qualname__}"
            raise UnregisteredTypeError(type_name=cls.__qualname__, unregistered=place)
        prefix, dump, writer = known
        return prefix + writer.write(message, dump)

    @overload
    def decode(self, data: bytes) -> Message: ...
    @overload
    def decode(self, data: bytes, expected: type[Expected]) -> Expected: ...

    def decode(self, data: bytes, expected: type[Any] = Message) -> Any:
        """Return the message in ``data``, led to the current versions of its types.

        :raises UnknownTypeError: if it names a type that is not known.
        :raises UnknownVersionError: if it has a version that is neither current nor upcast.
        :raises UpcastError: if an upcaster fails.
        :raises DecodeError: if ``data`` is anything else than `encode` returned: cut off, too
            long, damaged, of a shape that the type refuses, or not an ``expected``.
        """
        try:
            message = self._decode(data)
        except DramaturgError:
            raise
        except Exception as error:
            raise _explained(error, data) from error
        if not isinstance(message, expected):
            problem = f"it is a {type(message).__qualname__}, not a {expected.__qualname__}"
            raise DecodeError(problem=problem)
        return message

    def encode_value(self, value: object) -> bytes:
        """Return a plain value, or one of a known type, as bytes without a type name in front.

        :raises UnregisteredTypeError: if a type in it is not known.
        :raises EncodeError: if something in it would not come back the same.
        """
        return self._open_writer.write(value)

    def decode_value(self, data: bytes) -> Any:
        """Return the value that `encode_value` was given.

        :raises UnknownTypeError: if it names a type that is not known.
        :raises UnknownVersionError: if it has a version that is neither current nor upcast.
        :raises UpcastError: if an upcaster fails.
        :raises DecodeError: if ``data`` is anything else than `encode_value` returned.
        """
        try:
            return self._read_value(data)
        except DramaturgError:
            raise
        except Exception as error:
            raise DecodeError(problem=_problem(error)) from error

    def _read_value(self, data: bytes) -> Any:
        try:
            return self._reader.read(data)
        except NotCurrentError:
            return self._reader.revive(self._reader.read_stored(data))

    def _decode(self, data: bytes) -> Any:
        # A short name and a version below 128 take a known number of bytes: one look-up then
        # tells the type, and the general way is left to old versions and to errors.
        if len(data) > 1 and data[1] in _SHORT_TEXT:
            end = data[1] - _SHORT_TEXT.start + 3
            known = self._by_prefix.get(data[:end])
            if known is not None:
                read, load = known
                try:
                    return load(read(data[end:]))
                except NotCurrentError:
                    pass
        return self._decode_stored(data)

    def _decode_stored(self, data: bytes) -> Any:
        name, version, start = _head(data)
        entry = self._registry.resolve(name, version)
        if entry.cls not in self._by_type:
            problem = "it is registered only as a part of other types"
            raise DecodeError(problem=problem, type_name=name, version=version)
        body = self._reader.read_stored(data[start:])
        if is_map(body):
            return self._reader.revive_fields(name, version, body)
        return self._shapes[entry.cls].load(self._reader.revive(body))


def _head(data: bytes) -> tuple[str, int, int]:
    """Read name and version, and tell where the body starts."""
    (name, version), start = head(data, 2)
    if not isinstance(name, str) or type(version) is not int:
        message = "expected a type name and a version in front"
        raise ValueError(message)
    return name, version, start


def _explained(error: Exception, data: bytes) -> DecodeError:
    """Name the type and version, if at least these can be read."""
    try:
        name, version, _ = _head(data)
    except Exception:  # noqa: BLE001 -- that it is unreadable is said already
        return DecodeError(problem=_problem(error))
    return DecodeError(problem=_problem(error), type_name=name, version=version)


def _problem(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error) or type(error).__name__
    # Without the values: they may be secret, or as long as the data.
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'it'}: {each['msg']}" for each in found)


def _no_refs(path: str) -> object:
    message = f"a reference to {path}, and this codec was given no load_ref"
    raise ValueError(message)
