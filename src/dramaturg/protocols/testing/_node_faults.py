"""What goes wrong between nodes and with them: the network, power and disks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dramaturg.protocols.testing._event import Event
from dramaturg.protocols.testing._faults import OF_NODES, Network
from dramaturg.protocols.testing._partitions import partitions_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dramaturg.protocols.testing._faults import Faults
    from dramaturg.protocols.testing._nodes import Nodes

__all__ = ["NodeFaults"]

_OF_NETWORKS = ("drops", "duplicates", "reorders", "delays", "partitions", "skews")


class NodeFaults:
    """The faults of one run that need several nodes, within their budgets."""

    def __init__(self, nodes: Nodes, faults: Faults, network: Network) -> None:
        self._nodes = nodes
        self._faults = faults
        self._in_order = network is Network.FIFO
        crashes = faults.node_crashes
        self._crashes = {"": 0, **crashes} if isinstance(crashes, Mapping) else {"": crashes}
        self._left = {
            "drop": faults.drops,
            "duplicate": faults.duplicates,
            "reorder": faults.reorders,
            "delay": faults.delays,
            "partition": faults.partitions,
            "fail": faults.write_errors,
            "torn": faults.torn_writes,
        }
        self._counts: dict[str, int] = {}

    def check_unused(self) -> None:
        """Check that no fault was asked for that needs nodes.

        :raises ScenarioError: if one was.
        """
        self._faults.forbid(
            "one system", *_OF_NETWORKS, *OF_NODES, expected="nodes: await sim.node(name, start)"
        )

    def possible(self) -> list[Event]:
        """Return what may go wrong now."""
        left = self._left
        found = [*self._on_the_wires()]
        if left["partition"] and self._nodes.wires.part is None and len(self._nodes.all) > 1:
            found += partitions_of(tuple(self._nodes.all))
        if any(self._crashes.values()):
            found += self._node_crashes()
        if left["fail"]:
            for node in self._nodes.all.values():
                if node.up:
                    found += node.disk.failures()
        return found

    def _on_the_wires(self) -> Iterator[Event]:
        wires = self._nodes.wires
        within = [parcel for parcel in wires.all if not parcel.from_outside]
        for kind in ("drop", "duplicate"):
            if self._left[kind]:
                yield from (parcel.befalls(kind) for parcel in within)
        if self._left["delay"]:
            yield from (parcel.befalls("delay") for parcel in within if not parcel.held)
        if self._left["reorder"] and self._in_order:
            for parcel in wires.overtaking(self._nodes.down):
                if not parcel.from_outside:
                    yield parcel.befalls("reorder")

    def _node_crashes(self) -> Iterator[Event]:
        for name, node in self._nodes.all.items():
            started = node.boot.done() or node.incarnation > 1
            if not node.up or not started or not self._crashes[self._budget_of(name)]:
                continue
            number = self._counts.get(name, 0)
            lane = f"crash {name}"
            yield Event("node", f"crash {name} #{number}", name, lane, node)
            if self._left["torn"] and node.disk.can_tear:
                yield Event("torn", f"crash {name} #{number} torn", name, lane, node)

    def _budget_of(self, name: str) -> str:
        return name if name in self._crashes else ""

    def spend(self, event: Event) -> None:
        """Take what an event costs off its budget."""
        if event.kind in self._left:
            self._left[event.kind] -= 1
        if event.kind in {"node", "torn"}:
            self._crashes[self._budget_of(event.actor)] -= 1

    def execute(self, event: Event) -> None:
        """Let it happen."""
        nodes = self._nodes
        wires = nodes.wires
        kind, payload = event.kind, event.payload
        if kind == "drop":
            wires.take(payload)
        elif kind == "duplicate":
            wires.duplicate(payload)
        elif kind == "delay":
            payload.held = True
        elif kind == "partition":
            wires.part = payload
        elif kind == "heal":
            wires.part = None
        elif kind == "restart":
            nodes.restart(payload)
        elif kind in {"disk", "fail"}:
            nodes.all[event.actor].disk.execute(event)
        else:
            self._counts[event.actor] = self._counts.get(event.actor, 0) + 1
            nodes.crash(payload, torn=kind == "torn", lose=self._faults.lost_with_crash)
