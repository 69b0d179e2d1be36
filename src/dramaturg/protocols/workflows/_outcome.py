"""What became of a step: stored values, since exceptions cannot be stored."""

from __future__ import annotations

from typing import Any, Literal

from dramaturg.actors import (
    DeadlineExceeded,
    DramaturgError,
    GoneError,
    Message,
    Refused,
    UnregisteredTypeError,
)

__all__ = ["BranchOutcome", "Outcomes", "StepError", "error_of", "why_not_stored"]

Kind = Literal["refused", "timeout", "gone", "error", "cancelled", "declaration"]


class StepError(Message, name="dramaturg.StepError"):
    """Why a step has failed, in words that can be stored.

    ``kind`` is "refused" (the participant said no, and has done nothing), "timeout", "gone" (the
    actor was not there, or crashed), "error" (an exception), "cancelled" or "declaration" (the
    workflow itself: a bound was reached, a result cannot be stored).
    """

    step: str
    kind: Kind
    type: str
    text: str
    attempts: int = 1

    def __str__(self) -> str:
        tries = f" (attempt {self.attempts})" if self.attempts > 1 else ""
        said = f"{self.type}: {self.text}" if self.text else self.type
        return f"{self.step}{tries}: {said}" if self.step else said


class BranchOutcome(Message, name="dramaturg.BranchOutcome"):
    """How one branch of a fan-out, or one item of a collection, has ended."""

    ok: bool
    value: Any = None
    error: StepError | None = None
    skipped: bool = False
    """Whether it was passed over, since its ``when`` did not hold; then its value is its input."""


class Outcomes(Message, name="dramaturg.Outcomes"):
    """How all branches of a fan-out have ended, by name; those that have not are missing."""

    branches: dict[str, BranchOutcome]

    def __getitem__(self, name: str) -> Any:
        """Return the result of a branch that succeeded.

        :raises KeyError: if it has not, or there is none of that name.
        """
        found = self.branches[name]
        if not found.ok:
            raise KeyError(name)
        return found.value

    def get(self, name: str, default: Any = None) -> Any:
        """Return the result of a branch, or the default if it has none."""
        found = self.branches.get(name)
        return found.value if found is not None and found.ok else default

    @property
    def values(self) -> dict[str, Any]:
        """The results of those that succeeded."""
        return {name: each.value for name, each in self.branches.items() if each.ok}

    @property
    def errors(self) -> dict[str, StepError]:
        """The errors of those that failed."""
        return {name: each.error for name, each in self.branches.items() if each.error is not None}


def why_not_stored(error: DramaturgError) -> str:
    """Say why a value cannot be stored, and what helps."""
    if not isinstance(error, UnregisteredTypeError):
        return str(error)
    if error.unregistered == "builtins.coroutine":
        return "a coroutine cannot be stored: is an await missing?"
    return (
        f"{error.unregistered} is no type that this workflow stores: name it in types=, or annotate"
        " what gives it (messages, pydantic models, enums, frozen dataclasses and plain values"
        " can be stored)"
    )


def error_of(step: str, error: BaseException, attempts: int) -> StepError:
    """Put an exception into words that can be stored."""
    kind: Kind = "error"
    if isinstance(error, Refused):
        kind = "refused"
    elif isinstance(error, DeadlineExceeded | TimeoutError):
        kind = "timeout"
    elif isinstance(error, GoneError):
        kind = "gone"
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - the user's method
        text = "(its text cannot be made)"
    # Lone surrogates can be in a text, and not in a file.
    text = text.encode("utf-8", "replace").decode()[:2_000]
    return StepError(step=step, kind=kind, type=type(error).__name__, text=text, attempts=attempts)
