"""Can a role follow a choice? By comparing what each branch leaves for it to do."""

from __future__ import annotations

from dataclasses import dataclass

from dramaturg.protocols._derivatives import derive
from dramaturg.protocols._expand import Action, comes_in
from dramaturg.protocols._terms import Term, first, nullable

__all__ = ["Difference", "differences"]

LIMIT = 2_000
"""Pairs of states that are looked at. What is beyond is left to ``_enforce``."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two branches part for one role.

    :param before: what is the same in both until then.
    :param only_one: what may come in one branch only.
    :param ends: whether it may be over in one branch only.
    """

    before: tuple[Action, ...]
    only_one: frozenset[Action]
    ends: bool

    @property
    def sends(self) -> bool:
        """Whether the role sends in one branch what it may not send in the other."""
        return any(each.kind == "!" for each in self.only_one)

    @property
    def receives(self) -> bool:
        """Whether it receives in one branch what does not come in the other."""
        return any(each.kind == "?" for each in self.only_one)

    @property
    def is_own(self) -> bool:
        """Whether nobody has told the role anything before: it chooses by itself."""
        return all(each.kind == "!" for each in self.before)


def differences(one: Term, other: Term) -> list[Difference]:
    """Walk through both branches as long as they are the same, and return where they part."""
    found: list[Difference] = []
    todo: list[tuple[Term, Term, tuple[Action, ...]]] = [(one, other, ())]
    seen: set[tuple[Term, Term]] = set()
    while todo and len(seen) < LIMIT:
        left, right, before = todo.pop()
        if left == right or (left, right) in seen:
            continue
        seen.add((left, right))
        lefts: set[Action] = first(left, breaking_in=comes_in)
        rights: set[Action] = first(right, breaking_in=comes_in)
        ends = nullable(left) is not nullable(right)
        if lefts != rights or ends:
            found.append(Difference(before, frozenset(lefts ^ rights), ends))
        for action in sorted(lefts & rights, key=lambda each: each.order):
            after = (
                derive(left, action, breaking_in=comes_in),
                derive(right, action, breaking_in=comes_in),
            )
            todo.append((*after, (*before, action)))
    return found
