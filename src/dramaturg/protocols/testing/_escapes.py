"""What a simulation does not control raises an error while it runs."""

from __future__ import annotations

import os
import random
import socket
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

from dramaturg.protocols.testing._errors import EscapeError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

__all__ = ["ESCAPES", "Guards"]

_RANDOM = (
    "betavariate",
    "choice",
    "choices",
    "expovariate",
    "gauss",
    "getrandbits",
    "randbytes",
    "randint",
    "random",
    "randrange",
    "sample",
    "shuffle",
    "triangular",
    "uniform",
)
_CLOCK = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns")

ESCAPES: dict[str, tuple[tuple[Any, str], ...]] = {
    "clock": tuple((time, name) for name in _CLOCK),
    "sleep": ((time, "sleep"),),
    "random": (
        *((random, name) for name in _RANDOM),
        (os, "urandom"),
        (uuid, "uuid1"),
        (uuid, "uuid4"),
    ),
    "thread": ((threading.Thread, "start"),),
    "socket": ((socket.socket, "connect"), (socket.socket, "bind")),
}
"""What can be allowed by name, and the functions that are guarded."""

_SAID = {
    "clock": "the real clock",
    "sleep": "time.sleep, which blocks",
    "random": "unseeded randomness",
    "thread": "a thread",
    "socket": "a socket",
}


class Guards:
    """Stands in for the functions that reach outside, as long as it is on.

    :param where: tells who runs just now; None if it is the kit itself, which may.
    """

    def __init__(self, allowed: Collection[str], where: Callable[[], str | None]) -> None:
        self._allowed = allowed
        self._where = where
        self._originals: list[tuple[Any, str, Any]] = []

    def on(self) -> None:
        """Put the guards in place."""
        for kind, owner, name in _guarded(self._allowed):
            original = getattr(owner, name)
            self._originals.append((owner, name, original))
            setattr(owner, name, self._guard(kind, f"{owner.__name__}.{name}", original))

    def off(self) -> None:
        """Put everything back."""
        while self._originals:
            owner, name, original = self._originals.pop()
            setattr(owner, name, original)

    def _guard(self, kind: str, name: str, original: Any) -> Any:
        def guarded(*args: Any, **kwargs: Any) -> Any:
            where = self._where()
            if where is None:
                return original(*args, **kwargs)
            raise EscapeError(what=f"{_SAID[kind]} ({name})", where=where)

        return guarded


def _guarded(allowed: Collection[str]) -> Iterator[tuple[str, Any, str]]:
    for kind, functions in ESCAPES.items():
        if kind not in allowed:
            for owner, name in functions:
                yield kind, owner, name
