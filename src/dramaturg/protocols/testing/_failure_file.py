"""Failing schedules in files, so that the next run tries them first."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dramaturg.protocols.testing._errors import ScenarioError

if TYPE_CHECKING:
    from dramaturg.protocols.testing._verdict import Failure

__all__ = ["FailureFiles", "StoredFailure"]

VERSION = 1


@dataclass(frozen=True, slots=True)
class StoredFailure:
    """What a file says of one failure; a person may read it, too.

    :param test: the node id of the test.
    :param seed: from which the search has drawn it.
    :param report: what the test said; ``mermaid``: the run as a sequence diagram.
    """

    test: str
    property: str
    token: str
    schedule: tuple[str, ...]
    seed: int
    report: str
    mermaid: str


class FailureFiles:
    """The failures of one test, a file for each property that it broke.

    :param directory: made when there is something to keep.
    :param test: the node id of the test.
    """

    def __init__(self, directory: Path, test: str) -> None:
        self.directory = directory
        self.test = test
        words = re.sub(r"[^0-9A-Za-z]+", "-", test.rpartition("/")[2]).strip("-")
        self._name = f"{words[:80]}-{_digest(test)}"

    def save(self, failure: Failure, *, seed: int, report: str) -> Path:
        """Write a failure; one of the same property is replaced."""
        stored = StoredFailure(
            test=self.test,
            property=failure.property,
            token=failure.token,
            schedule=failure.schedule,
            seed=seed,
            report=report,
            mermaid=failure.mermaid(),
        )
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / f"{self._name}-{_digest(failure.property)}.json"
        text = json.dumps({"version": VERSION, **asdict(stored)}, indent=2, ensure_ascii=False)
        # Another process may be reading.
        beside = path.with_suffix(".new")
        beside.write_text(f"{text}\n", encoding="utf-8")
        beside.replace(path)
        return path

    def stored(self) -> list[tuple[Path, StoredFailure]]:
        """Read the failures of the test, sorted by file.

        :raises ScenarioError: for a file that cannot be read.
        """
        if not self.directory.is_dir():
            return []
        return [(each, _read(each)) for each in sorted(self.directory.glob(f"{self._name}-*.json"))]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _read(path: Path) -> StoredFailure:
    try:
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if fields.pop("version") == VERSION:
            fields["schedule"] = tuple(map(str, fields["schedule"]))
            return StoredFailure(**fields)
    except (ValueError, TypeError, KeyError, AttributeError):
        pass
    raise ScenarioError(
        thing=str(path),
        problem="cannot be read",
        expected=f"a failure of version {VERSION}; delete the file",
    )
