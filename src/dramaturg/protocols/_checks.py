"""What is looked at when a protocol is declared.

First what stands in the order itself: roles, repetitions, parts side by side. Then each choice and
each repetition, which is a choice between one more round and what follows. A role that does the
same in all branches need not know of the choice. Among the others exactly one has to choose: it
is the one that has been told nothing and sends in one branch what it may not send in the other. All
others have to see by what they receive which branch was chosen, before they act differently.

These checks find mistakes and name them. Whether the order can really be kept by its roles alone is
then proved by ``_enforce``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence as Many
from itertools import combinations
from typing import TypeAlias

from dramaturg.protocols._expand import Event, Members, expand, message_name, project
from dramaturg.protocols._order import (
    NOTHING,
    Choice,
    Each,
    OneOf,
    Order,
    Parallel,
    Repeat,
    Send,
    Sequence,
    Within,
    sequence,
)
from dramaturg.protocols._protocol_errors import (
    AmbiguousMessageError,
    ChoiceError,
    DuplicateRoleError,
    EmptyRepetitionError,
    EndUnseenError,
    ProtocolError,
    SelfMessageError,
    UnknownRoleError,
    UnreachableError,
)
from dramaturg.protocols._role import Party, Role
from dramaturg.protocols._tell_apart import Difference, differences
from dramaturg.protocols._terms import Term, letters, nullable

__all__ = ["check_order", "check_roles", "parties_of", "sample_members"]

Bound: TypeAlias = Mapping[Role, str | None]


def sample_members(roles: Iterable[Role]) -> dict[str, tuple[str | None, ...]]:
    """Return two members for each role that has many: enough to show what is wrong with many."""
    return {role.name: ("1", "2") for role in roles if role.many}


def parties_of(roles: Iterable[Role], members: Members) -> list[Party]:
    """List everybody who takes part."""
    return [
        Party(role.name, member)
        for role in roles
        for member in (members.get(role.name, (None,)) if role.many else (None,))
    ]


# -- roles and messages ----------------------------------------------------------------------


def check_roles(name: str, roles: Many[Role], order: Order) -> None:
    """Check that the roles are those that the order uses, and that messages have two ends.

    :raises ProtocolError: one of the errors of its module.
    """
    names = tuple(role.name for role in roles)
    for role in roles:
        if names.count(role.name) > 1:
            raise DuplicateRoleError(part=name, role=role.name)
    used: set[Role] = set()
    for part in order.walk():
        for role in _roles_in(part):
            if role not in roles:
                raise UnknownRoleError(part=str(part), role=role.name, known=names)
            used.add(role)
        if isinstance(part, Send) and part.sender == part.receiver:
            raise SelfMessageError(part=str(part), role=part.sender.name)
    for role in roles:
        if role not in used:
            raise UnreachableError(part=f"role {role.name}", why="no message names it")


def _roles_in(part: Order) -> tuple[Role, ...]:
    match part:
        case Send():
            return (part.sender, part.receiver)
        case Within(clock=Role() as clock):
            return (clock,)
        case Each() | OneOf():
            return (part.role,)
        case _:
            return ()


# -- parts -----------------------------------------------------------------------------------


def check_order(roles: Many[Role], order: Order) -> None:
    """Check every part of an order.

    :raises ProtocolError: one of the errors of its module.
    """
    _Checker(roles).check(order, NOTHING, {})


class _Checker:
    def __init__(self, roles: Many[Role]) -> None:
        self._roles = roles
        self._members = sample_members(roles)

    def check(self, order: Order, follow: Order, bound: Bound) -> None:  # noqa: C901 - one case a kind
        """Check a part; ``follow`` is what comes after it."""
        match order:
            case Sequence(steps=steps):
                for index, step in enumerate(steps):
                    self.check(step, sequence(*steps[index + 1 :], follow), bound)
            case Choice(branches=branches):
                self._check_choice(order, branches, follow, bound)
            case Parallel(strands=strands):
                self._check_strands(order, [self._events(each, bound) for each in strands])
                for strand in strands:
                    self.check(strand, follow, bound)
            case Repeat():
                self._check_repeat(order, follow, bound)
            case Each(role=role, body=body):
                self._check_bound(order, role, bound)
                self.check(body, follow, {**bound, role: "1"})
                copies = [self._events(body, {**bound, role: each}) for each in ("1", "2")]
                self._check_strands(order, copies)
            case OneOf(role=role, body=body):
                self._check_bound(order, role, bound)
                terms = [self._term(sequence(body, follow), {**bound, role: each}) for each in "12"]
                # Both members are told, or one is and the other waits: nobody else may choose.
                self._compare(order, terms, among=role)
                self.check(body, follow, {**bound, role: "1"})
            case Within(body=body, otherwise=otherwise):
                self.check(body, follow, bound)
                if otherwise is not None:
                    if body == NOTHING:
                        raise UnreachableError(part=str(otherwise), why="nothing cannot be late")
                    self.check(otherwise, follow, bound)
            case _:
                pass

    def _term(self, order: Order, bound: Bound) -> Term:
        return expand(order, self._members, bound)

    def _events(self, order: Order, bound: Bound) -> set[Event]:
        return set(letters(self._term(order, bound)))

    def _check_bound(self, order: Order, role: Role, bound: Bound) -> None:
        if role in bound:
            raise DuplicateRoleError(part=str(order), role=role.name)

    def _check_strands(self, order: Order, strands: list[set[Event]]) -> None:
        for one, other in combinations(strands, 2):
            for event in sorted(one & other, key=str):
                raise AmbiguousMessageError(
                    part=str(order),
                    sender=event.sender.role,
                    receiver=event.receiver.role,
                    message=message_name(event.message),
                )

    # -- choices

    def _check_choice(
        self, order: Choice, branches: Many[Order], follow: Order, bound: Bound
    ) -> None:
        for index, branch in enumerate(branches):
            if branch in branches[:index]:
                raise UnreachableError(part=str(branch), why="another branch is the same")
        self._compare(order, [self._term(sequence(each, follow), bound) for each in branches])
        for branch in branches:
            self.check(branch, follow, bound)

    def _check_repeat(self, order: Repeat, follow: Order, bound: Bound) -> None:
        body = order.body
        if order.at_most == 0:
            raise UnreachableError(part=str(body), why="it is repeated 0 times")
        if nullable(self._term(body, bound)):
            raise EmptyRepetitionError(part=str(order))
        again = Repeat(body)
        if order.at_least != order.at_most:
            one_more = self._term(sequence(body, again, follow), bound)
            self._compare(order, [one_more, self._term(follow, bound)])
        more_than_one = order.at_most is None or order.at_most > 1
        self.check(body, sequence(again, follow) if more_than_one else follow, bound)

    def _compare(self, order: Order, branches: list[Term], *, among: Role | None = None) -> None:
        """Check that all roles can follow, whichever of the branches is taken."""
        deciders: set[Party] = set()
        lost: list[ProtocolError] = []
        for party in parties_of(self._roles, self._members):
            serves = self._serves(party.role)
            for one, other in combinations(branches, 2):
                for each in differences(project(one, party), project(other, party)):
                    if each.sends and each.is_own and not each.receives:
                        deciders.add(party)
                    else:
                        problem = _problem(order, party.role, each, serves=serves)
                        if problem is not None:
                            lost.append(problem)
        if among is not None and any(each.role == among.name for each in deciders):
            problem_text = f"the members of {among.name!r} cannot know which of them is meant"
            raise ChoiceError(part=str(order), roles=(among.name,), problem=problem_text)
        if len(deciders) > 1:
            raise _several(order, deciders)
        for error in _worst_first(lost):
            raise error

    def _serves(self, name: str) -> bool:
        return any(role.name == name and role.serves for role in self._roles)


def _several(order: Order, deciders: set[Party]) -> ProtocolError:
    names = tuple(sorted({each.role for each in deciders}))
    if isinstance(order, Repeat):
        return EndUnseenError(part=str(order), role=names[-1])
    who = " and ".join(names)
    if len(names) == 1:
        who = f"the members of {who}"
    problem = f"{who} choose at the same time: let one send first in every branch"
    return ChoiceError(part=str(order), roles=names, problem=problem)


def _problem(
    order: Order, role: str, difference: Difference, *, serves: bool
) -> ProtocolError | None:
    known = ", ".join(map(str, difference.before)) or "nothing"
    which = ", ".join(sorted(map(str, difference.only_one)))
    if difference.sends and difference.receives:
        problem = f"{role!r} may send or receive at the same time ({which}): a mixed choice"
        return ChoiceError(part=str(order), roles=(role,), problem=problem)
    if difference.sends:
        problem = f"{role!r} knows of {known} and cannot see whether to send {which}"
        return ChoiceError(part=str(order), roles=(role,), problem=problem)
    if difference.ends and not serves:
        return EndUnseenError(part=str(order), role=role)
    return None


def _worst_first(errors: list[ProtocolError]) -> Iterator[ProtocolError]:
    yield from (each for each in errors if isinstance(each, ChoiceError))
    yield from errors
