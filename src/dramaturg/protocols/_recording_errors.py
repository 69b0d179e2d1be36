"""What goes wrong with recordings, by who must act."""

from __future__ import annotations

from typing import final

from dramaturg.actors import DramaturgError

__all__ = ["ExportError", "RecordingError"]


@final
class ExportError(DramaturgError, OSError):
    """A test cannot be written where it was wanted; nothing was written.

    :param path: of the test; or of the directory, if that is what is missing.
    """

    def __init__(self, *, path: str, problem: str, expected: str) -> None:
        self.path = path
        self.problem = problem
        self.expected = expected
        super().__init__(f"{path}: {problem}; expected {expected}")


@final
class RecordingError(DramaturgError, ValueError):
    """A recording cannot be read, or does not hold what is asked of it.

    :param thing: which recording, entry or message.
    """

    def __init__(self, *, thing: str, problem: str) -> None:
        self.thing = thing
        self.problem = problem
        super().__init__(f"{thing}: {problem}")
