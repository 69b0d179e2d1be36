"""In which order the agents of a route are asked: frozen values, and the routers' own logics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, final, runtime_checkable

from dramaturg.actors import RoutingLogic

if TYPE_CHECKING:
    from dramaturg.protocols._delegator_figures import AgentFigures

__all__ = ["AgentChoice", "AgentLogic", "BestSuccessRate", "InOrder", "LeastInFlight", "is_choice"]


@runtime_checkable
class AgentLogic(Protocol):
    """A way to rank agents; write your own as a frozen value with this method."""

    def rank(
        self, agents: tuple[AgentFigures, ...], task: Any, turn: int
    ) -> Sequence[AgentFigures]:
        """Return agents, the one first that is to be asked first; who is left out is not asked.

        Runs in the delegator's turn, so it must not block. If it raises, the task is refused.

        :param turn: how many tasks the route has had before.
        """
        ...


AgentChoice: TypeAlias = AgentLogic | RoutingLogic
"""How a route chooses: :class:`InOrder`, :class:`BestSuccessRate`, :class:`LeastInFlight`, or a
logic of routers (``RoundRobin``, ``LeastLoaded``, ``ConsistentHash``...), which chooses who is
asked first; the others follow in the order in which they are declared."""


@final
@dataclass(frozen=True, slots=True)
class InOrder:
    """As they are declared: the first has all the work, as long as it does not fail."""

    def rank(
        self,
        agents: tuple[AgentFigures, ...],
        task: Any,  # noqa: ARG002 - the protocol's
        turn: int,  # noqa: ARG002 - the protocol's
    ) -> Sequence[AgentFigures]:
        """Return all as they are."""
        return agents


@final
@dataclass(frozen=True, slots=True)
class BestSuccessRate:
    """By recent success, the best first; of equals the one with the fewest tasks in flight.

    Whoever fails is asked when the others fail, too, and so has its chance to recover.
    """

    def rank(
        self,
        agents: tuple[AgentFigures, ...],
        task: Any,  # noqa: ARG002 - the protocol's
        turn: int,
    ) -> Sequence[AgentFigures]:
        """Return all, sorted."""
        return sorted(_from(agents, turn), key=lambda each: (-each.recent_success, each.in_flight))


@final
@dataclass(frozen=True, slots=True)
class LeastInFlight:
    """By the tasks that this delegator has given them, the fewest first; equals take turns."""

    def rank(
        self,
        agents: tuple[AgentFigures, ...],
        task: Any,  # noqa: ARG002 - the protocol's
        turn: int,
    ) -> Sequence[AgentFigures]:
        """Return all, sorted."""
        return sorted(_from(agents, turn), key=lambda each: each.in_flight)


def _from(agents: tuple[AgentFigures, ...], turn: int) -> tuple[AgentFigures, ...]:
    first = turn % len(agents)
    return agents[first:] + agents[:first]


def is_choice(given: object) -> bool:
    """Tell whether a route may choose so."""
    has_method = any(callable(getattr(given, name, None)) for name in ("rank", "choose"))
    return has_method and not isinstance(given, type)
