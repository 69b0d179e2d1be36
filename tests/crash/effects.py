"""Participants that remember, in a file of their own, which keys they were called with.

One line for each call, on the disk before the call returns; so the file tells after any crash
what was asked for. An effect counts once for each key, however often it was asked for.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

__all__ = ["Effect", "Effects"]


class Effect(NamedTuple):
    """One call of a participant."""

    what: str
    key: str
    undoes: str | None
    amount: int


class Effects:
    """What participants were asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, what: str, key: str, *, undoes: str | None = None, amount: int = 0) -> None:
        """Write a call down."""
        line = json.dumps([what, key, undoes, amount]) + "\n"
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            os.write(file, line.encode())
            os.fsync(file)
        finally:
            os.close(file)

    def read(self) -> list[Effect]:
        """Return all calls."""
        if not self._path.exists():
            return []
        return [Effect(*json.loads(line)) for line in self._path.read_text().splitlines()]

    def calls(self, key: str) -> int:
        """Count the calls under a key, also those of processes that are gone."""
        return sum(each.key == key for each in self.read())

    def once(self) -> dict[str, Effect]:
        """Return the effects: one for each key."""
        return {each.key: each for each in self.read()}

    def keys_of(self) -> dict[str, set[str]]:
        """Return the keys that each logical step was called with: ``what`` names it."""
        found: dict[str, set[str]] = defaultdict(set)
        for each in self.read():
            found[each.what].add(each.key)
        return found

    def left(self, prefix: str) -> int:
        """Return what is charged for keys that begin so: charges less what was undone."""
        effects = self.once().values()
        undone = {each.undoes for each in effects if each.undoes is not None}
        return sum(
            each.amount
            for each in effects
            if each.key.startswith(prefix) and each.undoes is None and each.key not in undone
        )
