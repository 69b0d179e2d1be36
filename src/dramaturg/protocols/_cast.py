"""Which actors of a live system play which roles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias, cast

from dramaturg.actors import ActorRef, OptionError
from dramaturg.actors._cell import Cell
from dramaturg.protocols._borders import ACTOR_REF, ITERABLE, MAPPING, check_options
from dramaturg.protocols._expand import Members
from dramaturg.protocols._protocol import Protocol
from dramaturg.protocols._protocol_errors import UnknownRoleError
from dramaturg.protocols._role import Role

__all__ = ["Cast", "Players", "checked_players"]

Players: TypeAlias = (
    "ActorRef[Any] | type[Any] | Callable[[ActorRef[Any]], bool] | Iterable[ActorRef[Any]] | None"
)
"""Who plays a role: an actor, all of a class, those that a function says, several; or None for
whoever is no actor."""

REMEMBERED = 10_000
"""Actors; then all are looked at anew."""


def checked_players(
    protocol: Protocol, roles: Mapping[Any, Players], *, who: str = "Monitor"
) -> dict[str, Players]:
    """Check that each role has players; return them by the role's name.

    :param who: wants to know, for the text of an error.
    :raises UnknownRoleError: for a role that the protocol does not have, or that nobody plays.
    :raises OptionError: for players that cannot be.
    """
    check_options(roles=(roles, MAPPING))
    made: dict[str, Players] = {}
    for key, players in roles.items():
        name = key.name if isinstance(key, Role) else key
        role = protocol.role(name)
        if players is None and role.many:
            raise OptionError(
                option=f"roles[{name!r}]", value=None, expected="actors, since the role has many"
            )
        single = players is None or isinstance(players, ActorRef) or callable(players)
        made[name] = players if single else _several(name, players)
    for name in protocol.role_names:
        if name not in made:
            raise UnknownRoleError(
                part=f"{who}(roles=...)", role=name, known=tuple(made), declared=True
            )
    return made


def _several(role: str, players: Any) -> tuple[ActorRef[Any], ...]:
    refs: tuple[Any, ...] = tuple(players) if ITERABLE.fits(players) else ()
    if not refs or not all(map(ACTOR_REF.fits, refs)):
        raise OptionError(
            option=f"roles[{role!r}]",
            value=players,
            expected="an ActorRef or several, an actor class, a function of a ref, or None",
        )
    return refs


def _path_of(cell: Cell) -> str:
    return cell.path


class Cast:
    """The actors that play roles, as they come and go.

    :param name_of: tells actors apart; default by their paths.
    """

    def __init__(
        self,
        protocol: Protocol,
        players: Mapping[str, Players],
        name_of: Callable[[Cell], str] = _path_of,
    ) -> None:
        self._players = players
        self._name_of = name_of
        self._many = [role.name for role in protocol.roles if role.many]
        self._outside = tuple(name for name, each in players.items() if each is None)
        self._at: dict[str, tuple[str, ...]] = {}
        self._members: dict[str, dict[str, None]] = {name: {} for name in self._many}

    def admit(self, cell: Cell) -> bool:
        """Take note of a living actor; tell whether it plays a role."""
        if cell.parent is None:
            return False
        path = self._name_of(cell)
        roles = self._at.get(path)
        if roles is None:
            if len(self._at) >= REMEMBERED:
                self._at.clear()
            roles = self._at[path] = self._roles_of(cell)
        for role in roles:
            if role in self._members:
                self._members[role][path] = None
        return bool(roles)

    def dismiss(self, path: str) -> None:
        """Take note that an actor is gone; what it has sent may still come."""
        for members in self._members.values():
            members.pop(path, None)

    def roles_at(self, path: str | None) -> tuple[str, ...]:
        """Return the roles of the actor at a path."""
        return self._outside if path is None else self._at.get(path, ())

    def members(self) -> Members:
        """Return who plays the roles that have many, just now."""
        return {name: tuple(each) for name, each in self._members.items()}

    def _roles_of(self, cell: Cell) -> tuple[str, ...]:
        return tuple(name for name, each in self._players.items() if _plays(cell, each))


def _plays(cell: Cell, players: Players) -> bool:
    if players is None:
        return False
    if isinstance(players, type):
        return issubclass(cell.actor_class, players)
    if isinstance(players, ActorRef):
        return cell.ref == players
    if callable(players):
        return bool(players(cell.ref))
    return cell.ref in cast("tuple[ActorRef[Any], ...]", players)
