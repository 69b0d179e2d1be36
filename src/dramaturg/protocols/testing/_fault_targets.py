"""Whom faults were asked for by name, and whether there ever was such an actor or node.

A name that nobody has lets every run pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._faults import begins

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dramaturg.protocols.testing._faults import Faults

__all__ = ["FaultTargets"]

NEAREST = 4
"""So many of those that there were are named in an error."""


class FaultTargets:
    """The names in ``crashes`` and ``node_crashes`` that nobody has had in any run of a search."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self.missing = _named(faults.crashes)
        """Whom no actor has matched so far."""
        self._lived: dict[str, None] = {}
        self.nodes: set[str] = set()
        """The names of the nodes that there have been."""

    def look(self, actors: Iterable[str]) -> None:
        """Take note of who lives; only needed while somebody is missing."""
        self._lived.update(dict.fromkeys(actors))
        self.missing = [
            each for each in self.missing if not any(begins(name, each) for name in self._lived)
        ]

    def check_slashes(self) -> None:
        """Check after the calm run what cannot be made good by any other.

        :raises ScenarioError: if a path lacks its first slash.
        """
        if self.nodes:
            return
        for each in self.missing:
            if "/" not in each and any(begins(name, f"/{each}") for name in self._lived):
                raise self._nobody(each)

    def check(self) -> None:
        """Check at the end that there was somebody for each name.

        :raises ScenarioError: if not.
        """
        for each in self.missing:
            raise self._nobody(each)
        never = sorted(set(_named(self._faults.node_crashes)) - self.nodes)
        if never:
            raise ScenarioError(
                thing=f"Faults(node_crashes={self._faults.node_crashes!r})",
                problem=f"names what was a node in no run: {', '.join(never)}",
                expected=f"some of {', '.join(sorted(self.nodes))}"
                if self.nodes
                else "nodes: await sim.node(name, start)",
            )

    def _nobody(self, name: str) -> ScenarioError:
        nearest = get_close_matches(name, self._lived, n=NEAREST, cutoff=0.0)
        there = ", ".join(map(repr, nearest)) or "none: no actor lived"
        return ScenarioError(
            thing=f"Faults(crashes={self._faults.crashes!r})",
            problem=f"nobody of the name {name!r} lived in any run",
            expected=f"the name of an actor, or its beginning; the nearest are {there}",
        )


def _named(budgets: int | Mapping[str, int]) -> list[str]:
    if not isinstance(budgets, Mapping):
        return []
    return [name for name, budget in budgets.items() if budget]
