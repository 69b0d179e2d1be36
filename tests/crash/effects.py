"""What outlives the process beside the journal: notes in files, and what participants remember.

Each note is one write at the end of a file, so it is there after any SIGKILL, or not at all. That
is all the tests need: the machine stays up.
"""

from __future__ import annotations

import json
import os
import threading
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["ROOM", "Effect", "Effects", "Notes"]

ROOM = threading.Lock()
"""Held by who writes down something, and by who lets files not grow."""


def _nothing(_: str) -> None:
    pass


class Notes:
    """Lists of plain values, one for each line of a file; one process at a time adds some.

    :param moment: told "called" before each is written, and "did" behind it.
    """

    def __init__(self, path: Path, moment: Callable[[str], None] = _nothing) -> None:
        self._path = path
        self._moment = moment
        text = path.read_text() if path.exists() else ""
        self.all: list[list[Any]] = [json.loads(line) for line in text.splitlines()]

    def add(self, *what: Any) -> None:
        """Write something down; it is in the file when this returns."""
        self._moment("called")
        line = json.dumps(what)
        with ROOM:
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            try:
                os.write(file, line.encode() + b"\n")
            finally:
                os.close(file)
        self.all.append(json.loads(line))
        self._moment("did")

    def about(self, *first: Any) -> list[list[Any]]:
        """Return what stands behind these words."""
        count = len(first)
        return [each[count:] for each in self.all if each[:count] == [*first]]


class Effect(NamedTuple):
    """One call of a participant."""

    what: str
    key: str
    undoes: str | None
    amount: int
    value: str = ""
    """What it was called with, in short."""


class Effects:
    """What participants were asked for.

    An effect counts once for each key, however often it was asked for.

    :param moment: told "called" before each call is noted, and "did" behind it.
    """

    def __init__(self, path: Path, moment: Callable[[str], None] = _nothing) -> None:
        self._notes = Notes(path, moment)
        self._calls = Counter(str(each[1]) for each in self._notes.all)

    def note(
        self, what: str, key: str, *, undoes: str | None = None, amount: int = 0, value: str = ""
    ) -> None:
        """Write a call down."""
        self._notes.add(what, key, undoes, amount, value)
        self._calls[key] += 1

    def read(self) -> list[Effect]:
        """Return all calls, in order."""
        return [Effect(*each) for each in self._notes.all]

    def calls(self, key: str) -> int:
        """Count the calls under a key, also those of processes that are gone."""
        return self._calls[key]

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
