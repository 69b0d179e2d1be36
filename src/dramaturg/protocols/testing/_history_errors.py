"""The errors of recorded histories: a history that cannot have been.

::

    HistoryError                  the recording is wrong: change what notes the events
    ├── NotInvokedError               an end of an operation that never began
    └── StillOpenError                a process began anew before its last operation ended
"""

from __future__ import annotations

from typing import Any

from dramaturg.actors import DramaturgError

__all__ = ["HistoryError", "NotInvokedError", "StillOpenError"]


class HistoryError(DramaturgError, ValueError):
    """A history cannot be as it was recorded.

    :param position: which of the events it is, from 0.
    :param event: that event.
    :param problem: what is wrong with it.
    """

    def __init__(self, *, position: int, event: Any, problem: str) -> None:
        self.position = position
        self.event = event
        self.problem = problem
        super().__init__(f"event {position}, {event!r}: {problem}")


class NotInvokedError(HistoryError):
    """An operation ended that had not been invoked.

    :param process: whose operation it is.
    """

    def __init__(self, *, position: int, event: Any, process: Any) -> None:
        self.process = process
        super().__init__(
            position=position, event=event, problem=f"{process!r} has no operation under way"
        )


class StillOpenError(HistoryError):
    """A process invoked an operation while another one of its own was under way.

    A process is sequential. A client that does several things at once is several processes; one
    that no longer waits for an answer notes that it gave up.

    :param process: whose operations they are.
    :param under_way: the event that invoked the other one.
    """

    def __init__(self, *, position: int, event: Any, process: Any, under_way: Any) -> None:
        self.process = process
        self.under_way = under_way
        super().__init__(
            position=position, event=event, problem=f"{process!r} is not done with {under_way!r}"
        )
