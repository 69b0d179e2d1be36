"""A ring of hashes: who owns a key, so that few keys move when the owners change.

Every owner has many points on a circle of 2**64; a key belongs to the owner of
the first point behind its own place. A new owner thus takes keys over, about
evenly from all, and gives none to others; the keys of one that leaves go to the
others, and no other key moves. The hash is blake2b: the same in each process,
whatever ``PYTHONHASHSEED`` is.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeAlias, final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["HashKey", "Ring", "key_bytes"]

HashKey: TypeAlias = str | bytes | int | UUID

# One digest of 64 bytes gives eight points: making a ring is mostly hashing.
_POINTS = struct.Struct(">8Q")


@final
class Ring:
    """Owners on a circle; it is never changed.

    :param names: one for each owner. Equal names make the same ring in any order.
    :param points_each: more points spread the keys more evenly: 128 leave one
        owner with about a tenth more or less than another.
    """

    __slots__ = ("_owners", "_points")

    def __init__(self, names: Sequence[str], points_each: int) -> None:
        places = sorted(
            (point, name, owner)
            for owner, name in enumerate(names)
            for point in _points(name, points_each)
        )
        self._points = [point for point, _, _ in places]
        self._owners = [owner for _, _, owner in places]

    def find(self, key: bytes) -> int:
        """Find the index of the key's owner."""
        place = int.from_bytes(blake2b(key, digest_size=8).digest(), "big")
        index = bisect_right(self._points, place)
        return self._owners[index] if index < len(self._owners) else self._owners[0]

    def __repr__(self) -> str:
        return f"<Ring owners={len(set(self._owners))} points={len(self._points)}>"


def key_bytes(key: HashKey) -> bytes:
    """Write a key as the bytes that are hashed; equal keys are written alike.

    :raises TypeError: for a key of another type: its bytes, or its hash, might
        not be the same in another process.
    """
    if isinstance(key, str):
        return key.encode("utf-8", "surrogatepass")
    if isinstance(key, bytes):
        return key
    if isinstance(key, int):
        return b"%d" % key
    if isinstance(key, UUID):
        return key.bytes
    raise TypeError(f"a key has to be a str, bytes, int or UUID, not {key!r}")


def _points(name: str, count: int) -> Iterator[int]:
    for start in range(0, count, 8):
        digest = blake2b(f"{start}:{name}".encode(), digest_size=64).digest()
        yield from _POINTS.unpack(digest)[: count - start]
