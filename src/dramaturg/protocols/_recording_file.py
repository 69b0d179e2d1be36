"""Recordings as files: whole records behind each other, also after a kill.

A line of text says what the file is; then each record is its length, its checksum (CRC-32) and as
many bytes of msgpack. Each goes to the operating system in one write, so what was written is there
however the process ends; a record that was cut short is the last one, and its checksum tells.
The first record is the head, a map; all others are entries.

Two files hold the newest: when the current one is half as large as both may be, it takes the
place of the older one, ``path`` with ``.1`` behind.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dramaturg.actors._msgpack import pack, unpack
from dramaturg.protocols._recording_errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["RecordingFile", "Stored", "older", "read_file"]

MAGIC = b"dramaturg recording 1\n"
_FRAME = struct.Struct(">II")


def older(path: Path) -> Path:
    """Return where the entries go that the file has no more room for."""
    return path.with_name(path.name + ".1")


def framed(payload: bytes) -> bytes:
    """Return a record."""
    return _FRAME.pack(len(payload), zlib.crc32(payload)) + payload


class RecordingFile:
    """A recording that is being written; not safe from several threads.

    A file that is there already becomes the older one.

    :param max_bytes: so large may both files be together.
    :raises OSError: if it cannot be written.
    """

    def __init__(self, path: Path, max_bytes: int, head: dict[str, Any]) -> None:
        self.path = path
        self.rotations = 0
        self.size = 0
        self._handle = -1
        self._start = 0
        self._limit = max_bytes // 2
        self._head = head
        if path.exists() and path.stat().st_size:
            path.replace(older(path))
        self._begin()

    def fits(self, payload: bytes) -> bool:
        """Tell whether a record can be kept at all."""
        return len(MAGIC) + self._start + _FRAME.size + len(payload) <= self._limit

    def write(self, payload: bytes) -> None:
        """Append a record, which :meth:`fits`.

        :raises OSError: if it cannot be written; then nothing was appended.
        """
        record = framed(payload)
        if self.size + len(record) > self._limit:
            self.close()
            self.path.replace(older(self.path))
            self.rotations += 1
            self._begin()
        self._append(record)

    def close(self) -> None:
        """Close the file; doing so twice is harmless."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _begin(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
        # Messages may be anybody's secrets.
        self._handle = os.open(self.path, flags, 0o600)
        self.size = 0
        head = framed(pack(self._head))
        self._start = len(head)
        self._append(MAGIC + head)

    def _append(self, data: bytes) -> None:
        done = 0
        try:
            done = os.write(self._handle, data)
        finally:
            if done < len(data):
                # Behind half a record nothing could be read any more.
                os.ftruncate(self._handle, self.size)
                os.lseek(self._handle, self.size, os.SEEK_SET)
        if done < len(data):
            raise OSError(f"only {done} of {len(data)} bytes were written to {self.path}")
        self.size += done


class Stored(NamedTuple):
    """What one file holds.

    ``torn`` is the number of bytes behind the last whole record.
    """

    head: dict[str, Any]
    records: list[list[Any]]
    torn: int


def read_file(path: Path) -> Stored:
    """Read one file, up to the last whole record.

    :raises RecordingError: if it is no recording.
    :raises OSError: if it cannot be read.
    """
    data = path.read_bytes()
    if not data.startswith(MAGIC):
        raise RecordingError(thing=path.name, problem="it is no recording of this version")
    payloads = list(_whole(data, len(MAGIC)))
    read = len(MAGIC) + sum(_FRAME.size + len(each) for each in payloads)
    try:
        found = [_unpacked(each) for each in payloads]
    except (ValueError, TypeError) as error:
        raise RecordingError(thing=path.name, problem=f"a record is damaged: {error}") from error
    if not found or not isinstance(found[0], dict):
        raise RecordingError(thing=path.name, problem="it was cut off before its first record")
    return Stored(found[0], found[1:], len(data) - read)


def _whole(data: bytes, start: int) -> Iterator[bytes]:
    while start + _FRAME.size <= len(data):
        length, checksum = _FRAME.unpack_from(data, start)
        start += _FRAME.size
        payload = data[start : start + length]
        if len(payload) < length or zlib.crc32(payload) != checksum:
            return
        yield payload
        start += length


def _unpacked(payload: bytes) -> Any:
    return unpack(payload, _no_extension, lambda items: items)


def _no_extension(code: int, data: bytes) -> object:
    raise ValueError(f"an extension of type {code} and {len(data)} bytes")
