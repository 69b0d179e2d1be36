"""The dispatcher of one blocking actor: a thread of its own.

Giving up a thread
==================

A thread cannot be killed, so one that hangs is given up, perhaps just as it comes
back. Whose a message is has to be clear at every moment: the thread takes each one
under a lock, and only while it has not been given up; whoever gives it up gets, under
the same lock, the one message that it is at. All others are for the next incarnation.
"""

from __future__ import annotations

import sys
import threading
import traceback
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, final

from dramaturg.actors._cell import current_cell
from dramaturg.actors._envelope import Envelope
from dramaturg.actors._resolve import resolve
from dramaturg.actors._state import STOPPED

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell

__all__ = ["ThreadDispatcher", "stack_of"]

_NOTHING: Any = object()


@final
class ThreadDispatcher:
    """Runs the turns of one actor on a thread of its own.

    The thread ends when the actor has stopped.
    """

    def __init__(self, name: str, *, daemon: bool) -> None:
        # One token for each turn that is asked for; None ends the thread.
        self._tokens: SimpleQueue[Cell | None] = SimpleQueue()
        self.thread = threading.Thread(target=self._run, name=name, daemon=daemon)
        self._taking = threading.Lock()
        self._given_up = False

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

    def give_up(self, cell: Cell) -> Any:
        """Leave the thread to itself; return what it is at, or None. It takes no other message."""
        with self._taking:
            self._given_up = True
            item, cell.message = cell.message, None
        self.finish()
        return item

    def _run(self) -> None:
        get = self._tokens.get
        cell = get()
        current_cell.set(cell)
        while cell is not None and not self._given_up:
            # Two senders may have scheduled it, and the turn before this one have set it.
            cell.idle = False
            self._turn(cell)
            if cell.state is STOPPED:
                return
            cell = get()

    def _turn(self, cell: Cell) -> None:
        """Do what :meth:`Cell.turn` does, and take the messages one by one."""
        if cell.attention and not cell.attend():
            cell.leave()
            return
        actor = cell.actor
        try:
            for _ in range(cell.throughput):
                message = self._take(cell)
                if message is _NOTHING:
                    break
                cls = message.__class__
                if cls is Envelope:
                    cell.deliver(message)
                else:
                    try:
                        handle = cell.handlers[cls]
                    except KeyError:
                        handle = resolve(cell, cls)
                    handle(actor, message)
                if cell.attention:
                    break
        except BaseException as error:  # noqa: BLE001 - an actor may fail with anything
            cell.fail(error)
        cell.message = None
        cell.leave()

    def _take(self, cell: Cell) -> Any:
        with self._taking:
            if self._given_up:
                return _NOTHING
            if cell.batch is not None:
                for message in cell.batch:
                    cell.message = message
                    return message
                cell.batch = None
            if not cell.mailbox:
                return _NOTHING
            cell.message = message = cell.mailbox.pop(0)
            return message


def stack_of(ident: int | None) -> str:
    """Render where a thread stands just now."""
    frame = sys._current_frames().get(ident or 0)
    return "".join(traceback.format_stack(frame)) if frame is not None else "(it has ended)"
