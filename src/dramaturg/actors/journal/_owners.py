"""Which processes write to a journal's file, and whether they still live.

Each writer has a number and a small file beside the journal, on which it holds a lock of the
operating system as long as it lives. The system takes the lock back whatever way the process
ends, SIGKILL included, so a lock that can be had proves that its owner is gone. The file says who
it was, for people.

Numbers are given, and what the dead left behind is removed, only inside of a transaction that
writes: so no two processes do either at the same time. A process that was forked off an owner has
a share in its lock, and keeps it as long as it lives.
"""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from io import TextIOWrapper

__all__ = ["Owners"]

BEHIND_THE_TEXT = 1 << 20
"""Where Windows locks a byte; what it locks nobody else can read."""

if sys.platform == "win32":
    import msvcrt

    def _lock(file: TextIOWrapper) -> bool:
        try:
            file.seek(BEHIND_THE_TEXT)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            file.seek(0)
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

    def enter(self, number: int) -> bool:
        """Live under a number; False if another that lives has it. Inside of a transaction."""
        file = self._path_of(number).open("a+", encoding="utf-8")
        try:
            entered = _lock(file)
            if entered:
                file.truncate(0)
                file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
                file.flush()
        except BaseException:
            file.close()
            raise
        if not entered:
            file.close()
            return False
        self._file, self.own = file, number
        return True

    def sweep(self) -> None:
        """Remove what the dead have left behind. Inside of a transaction."""
        name = Path(self._path).name
        for file in Path(self._path).parent.glob(f"{escape(name)}-writer-*"):
            number = file.name.rpartition("-")[2]
            if number.isdecimal():
                self.living(int(number))

    def leave(self) -> None:
        """Live no more."""
        if self._file is not None:
            with suppress(OSError):  # Windows removes no file that is open
                self._path_of(self.own).unlink(missing_ok=True)
            with suppress(OSError):  # a full disk, once more
                self._file.close()
            self._file, self.own = None, 0

    def living(self, number: int) -> str | None:
        """Tell who has a number, if it is another that lives; else remove its file."""
        if number == self.own:
            return None
        path = self._path_of(number)
        try:
            with path.open("r+", encoding="utf-8") as file:
                if not _lock(file):
                    return _who(path)
                if sys.platform != "win32":  # it would not let go of a file that is open
                    path.unlink(missing_ok=True)
        except FileNotFoundError:
            return None
        except OSError as error:  # it cannot be looked at, so nobody knows
            return f"somebody ({error})"
        return None


def _who(path: Path) -> str:
    with suppress(OSError, ValueError):
        return path.read_text(encoding="utf-8").strip() or "another process"
    return "another process"
