"""The nodes of a simulation and what goes between them.

Theory of operation
===================

A ref of another node's actor is a stand-in (:class:`FarCell`) whose door leads here. What
goes through it is copied, with addresses in the place of refs, and put on the wires. Its
delivery is an event of its own, which puts the message into the mailbox of the receiver and,
if nothing else waits there, lets that take it at once: whoever could come in between could as
well have come before. The answer to a request goes back the same way, into the slot in which
the asker waits; if the asker's node has crashed meanwhile, that is another system, and the
answer is lost.

A crashed node's system goes on in nobody's eyes: its tasks are cancelled and may still run
their ``finally``, but nothing that they send, schedule or write has any effect.
"""

from __future__ import annotations

import asyncio
from asyncio import events
from typing import TYPE_CHECKING, Any, Protocol

from dramaturg.actors._envelope import Envelope
from dramaturg.actors._letters import undeliverable
from dramaturg.protocols.testing._addresses import (
    Address,
    FarCell,
    name_of,
    nobody_at,
    packed,
    unpacked,
)
from dramaturg.protocols.testing._borders import check_name, takes
from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._event import Event
from dramaturg.protocols.testing._far_slot import FarSlot
from dramaturg.protocols.testing._network import OUTSIDE, Wires, node_of
from dramaturg.protocols.testing._node import Node
from dramaturg.protocols.testing._places import told
from dramaturg.protocols.testing._properties import Broken
from dramaturg.protocols.testing._unawaited import Unawaited

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dramaturg.actors import ActorRef
    from dramaturg.actors._cell import Cell
    from dramaturg.protocols.testing._faults import Network
    from dramaturg.protocols.testing._network import Parcel
    from dramaturg.protocols.testing._simulated_loop import SimulatedLoop
    from dramaturg.protocols.testing._simulated_system import ReadyCells, SimulatedSystem
    from dramaturg.protocols.testing._simulated_time import Timers

__all__ = ["Nodes"]

FORBIDDEN = " ,|>#/':@"
"""What stands between names in the names of events."""


class Onlooker(Protocol):
    """Whoever is told what becomes of the nodes; its methods may not raise."""

    def begun(self, system: SimulatedSystem) -> None:
        """A node's system has begun; there is no actor yet."""

    def gone(self, system: SimulatedSystem) -> None:
        """It has crashed."""

    def leaves(self, system: SimulatedSystem, to: str, envelope: Envelope) -> None:
        """A message leaves for an actor of another node, or for one of a node from outside."""


