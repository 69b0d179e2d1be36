"""Which routee gets a message: frozen values that routers ask, and that know no router.

A logic holds no state of its own; what it has to remember is in the
:class:`RoutingState` that each router has. So one logic may serve many routers,
and a test can ask it without any.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, final

from dramaturg.actors._errors import OptionError
from dramaturg.actors._router_messages import check_count
from dramaturg.actors._router_ring import Ring, key_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from dramaturg.actors._ref import ActorRef
    from dramaturg.actors._router_ring import HashKey

__all__ = [
    "ConsistentHash",
    "LeastLoaded",
    "RandomChoice",
    "RoundRobin",
    "RoutingLogic",
    "RoutingState",
    "ToAll",
]


@final
class RoutingState:
    """What a router remembers for its logic.

    :param random: the only source of chance for a logic: the system's.
    """

    __slots__ = ("memo", "random", "routed")

    def __init__(self, random: Random) -> None:
        self.random = random
        self.routed = 0
        """How many messages the logic has had from this router before."""
        self.memo: Any = None
        """Whatever the logic derives from the routees; None again when those have changed."""

    def __repr__(self) -> str:
        return f"<RoutingState routed={self.routed} memo={self.memo!r}>"


class RoutingLogic(Protocol):
    """A way to choose; write your own as a frozen value with this method."""

    def choose(
        self, routees: tuple[ActorRef[Any], ...], message: Any, state: RoutingState
    ) -> Sequence[ActorRef[Any]]:
        """Return those that get the message, none if it cannot be routed.

        Runs in the router's turn, so it must not block. There is at least one
        routee. If it raises, the message is a dead letter (``UNROUTABLE``) and
        the router lives on. It may be asked again about a message, if it chose
        a routee that no longer takes messages: that one is missing then.
        """
        ...


@final
@dataclass(frozen=True, slots=True)
class RoundRobin:
    """Each in turn: n messages to n routees are one for each."""

    def choose(
        self,
        routees: tuple[ActorRef[Any], ...],
        message: Any,  # noqa: ARG002 - the protocol's
        state: RoutingState,
    ) -> Sequence[ActorRef[Any]]:
        return (routees[state.routed % len(routees)],)


@final
@dataclass(frozen=True, slots=True)
class RandomChoice:
    """One by chance, all alike; with the system's seed the same ones in each run."""

    def choose(
        self,
        routees: tuple[ActorRef[Any], ...],
        message: Any,  # noqa: ARG002 - the protocol's
        state: RoutingState,
    ) -> Sequence[ActorRef[Any]]:
        return (state.random.choice(routees),)


@final
@dataclass(frozen=True, slots=True)
class LeastLoaded:
    """The one with the fewest messages, those that wait and the one that it handles.

    Equals take turns. It looks at every routee for each message.
    """

    def choose(
        self,
        routees: tuple[ActorRef[Any], ...],
        message: Any,  # noqa: ARG002 - the protocol's
        state: RoutingState,
    ) -> Sequence[ActorRef[Any]]:
        turn = state.routed % len(routees)
        # `min` keeps to the first of equals.
        return (min(routees[turn:] + routees[:turn], key=_load),)


@final
@dataclass(frozen=True, slots=True)
class ConsistentHash:
    """The same routee for the same key, as long as the routees are the same.

    When routees come or go, only the keys that have to move do. What counts of
    a routee is its path: the choice is the same in every process and every run,
    and an actor that takes the path of another takes its keys.

    :param key: a function from a message to its key, a str, bytes, int or UUID.
        A message on which it raises is a dead letter (``UNROUTABLE``).
    :param virtual_nodes: points of each routee on the ring of hashes; more
        spread the keys more evenly. With 128, one routee has about a tenth
        more or fewer keys than another.
    :raises OptionError: if the key cannot be called, or for less than 1 point.
    """

    key: Callable[[Any], HashKey]
    virtual_nodes: int = 128

    def __post_init__(self) -> None:
        if not callable(self.key):
            raise OptionError(
                option="key", value=self.key, expected="a function from a message to its key"
            )
        check_count("virtual_nodes", self.virtual_nodes)

    def choose(
        self, routees: tuple[ActorRef[Any], ...], message: Any, state: RoutingState
    ) -> Sequence[ActorRef[Any]]:
        ring: Ring | None = state.memo
        if ring is None:
            ring = state.memo = Ring([ref.path for ref in routees], self.virtual_nodes)
        return (routees[ring.find(key_bytes(self.key(message)))],)


@final
@dataclass(frozen=True, slots=True)
class ToAll:
    """Every routee, as if each message came in a :class:`Broadcast`."""

    def choose(
        self,
        routees: tuple[ActorRef[Any], ...],
        message: Any,  # noqa: ARG002 - the protocol's
        state: RoutingState,  # noqa: ARG002 - the protocol's
    ) -> Sequence[ActorRef[Any]]:
        return routees


def _load(ref: ActorRef[Any]) -> int:
    cell = ref.cell
    return cell.depth + (cell.message is not None)
