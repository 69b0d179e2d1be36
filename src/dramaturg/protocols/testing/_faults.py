"""What may go wrong in a run, and how often: budgets, not rates.

A budget bounds the space that an exhaustive search has to cover, shrinks naturally,
and reads well in a report: "3 messages, 1 crash".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from dramaturg.protocols._borders import BOOL, TEXTS, Kind, at_least
from dramaturg.protocols.testing._errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["NO_FAULTS", "OF_NODES", "Faults", "Network", "begins"]


class Network(Enum):
    """What channels promise."""

    FIFO = "fifo"
    """From one sender to one receiver messages arrive in the order in which they were sent;
    what the mailboxes of one process promise."""
    UNORDERED = "unordered"
    """Any message in flight may be the next."""
    REPEATING = "repeating"
    """Any message that was ever sent may arrive, any number of times."""


_NUMBER = Kind(at_least(0).fits, "a number of at least 0")


def _by_name(example: str) -> Kind:
    return Kind(
        lambda value: (
            _NUMBER.fits(value)
            or (
                isinstance(value, Mapping)
                and TEXTS.fits(value)
                and all(map(_NUMBER.fits, cast("Mapping[str, Any]", value).values()))
            )
        ),
        f"a number of at least 0, or one for each name: {{{example!r}: 1}}",
    )


_KINDS = {
    "crashes": _by_name("/store"),
    "node_crashes": _by_name("bank"),
    "lost_with_crash": BOOL,
}


@dataclass(frozen=True, slots=True)
class Faults:
    """How often each thing may go wrong in one run; by default nothing does.

    What befalls messages (drops, duplicates, reorders, delays, partitions) befalls those between
    two actors. What an actor sends to itself crosses no network, and what comes from outside
    is the scenario's own doing.

    :param crashes: of actors; a number for all of them together, or one for each actor
        or group of actors by the beginning of its name: ``{"coordinator": 1}``. The whole name
        goes first, then the longest beginning that ends where a part of the name does: at a
        sign ("/", "-"), or where letters and digits meet. So "s" is for "s1" and "s10", but "s1"
        is not for "s10", nor "serv" for "server".
    :param drops: of messages in flight.
    :param duplicates: of messages in flight.
    :param reorders: deliveries out of turn, on a FIFO network.
    :param early_timers: timers that ring although some message could be delivered.
    :param skews: timers that ring although another one was set for an earlier time.
    :param partitions: the network falls in two parts, which do not reach each other until it
        heals; what is sent meanwhile waits. Timers ring meanwhile, as often as they are set.
    :param delays: messages that stay on their way until a timer has rung, or nothing else is left.
    :param slow: actors that take no turn until a timer has rung, or nothing else is left.
    :param node_crashes: of whole nodes of a simulation, with all that is not durable; a number
        for all of them together, or one for each by its name.
    :param write_errors: writes to a node's disk that fail.
    :param torn_writes: crashes of a node after which the last unsynced write is there in part.
    :param lost_with_crash: whether what is on its way to an actor is lost when that crashes.
    :raises ScenarioError: for a negative number, or what is no number, and for a
        ``lost_with_crash`` that is no bool.
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
            kind = _KINDS.get(field.name, _NUMBER)
            if not kind.fits(value):
                raise ScenarioError(
                    thing=f"Faults({field.name}={value!r})",
                    problem="no budget" if kind is not BOOL else "cannot be used",
                    expected=kind.expected,
                )

    def crash_budget_of(self, actor: str) -> str:
        """Return which of the budgets for crashes counts for an actor: "" is that of all."""
        if not isinstance(self.crashes, Mapping):
            return ""
        found: Iterable[str] = (each for each in self.crashes if begins(actor, each))
        return max(found, key=len, default="")

    def crash_budgets(self) -> dict[str, int]:
        """Return the budgets for crashes by the beginning of the actors' names."""
        if isinstance(self.crashes, Mapping):
            return {"": 0, **self.crashes}
        return {"": self.crashes}

    def forbid(self, where: str, *budgets: str, expected: str) -> None:
        """Check that these budgets are not used.

        :param where: what has no such faults; ``expected`` says what has.
        :raises ScenarioError: if one is.
        """
        for budget in budgets:
            value: int | Mapping[str, int] = getattr(self, budget)
            if any(value.values()) if isinstance(value, Mapping) else value:
                raise ScenarioError(
                    thing=f"Faults({budget}=...)",
                    problem=f"cannot happen in {where}",
                    expected=expected,
                )


def begins(name: str, beginning: str) -> bool:
    """Tell whether a name begins with whole parts: see :class:`Faults`, ``crashes``."""
    if not name.startswith(beginning):
        return False
    if not beginning or name == beginning:
        return True
    before, after = beginning[-1], name[len(beginning)]
    return not (before.isalpha() and after.isalpha()) and not (before.isdigit() and after.isdigit())


OF_NODES = ("node_crashes", "write_errors", "torn_writes")
"""Budgets of faults that only a simulation of real systems has."""

NO_FAULTS = Faults()
