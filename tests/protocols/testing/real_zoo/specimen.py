"""What this zoo keeps: a protocol of real actors on nodes, its correct variant, and its bugs."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

from dramaturg.actors import Actor, ActorRef, ActorStopped, DeadlineExceeded, Props
from dramaturg.protocols.testing import (
    NO_FAULTS,
    Disk,
    Faults,
    Network,
    Node,
    Simulation,
    SystemScenario,
    Verdict,
    explore_system,
)
from dramaturg.protocols.testing._explore import limits_of
from dramaturg.protocols.testing._replay import check_reproducible
from dramaturg.protocols.testing._search import Found, Search

Level: TypeAlias = Literal["easy", "hard"]

NOBODY_ANSWERED = (DeadlineExceeded, ActorStopped)
"""What a request raises when nobody says whether it was carried out."""


@dataclass(frozen=True)
class Go:
    """Tells an actor to begin."""


class Journal:
    """Lines on a disk; one that a crash has torn does not count."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk

    @property
    def lines(self) -> list[str]:
        *whole, _ = self.disk.read("journal").split(b"\n")
        return [line.decode(errors="replace") for line in whole]

    async def add(self, line: str, *, sync: bool = True) -> None:
        await self.disk.append("journal", f"{line}\n".encode())
        if sync:
            await self.disk.sync("journal")

    async def mend(self) -> None:
        """Cut off what is no whole line, or else the next one would be appended to it."""
        data = self.disk.read("journal")
        if data and not data.endswith(b"\n"):
            await self.disk.truncate("journal", data.rfind(b"\n") + 1)


def spawning(name: str, actor: type[Actor], *args: Any, go: bool = False) -> Callable[..., None]:
    """Return a start function for a node with one actor, which is given the node first.

    :param go: tell it to begin.
    """

    def start(node: Node) -> None:
        ref: ActorRef[Any] = node.system.spawn(Props(actor, node, *args), name=name)
        if go:
            ref.tell(Go())

    return start


@dataclass(frozen=True, slots=True)
class Specimen:
    """A protocol on nodes, in several variants.

    :param play: makes the nodes of a variant and declares the properties.
    :param bugs: how hard each is: whether two or three surprises have to coincide.
    """

    name: str
    play: Callable[[Simulation, str], Awaitable[object]]
    bugs: Mapping[str, Level]
    network: Network = Network.FIFO
    faults: Faults = NO_FAULTS

    def scenario(self, variant: str) -> SystemScenario:
        return partial(_play, self.play, variant)

    def explored(self, variant: str, schedules: int, seed: int = 0) -> Verdict:
        return explore_system(
            self.scenario(variant),
            network=self.network,
            faults=self.faults,
            schedules=schedules,
            seed=seed,
        )

    def found(self, variant: str, schedules: int, seed: int = 0) -> Found | None:
        """Search as :meth:`explored` does, but do not shorten what was found: that takes longer."""

        def make() -> Simulation:
            return Simulation(self.scenario(variant), network=self.network, faults=self.faults)

        found = Search(make, seed=seed, limits=limits_of(schedules, 1_000)).go().found
        if found is not None:
            check_reproducible(make, found.run.schedule)
        return found


async def _play(
    play: Callable[[Simulation, str], Awaitable[object]], variant: str, sim: Simulation
) -> None:
    await play(sim, variant)