class Nodes:
    """All nodes of one run.

    :param home: returns the system that every simulation has.
    """

    def __init__(
        self,
        cells: ReadyCells,
        timers: Timers,
        loop: SimulatedLoop,
        network: Network,
        *,
        seed: int,
        home: Callable[[], SimulatedSystem],
    ) -> None:
        self.cells = cells
        self.timers = timers
        self.wires = Wires(network)
        self.all: dict[str, Node] = {}
        self.ever: set[str] = set()
        """The names of the nodes that there have been, also in other runs of one search."""
        self.broken: Broken | None = None
        self.unawaited = Unawaited()
        self.onlookers: list[Onlooker] = []
        self._home = home
        self._loop = loop
        self._seed = seed
        self._far: dict[tuple[SimulatedSystem, str], ActorRef[Any]] = {}

    def no_such_node(self, name: str, thing: str) -> ScenarioError:
        """Make the error for who names a node that is not there, and say how one comes to be."""
        held = self.unawaited.holds(name)
        why = f", since sim.node({name!r}, ...) was not awaited" if held else ""
        call = f"`await sim.node({name!r}, start)` before it"
        return ScenarioError(
            thing=thing,
            problem=f"there is no node {name!r}{why}",
            expected=call if held or not self.all else f"one of {', '.join(self.all)}",
        )

    # -- starting and crashing -------------------------------------------------------------

    async def add(self, name: str, start: Callable[[Node], object]) -> Node:
        """See :meth:`Simulation.node`."""
        check_name("node", name, FORBIDDEN)
        if not callable(start) or not takes(start, 1):
            raise ScenarioError(
                thing=f"node({name!r}, {start!r})",
                problem="cannot be started",
                expected="a function that takes the node, and spawns its actors",
            )
        if name in self.all or name == OUTSIDE:
            raise ScenarioError(
                thing=f"node({name!r})", problem="is taken", expected="a name for each node"
            )
        node = self.all[name] = Node(self, name, start)
        self.ever.add(name)
        self.cells.running = self.timers.running
        self._boot(node)
        await asyncio.wait({node.boot})
        node.boot.result()
        return node

    def _boot(self, node: Node) -> None:
        node.boot = self._loop.create_task(node.run_start(self._seed), name=f"start {node.name}")

    def restart(self, node: Node) -> None:
        """Start a node again that has crashed."""
        self._boot(node)
        node.boot.add_done_callback(lambda task: self._note_restart(node, task))

    def _note_restart(self, node: Node, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and self.broken is None:
            said = f"{type(error).__name__}: {told(error)}"
            self.broken = Broken(f"node {node.name} starts again", said)

    def crash(self, node: Node, *, torn: bool, lose: bool) -> None:
        """Let a node crash.

        :param torn: the disk keeps a part of what was not synced.
        :param lose: what is on its way to it is lost, too.
        """
        system = node.simulated
        node.crash(torn=torn)
        for each in self.onlookers:
            each.gone(system)
        self.timers.forget_those_of(system)
        self._loop.cancel_those_of(system)
        if lose:
            self.wires.lose_those_to(node.name)

    @property
    def down(self) -> frozenset[str]:
        """The names of the nodes that do not run."""
        return frozenset(name for name, node in self.all.items() if not node.up)

    def systems(self) -> Iterator[SimulatedSystem]:
        """Return the systems that run: the one that is always there, then the nodes'."""
        yield self._home()
        for node in self.all.values():
            if node.up:
                yield node.simulated

    # -- for a node ------------------------------------------------------------------------

    def adopt_starter(self, system: SimulatedSystem) -> None:
        """Let the task that starts a node end with its system, and what it makes."""
        self._loop.adopt(system)

    def use_disk(self, name: str) -> bool:
        """Note who uses a disk; tell whether that was of a system that is gone."""
        if events._get_running_loop() is not self._loop:
            return False  # a check looks at it
        if self._loop.touched is not None:
            self._loop.touched.add(name)
        return self._who_runs_is_gone()

    def _who_runs_is_gone(self) -> bool:
        return getattr(self._loop.owner(), "gone", False)

    # -- events ----------------------------------------------------------------------------

    def writing(self) -> list[Event]:
        """Return what the disks may do next."""
        return [event for node in self.all.values() if node.up for event in node.disk.possible()]

    def mending(self) -> list[Event]:
        """Return how the network heals, and who may come back."""
        found = [] if self.wires.part is None else [Event("heal", "heal", "", "heal")]
        for name, node in self.all.items():
            if not node.up and node.boot.done():
                found.append(Event("restart", f"restart {name}", name, f"restart {name}", node))
        return found

    # -- between nodes ---------------------------------------------------------------------

    def ref(self, system: SimulatedSystem, address: str | Address) -> ActorRef[Any]:
        """Return a ref for the actors of a system; an actor of their own node is itself."""
        where = address if isinstance(address, Address) else Address.parse(address)
        if where.node == system.prefix:
            return system.lookup(where.path) or system.expect(where.path)
        key = (system, str(where))
        ref = self._far.get(key)
        if ref is None:
            cell = FarCell(system, where, lambda item: self._send(system, where, item))
            ref = self._far[key] = cell.ref
        return ref

    def _send(self, system: SimulatedSystem, to: Address, item: Any) -> None:
        if system.gone or self._who_runs_is_gone():
            return
        if to.node and to.node not in self.all:
            raise self.no_such_node(to.node, f"ref({str(to)!r})")
        envelope: Envelope = system.enveloped(item)
        system.note_sent(envelope, str(to))
        for each in self.onlookers:
            each.leaves(system, str(to), envelope)
        sender = OUTSIDE if envelope.sender is None else name_of(envelope.sender.cell)
        message = packed(envelope.message, sender)
        # The clocks may differ; what is left of the time is the same.
        left = None if envelope.deadline is None else envelope.deadline - system.now()
        until = None if left is None else self.timers.now + left

        def arrive(parcel: Parcel) -> None:
            self._arrive(parcel, system, envelope, until, to)

        self.wires.send(sender, str(to), message, arrive, nodes=(system.prefix, to.node))

    def _arrive(
        self,
        parcel: Parcel,
        home: SimulatedSystem,
        envelope: Envelope,
        until: float | None,
        to: Address,
    ) -> None:
        system = self._system_at(to.node)
        sender = None
        if envelope.sender is not None:
            node, _, path = parcel.sender.partition("/")
            sender = self.ref(system, Address(node, f"/{path}"))
        slot = None
        if envelope.reply is not None:
            slot = FarSlot(
                self, system=system, to=to, home=home, asker=parcel.sender, inner=envelope.reply
            )
        deadline = None if until is None else system.now() + until - self.timers.now
        message = unpacked(parcel.message, lambda address: self.ref(system, address))
        arrived = Envelope(message, slot, sender, deadline, envelope.headers)
        ref = system.lookup(to.path)
        if ref is None:
            undeliverable(nobody_at(system, to.path), arrived)
        else:
            ref.cell.post(arrived)

    def note_error(self, error: BaseException) -> None:
        """Let an error end the search, that must not be the failure of whoever runs just now."""
        self._loop.errors.append({"exception": error})

    def _system_at(self, node: str) -> SimulatedSystem:
        return self.all[node].simulated if node else self._home()

    def deliver(self, parcel: Parcel) -> Cell | None:
        """Let a message arrive; return the receiver if it has nothing else to do."""
        self.wires.take(parcel)
        parcel.arrive(parcel)
        cell = self.receiver(parcel)
        return cell if cell in self.cells.all else None

    def receiver(self, parcel: Parcel) -> Cell | None:
        """Return the actor that a message is to, if it is there."""
        node = node_of(parcel.receiver)
        if node == OUTSIDE or node in self.down:
            return None
        ref = self._system_at(node).lookup(parcel.receiver.removeprefix(node))
        return None if ref is None else ref.cell
