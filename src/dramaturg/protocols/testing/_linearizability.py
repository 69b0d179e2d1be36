"""Whether a history of overlapping operations could have come of operations one at a time.

After Wing and Gong: search for an order that the model allows; after Lowe: look at each pair of a
set of placed operations and a state once; and after Herlihy and Wing: objects that have nothing to
do with each other are checked apart.
"""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from dramaturg.protocols._borders import ITERABLE
from dramaturg.protocols.testing._borders import check_given, check_kinds
from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._histories import Operation, operations
from dramaturg.protocols.testing._linearizability_failure import (
    Failure,
    OrderVerdict,
    failing,
    shortened,
)
from dramaturg.protocols.testing._linearizability_tries import Try, by_program, by_real_time
from dramaturg.protocols.testing._sequential_models import Part, SequentialModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dramaturg.protocols.testing._histories import HistoryEvent

__all__ = ["MAX_STEPS", "linearizable", "sequentially_consistent"]

MAX_STEPS = 500_000
"""How many steps of its model a check tries unless told otherwise: some seconds' worth."""


class _Claim(NamedTuple):
    """What is checked.

    :param try_: how to decide it.
    :param explain: how to find the longest order that works.
    """

    name: str
    try_: Try
    explain: Try


_LINEARIZABLE = _Claim("linearizable", by_real_time, partial(by_real_time, focus=False))
_SEQUENTIAL = _Claim("sequentially consistent", by_program, by_program)


def linearizable(
    history: Iterable[HistoryEvent], model: SequentialModel, *, max_steps: int = MAX_STEPS
) -> OrderVerdict:
    """Check that each operation seems to take effect at one instant between its two events.

    Pending operations may take effect at any time after they began, or never; failed ones never.

    The verdict is ``unknown`` when ``max_steps`` steps of the model did not decide; it is never
    wrong, provided that the model is a function of what its steps are given. The steps are shared
    out among the parts that are checked apart. Up to twice as many again are spent on finding the
    shortest beginning that fails, and why; if they do not suffice it is the shortest found.

    :raises HistoryError: if the history cannot be as it was recorded.
    :raises ScenarioError: for an operation or a key that the model does not know, for a step that
        does not return a pair, for ``max_steps`` below 1.
    """
    events, parts = _prepared(history, model, max_steps)
    alone = [([part], part.operations) for part in sorted(parts, key=_size)]
    return _judged(_LINEARIZABLE, events, alone, max_steps)


def sequentially_consistent(
    history: Iterable[HistoryEvent], model: SequentialModel, *, max_steps: int = MAX_STEPS
) -> OrderVerdict:
    """Check that all processes could have seen one order in which each one's own order is kept.

    As :func:`linearizable`, but an operation may seem to take effect before it began or after it
    returned. So objects cannot be checked apart, and a search takes longer: expect ``unknown`` from
    histories of more than some hundred operations.

    :raises HistoryError: if the history cannot be as it was recorded.
    :raises ScenarioError: as :func:`linearizable`.
    """
    events, parts = _prepared(history, model, max_steps)
    every = sorted(chain(*(part.operations for part in parts)), key=lambda each: each.invoked)
    return _judged(_SEQUENTIAL, events, [(parts, tuple(every))] if parts else [], max_steps)


def _prepared(
    history: Iterable[HistoryEvent], model: SequentialModel, max_steps: int
) -> tuple[tuple[HistoryEvent, ...], Sequence[Part]]:
    check_given(max_steps=max_steps)
    check_kinds(history=(history, ITERABLE))
    if not isinstance(model, SequentialModel):
        raise ScenarioError(
            thing=f"{model!r}", problem="no model", expected="RegisterModel() or another model"
        )
    events = tuple(history)
    found = operations(events)
    for each in found:
        problem = model.problem_with(each)
        if problem is not None:
            raise ScenarioError(
                thing=f"{each} of {each.process!r} (event {each.invoked})",
                problem=problem,
                expected="an operation of the model",
            )
    return events, model.split(found)


def _judged(
    claim: _Claim,
    events: tuple[HistoryEvent, ...],
    groups: Sequence[tuple[Sequence[Part], tuple[Operation, ...]]],
    max_steps: int,
) -> OrderVerdict:
    left = max_steps
    failures: list[Failure] = []
    undecided: list[str] = []
    for number, (parts, found) in enumerate(groups):
        label = parts[0].label if len(parts) == 1 else ""
        # What a small group does not need is left to the large ones behind it.
        tried = claim.try_(parts, found, max(1, left // (len(groups) - number)))
        left -= tried.found.steps
        if tried.found.outcome == "fail":
            failures.append(Failure(label, parts, found, tried, len(events)))
        elif tried.found.outcome == "unknown":
            undecided.append(label)
    steps = max_steps - left
    if failures:
        return failing(claim.name, events, _first(claim, failures, max_steps), steps)
    if undecided:
        where = ", ".join(each for each in undecided[:3] if each)
        text = (
            f"unknown whether {claim.name}: max_steps={max_steps} reached"
            f"{f' at {where}' if where else ''}; raise it, or record fewer operations"
        )
        return OrderVerdict("unknown", text, steps)
    return OrderVerdict("pass", f"{claim.name}: {len(events)} events, {steps} steps", steps)


def _first(claim: _Claim, failures: Sequence[Failure], max_steps: int) -> Failure:
    """Return what failed first, with the longest order that works."""
    share = max(1, max_steps // len(failures))
    first = min((shortened(each, share, claim.try_) for each in failures), key=_length)
    again = claim.explain(first.parts, first.operations, max_steps)
    if len(again.found.order) > len(first.tried.found.order):
        return first._replace(tried=again)
    return first


def _length(failure: Failure) -> int:
    return failure.length


def _size(part: Part) -> int:
    return len(part.operations)
