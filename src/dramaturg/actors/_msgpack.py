"""The one place that knows msgpack, which ships no types.

mypy needs, in ``pyproject.toml``::

    [[tool.mypy.overrides]]
    module = "msgpack.*"
    ignore_missing_imports = true
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgpack

if TYPE_CHECKING:
    from collections.abc import Callable

# Typed here once, so that what msgpack returns is Any and not unknown.
_msgpack: Any = msgpack

ExtType: Any = _msgpack.ExtType
Timestamp: Any = _msgpack.Timestamp


def ext(code: int, data: bytes) -> Any:
    """Make an ``ExtType`` without the checks of its own constructor, which take a microsecond."""
    return tuple.__new__(ExtType, (code, data))  # pyright: ignore[reportUnknownMemberType]


def pack(value: object, default: Callable[[Any], object] | None = None) -> bytes:
    """Write ``value``; what is not exactly a type of msgpack's own goes through ``default`` first.

    ``default`` also gets tuples, subclasses of the native types, and ints beyond 64 bits.
    """
    # strict_types: a StrEnum would silently become a str, and a tuple a list.
    # Packer itself, with a small buffer to begin with: packb takes twice the time.
    packer = _msgpack.Packer(default=default, strict_types=True, buf_size=512)
    packed: bytes = packer.pack(value)
    return packed


def unpack(
    data: bytes,
    ext_hook: Callable[[int, bytes], object],
    list_hook: Callable[[list[Any]], object],
) -> Any:
    """Read the one value in ``data``; each list passes through ``list_hook``, inner first."""
    # timestamp=3: msgpack's own timestamps, which we never write, are aware datetimes.
    return _msgpack.unpackb(
        data, ext_hook=ext_hook, list_hook=list_hook, strict_map_key=False, timestamp=3
    )


def head(data: bytes, count: int) -> tuple[list[Any], int]:
    """Read all but the last item of the list in ``data``; tell where the last one starts.

    :raises ValueError: if ``data`` holds no list of ``count`` items and one more.
    """
    unpacker = _msgpack.Unpacker(max_buffer_size=len(data) or 1)
    unpacker.feed(data)
    if unpacker.read_array_header() != count + 1:
        message = f"expected a list of {count + 1} items"
        raise ValueError(message)
    return [unpacker.unpack() for _ in range(count)], unpacker.tell()
