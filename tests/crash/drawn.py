"""Workflows that nobody wrote: drawn from the whole algebra of steps, with what will go wrong.

A plan is plain data and follows from its seed alone, so that each life of the process declares
the same workflow, and the check knows what was declared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

__all__ = ["NEVER", "Leaf", "Node", "Plan", "plan_of"]

NEVER = 10**6
"""So many times in a row something fails that always does."""
DEEPEST = 5
MOST_LEAVES = 14
GROUPS = (
    ["sequence"] * 3
    + ["saga"] * 6
    + ["all"] * 4
    + ["race", "partial"] * 2
    + ["quorum"] * 3
    + ["branch", "switch", "loop", "for_each", "inner"] * 2
    + ["timed"]
)


@dataclass(frozen=True)
class Node:
    """A step and what is in it."""

    name: str
    kind: str
    inner: tuple[Node, ...] = ()
    on_error: Node | str | None = None
    """A step, or "value"."""
    when: bool | None = None
    timed: bool = False
    """Whether it has a time limit, which it does not keep."""
    times: int = 1
    """Of a loop, of a collection, or of successes that are enough."""
    choice: int = 0
    """Of a branch: which one; of a collection: how many at once; of a loop: 1 if it never ends."""
    optional: int = 0
    """Of a fan-out: so many of the last branches."""
    late: Node | str | None = None
    """Of a fan-out: a step, or "keep"."""


@dataclass(frozen=True)
class Leaf(Node):
    """Somebody does something."""

    attempts: int = 1
    fails: int = 0
    """So many first calls of each key fail, after they had their effect."""
    refuses: bool = False
    """Whether the call behind these is refused."""
    hangs: bool = False
    """Whether it never answers; it has a time limit, unless it is in a race that others win."""
    limited: bool = False
    slow: int = 0
    """So many turns of the loop it takes, before and after the effect."""
    by_actor: bool = False
    """Whether an actor does and undoes it, which crashes where it fails."""
    undo: int | None = None
    """So many first calls of the compensation fail; None: there is none."""


@dataclass
class Plan:
    """A drawn workflow."""

    root: Node
    events: dict[str, int] = field(default_factory=dict[str, int])
    """How often each event is told."""
    cancel_after: int | None = None
    """After so many calls of participants it is cancelled."""


def plan_of(random: Random) -> Plan:
    """Draw a workflow."""
    drawing = _Drawing(random)
    root = drawing.group(0, random.choice(["saga", "saga", "sequence"]), 1)
    cancel = random.randint(0, 12) if random.random() < 0.2 else None
    return Plan(root, drawing.events, cancel)


class _Drawing:
    def __init__(self, random: Random) -> None:
        self._random = random
        self._names = 0
        self._leaves = 0
        self._is_inner = 0
        self.events: dict[str, int] = {}

    def _name(self) -> str:
        self._names += 1
        return f"s{self._names}"

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def node(self, depth: int, times: int) -> Node:
        """Draw a step; ``times``: so often it may be taken in one instance."""
        if depth >= DEEPEST or self._leaves >= MOST_LEAVES or self._chance(0.4):
            return self.leaf(times)
        return self.group(depth, self._random.choice(GROUPS), times)

    def leaf(self, times: int) -> Node:
        """Draw a step that is not made of others."""
        self._leaves += 1
        draw = self._random.random()
        if draw < 0.07:
            return Node(self._name(), "pause", when=self._when())
        if draw < 0.14 and not self._is_inner:
            return self._wait(times)
        return self.action()

    def action(self) -> Leaf:
        """Draw an action."""
        random = self._random
        attempts = random.choice([1, 1, 2, 3])
        always = self._chance(0.14)
        refuses = self._chance(0.1)
        hangs = not refuses and self._chance(0.06)
        return Leaf(
            self._name(),
            "action",
            on_error=self._on_error(0.25),
            when=self._when(),
            attempts=attempts,
            fails=NEVER if always and not refuses else random.randrange(attempts),
            refuses=refuses,
            hangs=hangs,
            limited=hangs or self._chance(0.1),
            slow=random.choice([0, 0, 1, 5, 40]),
            by_actor=not hangs and self._chance(0.25),
            undo=self._undo() if self._chance(0.75) else None,
        )

    def _undo(self) -> int:
        # Five failures are stuck at first. A workflow that is stuck has failed for the one around.
        return self._random.choice([0, 0, 1, 3, 3 if self._is_inner else 5])

    def _on_error(self, share: float) -> Node | str | None:
        if not self._chance(share):
            return None
        return "value" if self._chance(0.6) else self.calm()

    def calm(self) -> Leaf:
        """Draw an action that succeeds."""
        undo = 0 if self._chance(0.7) else None
        return Leaf(self._name(), "action", slow=self._random.choice([0, 2]), undo=undo)

    def stubborn(self) -> Node:
        """Draw a step that does something, and then never ends by itself."""
        hung = Leaf(self._name(), "action", hangs=True, undo=self._random.choice([0, 1, None]))
        if self._chance(0.3):
            return hung
        last = Node(self._name(), "silence") if self._chance(0.4) else hung
        kind = self._random.choice(["sequence", "saga"])
        return Node(self._name(), kind, (self.calm(), self.calm(), last))

    def _when(self) -> bool | None:
        return self._random.choice([True, False]) if self._chance(0.08) else None

    def _wait(self, times: int) -> Node:
        # What follows shows in the journal that the event has come.
        wait = Node(self._name(), "wait")
        self.events[wait.name] = times
        return Node(self._name(), "sequence", (wait, self.calm()))

    def _several(self, depth: int, times: int, least: int = 1, most: int = 3) -> tuple[Node, ...]:
        count = self._random.randint(least, most)
        return tuple(self.node(depth + 1, times) for _ in range(count))

    def group(self, depth: int, kind: str, times: int) -> Node:  # noqa: PLR0911 - one for each kind
        """Draw a step that is made of others."""
        random, name = self._random, self._name()
        on_error = self._on_error(0.3 if depth else 0.1)
        match kind:
            case "branch" | "switch":
                choice = random.randrange(2)
                inner = self._several(depth, times, 2, 2)
                return Node(name, kind, inner, on_error, choice=choice)
            case "loop":
                count = random.randint(1, 3)
                body = Node(
                    self._name(),
                    random.choice(["saga", "sequence"]),
                    (*self._several(depth + 1, times * count, 1, 2), Node(self._name(), "counter")),
                )
                endless = int(self._chance(0.2))
                return Node(name, kind, (body,), on_error, times=count, choice=endless)
            case "for_each":
                count = random.randint(0, 3)
                body = self.node(depth + 1, times * max(1, count))
                limit = random.choice([0, 1, 2])
                return Node(name, kind, (body,), on_error, times=count, choice=limit)
            case "race":
                winner = Node(self._name(), "sequence", (self.calm(), self.calm()))
                losers = tuple(self.stubborn() for _ in range(random.randint(1, 2)))
                return Node(name, kind, (*losers, winner), on_error)
            case "partial":
                stubborn = (self.stubborn(),) if self._chance(0.5) else ()
                inner = (*self._several(depth, times, 1, 2), *stubborn)
                return Node(name, kind, inner, on_error, optional=len(inner))
            case "quorum":
                late = random.choice([None, "keep", "keep", "step"])
                inner = self._several(depth, times, 2, 3)
                count = random.randint(1, len(inner))
                return Node(name, kind, inner, on_error, times=count, late=self._late(late))
            case "timed":
                inner = (*self._several(depth, times, 1, 2), self.stubborn())
                kind = random.choice(["sequence", "saga", "all"])
                return Node(name, kind, inner, on_error, timed=True)
            case "all":
                inner = self._several(depth, times, 1, 3)
                optional = random.randint(0, len(inner))
                return Node(name, kind, inner, on_error, optional=optional)
            case "inner":
                self._is_inner += 1
                root = self.group(depth + 2, "saga", 1)
                self._is_inner -= 1
                return Node(name, kind, (root,), on_error)
            case _:
                inner = self._several(depth, times, 1, 4)
                return Node(name, kind, inner, on_error, self._when())

    def _late(self, kind: str | None) -> Node | str | None:
        return self.calm() if kind == "step" else kind
