"""Why a search can say neither pass nor fail, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dramaturg.protocols.testing._search import Limits, Searched

__all__ = ["why_unknown"]


def why_unknown(seen: Searched, limits: Limits, *, horizon: float | None, every: bool) -> str:
    """Say why a search that has found no failure does not say "pass".

    :param horizon: seconds after which no timer rings; None where there is no such option.
    :param every: whether it was to go through every schedule.
    """
    if seen.livelock:
        circle = ", ".join(map(str, seen.livelock))
        lines = [f"never at rest, with nothing going wrong: over and over {circle}"]
    elif seen.truncated:
        after = f"events={limits.events:,}" + ("" if every else ", and as many calm ones")
        lines = [f"not at rest after {after}: {seen.truncated:,} of {seen.schedules:,} runs"]
    else:
        return "there are more schedules: the bound was reached"
    lines.append(f"what has to hold at rest was not looked at: {_advice(limits, horizon)}")
    if seen.gave_up:
        lines.append("the search ended early, since nothing was declared that shows before rest")
    return "\n".join(lines)


def _advice(limits: Limits, horizon: float | None) -> str:
    more = f"allow more than events={limits.events:,}, or fewer faults"
    if horizon is None:
        return f"let timers end at some time; or {more}"
    return (
        f"let no timer ring after some seconds of virtual time, such as horizon=60 (it is"
        f" {horizon:g}); or {more}"
    )
