"""What a probe or a stand-in complains of: assertions that say what was expected and what came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dramaturg.actors import DramaturgError
from dramaturg.protocols.testing._diagram import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["NoMessageError", "NothingToReplyError", "UnexpectedMessageError", "described"]


def described(expected: object) -> str:
    """Return what was expected, a type or a value, as text."""
    return expected.__qualname__ if isinstance(expected, type) else shown(expected)


class NoMessageError(DramaturgError, AssertionError):
    """What was expected has not come in time.

    :param who: whose mailbox.
    :param expected: what should have come.
    :param within: seconds that were waited.
    :param seen: what came meanwhile and was passed over, or counted.
    """

    def __init__(
        self, *, who: str, expected: str, within: float, seen: Sequence[object] = ()
    ) -> None:
        self.who = who
        self.expected = expected
        self.within = within
        self.seen = tuple(seen)
        came = ", ".join(map(shown, self.seen)) or "nothing"
        super().__init__(f"{who} expected {expected} within {within:g} s; {came} came")


class UnexpectedMessageError(DramaturgError, AssertionError):
    """Something else has come than what was expected.

    :param who: whose mailbox.
    :param expected: what should have come.
    :param message: what came.
    :param sender: the path of who sent it, if that is known.
    """

    def __init__(
        self, *, who: str, expected: str, message: object, sender: str | None = None
    ) -> None:
        self.who = who
        self.expected = expected
        self.message = message
        self.sender = sender
        by = "" if sender is None else f" from {sender}"
        super().__init__(f"{who} expected {expected}; {shown(message)}{by} came")


class NothingToReplyError(DramaturgError, AssertionError):
    """There is nobody to reply to."""

    def __init__(self, *, who: str, message: object) -> None:
        self.who = who
        self.message = message
        what = (
            "it has taken no message"
            if message is None
            else f"{shown(message)} is no request, and has no sender or has been answered"
        )
        super().__init__(f"{who} cannot reply: {what}")
