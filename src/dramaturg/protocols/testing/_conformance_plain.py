"""Conformance of plain actors: their messages, seen as a world sends and delivers them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from dramaturg.actors import OptionError
from dramaturg.protocols._conversation import Conversation
from dramaturg.protocols._protocol_errors import UnknownRoleError
from dramaturg.protocols._role import Party, Role
from dramaturg.protocols._seen import Seen
from dramaturg.protocols._violation import Observation, Violation

if TYPE_CHECKING:
    from dramaturg.protocols._monitor import ConversationKey
    from dramaturg.protocols._protocol import Protocol
    from dramaturg.protocols.testing._kernel import Step
    from dramaturg.protocols.testing._world import World

__all__ = ["PlainConformance", "one_conversation"]


def one_conversation(_: Seen) -> Hashable:
    """All messages of a run are of one conversation."""
    return ""


class PlainConformance:
    """Follows the conversations in one run of a world.

    :param excused: roles whose actors may crash.
    :raises UnknownRoleError: for a role that the protocol does not have, or nobody plays.
    :raises OptionError: for several players of a role that has one, or none of one that has many.
    """

    def __init__(
        self,
        world: World,
        protocol: Protocol,
        roles: Mapping[Any, str | Iterable[str]],
        key: ConversationKey,
        excused: frozenset[str],
    ) -> None:
        self._world = world
        self._protocol = protocol
        self._players = _checked(protocol, roles)
        self._key = key
        self._excused = {each for role in excused for each in self._players[role]}
        many = [role.name for role in protocol.roles if role.many]
        self._members = {name: self._players[name] for name in many}
        self._talks: dict[Hashable, Conversation] = {}
        self._parties: dict[Hashable, set[str]] = {}
        self._broken_off: set[Hashable] = set()
        self._steps_seen = -1
        self._seen = 0

    # -- the properties

    def look(self, _: object) -> None:
        """See what has happened since the last look; raise for the first violation."""
        world = self._world
        if self._steps_seen < 0:
            # What was sent before the run, or when it began, is no step's doing.
            self._steps_seen = 0
            for flight in tuple(world.flights.all.values()):
                self._observe("sent", flight.sender, flight.receiver, flight.message)
        steps = world.steps[self._steps_seen :]
        self._steps_seen += len(steps)
        for step in steps:
            self._see(step)

    def finish(self, view: object) -> None:
        """Raise for one who is not done."""
        self.look(view)
        for key, talk in self._talks.items():
            if key not in self._broken_off:
                now = self._world.now
                _fail([*talk.elapse(now), *talk.finish(now)])

    def has_seen(self, _: object) -> bool:
        """Tell whether there was anything to judge."""
        return self._seen > 0

    # -- what is seen

    def _see(self, step: Step) -> None:
        event = step.event
        if event.kind == "crash" and event.actor in self._excused:
            who = event.actor
            self._broken_off |= {key for key, ends in self._parties.items() if who in ends}
        if event.kind in {"deliver", "reorder"}:
            flight = event.payload
            self._observe("received", flight.sender, flight.receiver, flight.message)
        for sender, receiver, _, message in step.sent:
            self._observe("sent", sender, receiver, message)

    def _observe(
        self, side: Literal["sent", "received"], sender: str, receiver: str, message: object
    ) -> None:
        declared = self._protocol.messages
        cls = next((each for each in type(message).__mro__ if each in declared), None)
        ends = None if cls is None else self._ends(sender, receiver, cls)
        if cls is None or ends is None:
            return
        key = self._key(Seen(message, sender, receiver))
        if key is None or key in self._broken_off:
            return
        talk = self._talks.get(key)
        if talk is None:
            talk = self._talks[key] = Conversation(self._protocol, members=self._members)
        self._parties.setdefault(key, set()).update((sender, receiver))
        self._seen += 1
        now = self._world.now
        _fail(talk.elapse(now))
        seen = talk.observe(Observation(side, *ends, cls, time=now))
        if isinstance(seen, Violation):
            _fail([seen])

    def _ends(self, sender: str, receiver: str, message: type) -> tuple[Party, Party] | None:
        """Find who sends what to whom; if the actors play several roles, those that fit."""
        senders, receivers = tuple(self._roles_of(sender)), tuple(self._roles_of(receiver))
        if not senders or not receivers:
            return None
        role, other = senders[0], receivers[0]
        for send in self._protocol.sends:
            fits = send.sender.name in senders and send.receiver.name in receivers
            if fits and send.message is message:
                role, other = send.sender.name, send.receiver.name
                break
        return self._party(role, sender), self._party(other, receiver)

    def _roles_of(self, name: str) -> Iterator[str]:
        return (role for role, names in self._players.items() if name in names)

    def _party(self, role: str, name: str) -> Party:
        return Party(role, name if role in self._members else None)


def _fail(violations: Iterable[Violation]) -> None:
    for each in violations:
        raise AssertionError(str(each).partition(": ")[2])


def _checked(
    protocol: Protocol, roles: Mapping[Any, str | Iterable[str]]
) -> dict[str, tuple[str, ...]]:
    made: dict[str, tuple[str, ...]] = {}
    for given, names in roles.items():
        role = protocol.role(given.name if isinstance(given, Role) else given)
        several = names if isinstance(names, Iterable) else ()
        made[role.name] = players = (names,) if isinstance(names, str) else tuple(several)
        if (
            not players
            or not all(isinstance(each, str) and each for each in players)
            or (len(players) > 1 and not role.many)
        ):
            expected = "at least one name" if role.many else "one name"
            raise OptionError(option=f"roles[{role.name!r}]", value=names, expected=expected)
    for name in protocol.role_names:
        if name not in made:
            raise UnknownRoleError(
                part="conforms(roles=...)", role=name, known=tuple(made), declared=True
            )
    return made
