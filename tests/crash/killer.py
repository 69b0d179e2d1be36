"""Ends this very process with SIGKILL at a journal write that was chosen."""

from __future__ import annotations

import os
import signal
from typing import Any

from dramaturg.actors.journal import _sqlite_writer

__all__ = ["Kill", "arm"]


class Kill:
    """Where to end: "before 7" or "after 7" the seventh commit; "never"."""

    def __init__(self, text: str) -> None:
        self.moment, _, number = text.partition(" ")
        self.number = int(number or 0)

    def at(self, moment: str, number: int) -> None:
        """End here, if this is the place."""
        if (moment, number) == (self.moment, self.number):
            os.kill(os.getpid(), signal.SIGKILL)


def arm(kill: Kill) -> None:
    """Let each commit of any journal of this process look whether it is the one."""
    commit = _sqlite_writer.Writer._commit
    count = 0

    def watched(writer: Any, orders: Any) -> Any:
        nonlocal count
        count += 1
        kill.at("before", count)
        outcomes = commit(writer, orders)
        kill.at("after", count)
        return outcomes

    # Nobody else uses this process, so nothing has to be put back.
    _sqlite_writer.Writer._commit = watched  # type: ignore[assignment, method-assign]
