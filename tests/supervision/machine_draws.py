"""What is drawn for the tree of the state machine: places, specs, and what comes of starts."""

from typing import Any, TypeAlias

from hypothesis import strategies as st

from dramaturg.supervision import Backoff
from tests.supervision.kit import Outcome

WORKERS = ("a", "b", "c")
BELOW_SUB = ("sub/x", "sub/y")
PLACES = (*WORKERS, "sub", *BELOW_SUB)
STEP = 0.5
"""Seconds; sums of powers of two, so that sums of times are exact."""
ODD_STEP = 0.5 + 1 / 64
"""Seconds; for those below, so that few things are due at the same moment."""

Plan: TypeAlias = list[tuple[str, Outcome]]

outcomes: st.SearchStrategy[Outcome] = st.sampled_from(
    ["fail", "ok", "fail in init", "ignore", "ignore in init"]
)
places = st.sampled_from(PLACES)
workers = st.sampled_from(WORKERS + BELOW_SUB)
plans = st.lists(st.tuples(st.sampled_from(["a", "b", "c", "sub", "x", "y"]), outcomes), max_size=3)
"""What comes of the next starts of some, by their names."""


@st.composite
def options(draw: st.DrawFn, *, auto_shutdown: str, pause: float = STEP) -> dict[str, Any]:
    """Draw what a child's spec says besides how it is made."""
    restart = draw(st.sampled_from(["permanent", "transient", "temporary"]))
    backoff = draw(st.sampled_from([None, None, None, Backoff(pause, 4 * pause)]))
    can_be = restart != "permanent" and auto_shutdown != "never"
    return {
        "restart": restart,
        "backoff": backoff,
        "significant": can_be and draw(st.booleans()),
    }


@st.composite
def flags(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what a supervisor's spec says besides its children."""
    return {
        "strategy": draw(st.sampled_from(["one_for_one", "one_for_all", "rest_for_one"])),
        "intensity": draw(st.sampled_from([2, 9, 1, 4, 0, 3])),
        "period": draw(st.sampled_from([2 * STEP, STEP, 10 * STEP])),
        "auto_shutdown": draw(st.sampled_from(["never", "any_significant", "all_significant"])),
    }
