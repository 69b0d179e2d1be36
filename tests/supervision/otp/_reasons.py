"""Reasons of ends and failures: the words of the trace format, and ours."""

from typing import Literal, cast

from dramaturg.actors import ExitReason, Ignore, StartFailed
from dramaturg.supervision import ChildStartFailed, FailedToStartChild, SpecError, StartTimeout

BAD_FLAGS = {"invalid_strategy", "invalid_intensity", "invalid_period", "invalid_auto_shutdown"}


class Told(Exception):  # noqa: N818 - not what it is, but why
    """Fails an actor as the scenario says."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def exit_reason(text: str) -> ExitReason:
    """Read a reason that an actor can leave with.

    :raises Told: for an error: with that an actor does not leave but fails.
    """
    kind, _, tag = text.partition(":")
    if kind == "error":
        raise Told(text)
    return ExitReason(cast("Literal['normal', 'shutdown', 'killed']", kind), tag=tag or None)


def text_of(reason: ExitReason) -> str:
    """Write the reason of an end."""
    if reason.kind == "failed":
        return text_of_error(reason.error)
    return reason.kind if reason.tag is None else f"{reason.kind}:{reason.tag}"


def text_of_error(error: BaseException | None) -> str:
    """Write what an actor failed with, or why a start failed; None if it was killed first."""
    match error:
        case ChildStartFailed() | StartFailed():
            text = text_of_error(error.__cause__)
        case FailedToStartChild(child=child, error=cause):
            text = f"shutdown:failed_to_start_child({child},{text_of_error(cause)})"
        case SpecError(problem="bad_return"):
            text = "error:bad_return"
        case SpecError(problem=problem):
            text = f"{'bad_flags' if problem in BAD_FLAGS else 'bad_spec'}:{problem}"
        case Told(reason=reason):
            text = reason
        case StartTimeout():
            text = "timeout"
        case Ignore():
            text = "ignore"
        case None:
            text = "killed"
        case _:
            text = f"error:{type(error).__name__}"
    return text
