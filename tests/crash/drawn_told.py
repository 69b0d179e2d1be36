"""What must have become of a drawn plan, told from the plan and the records alone.

Each step ends with an outcome at a moment: the number of the record with which it has ended. What
is cut short before is open, whatever the records behind that say: a compensation that is under
way goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from dramaturg.protocols.workflows._records import (
    Decided,
    Failed,
    Intended,
    Succeeded,
    TimerFired,
)
from tests.crash.drawn import Leaf, Node

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Done", "Facts", "Told", "Undoable", "outcome_of_plan"]

Outcome: TypeAlias = Literal["ok", "failed", "open"]
"""Open: it never began, or never ended."""
NOT_YET = 10**9


class End(NamedTuple):
    """How a step has ended, and when."""

    how: Outcome
    when: int = 0


OPEN = End("open", NOT_YET)


class Facts:
    """What is known of single steps: here from the plan, if nothing is cancelled."""

    def action(self, node: Node, address: str) -> End:
        """Tell how an action has ended."""
        del address
        if node.kind == "inner":
            return End(outcome_of_plan(node.inner[0]))
        if not isinstance(node, Leaf):
            return End("ok")
        if node.hangs:
            return End("failed") if node.limited else OPEN
        return End("failed" if node.refuses or node.fails >= node.attempts else "ok")

    def passed_over(self, node: Node, address: str) -> int | None:
        """Tell when its condition was asked, and did not hold."""
        del address
        return 0 if node.when is False else None

    def time_is_over(self, node: Node, address: str, what: str) -> int | None:
        """Tell when a time has come."""
        del address
        return 0 if what != "deadline" or node.timed else None

    def undo_over(self, address: str) -> int:
        """Tell when a compensation was over; 0 if it never began."""
        del address
        return 0


class Done(Facts):
    """What is known from the records of an instance."""

    def __init__(self, records: Iterable[Any]) -> None:
        self.succeeded: dict[str, int] = {}
        self.failed: dict[str, int] = {}
        self.intended: dict[str, int] = {}
        """The numbers of the records, by address; of the first, if there are several."""
        self._timers: dict[tuple[str, str], int] = {}
        self._no: dict[str, int] = {}
        for number, record in enumerate(records):
            match record:
                case Succeeded():
                    assert record.address not in self.succeeded, "it succeeded twice"
                    self.succeeded[record.address] = number
                case Failed() if record.retry_at is None:
                    self.failed.setdefault(record.address, number)
                case Intended():
                    self.intended.setdefault(record.address, number)
                case TimerFired():
                    self._timers[record.address, record.what] = number
                case Decided(what="when", choice=False):
                    self._no[record.address] = number
                case _:
                    pass

    def action(self, node: Node, address: str) -> End:
        del node
        if address in self.succeeded:
            return End("ok", self.succeeded[address])
        return End("failed", self.failed[address]) if address in self.failed else OPEN

    def passed_over(self, node: Node, address: str) -> int | None:
        del node
        return self._no.get(address)

    def time_is_over(self, node: Node, address: str, what: str) -> int | None:
        del node
        return self._timers.get((address, what))

    def undo_over(self, address: str) -> int:
        undo = f"{address}!undo"
        if undo not in self.intended:
            return 0
        # One that is stuck is over, too.
        return min(self.succeeded.get(undo, NOT_YET), self.failed.get(undo, NOT_YET))


class Undoable(NamedTuple):
    """An action that something undoes."""

    address: str
    scope: str
    """The saga around it that was undone; "" for none."""
    is_doomed: bool
    """Whether it is undone even if the instance is completed."""
    is_within: bool = False
    """Whether it is a workflow, which undoes itself."""


class Told:
    """How each step of a plan has ended, by the facts."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._known: dict[str, End] = {}

    def outcome(self, node: Node, prefix: str = "") -> End:
        """Tell how a step has ended, recovery included."""
        address = prefix + node.name
        passed = self._facts.passed_over(node, address)
        if passed is not None:
            return End("ok", passed)
        found = self._own(node, prefix)
        if found.how != "failed" or node.on_error is None:
            return found
        if isinstance(node.on_error, Node):
            return self.outcome(node.on_error, f"{address}!")
        return End("ok", found.when)

    def _own(self, node: Node, prefix: str) -> End:
        address = prefix + node.name
        if address not in self._known:
            self._known[address] = self._ended(node, prefix)
        return self._known[address]

    def _ended(self, node: Node, prefix: str) -> End:
        late = self._deadline(node, prefix)
        found = self._inside(node, prefix) if late is None else End("failed", late)
        if node.kind != "saga" or found.how != "failed":
            return found
        # It has failed when what is undone by it is undone.
        address = prefix + node.name
        inner = [
            each
            for child, within in self._taken(node, prefix)
            for each in self.undoable(child, within, address, until=found.when)
        ]
        undone = [self._facts.undo_over(each.address) for each in inner if each.scope == address]
        return End("failed", max(found.when, *undone, 0))

    def _deadline(self, node: Node, prefix: str) -> int | None:
        if not node.timed:
            return None
        return self._facts.time_is_over(node, prefix + node.name, "deadline")

    def _inside(self, node: Node, prefix: str) -> End:
        address, facts = prefix + node.name, self._facts
        match node.kind:
            case "action" | "inner" | "counter":
                return facts.action(node, address)
            case "pause":
                due = facts.time_is_over(node, address, "due")
                return OPEN if due is None else End("ok", due)
            case "wait":
                # The step behind it tells whether it has ended.
                return End("ok")
            case "silence":
                return OPEN
            case "all" | "partial" | "race" | "quorum" | "for_each":
                return self._joined(node, prefix)
            case _:
                return self._in_turn(node, prefix)

    def _in_turn(self, node: Node, prefix: str) -> End:
        last = OPEN
        for each, within in self._taken(node, prefix):
            last = self.outcome(each, within)
            if last.how != "ok":
                return last
        return End("failed", last.when) if node.kind == "loop" and node.choice else last

    def _joined(self, node: Node, prefix: str) -> End:
        found = [self.outcome(each, within) for each, within in self._taken(node, prefix)]
        good = sorted(each.when for each in found if each.how == "ok")
        bad = sorted(each.when for each in found if each.how == "failed")
        if node.kind in ("race", "quorum"):
            too_many = len(found) - node.times
            if len(good) >= node.times:
                return End("ok", good[node.times - 1])
            return End("failed", bad[too_many]) if len(bad) > too_many else OPEN
        if node.kind == "for_each" and bad:
            return End("failed", bad[0])
        over = self._facts.time_is_over(node, prefix + node.name, "join")
        if node.kind == "partial" and over is not None:
            return End("ok", over)
        if len(good) + len(bad) < len(found):
            return OPEN
        required = found[: len(found) - node.optional]
        how: Outcome = "failed" if any(each.how == "failed" for each in required) else "ok"
        return End("ok" if node.kind == "for_each" else how, max([*good, *bad], default=0))

    def _taken(self, node: Node, prefix: str) -> list[tuple[Node, str]]:
        """Return the steps inside that are taken, if nothing fails, and their prefixes."""
        address = prefix + node.name
        match node.kind:
            case "branch" | "switch":
                return [(node.inner[node.choice], prefix)]
            case "loop" | "for_each":
                return [(node.inner[0], f"{address}[{index}]/") for index in range(node.times)]
            case "inner" | "action":
                return []
            case _:
                return [(each, prefix) for each in node.inner]

    # -- what is undone ----------------------------------------------------------------------

    def undoable(
        self,
        node: Node,
        prefix: str = "",
        scope: str = "",
        *,
        doomed: bool = False,
        until: int = NOT_YET,
    ) -> Iterator[Undoable]:
        """Go through all actions that can be undone; ``until``: what is around was cut short."""
        address = prefix + node.name
        own = self._own(node, prefix)
        if _has_undo(node):
            # Where all goes on without its result nobody knows what it did.
            yield Undoable(address, scope, doomed or own.how != "ok", node.kind == "inner")
        if isinstance(node.on_error, Node):
            yield from self.undoable(
                node.on_error, f"{address}!", scope, doomed=doomed, until=until
            )
        late = self._deadline(node, prefix)
        if late is not None:
            until = min(until, late)
        if node.kind == "saga" and (own.how != "ok" or own.when > until):
            scope, doomed = address, True
        for each, within in self._taken(node, prefix):
            lost = self._cut_at(node, prefix, self.outcome(each, within), until)
            end = until if lost is None else lost
            is_doomed = doomed or lost is not None
            yield from self.undoable(each, within, scope, doomed=is_doomed, until=end)
            if isinstance(node.late, Node):
                beside_it = f"{address}!late[{each.name}]/"
                yield from self.undoable(node.late, beside_it, scope, doomed=doomed, until=until)

    def _cut_at(self, node: Node, prefix: str, branch: End, until: int) -> int | None:
        """Tell when a branch has lost, if it has: it ran when the join was over."""
        if node.kind not in ("all", "race", "quorum", "partial", "for_each"):
            return None
        over = self._inside(node, prefix)
        if over.how == "open" or over.when > until or branch.when <= over.when:
            return None
        return None if node.late is not None and over.how == "ok" else over.when


def _has_undo(node: Node) -> bool:
    """Tell whether a step has something that undoes it; a workflow within has its own."""
    if node.kind == "inner":
        return _compensates(node.inner[0])
    return isinstance(node, Leaf) and node.undo is not None


def _compensates(node: Node) -> bool:
    around = (node.on_error, node.late)
    beside = [each for each in around if isinstance(each, Node)]
    if node.kind == "saga" or _has_undo(node):
        return True
    inside = () if node.kind == "inner" else node.inner
    return any(_compensates(each) for each in (*inside, *beside))


def outcome_of_plan(root: Node) -> Outcome:
    """Tell how a plan ends if nobody cancels it."""
    return Told(Facts()).outcome(root).how
