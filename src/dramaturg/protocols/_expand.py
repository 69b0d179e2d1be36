"""From a declared order to terms: with the members of each role, for all or for one party."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

from dramaturg.protocols._order import (
    Choice,
    Each,
    Nothing,
    OneOf,
    Order,
    Parallel,
    Repeat,
    Send,
    Sequence,
    Within,
)
from dramaturg.protocols._role import Party, Role
from dramaturg.protocols._terms import EMPTY, Letter, Term, Timed, alt, loop, par, relabel, seq

__all__ = [
    "NO_MEMBERS",
    "Action",
    "Event",
    "Members",
    "action_of",
    "comes_in",
    "expand",
    "message_name",
    "project",
]

Members: TypeAlias = Mapping[str, tuple[str | None, ...]]
"""The members of each role that has many."""
NO_MEMBERS: Members = {}


class Event(NamedTuple):
    """One message, as everybody together sees it."""

    sender: Party
    receiver: Party
    message: type

    def __str__(self) -> str:
        return f"{self.sender} >> {self.receiver} @ {message_name(self.message)}"


class Action(NamedTuple):
    """What one party does or sees: it sends a message, receives one, or a deadline passes.

    ``peer`` and ``message`` are None for a deadline, ``seconds`` is None for a message.
    """

    kind: Literal["!", "?", "~"]
    peer: Party | None
    message: type | None
    seconds: float | None = None

    def __str__(self) -> str:
        if self.message is None:
            return f"after {self.seconds:g} s"
        way = "to" if self.kind == "!" else "from"
        return f"{self.kind}{way} {self.peer} {message_name(self.message)}"

    @property
    def order(self) -> tuple[Any, ...]:
        """What actions are sorted by: sends, receives, deadlines."""
        message = "" if self.message is None else f"{self.message.__module__}.{self}"
        return ("!?~".index(self.kind), str(self), message)


def message_name(message: type) -> str:
    """Return how a message type is called where people read it."""
    return message.__name__


def comes_in(letter: Any) -> bool:
    """Tell whether a letter is something that a party receives, so that it cannot help it."""
    return isinstance(letter, Action) and letter.kind == "?"


def expand(order: Order, members: Members, bound: Mapping[Role, str | None] | None = None) -> Term:
    """Make the term of an order, with a copy of each ``each`` and ``one_of`` for each member.

    :param bound: members that are fixed already, by the parts around this one.
    """
    return _Expansion(members).term(order, {} if bound is None else bound, ())


class _Expansion:
    def __init__(self, members: Members) -> None:
        self._members = members

    def term(  # noqa: C901, PLR0911 - one case for each kind of part
        self, order: Order, bound: Mapping[Role, str | None], path: tuple[Any, ...]
    ) -> Term:
        """``path`` leads to the part, and names its deadlines."""
        match order:
            case Nothing():
                return EMPTY
            case Send():
                return self._send(order, bound, path)
            case Sequence():
                return seq(*self._parts(order, bound, path))
            case Choice():
                return alt(self._parts(order, bound, path))
            case Parallel():
                return par(self._parts(order, bound, path))
            case Repeat(body=body, at_least=least, at_most=most):
                return loop(self.term(body, bound, (*path, 0)), least, most)
            case Each(role=role, body=body):
                return par(self._copies(role, body, bound, path))
            case OneOf(role=role, body=body):
                copies = self._copies(role, body, bound, path)
                return alt(copies) if copies else EMPTY
            case Within(seconds=seconds, body=body, otherwise=otherwise, clock=clock):
                instead = None
                if otherwise is not None:
                    instead = self.term(otherwise, bound, (*path, 1))
                inside = self.term(body, bound, (*path, 0))
                key = (path, None if clock is None else clock.name)
                return Timed(key, seconds, inside, instead, clock=True)
            case _:
                raise TypeError(order)

    def _parts(
        self, order: Order, bound: Mapping[Role, str | None], path: tuple[Any, ...]
    ) -> list[Term]:
        return [self.term(part, bound, (*path, n)) for n, part in enumerate(order.parts)]

    def _copies(
        self, role: Role, body: Order, bound: Mapping[Role, str | None], path: tuple[Any, ...]
    ) -> list[Term]:
        members = self._members.get(role.name, (None,))
        return [self.term(body, {**bound, role: each}, (*path, each)) for each in members]

    def _send(self, order: Send, bound: Mapping[Role, str | None], path: tuple[Any, ...]) -> Term:
        for role in (order.sender, order.receiver):
            if role.many and role not in bound:
                return par(self._copies(role, order, bound, path))
        sender = Party(order.sender.name, bound.get(order.sender))
        receiver = Party(order.receiver.name, bound.get(order.receiver))
        return Letter(Event(sender, receiver, order.message))


def action_of(event: Event, party: Party) -> Action | None:
    """Return what an event is for one party; None if it has no part in it."""
    if event.sender == party:
        return Action("!", event.receiver, event.message)
    if event.receiver == party:
        return Action("?", event.sender, event.message)
    return None


def project(term: Term, party: Party) -> Term:
    """Make one party's term: what it sends and receives, and nothing of the others."""

    def letter(event: Event) -> Term:
        action = action_of(event, party)
        return EMPTY if action is None else Letter(action)

    return relabel(term, letter, lambda key: key[1] is None or key[1] == party.role, comes_in)
