"""Why an incarnation of an actor is over (OTP's exit reasons)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, final

from dramaturg.actors._errors import OptionError, said

__all__ = ["FAILED", "IGNORED", "KILLED", "NORMAL", "SHUTDOWN", "ExitReason", "failed"]

_KINDS = ("normal", "shutdown", "killed", "failed")


@final
@dataclass(frozen=True, slots=True)
class ExitReason:
    """Why an incarnation is over.

    :param kind: "normal": it had done its work; "shutdown": it was told to, or
        saw no need to go on; "killed": cut short from outside; "failed": an error.
    :param tag: anything that says more, as in OTP's ``{shutdown, Tag}``.
    :param error: what it failed with; for a supervisor that gave up, why.
    :raises OptionError: for another kind.
    """

    kind: Literal["normal", "shutdown", "killed", "failed"]
    tag: Any = None
    error: BaseException | None = None

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise OptionError(option="kind", value=self.kind, expected=f"one of {_KINDS}")

    @property
    def is_clean(self) -> bool:
        """Whether a transient child that ends so is left alone: normal or shutdown."""
        return self.kind in {"normal", "shutdown"}

    def __str__(self) -> str:
        if self.error is not None:
            return f"{self.kind}: {said(self.error)}"
        return self.kind if self.tag is None else f"{self.kind}: {self.tag}"


NORMAL = ExitReason("normal")
SHUTDOWN = ExitReason("shutdown")
KILLED = ExitReason("killed")
FAILED = ExitReason("failed")
IGNORED = ExitReason("normal", tag="ignore")
"""The actor asked not to be started."""


def failed(error: BaseException) -> ExitReason:
    """Make the reason of an actor that raised the error."""
    return ExitReason("failed", error=error)
