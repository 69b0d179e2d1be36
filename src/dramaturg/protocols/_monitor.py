"""A protocol's monitor for live systems."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, final

from dramaturg.protocols._attached import AttachedMonitor
from dramaturg.protocols._borders import (
    FUNCTION,
    SECONDS,
    SYSTEM,
    at_least,
    check_options,
    instance,
    limited,
)
from dramaturg.protocols._cast import Players, checked_players
from dramaturg.protocols._protocol import Protocol
from dramaturg.protocols._role import Role
from dramaturg.protocols._seen import Seen, by_correlation

if TYPE_CHECKING:
    from dramaturg.actors import ActorSystem

__all__ = ["ConversationKey", "Monitor"]

_SHARE = limited(SECONDS, 1, "a share from 0 to 1")

ConversationKey: TypeAlias = Callable[[Seen], Hashable]


@final
@dataclass(frozen=True, init=False)
class Monitor:
    """Follows the conversations of live actors and reports what their protocol forbids.

    ::

        monitor = Monitor(two_phase_commit, {"coordinator": Coordinator, "participant": Account})
        system.events.subscribe(print, ProtocolViolated)
        with monitor.attach(system):
            ...

    It only looks on: no message is held up, changed or lost for it. It looks at messages of the
    protocol's types (and subclasses of these) that go from one player of a role to another; all
    others are none of its business. Replies to requests of these types count as messages from who
    answers to who asked. A lifecycle event among the protocol's types counts as a message from the
    actor that it is about to its parent.

    Attach it before the conversations begin: of those that are under way it sees the rest, and
    takes that for a beginning. Members of a role that has many are those that live when a
    conversation begins.

    :param protocol: the protocol.
    :param roles: who plays each role: an ``ActorRef``, several, an actor class, a function
        from a ref to bool that is asked once for each actor, or None for whoever is no actor.
    :param sample: which share of the conversations to follow; the choice depends on their
        keys alone.
    :param key: tells conversations apart; a message whose key is None is not looked at.
        Default: the correlation id. See :func:`by_request`, :func:`by_pair`.
    :param limit: how many conversations are remembered, those that are over included; the oldest
        are forgotten.
    :raises UnknownRoleError: for a role that the protocol does not have, or that has no players.
    :raises OptionError: for another option that cannot be.
    """

    protocol: Protocol
    players: Mapping[str, Players]
    sample: float
    key: ConversationKey
    limit: int

    def __init__(
        self,
        protocol: Protocol,
        roles: Mapping[str, Players] | Mapping[Role, Players],
        *,
        sample: float = 1.0,
        key: ConversationKey = by_correlation,
        limit: int = 10_000,
    ) -> None:
        check_options(
            protocol=(protocol, instance(Protocol, "a Protocol")),
            sample=(sample, _SHARE),
            key=(key, FUNCTION),
            limit=(limit, at_least(1)),
        )
        for name, value in (
            ("protocol", protocol),
            ("players", checked_players(protocol, roles)),
            ("sample", sample),
            ("key", key),
            ("limit", limit),
        ):
            object.__setattr__(self, name, value)

    def attach(self, system: ActorSystem) -> AttachedMonitor:
        """Begin to look at a running system; end it with :meth:`AttachedMonitor.detach`.

        :raises SystemStateError: if the system has not started.
        :raises OptionError: if it is no system.
        """
        check_options(system=(system, SYSTEM))
        return AttachedMonitor(self, system)

    def follows(self, key: Hashable) -> bool:
        """Tell whether the conversation of this key is among the sampled ones."""
        # By checksum, since hash() of a text differs from process to process.
        return self.sample >= 1 or zlib.crc32(repr(key).encode()) < self.sample * 2**32
