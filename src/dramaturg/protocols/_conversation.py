"""The monitor of one conversation: a state for each party, moved on by what is seen.

Pure: no clock, no actors. Each party is followed by itself, at its own side of the channels: what
it sends counts when it sends it, what it receives when it receives it. So the side at which a
violation is seen says who is to blame: a message that the sender may send and the receiver may not
receive was lost, doubled or turned around on its way. What the declared channels may do to messages
is no violation; see ``Outcome``.

*Late.* What a deadline has ended may still arrive: it was on its way. Whose clock the deadline goes
by may not send it any more. Who is only told of it, by a message of the alternative, may: it was
asked before, and its answer would have been late anyway.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable
from dataclasses import replace
from typing import final

from dramaturg.protocols._borders import check_options, instance
from dramaturg.protocols._derivatives import derive, expire, reordering
from dramaturg.protocols._expand import Action, comes_in
from dramaturg.protocols._protocol import MemberNames, Protocol
from dramaturg.protocols._role import Party
from dramaturg.protocols._rules import Known, Rules
from dramaturg.protocols._terms import EMPTY, NEVER, Timed
from dramaturg.protocols._violation import Observation, Outcome, Violation, ViolationKind

__all__ = ["Conversation"]

LATE_PARTS = 100
"""Parts that a deadline has ended and whose messages may still come; the oldest are forgotten."""

_PROTOCOL = instance(Protocol, "a Protocol")
_SEEN = instance(Observation, "an Observation")


class _Share:
    """What is known of one party."""

    __slots__ = ("due", "got", "late", "state")

    def __init__(self, state: Known) -> None:
        self.state = state
        self.due: dict[Hashable, float] = {}
        self.late: list[Timed] = []
        self.got: Counter[Action] = Counter()


@final
class Conversation:
    """One conversation by a protocol, followed at all sides or some.

    ::

        talk = Conversation(two_phase_commit, members={"participant": 2})
        talk.observe(Observation("sent", coordinator, participant_1, Prepare))

    :param members: the members of the roles that have many; see :meth:`Protocol.members`.
    :param roles: at whose sides it is followed; default everybody's.
    """

    __slots__ = ("_lost", "_roles", "_rules", "_shares")

    def __init__(
        self,
        protocol: Protocol,
        *,
        members: MemberNames | None = None,
        roles: Collection[str] | None = None,
        rules: Rules | None = None,
    ) -> None:
        check_options(protocol=(protocol, _PROTOCOL))
        self._rules = Rules(protocol, protocol.members(members)) if rules is None else rules
        self._roles = frozenset(protocol.role_names if roles is None else roles)
        self._shares: dict[Party, _Share] = {}
        self._lost: Counter[tuple[Party, Party, type]] = Counter()

    @property
    def protocol(self) -> Protocol:
        """What it is followed by."""
        return self._rules.protocol

    def observe(self, seen: Observation) -> Outcome | Violation:
        """Move the party on at whose side the message was seen; or say that it is illegal.

        A violation changes nothing. The time only starts deadlines: what has become of those that
        run is asked of :meth:`elapse`, before this.

        :raises OptionError: if it is no observation.
        """
        given: object = seen
        if not isinstance(given, Observation):
            check_options(seen=(given, _SEEN))
        self._count(seen)
        party, action = seen.party, seen.action
        if party.role not in self._roles:
            return Outcome.EXPECTED
        share = self._share(party)
        if share is None:
            return self._violation(party, ViolationKind.UNEXPECTED, action, (), seen.time)
        step = self._rules.expected_step(party, share.state, action)
        if step is None and (outcome := self._came_late(party, share, action)) is not None:
            return outcome
        if step is None:
            step = self._rules.tolerated_step(party, share.state, action)
        if step is None:
            expected = share.state.expected
            kind = ViolationKind.UNEXPECTED if expected else ViolationKind.AFTER_END
            return self._violation(party, kind, action, expected, seen.time)
        if action.kind == "?":
            share.got[action] += 1
        self._abandon(share, step.abandoned)
        self._enter(share, step.state, seen.time)
        return step.outcome

    def elapse(self, time: float) -> list[Violation]:
        """Let deadlines pass that are due at this time or before; return those that were violated.

        A message at the very moment of its deadline is late.
        """
        found: list[Violation] = []
        for party, share in self._shares.items():
            while share.due and min(share.due.values()) <= time:
                key, due = min(share.due.items(), key=lambda item: item[1])
                violated = self._pass_deadline(party, share, key, due)
                if violated is not None:
                    found.append(violated)
        return found

    def finish(self, time: float = 0.0) -> list[Violation]:
        """Return who is not done although nothing more will come.

        Not those who only wait while the network may have lost what would have set them going.
        """
        found: list[Violation] = []
        for party in self._rules.parties:
            if party.role not in self._roles or (share := self._share(party)) is None:
                continue
            state = share.state
            if state.final or (self._has_lost and self._rules.waits_only(state)):
                continue
            kind = ViolationKind.UNFINISHED
            found.append(self._violation(party, kind, None, state.expected, time))
        return found

    @property
    def is_over(self) -> bool:
        """Whether nobody who is followed can do anything any more."""
        return all(
            (share := self._shares.get(party)) is not None and share.state.term is EMPTY
            for party in self._rules.parties
            if party.role in self._roles
        )

    @property
    def next_deadline(self) -> float | None:
        """When the next deadline is due; None if none runs."""
        return min(
            (due for share in self._shares.values() for due in share.due.values()), default=None
        )

    def expected(self, party: Party) -> tuple[Action, ...]:
        """Return what a party may do next, sorted."""
        share = self._share(party)
        return () if share is None else share.state.expected

    # -- steps

    def _share(self, party: Party) -> _Share | None:
        share = self._shares.get(party)
        if share is None:
            start = self._rules.start(party)
            if start is None:
                return None
            share = self._shares[party] = _Share(start)
        return share

    def _enter(self, share: _Share, state: Known, time: float) -> None:
        share.state = state
        deadlines = state.deadlines
        if deadlines or share.due:
            share.due = {
                each.key: share.due.get(each.key, time + each.seconds) for each in deadlines
            }

    def _abandon(self, share: _Share, parts: Iterable[Timed]) -> None:
        share.late += parts
        del share.late[:-LATE_PARTS]

    def _came_late(self, party: Party, share: _Share, action: Action) -> Outcome | None:
        """Look whether it is a copy, or part of what a deadline has ended."""
        peer = action.peer
        came_before = share.got[action] > 0
        if came_before and peer is not None:
            channels = self.protocol.channel(peer.role, party.role)
            if channels.may_duplicate:
                return Outcome.DUPLICATE
        for index, part in enumerate(share.late):
            if part.clock and not comes_in(action):
                continue  # who keeps the deadline knows that it has passed
            left = derive(part.body, action, reordering(lambda _: False), breaking_in=comes_in)
            if left is not NEVER:
                share.late[index] = replace(part, body=left)
                return Outcome.LATE
        return None

    def _pass_deadline(
        self, party: Party, share: _Share, key: Hashable, due: float
    ) -> Violation | None:
        state = share.state
        [passed] = [each for each in state.deadlines if each.key == key][:1]
        del share.due[key]
        if passed.otherwise is not None:
            self._abandon(share, [passed])
        self._enter(share, self._rules.known(party, expire(state.term, key)), due)
        if passed.otherwise is not None:
            return None
        return self._violation(party, ViolationKind.DEADLINE, None, state.expected, due)

    # -- loss

    def _count(self, seen: Observation) -> None:
        if self.protocol.channel(seen.sender.role, seen.receiver.role).may_lose:
            self._lost[seen.sender, seen.receiver, seen.message] += 1 if seen.side == "sent" else -1

    @property
    def _has_lost(self) -> bool:
        return any(count > 0 for count in self._lost.values())

    def _violation(
        self,
        party: Party,
        kind: ViolationKind,
        action: Action | None,
        expected: tuple[Action, ...],
        time: float,
    ) -> Violation:
        return Violation(self.protocol.name, party, kind, action, expected, time)
