"""Conformance: what a run does, held against a declared protocol."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, overload

from dramaturg.actors import ActorFailed, ActorRestarted, IncarnationEnded
from dramaturg.protocols._monitor import ConversationKey, Monitor
from dramaturg.protocols._protocol_events import ProtocolViolated
from dramaturg.protocols._role import Role
from dramaturg.protocols._seen import Seen, by_correlation
from dramaturg.protocols.testing._conformance_plain import PlainConformance, one_conversation
from dramaturg.protocols.testing._world import World

if TYPE_CHECKING:
    from dramaturg.protocols._cast import Players
    from dramaturg.protocols._protocol import Protocol
    from dramaturg.protocols.testing._simulation import Simulation

__all__ = ["conforms"]


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
    looked at if they are instances of the declared types.

    :param roles: who plays each role.
    :param key: tells conversations apart; default in a simulation the correlation id, and in a
        world one conversation for the whole run.
    :param may_crash: roles whose actors may crash in the middle of a conversation: from then on
        those that they take part in are not judged. Others may not, and what is left undone
        after a crash is a failure.
    :param finishes: whether everybody has to be done in the end.
    :raises UnknownRoleError: for a role that the protocol does not have, or nobody plays.
    :raises OptionError: for players that cannot be.
    :raises ScenarioError: if the protocol is declared already.
    """
    excused = frozenset(
        protocol.role(each.name if isinstance(each, Role) else each).name for each in may_crash
    )
    if isinstance(where, World):
        plain = PlainConformance(where, protocol, roles, key or one_conversation, excused)
        _declare(where, protocol, plain.look, plain.finish if finishes else None, plain.has_seen)
        return
    attached = _Attached(where, protocol, roles, key or by_correlation, excused)
    _declare(
        where, protocol, attached.look, attached.finish if finishes else None, attached.has_seen
    )


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


class _Attached:
    """A monitor in a simulation, and what it has found."""

    def __init__(
        self,
        sim: Simulation,
        protocol: Protocol,
        roles: Mapping[str, Players] | Mapping[Role, Players],
        key: ConversationKey,
        excused: frozenset[str],
    ) -> None:
        self._key = key
        self._excused = excused
        self._found: list[ProtocolViolated] = []
        self._parties: dict[Hashable, set[str]] = {}
        self._broken_off: set[Hashable] = set()
        monitor = Monitor(protocol, roles, key=self._key_of)
        events = sim.system.events
        events.subscribe(self._found.append, ProtocolViolated)
        if excused:
            events.subscribe(self._ended, ActorFailed, ActorRestarted, IncarnationEnded)
        self._monitor = monitor.attach(sim.system)

    def _key_of(self, seen: Seen) -> Hashable:
        key = self._key(seen)
        if key is None or key in self._broken_off:
            return None
        ends = {each for each in (seen.sender, seen.receiver) if each is not None}
        self._parties.setdefault(key, set()).update(ends)
        return key

    def _ended(self, event: ActorFailed | ActorRestarted | IncarnationEnded) -> None:
        """Give up the conversations of one that may crash, and has."""
        if isinstance(event, IncarnationEnded) and event.reason.is_clean:
            return
        path = event.path
        if self._excused.intersection(self._monitor.roles_at(path)):
            self._broken_off |= {key for key, ends in self._parties.items() if path in ends}

    def look(self, _: object) -> None:
        """Raise for the first violation."""
        broken_off = set(map(str, self._broken_off))
        for each in self._found:
            if each.conversation not in broken_off:
                raise AssertionError(_said(each))

    def finish(self, view: object) -> None:
        """Raise for one who is not done."""
        self._monitor.finish()
        self.look(view)

    def has_seen(self, _: object) -> bool:
        """Tell whether there was anything to judge."""
        return self._monitor.statistics().observations > 0


def _said(event: ProtocolViolated) -> str:
    what = event.kind if event.action is None else f"{event.kind} {event.action}"
    expected = " or ".join(event.expected) or "nothing"
    return f"{event.role} {event.path}: {what}; expected {expected}"
