"""What goes wrong with recordings, by who must act."""

from __future__ import annotations

from typing import final

from dramaturg.actors import DramaturgError

__all__ = ["RecordingError"]


@final
class RecordingError(DramaturgError, ValueError):
    """A recording cannot be read, or does not hold what is asked of it.

    :param thing: which recording, entry or message.
    """

    def __init__(self, *, thing: str, problem: str) -> None:
        self.thing = thing
        self.problem = problem
        super().__init__(f"{thing}: {problem}")
