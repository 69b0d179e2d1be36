"""Ends this very process with SIGKILL at a moment that was chosen; or lets its disk be full."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dramaturg.actors.journal import Append
from dramaturg.actors.journal._sqlite_writer import Writer
from tests.crash.effects import ROOM

if TYPE_CHECKING:
    from collections.abc import Generator
    from random import Random

    from tests.crash.effects import Notes

__all__ = ["FULL_FOR", "Kill", "drawn_kill", "early_kill"]

NEVER = 10**9
OUTAGES = 0.2
FULL_FOR = 3
"""So many commits fail on a full disk."""
MOMENTS = ("before", "after", "called", "did", "turn")


class Kill:
    """Where to end, in words.

    "before 7", "after 7": the seventh commit of any journal; "called 7", "did 7": the seventh call
    of a participant, or other note, before and after it had its effect; "turn 700": a turn of the
    event loop, anywhere between them; "never". With "full 3" before: from the third commit on some
    fail, since no file may grow.
    """

    def __init__(self, text: str) -> None:
        words = text.split()
        self._places = dict(zip(words[::2], map(int, words[1::2]), strict=False))
        self._counts: Counter[str] = Counter()

    def at(self, moment: str) -> None:
        """End here, if this is the place."""
        self._counts[moment] += 1
        if self._places.get(moment) == self._counts[moment]:
            os.kill(os.getpid(), signal.SIGKILL)

    @contextmanager
    def _disk(self, path: str) -> Generator[None]:
        """Have room on the disk, or none."""
        past = self._counts["before"] - self._places.get("full", NEVER)
        if 0 <= past < FULL_FOR:
            with _full(path):
                yield
        else:
            yield

    def arm(self, committed: Notes) -> None:
        """Let commits and turns look whether they are the ones; note what was committed.

        Nobody else uses this process, so nothing has to be put back.
        """
        commit = Writer._commit

        def watched(writer: Any, orders: Any) -> Any:
            self.at("before")
            with self._disk(writer._path):
                outcomes = commit(writer, orders)
            for order, outcome in zip(orders, outcomes, strict=True):
                if outcome is None and isinstance(order, Append):
                    committed.add(order.persistence_id, order.expected + len(order.payloads))
            self.at("after")
            return outcomes

        Writer._commit = watched  # type: ignore[assignment, method-assign]
        if "turn" in self._places:
            handles: Any = asyncio.Handle
            turn = handles._run

            def counted(handle: Any) -> None:
                self.at("turn")
                turn(handle)

            handles._run = counted


@contextmanager
def _full(path: str) -> Generator[None]:
    """Let no file grow beyond the size that the journal's log has."""
    log = Path(f"{path}-wal")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with ROOM:
        resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def drawn_kill(random: Random, most: int, *, full: bool = False) -> str:
    """Draw a moment within a life of about so many commits."""
    outage = f"full {random.randint(1, 8)} " if full and random.random() < OUTAGES else ""
    moment = random.choice(MOMENTS)
    reach = most * 20 if moment == "turn" else most
    # Mostly early: a life that goes on with what is left is a short one.
    return f"{outage}{moment} {int(reach ** random.random())}"


def early_kill(random: Random) -> str:
    """Draw a moment that every life has which finds something to do."""
    return f"{random.choice(MOMENTS[:-1])} {random.randint(1, 4)}"
