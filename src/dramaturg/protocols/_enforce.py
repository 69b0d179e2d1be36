"""Proof that the roles together keep the order, each by its own share of it.

All parties' shares are run side by side: a message is possible when its sender may
send it and its receiver may receive it. Whatever becomes possible has to be allowed by
the whole order, up to the order of messages that have no party in common; when everybody is done
the order has to be over; and they may not wait for each other for ever. With two
members of each role that has many, and without what comes after deadlines.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from dramaturg.protocols._checks import parties_of, sample_members
from dramaturg.protocols._derivatives import derive, reordering
from dramaturg.protocols._expand import Action, Event, Members, action_of, expand, project
from dramaturg.protocols._order import Order
from dramaturg.protocols._protocol_errors import UnenforceableOrderError
from dramaturg.protocols._role import Party, Role
from dramaturg.protocols._terms import NEVER, Over, Term, first, nullable, without_deadlines

__all__ = ["Together", "check_enforceable", "independent"]

LIMIT = 1_000
"""States looked at: orders that are larger are trusted beyond that. Mistakes show early."""


def independent(event: Event) -> Over:
    """Make the rule by which an event overtakes those that it shares no party with."""
    ends = {event.sender, event.receiver}
    return reordering(lambda other: bool(ends & {other.sender, other.receiver}))


class Together:
    """All parties side by side, each with its own share."""

    __slots__ = ("_parties", "start")

    def __init__(self, roles: Sequence[Role], whole: Term, members: Members) -> None:
        self._parties = parties_of(roles, members)
        self.start = tuple(project(whole, party) for party in self._parties)

    def events(self, state: tuple[Term, ...]) -> Iterator[tuple[Event, tuple[Term, ...]]]:
        """Yield the messages that two parties agree on, and what is left after each, sorted."""
        nexts: list[set[Action]] = [first(each) for each in state]
        for index, sender in enumerate(self._parties):
            for action in sorted(nexts[index], key=lambda each: each.order):
                if action.kind != "!" or action.peer is None or action.message is None:
                    continue
                event = Event(sender, action.peer, action.message)
                receiver = self._parties.index(action.peer)
                received = action_of(event, action.peer)
                if received not in nexts[receiver]:
                    continue
                after = list(state)
                after[index] = derive(state[index], action)
                after[receiver] = derive(state[receiver], received)
                yield event, tuple(after)

    def waiting(self, state: tuple[Term, ...]) -> list[Party]:
        """List who may not be done yet."""
        return [
            party for party, each in zip(self._parties, state, strict=True) if not nullable(each)
        ]


def check_enforceable(roles: Sequence[Role], order: Order) -> None:
    """Run all shares side by side, and compare with the whole.

    :raises UnenforceableOrderError: with the shortest conversation that shows it.
    """
    members = sample_members(roles)
    whole = without_deadlines(expand(order, members))
    together = Together(roles, whole, members)
    seen = {(together.start, whole)}
    queue: deque[tuple[tuple[Term, ...], Term, tuple[Event, ...]]] = deque()
    queue.append((together.start, whole, ()))
    while queue and len(seen) < LIMIT:
        state, left, trace = queue.popleft()
        stuck = True
        for event, after in together.events(state):
            stuck = False
            rest = derive(left, event, independent(event))
            if rest is NEVER:
                problem = f"nothing keeps {event} from coming now, which the order forbids"
                raise _error(order, trace, event, problem)
            if (after, rest) not in seen:
                seen.add((after, rest))
                queue.append((after, rest, (*trace, event)))
        waiting = together.waiting(state)
        if stuck and waiting:
            names = ", ".join(map(str, waiting))
            raise _error(order, trace, None, f"{names} would wait for ever")
        if not waiting and not nullable(left):
            raise _error(order, trace, None, "everybody may be done, and the order is not over")


def _error(
    order: Order, trace: tuple[Event, ...], event: Event | None, problem: str
) -> UnenforceableOrderError:
    return UnenforceableOrderError(
        part=str(order),
        trace=tuple(map(str, trace)),
        event=None if event is None else str(event),
        problem=problem,
    )
