"""The kernel: what a search needs of whatever it searches, plain actors or a real system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dramaturg.protocols.testing._event import Event
    from dramaturg.protocols.testing._properties import Broken

__all__ = ["ALL", "EVERYTHING", "Kernel", "Sent", "Step"]

EVERYTHING = "*"
"""What a step touches that commutes with no other."""

ALL = frozenset({EVERYTHING})


class Sent(NamedTuple):
    """One message that a step has sent: the n-th from its sender to its receiver."""

    sender: str
    receiver: str
    number: int
    message: Any


class Step(NamedTuple):
    """What one event did."""

    event: Event
    sent: tuple[Sent, ...]
    notes: tuple[Any, ...]
    touched: frozenset[str] = ALL
    """Who has had a part in it, as far as the kernel was asked to find out."""


class Kernel(Protocol):
    """A run in progress, that goes on one event at a time as somebody chooses.

    Only one event runs at a time, and nothing happens between two. The same schedule
    leads to the same run.
    """

    steps: list[Step]
    """What has happened so far."""

    def enabled(self) -> Sequence[Event]:
        """Return what may happen next without anything going wrong; the calm choice first.

        Empty at rest.
        """
        ...

    def faults(self) -> Sequence[Event]:
        """Return what may go wrong next, within what is left of the budgets."""
        ...

    def execute(self, event: Event) -> Broken | None:
        """Let an enabled event happen; return the property that it broke, if it did."""
        ...

    def begin(self) -> Broken | None:
        """Let everybody start; return the property that is broken already, if one is."""
        ...

    def finish(self) -> Broken | None:
        """See to the properties of a run that is at rest; return one that does not hold."""
        ...

    def fields(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the fields of each actor, for reports."""
        ...

    def decides_before_rest(self) -> bool:
        """Tell whether something was declared that can be seen before the run is at rest."""
        ...

    def to_reach(self) -> list[str]:
        """Return the names of what has to be reached in some run."""
        ...

    def reached(self) -> frozenset[str]:
        """Return which of the ``sometimes`` have held at some moment of the run."""
        ...

    def close(self) -> None:
        """Release what the run holds."""
        ...
