"""A protocol: who talks to whom, in which order, over which channels.

A protocol is a plain value, not a class with roles and messages for attributes. So an order can be
kept in a variable, passed to a function that retries it, compared, hashed and put into another
order, from the first moment on; a class body could name its roles only after they have been used.
The price is that a role's name is written twice::

    coordinator, participant = Role("coordinator"), Role("participant", many=True)

    two_phase_commit = Protocol(
        "two_phase_commit",
        roles=(coordinator, participant),
        order=sequence(
            coordinator >> participant @ Prepare,
            participant >> coordinator @ Vote,
            (coordinator >> participant @ Commit) | (coordinator >> participant @ Abort),
        ),
    )
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, TypeAlias, TypeGuard, final

from dramaturg.protocols._automaton import Automaton, automaton_of
from dramaturg.protocols._borders import (
    MAPPING,
    TEXT,
    Kind,
    at_least,
    check_declared,
    instance,
    is_list,
    optional,
    several,
    shown,
)
from dramaturg.protocols._channels import RELIABLE, Channels
from dramaturg.protocols._checks import check_order, check_roles
from dramaturg.protocols._enforce import check_enforceable
from dramaturg.protocols._expand import Members, expand, project
from dramaturg.protocols._order import Order, Send
from dramaturg.protocols._protocol_errors import ProtocolError, UnknownRoleError
from dramaturg.protocols._role import Party, Role
from dramaturg.protocols._terms import Term

__all__ = ["MemberNames", "Protocol"]

MemberNames: TypeAlias = Mapping[str, int | Iterable[str | None]]
"""The members of roles that have many: their names, or how many they are ("1", "2", ...)."""


@final
@dataclass(frozen=True, slots=True)
class Protocol:
    """A declared protocol, checked when it is made.

    :param name: what it is called in reports.
    :param roles: all that take part.
    :param order: the legal order of messages.
    :param channels: what all channels promise; default those of one process.
    :param exceptions: channels that promise something else: ``((sender, receiver, channels),)``.
    :param about: a sentence for its page.
    :raises ProtocolError: for what is no name, role, order or channels at all.
    :raises UnknownRoleError: for a role in the order that is not declared.
    :raises DuplicateRoleError: for two roles of one name.
    :raises SelfMessageError: for a message to oneself.
    :raises UnreachableError: for a part or a role that can never come.
    :raises EmptyRepetitionError: for a repetition of what may be nothing.
    :raises ChoiceError: for a choice that not everybody can follow.
    :raises EndUnseenError: for a role that cannot know when it is done.
    :raises AmbiguousMessageError: for the same message on one channel in parts side by side.
    :raises UnenforceableOrderError: for an order that its roles cannot keep by themselves.
    """

    name: str
    _: KW_ONLY
    roles: tuple[Role, ...]
    order: Order
    channels: Channels = RELIABLE
    exceptions: tuple[tuple[Role, Role, Channels], ...] = ()
    about: str = ""

    def __post_init__(self) -> None:
        check_declared(f"Protocol({shown(self.name)})", name=(self.name, TEXT))
        for field in ("roles", "exceptions"):
            value = getattr(self, field)
            object.__setattr__(self, field, tuple(value) if _is_several(value) else value)
        check_declared(
            self.name,
            roles=(self.roles, _ROLES),
            order=(self.order, _ORDER),
            channels=(self.channels, _CHANNELS),
            exceptions=(self.exceptions, _EXCEPTIONS),
            about=(self.about, instance(str, "a text")),
        )
        check_roles(self.name, self.roles, self.order)
        for sender, receiver, _channels in self.exceptions:
            for each in (sender, receiver):
                if each not in self.roles:
                    raise UnknownRoleError(
                        part=f"{self.name}.exceptions", role=each.name, known=self.role_names
                    )
        check_order(self.roles, self.order)
        check_enforceable(self.roles, self.order)

    # -- what is in it

    @property
    def role_names(self) -> tuple[str, ...]:
        """The names of the roles, as declared."""
        return tuple(role.name for role in self.roles)

    @property
    def sends(self) -> tuple[Send, ...]:
        """Each message with its sender and receiver, once, in the order of the declaration."""
        return tuple(dict.fromkeys(each for each in self.order.walk() if isinstance(each, Send)))

    @property
    def messages(self) -> tuple[type, ...]:
        """The message types, each once, in the order of the declaration."""
        return tuple(dict.fromkeys(each.message for each in self.sends))

    def role(self, name: str) -> Role:
        """Return the role of a name.

        :raises UnknownRoleError: if there is none.
        """
        for role in self.roles:
            if role.name == name:
                return role
        raise UnknownRoleError(part=self.name, role=name, known=self.role_names)

    def channel(self, sender: str, receiver: str) -> Channels:
        """Return what the channel from one role to another promises."""
        for each in self.exceptions:
            if (each[0].name, each[1].name) == (sender, receiver):
                return each[2]
        return self.channels

    # -- what it means

    def term(self, members: MemberNames | None = None) -> Term:
        """Return the order as a term over events; for ``derive`` and its like."""
        return expand(self.order, self.members(members))

    def members(self, given: MemberNames | None = None) -> Members:
        """Return the names of the members of all roles that have many; default one without name.

        :raises UnknownRoleError: for a role that is not declared.
        :raises ProtocolError: for members of a role that has one only, and for what is neither
            their number nor their names.
        """
        made: dict[str, tuple[str | None, ...]] = {}
        check_declared(self.name, members=(given, optional(MAPPING)))
        asked: MemberNames = {} if given is None else given
        for name, value in asked.items():
            if not self.role(name).many:
                raise ProtocolError(part=f"{self.name}: {name}", problem="has one member only")
            named = tuple(value) if _is_several(value) else value
            check_declared(f"{self.name}: {name}", members=(named, _MEMBERS))
            made[name] = tuple(map(str, range(1, named + 1) if isinstance(named, int) else named))
        return {r.name: made.get(r.name, (None,)) for r in self.roles if r.many}

    def project(
        self, role: Role | str, *, member: str | None = None, members: MemberNames | None = None
    ) -> Automaton:
        """Return one party's share as a deterministic automaton, as small as possible.

        :param role: whose.
        :param member: which member, of a role that has many; the default stands for any.
        :param members: with how many members the other roles are; default one that stands
            for any.
        :raises UnknownRoleError: for a role that is not declared.
        :raises ProtocolError: for a member of a role that has one only.
        :raises TooLargeError: for more than 10,000 states.
        """
        name = role.name if isinstance(role, Role) else role
        declared = self.role(name)
        check_declared(f"{self.name}: {name}", member=(member, optional(TEXT)))
        if member is not None and not declared.many:
            raise ProtocolError(part=f"{self.name}: {name}", problem="has one member only")
        known = dict(self.members(members))
        if declared.many and member not in known[name]:
            known[name] = (member,)
        party = Party(name, member if declared.many else None)
        term = project(expand(self.order, known), party)
        return automaton_of(term, party, part=f"{self.name}: {party}")

    def __str__(self) -> str:
        return f"{self.name}: {self.order}"


def _is_several(value: object) -> TypeGuard[Iterable[Any]]:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes)


def _is_exception(value: Any) -> bool:
    if not is_list(value) or len(value) != len(_EXCEPTION):
        return False
    return all(map(isinstance, value, _EXCEPTION))


def _is_members(value: Any) -> bool:
    if not is_list(value):
        return at_least(0).fits(value)
    return all(isinstance(each, str | None) for each in value) and len({*value}) == len(value)


_EXCEPTION = (Role, Role, Channels)
_CHANNELS = instance(Channels, "Channels(...)")
_ORDER = instance(Order, "an order, made of messages such as a >> b @ Ask")
_ROLES = several(
    instance(Role, "a Role"), 'a tuple of roles, such as (Role("client"), Role("server"))'
)
_EXCEPTIONS = several(Kind(_is_exception, ""), "((sender, receiver, Channels(...)),)")
_MEMBERS = Kind(_is_members, "how many, or a list of different names")
