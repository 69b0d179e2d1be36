"""A node of a simulation: a whole actor system with a disk, that may crash and come back."""

from __future__ import annotations

from inspect import isawaitable
from random import Random
from typing import TYPE_CHECKING, Any

import structlog

from dramaturg.protocols.testing._disk import Disk
from dramaturg.protocols.testing._disk_journal import DiskJournal
from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._simulated_system import SimulatedSystem
from dramaturg.protocols.testing._simulated_time import SimulatedClock

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from dramaturg.actors import ActorRef, ActorSystem
    from dramaturg.protocols.testing._nodes import Nodes

__all__ = ["Node", "drop_logs"]


def drop_logs(*_: Any) -> Any:
    """Log nothing: a search makes thousands of runs."""
    raise structlog.DropEvent


class Node:
    """One machine of a simulation: a whole actor system, a clock, and a disk.

    Made by :meth:`Simulation.node`. A crash ends the system at once, as with the power: no
    ``on_stop``, no farewell; what its actors knew and what the disk had not synced is gone.
    When it comes back it has a new system, and ``start`` is called again.

    :param name: what it is called in addresses ("store/ledger") and in the names of events.
    :param start: called with this node at each start, and awaited if it is ``async def``; it
        spawns the actors.
    """

    def __init__(self, nodes: Nodes, name: str, start: Callable[[Node], object]) -> None:
        self._nodes = nodes
        self._start = start
        self.name = name
        self.disk = Disk(name, nodes.use_disk)
        self.up = False
        """Whether it runs."""
        self.incarnation = 0
        """How often it has been started."""
        self.clock = SimulatedClock(nodes.timers)
        self.boot: asyncio.Task[None]
        self._system: SimulatedSystem | None = None

    @property
    def system(self) -> ActorSystem:
        """Its present actor system, or the last one while it is down."""
        return self.simulated

    @property
    def simulated(self) -> SimulatedSystem:
        """The same, as what it is to the simulation."""
        if self._system is None:
            raise ScenarioError(
                thing=f"node {self.name}",
                problem="has not begun to start",
                expected="to wait for it",
            )
        return self._system

    def ref(self, address: str) -> ActorRef[Any]:
        """Return a ref by which this node's actors reach one of another node.

        It can be sent messages and requests, and put into messages. It may lead to nowhere:
        what is sent to an actor that is not there is lost, and a request is told so by
        :class:`ActorStopped` when that answer has come back. Other nodes' actors cannot be
        watched, stopped or killed.

        :param address: node and path, such as "store/ledger".
        :raises ScenarioError: if it is no address.
        """
        return self._nodes.ref(self.simulated, address)

    async def run_start(self, seed: int) -> None:
        """Make the system and let the scenario fill it."""
        self.incarnation += 1
        self._system = system = SimulatedSystem(
            self.name,
            self._nodes.cells,
            node=self.name,
            clock=self.clock,
            seed=Random(f"{seed}/{self.name}/{self.incarnation}").getrandbits(64),
            logger=structlog.wrap_logger(None, processors=[drop_logs]),
            journal=DiskJournal(self.disk),
        )
        self._nodes.adopt_starter(system)
        await system.__aenter__()
        self.up = True
        for each in self._nodes.onlookers:
            each.begun(system)
        started = self._start(self)
        if isawaitable(started):
            await started

    def crash(self, *, torn: bool) -> None:
        """End at once."""
        self.up = False
        self.simulated.vanish()
        self.disk.crash(torn=torn)
