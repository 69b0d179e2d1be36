"""One party's share of a protocol as a deterministic automaton, as small as possible."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import final

from dramaturg.protocols._borders import Kind, check_options
from dramaturg.protocols._derivatives import derive, expire, running
from dramaturg.protocols._expand import Action, comes_in
from dramaturg.protocols._protocol_errors import TooLargeError
from dramaturg.protocols._role import Party
from dramaturg.protocols._terms import Term, first, nullable

__all__ = ["Automaton", "automaton_of", "next_actions", "step"]

LIMIT = 10_000
"""States; a role that talks to n members has some 3 to the power of n."""


@final
@dataclass(frozen=True, slots=True)
class Automaton:
    """What one party may do, state by state.

    States are numbers from 0, the initial one, in the order in which a breadth-first walk
    meets them that takes sends before receives before deadlines, each by their names:
    equal protocols have equal automata.

    :param party: whose it is.
    :param edges: for each state its actions and where they lead, sorted.
    :param finals: the states in which the party may be done.
    """

    party: Party
    edges: tuple[tuple[tuple[Action, int], ...], ...]
    finals: frozenset[int]

    @property
    def states(self) -> range:
        """All states."""
        return range(len(self.edges))

    def actions(self, state: int) -> tuple[Action, ...]:
        """Return what may be next, sorted.

        :raises OptionError: for what is none of the states.
        """
        check_options(state=(state, Kind(self.states.__contains__, f"one of {self.states}")))
        return tuple(action for action, _ in self.edges[state])

    @property
    def alphabet(self) -> tuple[Action, ...]:
        """All actions of the party, sorted."""
        found = {action for edges in self.edges for action, _ in edges}
        return tuple(sorted(found, key=lambda each: each.order))

    def step(self, state: int, action: Action) -> int | None:
        """Return the state after the action; None if it is not allowed."""
        for each, target in self.edges[state]:
            if each == action:
                return target
        return None

    def is_final(self, state: int) -> bool:
        """Tell whether the party may be done here."""
        return state in self.finals

    def is_over(self, state: int) -> bool:
        """Tell whether nothing can come any more."""
        return not self.edges[state]

    def accepts(self, actions: Iterable[Action]) -> bool:
        """Tell whether this is a whole legal share of a conversation."""
        state = 0
        for action in actions:
            after = self.step(state, action)
            if after is None:
                return False
            state = after
        return state in self.finals

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{self.party}: {len(self.edges)} states"
        for state in self.states:
            yield f"  {state}{' (may end)' if state in self.finals else ''}"
            for action, target in self.edges[state]:
                yield f"    {action} -> {target}"


def next_actions(term: Term) -> set[Action]:
    """Return what may be next for a party, deadlines included."""
    found: set[Action] = first(term, breaking_in=comes_in)
    for deadline in running(term):
        if deadline.clock and deadline.otherwise is not None:
            found.add(Action("~", None, None, deadline.seconds))
    return found


def step(term: Term, action: Action) -> Term:
    """Return what is left for a party after an action."""
    if action.kind != "~":
        return derive(term, action, breaking_in=comes_in)
    for deadline in running(term):
        if deadline.clock and deadline.seconds == action.seconds and deadline.otherwise is not None:
            return expire(term, deadline.key)
    raise ValueError(action)


def automaton_of(term: Term, party: Party, *, part: str) -> Automaton:
    """List the states of a term, and put together those that nobody can tell apart.

    :raises TooLargeError: for more than 10,000 states.
    """
    numbers: dict[Term, int] = {term: 0}
    queue = deque([term])
    edges: list[dict[Action, int]] = []
    finals: set[int] = set()
    while queue:
        here = queue.popleft()
        if nullable(here):
            finals.add(numbers[here])
        found: dict[Action, int] = {}
        for action in sorted(next_actions(here), key=lambda each: each.order):
            there = step(here, action)
            if there not in numbers:
                if len(numbers) >= LIMIT:
                    raise TooLargeError(part=part, limit=LIMIT)
                numbers[there] = len(numbers)
                queue.append(there)
            found[action] = numbers[there]
        edges.append(found)
    return _renumbered(party, edges, _classes(edges, finals), finals)


def _classes(edges: list[dict[Action, int]], finals: set[int]) -> list[int]:
    """Give states that accept the same words the same number (Moore's algorithm)."""
    classes = [int(state in finals) for state in range(len(edges))]
    count = len(set(classes))
    while True:
        # A state is told by its class and by where its actions lead.
        looks = [
            (classes[state], frozenset((action, classes[to]) for action, to in found.items()))
            for state, found in enumerate(edges)
        ]
        numbers = {look: number for number, look in enumerate(dict.fromkeys(looks))}
        classes = [numbers[look] for look in looks]
        if len(numbers) == count:
            return classes
        count = len(numbers)


def _renumbered(
    party: Party, edges: list[dict[Action, int]], classes: list[int], finals: set[int]
) -> Automaton:
    members: Mapping[int, int] = {each: state for state, each in reversed([*enumerate(classes)])}
    numbers = {classes[0]: 0}
    order = [classes[0]]
    made: list[tuple[tuple[Action, int], ...]] = []
    for each in order:  # grows meanwhile
        row: list[tuple[Action, int]] = []
        for action, to in edges[members[each]].items():
            target = classes[to]
            if target not in numbers:
                numbers[target] = len(numbers)
                order.append(target)
            row.append((action, numbers[target]))
        made.append(tuple(row))
    ends = frozenset(numbers[classes[state]] for state in finals)
    return Automaton(party, tuple(made), ends)
