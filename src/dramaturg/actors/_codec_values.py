"""Plain values that msgpack has no type for, each as an extension type holding a few bytes.

Texts are ISO 8601 and decimal notation: exact, and readable in any language. A time zone from
the tz database follows in brackets, as in RFC 9557; so does an offset in microseconds.
"""

from __future__ import annotations

import datetime as dt
import struct
from decimal import Decimal
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, final
from uuid import UUID
from zoneinfo import TZPATH, ZoneInfo, available_timezones

from pydantic_core import TzInfo

from dramaturg.actors._msgpack import ext

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MICROSECOND = dt.timedelta(microseconds=1)
_TIMEDELTA = struct.Struct(">iii")


class Code(IntEnum):
    """The extension types of the wire form. Never reuse a number: stored data outlives us."""

    DATETIME = 1
    DATETIME_FOLD = 2
    DATE = 3
    TIME = 4
    TIME_FOLD = 5
    TIMEDELTA = 6
    UUID = 7
    DECIMAL = 8
    BIG_INT = 9
    REF = 10
    TYPE = 16
    TUPLE = 17
    SET = 18
    FROZENSET = 19


def _dump_datetime(value: dt.datetime) -> object:
    code = Code.DATETIME_FOLD if value.fold else Code.DATETIME
    return ext(code, _zoned(value).encode())


def _dump_time(value: dt.time) -> object:
    code = Code.TIME_FOLD if value.fold else Code.TIME
    return ext(code, _zoned(value).encode())


def _zoned(value: dt.datetime | dt.time) -> str:
    zone = value.tzinfo
    # Pydantic's TzInfo is the fixed offset of a text that it parsed.
    if zone is None or type(zone) is dt.timezone or type(zone) is TzInfo:
        return _offset(value)
    if type(zone) is ZoneInfo:
        key: Any = zone.key  # None for a zone read from a file
        if key is not None:
            return f"{value.replace(tzinfo=None).isoformat()}[{key}]"
    message = f"a time zone of type {type(zone).__qualname__} cannot be stored"
    raise TypeError(message)


def _offset(value: dt.datetime | dt.time) -> str:
    offset = value.utcoffset()
    if offset is None or not offset.microseconds:
        return value.isoformat()
    # fromisoformat mistakes an offset below a second for UTC.
    return f"{value.replace(tzinfo=None).isoformat()}[{offset // _MICROSECOND}]"


def _dump_timedelta(value: dt.timedelta) -> object:
    packed = _TIMEDELTA.pack(value.days, value.seconds, value.microseconds)
    return ext(Code.TIMEDELTA, packed)


def _dump_decimal(value: Decimal) -> object:
    if not value.is_finite():
        message = f"{value} is not a finite Decimal"
        raise ValueError(message)
    return ext(Code.DECIMAL, str(value).encode())


def _dump_big_int(value: int) -> object:
    size = value.bit_length() // 8 + 1
    return ext(Code.BIG_INT, value.to_bytes(size, "big", signed=True))


DUMPS: Mapping[type, Callable[[Any], object]] = {
    dt.datetime: _dump_datetime,
    dt.date: lambda value: ext(Code.DATE, value.isoformat().encode()),
    dt.time: _dump_time,
    dt.timedelta: _dump_timedelta,
    UUID: lambda value: ext(Code.UUID, value.bytes),
    Decimal: _dump_decimal,
    int: _dump_big_int,  # msgpack asks only about those beyond 64 bits
}


def _load_decimal(data: bytes) -> Decimal:
    value = Decimal(data.decode())
    if not value.is_finite():
        message = "a Decimal that is not finite"
        raise ValueError(message)
    return value


def _load_timedelta(data: bytes) -> dt.timedelta:
    days, seconds, microseconds = _TIMEDELTA.unpack(data)
    return dt.timedelta(days, seconds, microseconds)


@final
class ScalarLoads:
    """Turns the bytes of extension types back into values."""

    __slots__ = ("_zones", "table")

    def __init__(self) -> None:
        self._zones: set[str] = set()  # found before
        self.table: Mapping[int, Callable[[bytes], object]] = {
            int(Code.DATETIME): self._datetime,
            int(Code.DATETIME_FOLD): lambda data: self._datetime(data).replace(fold=1),
            int(Code.DATE): lambda data: dt.date.fromisoformat(data.decode()),
            int(Code.TIME): self._time,
            int(Code.TIME_FOLD): lambda data: self._time(data).replace(fold=1),
            int(Code.TIMEDELTA): _load_timedelta,
            int(Code.UUID): lambda data: UUID(bytes=data),
            int(Code.DECIMAL): _load_decimal,
            int(Code.BIG_INT): lambda data: int.from_bytes(data, "big", signed=True),
        }

    def _datetime(self, data: bytes) -> dt.datetime:
        text = data.decode()
        if text.endswith("]"):
            local, zone = self._split(text)
            return dt.datetime.fromisoformat(local).replace(tzinfo=zone)
        return dt.datetime.fromisoformat(text)

    def _time(self, data: bytes) -> dt.time:
        text = data.decode()
        if text.endswith("]"):
            local, zone = self._split(text)
            return dt.time.fromisoformat(local).replace(tzinfo=zone)
        return dt.time.fromisoformat(text)

    def _split(self, text: str) -> tuple[str, dt.tzinfo]:
        local, _, key = text[:-1].partition("[")
        if key.lstrip("-").isdecimal():
            return local, dt.timezone(int(key) * _MICROSECOND)
        if key not in self._zones:
            if not _is_zone(key):
                message = f"{key!r} is no time zone known here"
                raise ValueError(message)
            self._zones.add(key)
        return local, ZoneInfo(key)


def _is_zone(key: str) -> bool:
    """Tell whether `ZoneInfo` would find ``key`` without importing something named after it.

    Where there is no such file it looks into a package of that name: only a listed zone may be.
    """
    if any(Path(folder, key).is_file() for folder in TZPATH):
        return True
    return key in available_timezones()
