"""Which processes write to a journal's file, and whether they still live.

Each writer has a number and a small file beside the journal, on which it holds a lock of the
operating system as long as it lives. The system takes the lock back whatever way the process
ends, SIGKILL included, so a lock that can be had proves that its owner is gone. The file says who
it was, for people.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from io import TextIOWrapper

__all__ = ["Owners"]

if sys.platform == "win32":
    import msvcrt

    def _lock(file: TextIOWrapper) -> bool:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _lock(file: TextIOWrapper) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


@final
class Owners:
    """The writers of one journal file; this process is one of them after :meth:`enter`."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: TextIOWrapper | None = None
        self.own = 0
        """This writer's number; 0 as long as it has not written."""

    def _path_of(self, number: int) -> Path:
        return Path(f"{self._path}-writer-{number}")

    def enter(self, number: int) -> None:
        """Live under a number that nobody else has."""
        file = self._path_of(number).open("w", encoding="utf-8")
        _lock(file)
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        self._file, self.own = file, number

    def leave(self) -> None:
        """Live no more."""
        if self._file is not None:
            self._path_of(self.own).unlink(missing_ok=True)
            self._file.close()
            self._file, self.own = None, 0

    def living(self, number: int) -> str | None:
        """Tell who has a number, if it is another that lives; else forget it."""
        if number == self.own:
            return None
        path = self._path_of(number)
        try:
            with path.open("r+", encoding="utf-8") as file:
                if not _lock(file):
                    return path.read_text(encoding="utf-8").strip() or "another process"
                path.unlink(missing_ok=True)
        except OSError:
            return None
        return None
