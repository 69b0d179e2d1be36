"""The dispatcher of one blocking actor: a thread of its own."""

from __future__ import annotations

import sys
import threading
import traceback
from queue import SimpleQueue
from typing import TYPE_CHECKING, final

from dramaturg.actors._cell import current_cell
from dramaturg.actors._state import STOPPED

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._envelope import Envelope

__all__ = ["ThreadDispatcher", "stack_of"]


@final
class ThreadDispatcher:
    """Runs the turns of one actor on a thread of its own.

    The thread ends when the actor has stopped.
    """

    def __init__(self, name: str, *, daemon: bool) -> None:
        # One token for each turn that is asked for; None ends the thread.
        self._tokens: SimpleQueue[Cell | None] = SimpleQueue()
        self.thread = threading.Thread(target=self._run, name=name, daemon=daemon)
        self.abandoned = False
        """Set when the actor was declared stopped although its thread runs on."""

    def start(self) -> None:
        """Start the thread."""
        self.thread.start()

    def schedule(self, cell: Cell) -> None:
        if cell.state is STOPPED:
            cell.flush()
            self._tokens.put(None)
            return
        cell.idle = False
        self._tokens.put(cell)
        # Meanwhile it may have stopped, and its thread ended.
        if cell.state is STOPPED:  # pyright: ignore[reportUnnecessaryComparison]
            cell.idle = True
            cell.flush()

    def hand_over(self, cell: Cell, envelope: Envelope) -> bool:  # noqa: ARG002
        return False

    def run_here(self, cell: Cell) -> bool:  # noqa: ARG002 - it runs in one place only
        return False

    def interrupt(self, cell: Cell) -> bool:  # noqa: ARG002 - a thread cannot be cut short
        return False

    def finish(self) -> None:
        """End the thread once its current turn is over."""
        self._tokens.put(None)

    def _run(self) -> None:
        get = self._tokens.get
        cell = get()
        current_cell.set(cell)
        while cell is not None and not self.abandoned:
            # Two senders may have scheduled it, and the turn before this one have set it.
            cell.idle = False
            cell.turn()
            if cell.state is STOPPED:
                return
            cell = get()


def stack_of(ident: int | None) -> str:
    """Render where a thread stands just now."""
    frame = sys._current_frames().get(ident or 0)
    return "".join(traceback.format_stack(frame)) if frame is not None else "(it has ended)"
