"""What a party may do in each state: the rules of one protocol with given members, remembered.

Which answer counts, if several would fit: what the order has here; what the network may have
doubled; what was on its way when a deadline passed; what overtook; what may come because something
before was lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from dramaturg.protocols._automaton import next_actions
from dramaturg.protocols._checks import parties_of
from dramaturg.protocols._derivatives import derive, reordering, running, skipping
from dramaturg.protocols._expand import Action, Members, comes_in, expand, project
from dramaturg.protocols._protocol import Protocol
from dramaturg.protocols._role import Party
from dramaturg.protocols._terms import NEVER, Term, Timed, first, nullable
from dramaturg.protocols._violation import Outcome

__all__ = ["Known", "Rules", "Step"]

REMEMBERED = 10_000
"""States; then all are forgotten and found anew."""


class Step(NamedTuple):
    """What an action leads to."""

    state: Known
    outcome: Outcome
    abandoned: tuple[Timed, ...] = ()
    """What is left of parts that have been broken into; its messages may still come."""


class Known:
    """A state of a party, with what has been found out about it."""

    __slots__ = ("_expected", "deadlines", "final", "late", "steps", "term")

    def __init__(self, term: Term) -> None:
        self.term = term
        self.final = nullable(term)
        self.deadlines: tuple[Timed, ...] = tuple(each for each in running(term) if each.clock)
        self.steps: dict[Action, Step | None] = {}
        self.late: dict[Action, Step | None] = {}
        self._expected: tuple[Action, ...] | None = None

    @property
    def expected(self) -> tuple[Action, ...]:
        """What may be next, sorted; without deadlines."""
        if self._expected is None:
            found = (each for each in next_actions(self.term) if each.kind != "~")
            self._expected = tuple(sorted(found, key=lambda each: each.order))
        return self._expected


Lossy: TypeAlias = Callable[[Action], bool]


class Rules:
    """The rules of a protocol with given members; shared by its conversations. Any thread."""

    def __init__(self, protocol: Protocol, members: Members) -> None:
        self.protocol = protocol
        self.members = members
        self.parties = parties_of(protocol.roles, members)
        whole = expand(protocol.order, members)
        self._start = {party: Known(project(whole, party)) for party in self.parties}
        self._known: dict[tuple[Party, Term], Known] = {}

    def start(self, party: Party) -> Known | None:
        """Return a party's first state; None if it does not take part."""
        return self._start.get(party)

    def known(self, party: Party, term: Term) -> Known:
        """Return what is known of a state."""
        found = self._known.get((party, term))
        if found is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            found = self._known[party, term] = Known(term)
        return found

    def expected_step(self, party: Party, state: Known, action: Action) -> Step | None:
        """Return the step that the order has here, if it has one."""
        try:
            return state.steps[action]
        except KeyError:
            step = state.steps[action] = self._expected_step(party, state, action)
            return step

    def _expected_step(self, party: Party, state: Known, action: Action) -> Step | None:
        left = derive(state.term, action)
        if left is not NEVER:
            return Step(self.known(party, left), Outcome.EXPECTED)
        if action.kind == "?":
            left = derive(state.term, action, breaking_in=comes_in)
            if left is not NEVER:
                abandoned = tuple(each for each in running(state.term) if each.otherwise)
                return Step(self.known(party, left), Outcome.EXPECTED, abandoned)
        return None

    def tolerated_step(self, party: Party, state: Known, action: Action) -> Step | None:
        """Return the step that the network may have brought about, if it may."""
        if action.kind != "?":
            return None
        try:
            return state.late[action]
        except KeyError:
            step = state.late[action] = self._tolerated_step(party, state, action)
            return step

    def _tolerated_step(self, party: Party, state: Known, action: Action) -> Step | None:
        over = reordering(self._holding_up(party, action))
        left = derive(state.term, action, over, breaking_in=comes_in)
        if left is not NEVER:
            return Step(self.known(party, left), Outcome.EARLY)
        lossy = self.lossy(party)
        left = derive(state.term, action, skipping(lossy), breaking_in=comes_in)
        if left is not NEVER:
            return Step(self.known(party, left), Outcome.AFTER_LOSS)
        return None

    def _holding_up(self, party: Party, action: Action) -> Callable[[Action], bool]:
        """Return what a received message cannot overtake: what it may depend on."""
        peer = action.peer
        fifo = peer is None or self.protocol.channel(peer.role, party.role).fifo

        def holds_up(other: Action) -> bool:
            return other.peer == peer and (fifo or other.kind == "!" or other == action)

        return holds_up

    def lossy(self, party: Party) -> Lossy:
        """Return which of a party's actions are receipts that may never come."""

        def lossy(action: Action) -> bool:
            if action.kind != "?" or action.peer is None:
                return False
            return self.protocol.channel(action.peer.role, party.role).may_lose

        return lossy

    def waits_only(self, state: Known) -> bool:
        """Tell whether a party has nothing to send now."""
        return not any(each.kind == "!" for each in first(state.term))
