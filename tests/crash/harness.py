"""Kills a story as often as wanted, lets the last life come through, and looks whether it rests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.crash.effects import Effects

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

__all__ = ["Nursery", "survive"]

ROOT = Path(__file__).parents[2]


class Nursery:
    """The process that forks lives; see ``nursery.py``."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.nursery"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def life(self, story: str, directory: Path, kill: str) -> bool:
        """Let a process live; return whether it was killed.

        :raises AssertionError: if it ended by itself and something was wrong.
        """
        asking, answering = self._process.stdin, self._process.stdout
        assert asking is not None
        assert answering is not None
        asking.write(json.dumps([story, str(directory), kill]) + "\n")
        asking.flush()
        how, said = json.loads(answering.readline())
        assert how in ("killed", "ended"), f"{story!r}, to be killed {kill}: {how}\n{said}"
        return bool(how == "killed")


def survive(nursery: Nursery, story: str, directory: Path, kills: Sequence[str]) -> int:
    """Let a story go through these kills to its end; return how many hit.

    :raises AssertionError: if something is wrong then, or was in one of its lives.
    """
    killed = sum(nursery.life(story, directory, kill) for kill in kills)
    assert not nursery.life(story, directory, "never")
    before = Effects(directory / "effects").read()
    assert not nursery.life(story, directory, "never")
    after = Effects(directory / "effects").read()
    assert after == before, "what has ended does something"
    return killed
