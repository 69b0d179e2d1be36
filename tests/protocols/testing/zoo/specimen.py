"""What the zoo keeps: a protocol, its correct variants, and its bugs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

from dramaturg.protocols.testing import NO_FAULTS, Faults, Network, Output, World
from dramaturg.protocols.testing._search import Found, Limits, Search

Outputs: TypeAlias = "list[Output]"


class Actor:
    """Calls, for each message, the method that has the name of its type in small letters."""

    def __init__(self, variant: str) -> None:
        self.variant = variant

    def on_message(self, sender: str, message: Any) -> Outputs:
        handler = getattr(self, type(message).__name__.lower())
        answer: Outputs = handler(sender, *message)
        return answer


@dataclass(frozen=True, slots=True)
class Bug:
    """A planted bug.

    :param hard: whether two or three surprises have to coincide.
    :param shortest: the number of events of the shortest counterexample that is known,
        if any is.
    """

    level: Literal["easy", "hard"]
    shortest: int | None


@dataclass(frozen=True, slots=True)
class Specimen:
    """A protocol in a world, in several variants.

    :param fill: adds the actors of a variant and the properties.
    """

    name: str
    fill: Callable[[World, str], None]
    bugs: Mapping[str, Bug]
    correct: tuple[str, ...] = ("correct",)
    network: Network = Network.FIFO
    faults: Faults = NO_FAULTS

    def scenario(self, variant: str) -> Callable[[World], None]:
        return partial(_fill, self.fill, variant)

    def found(self, variant: str, schedules: int, seed: int = 0) -> Found | None:
        """Search as a user would, but do not shorten what was found: that takes longer."""

        def make() -> World:
            world = World(network=self.network, faults=self.faults)
            self.fill(world, variant)
            return world

        return Search(make, seed=seed, limits=Limits(schedules)).go().found


def _fill(fill: Callable[[World, str], None], variant: str, world: World) -> None:
    fill(world, variant)
