"""When a fan-out is over, and with what."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from dramaturg.protocols.workflows._errors import WorkflowDefinitionError

if TYPE_CHECKING:
    from dramaturg.protocols.workflows._outcome import BranchOutcome

__all__ = ["Join", "Verdict", "all_of", "any_of", "first_valid", "partial", "quorum"]

Verdict: TypeAlias = Literal["wait", "over", "failed"]


@dataclass(frozen=True, slots=True)
class Join:
    """A rule that says when the branches of a fan-out are enough.

    :param needed: so many successes end it; None: all branches have to end, and each
        required one has to succeed.
    :param valid: only a result that it accepts counts as a success.
    :param within: seconds, after which what is there has to do; required branches must be.
    """

    name: str
    needed: int | None = None
    valid: Callable[[Any], bool] | None = None
    within: float | None = None

    def verdict(
        self,
        ended: Mapping[str, BranchOutcome],
        good: int,
        branches: int,
        required: Collection[str],
    ) -> Verdict:
        """Tell whether the branches that have ended are enough, so many of them good."""
        if self.needed is None:
            if len(ended) < branches:
                return "wait"
            return "over" if all(ended[each].ok for each in required) else "failed"
        if good >= self.needed:
            return "over"
        return "failed" if branches - len(ended) + good < self.needed else "wait"

    def late_verdict(
        self, ended: Mapping[str, BranchOutcome], required: Collection[str]
    ) -> Verdict:
        """Tell whether what is there when the time is over will do."""
        there = all(each in ended and ended[each].ok for each in required)
        return "over" if there else "failed"


def all_of() -> Join:
    """Wait for all branches; fail if a required one has failed. The default."""
    return Join("all")


def any_of() -> Join:
    """Go on with the first branch that succeeds."""
    return Join("any", needed=1)


def first_valid(valid: Callable[[Any], bool]) -> Join:
    """Go on with the first branch whose result is accepted; others count as failed.

    :raises WorkflowDefinitionError: if it is no function.
    """
    if not callable(valid) or inspect.iscoroutinefunction(valid):
        raise WorkflowDefinitionError(
            thing="first_valid",
            problem=f"has {valid!r}",
            expected="a plain function of one result",
        )
    return Join("first valid", needed=1, valid=valid)


def quorum(needed: int) -> Join:
    """Go on as soon as so many branches have succeeded (k of n).

    :raises WorkflowDefinitionError: if that is no int of at least 1.
    """
    if not isinstance(needed, int) or isinstance(needed, bool) or needed < 1:
        raise WorkflowDefinitionError(
            thing="quorum", problem=f"has {needed!r}", expected="an int of at least 1"
        )
    return Join(f"{needed} of n", needed=needed)


def partial(within: float) -> Join:
    """Go on with what is there after so many seconds, or when all have ended.

    It fails if a required branch has not succeeded by then.

    :raises WorkflowDefinitionError: if that is no number above 0.
    """
    if not isinstance(within, int | float) or isinstance(within, bool) or not 0 < within < 1e10:  # noqa: PLR2004
        raise WorkflowDefinitionError(
            thing="partial", problem=f"has {within!r}", expected="seconds, more than 0"
        )
    return Join(f"partial after {within:g} s", within=float(within))
