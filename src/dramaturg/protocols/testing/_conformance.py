"""Conformance: what a run does, held against a declared protocol."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, overload

from dramaturg.protocols._borders import FUNCTION, MAPPING, Kind, instance, is_several, optional
from dramaturg.protocols._cast import checked_players
from dramaturg.protocols._role import Role
from dramaturg.protocols._seen import by_correlation
from dramaturg.protocols.testing._borders import check_given, check_kinds
from dramaturg.protocols.testing._conformance_plain import PlainConformance, one_conversation
from dramaturg.protocols.testing._conformance_systems import SystemConformance
from dramaturg.protocols.testing._simulation import Simulation
from dramaturg.protocols.testing._world import World

if TYPE_CHECKING:
    from dramaturg.protocols._cast import Players
    from dramaturg.protocols._monitor import ConversationKey
    from dramaturg.protocols._protocol import Protocol

__all__ = ["conforms"]


def _are_roles(value: object) -> bool:
    return is_several(value) and all(isinstance(each, str | Role) for each in value)


_WHERE = instance((Simulation, World), "a Simulation or a World")
_SEVERAL = Kind(_are_roles, "a list or tuple of roles, or of their names")


@overload
def conforms(
    where: Simulation,
    protocol: Protocol,
    roles: Mapping[str, Players] | Mapping[Role, Players],
    *,
    key: ConversationKey | None = None,
    may_crash: Collection[str | Role] = (),
    finishes: bool = True,
) -> None: ...
@overload
def conforms(
    where: World,
    protocol: Protocol,
    roles: Mapping[str, str | Iterable[str]] | Mapping[Role, str | Iterable[str]],
    *,
    key: ConversationKey | None = None,
    may_crash: Collection[str | Role] = (),
    finishes: bool = True,
) -> None: ...
def conforms(
    where: Simulation | World,
    protocol: Protocol,
    roles: Any,
    *,
    key: ConversationKey | None = None,
    may_crash: Collection[str | Role] = (),
    finishes: bool = True,
) -> None:
    """Declare that the actors keep to a protocol, in each run.

    ::

        async def scenario(sim: Simulation) -> None:
            conforms(sim, two_phase_commit, {"coordinator": Coordinator, "participant": Account})
            ...

    It is a property, "conforms to two_phase_commit": it fails at the first message that the
    protocol forbids, or when all is at rest and somebody is not done. What the network may do is
    declared with the protocol's channels. That messages of the protocol are seen at all is
    declared too, by a ``sometimes``.

    Declare it before messages are sent. What is looked at, and who plays which role, is as for
    :class:`Monitor`; in a world of plain actors roles are played by names, and messages are
    looked at if they are instances of the declared types. Of a simulation all nodes are looked
    at, also those that are yet to start: a role may be played by ``sim.ref("bank/ledger")``,
    and by the same actor again after its node has crashed and come back. What goes between nodes
    is sent at the one and received at the other. Deadlines go by the time of the simulation.

    :param roles: who plays each role.
    :param key: tells conversations apart; default in a simulation the correlation id, and in a
        world one conversation for the whole run.
    :param may_crash: roles whose actors may crash in the middle of a conversation: from then on
        those that they take part in are not judged. Others may not, and what is left undone
        after a crash is a failure.
    :param finishes: whether everybody has to be done in the end.
    :raises UnknownRoleError: for a role that the protocol does not have, or nobody plays.
    :raises OptionError: for players that cannot be.
    :raises ScenarioError: if the protocol is declared already, and for what is no simulation, no
        protocol or no option.
    """
    check_kinds(where=(where, _WHERE), roles=(roles, MAPPING), key=(key, optional(FUNCTION)))
    check_kinds(may_crash=(may_crash, _SEVERAL))
    check_given(protocol=protocol, finishes=finishes)
    excused = frozenset(
        protocol.role(each.name if isinstance(each, Role) else each).name for each in may_crash
    )
    followed: PlainConformance | SystemConformance
    if isinstance(where, World):
        followed = PlainConformance(where, protocol, roles, key or one_conversation, excused)
    else:
        checked_players(protocol, roles, who="conforms")
        followed = SystemConformance(where, protocol, roles, key or by_correlation, excused)
    finish = followed.finish if finishes else None
    _declare(where, protocol, followed.look, finish, followed.has_seen)


def _declare(
    where: Simulation | World,
    protocol: Protocol,
    look: Callable[[Any], None],
    finish: Callable[[Any], None] | None,
    has_seen: Callable[[Any], bool],
) -> None:
    name = f"conforms to {protocol.name}"
    where.always(look, name)
    if finish is not None:
        where.at_rest(finish, name)
    where.sometimes(has_seen, f"has messages of {protocol.name}")
