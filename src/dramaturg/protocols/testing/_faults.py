"""What may go wrong in a run, and how often: budgets, not rates.

A budget bounds the space that an exhaustive search has to cover, shrinks naturally,
and reads well in a report: "3 messages, 1 crash".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from dramaturg.protocols.testing._errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["NO_FAULTS", "Faults", "Network"]


class Network(Enum):
    """What channels promise."""

    FIFO = "fifo"
    """From one sender to one receiver messages arrive in the order in which they were sent;
    what the mailboxes of one process promise."""
    UNORDERED = "unordered"
    """Any message in flight may be the next."""
    REPEATING = "repeating"
    """Any message that was ever sent may arrive, any number of times."""


@dataclass(frozen=True, slots=True)
class Faults:
    """How often each thing may go wrong in one run; by default nothing does.

    :param crashes: of actors; a number for all of them together, or one for each actor
        or group of actors by the beginning of its name: ``{"coordinator": 1}``.
    :param drops: of messages in flight.
    :param duplicates: of messages in flight.
    :param reorders: deliveries out of turn, on a FIFO network.
    :param early_timers: timers that ring although messages are still on their way.
    :param skews: timers that ring although another one was set for an earlier time.
    :param partitions: the network falls in two parts, which do not reach each other until it
        heals; what is sent meanwhile waits.
    :param delays: messages that stay on their way until a timer has rung, or nothing else is left.
    :param slow: actors that take no turn until a timer has rung, or nothing else is left.
    :param node_crashes: of whole nodes of a simulation, with all that is not durable; a number
        for all of them together, or one for each by its name.
    :param write_errors: writes to a node's disk that fail.
    :param torn_writes: crashes of a node after which the last unsynced write is there in part.
    :param lost_with_crash: whether what is on its way to an actor is lost when that crashes.
    :raises ScenarioError: for a negative number.
    """

    crashes: int | Mapping[str, int] = 0
    drops: int = 0
    duplicates: int = 0
    reorders: int = 0
    early_timers: int = 0
    skews: int = 0
    partitions: int = 0
    delays: int = 0
    slow: int = 0
    node_crashes: int | Mapping[str, int] = 0
    write_errors: int = 0
    torn_writes: int = 0
    lost_with_crash: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            value: Any = getattr(self, field.name)
            values: list[Any] = (
                list(cast("Mapping[str, Any]", value).values())
                if isinstance(value, Mapping)
                else [value]
            )
            if any(not isinstance(each, int) or each < 0 for each in values):
                raise ScenarioError(
                    thing=f"Faults({field.name}={value!r})",
                    problem="no budget",
                    expected="a number of at least 0",
                )

    def crash_budget_of(self, actor: str) -> str:
        """Return which of the budgets for crashes counts for an actor: "" is that of all.

        The longest beginning of its name that has one.
        """
        if not isinstance(self.crashes, Mapping):
            return ""
        found: Iterable[str] = (each for each in self.crashes if actor.startswith(each))
        return max(found, key=len, default="")

    def crash_budgets(self) -> dict[str, int]:
        """Return the budgets for crashes by the beginning of the actors' names."""
        if isinstance(self.crashes, Mapping):
            return {"": 0, **self.crashes}
        return {"": self.crashes}


NO_FAULTS = Faults()
