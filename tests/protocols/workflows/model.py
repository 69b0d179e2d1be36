"""A model of workflows that knows nothing of live steps, scopes or records; and drawn trees."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from hypothesis import strategies as st

from dramaturg.protocols.workflows import (
    any_of,
    branch,
    fan_out,
    for_each,
    loop,
    partial,
    quorum,
    recover,
    saga,
    sequence,
    step,
)
from dramaturg.protocols.workflows._step import Step

__all__ = ["Does", "Leaf", "declared", "told_of", "trees"]

Does = Literal["ok", "fails", "refuses", "never"]
LEAVES: list[Does] = ["ok", "ok", "ok", "fails", "refuses", "never"]
KINDS = ["sequence", "saga", "saga", "all", "race", "race", "partial", "branch", "for_each", "loop"]

HIGHEST = 6


@dataclass(frozen=True)
class Leaf:
    """An action."""

    does: Does
    undo: bool
    recovers: bool


@dataclass(frozen=True)
class Group:
    """Steps together."""

    kind: str
    inner: tuple[Any, ...]
    recovers: bool
    timed: bool
    late: bool


def trees() -> st.SearchStrategy[Any]:
    seldom, mostly = (
        st.sampled_from([False, False, False, True]),
        st.sampled_from([True, True, False]),
    )
    leaves = st.builds(Leaf, st.sampled_from(LEAVES), mostly, seldom)
    won = st.builds(Leaf, st.just("ok"), mostly, st.just(value=False))
    lost = st.builds(Leaf, st.just("never"), mostly, st.just(value=False))
    no = st.just(value=False)
    slow = st.builds(
        Group, st.sampled_from(["sequence", "saga"]), st.tuples(won, won, lost), no, no, no
    )
    races = st.builds(Group, st.just("race"), st.tuples(won, slow), no, no, mostly)
    drawn = st.recursive(
        leaves | races,
        lambda inner: st.builds(
            Group,
            st.sampled_from(KINDS),
            st.lists(inner, min_size=1, max_size=4).map(tuple),
            seldom,
            seldom,
            mostly,
        ),
        max_leaves=12,
    )
    return drawn.filter(lambda tree: height(tree) <= HIGHEST)


def height(tree: Any) -> int:
    return 0 if isinstance(tree, Leaf) else 1 + max(height(each) for each in tree.inner)


def seconds(tree: Group) -> float:
    """Return a time that is longer than all times inside together."""
    return float(30 ** height(tree))


# -- as declared -------------------------------------------------------------------------------


def declared(tree: Any, names: dict[str, Leaf]) -> Step:  # noqa: C901, PLR0911 - one for each kind
    name = f"s{len(names)}"
    names[name] = tree
    instead = recover(None) if tree.recovers else None
    if isinstance(tree, Leaf):
        return step(name, str, compensate=str if tree.undo else None, on_error=instead)
    inner = [declared(each, names) for each in tree.inner]
    common: dict[str, Any] = {"name": name, "on_error": instead}
    if tree.timed:
        common["timeout"] = seconds(tree)
    branches = {each.name: each for each in inner}
    match tree.kind:
        case "sequence":
            return sequence(*inner, **common)
        case "saga":
            return saga(*inner, **common)
        case "all":
            return fan_out(branches, **common)
        case "race":
            parts = [told_of(each, {}) for each in tree.inner]
            winners = sum(part.kind == "ok" for part in parts)
            if not is_race(parts):
                return fan_out(branches, **common)
            join = quorum(winners) if winners else any_of()
            return fan_out(branches, join=join, late="keep" if tree.late else None, **common)
        case "partial":
            return fan_out(optional=branches, join=partial(seconds(tree) / 2), **common)
        case "branch":
            return branch(lambda _: True, inner[0], **common)
        case "for_each":
            return for_each(lambda _: [0, 1], inner[0], limit=1, **common)
        case _:
            return loop(inner[0], until=lambda _: False, at_most=2, **common)


# -- as the model has it -----------------------------------------------------------------------


@dataclass
class Told:
    """How a step ends if nobody cuts it short, and whose compensations that concerns."""

    kind: Literal["ok", "failed", "never"]
    names: set[str] = field(default_factory=set[str])
    """All within."""
    plain: set[str] = field(default_factory=set[str])
    """Undone if what is around fails."""
    half: set[str] = field(default_factory=set[str])
    """Done by sagas that are not over: undone as soon as those are cut short."""
    late: set[str] = field(default_factory=set[str])
    """Done by branches that go on: undone with the saga around them, or never."""
    hung: set[str] = field(default_factory=set[str])
    """Those that never end: if they are cut short nobody knows what they did."""
    undone: set[str] = field(default_factory=set[str])
    """Undone whatever the end, also where that goes on without them."""
    not_yet: set[str] = field(default_factory=set[str])
    """Those of them that are in branches that go on, and may be undone only with these."""

    def add(self, other: Told) -> None:
        for each in ("names", "plain", "half", "late", "hung", "undone", "not_yet"):
            getattr(self, each).update(getattr(other, each))

    def undo(self) -> None:
        self.undone |= self.plain | self.half | self.late
        self.plain, self.half, self.late, self.not_yet = set(), set(), set(), set()

    def lose(self) -> None:
        self.undo()
        self.undone, self.hung = set(self.names), set()


def told_of(tree: Any, names: dict[str, Any]) -> Told:
    """Tell how a tree ends; names are given as the declaration gives them."""
    name = f"s{len(names)}"
    names[name] = tree
    if isinstance(tree, Leaf):
        kind: Any = {"ok": "ok", "never": "never"}.get(tree.does, "failed")
        told = Told(kind, {name}, {name})
        told.undone |= {name} if tree.does == "fails" else set()
        told.hung |= {name} if tree.does == "never" else set()
    else:
        told = group_of(tree, [told_of(each, names) for each in tree.inner])
        if told.kind == "never" and tree.timed:
            told.kind = "failed"
            told.undone |= told.half | told.hung
            told.half, told.hung = set(), set()
            if tree.kind == "saga":
                told.undo()
    if told.kind == "failed" and tree.recovers:
        told.kind = "ok"
    return told


def is_race(parts: list[Told]) -> bool:
    """Tell whether all branches either win or never end, so that it is known who loses."""
    return all(part.kind != "failed" for part in parts)


def group_of(tree: Group, parts: list[Told]) -> Told:  # noqa: C901 - one for each kind
    kinds = [part.kind for part in parts]
    told = Told("ok")
    if tree.kind == "partial" or (tree.kind == "race" and is_race(parts) and "ok" in kinds):
        for part in parts:
            if part.kind == "never":
                if tree.kind == "partial" or not tree.late:
                    part.lose()
                part.late |= part.plain | part.half
                part.not_yet |= part.undone if tree.late else set()
                part.plain, part.half, part.hung = set(), set(), set()
            told.add(part)
    elif tree.kind in ("race", "all"):
        for part in parts:
            told.add(part)
        told.kind = "never" if "never" in kinds else "failed" if "failed" in kinds else "ok"
    else:
        taken = parts if tree.kind in ("sequence", "saga") else parts[:1]
        for part in taken:
            told.add(part)
            told.kind = part.kind
            if part.kind != "ok":
                break
        if tree.kind == "loop" and told.kind == "ok":
            told.kind = "failed"  # its bound is reached
    if tree.kind == "saga" and told.kind == "failed":
        told.undo()
    elif tree.kind == "saga" and told.kind == "never":
        told.half |= told.plain | told.late
        told.plain, told.late = set(), set()
    return told
