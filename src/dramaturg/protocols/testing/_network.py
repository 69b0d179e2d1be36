"""The network between the nodes of a simulation: what is on its way, and how it goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.protocols.testing._event import Event
from dramaturg.protocols.testing._faults import Network

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

__all__ = ["OUTSIDE", "Parcel", "Wires", "node_of"]

OUTSIDE = "scenario"
"""Who sends what no actor sends."""


def node_of(name: str) -> str:
    """Return the node in the name of an actor."""
    return name.partition("/")[0]


class Parcel:
    """One message between two nodes.

    :param arrive: called when it arrives, with the parcel.
    :param nodes: between which it goes, "" for the system that is always there. Who forwards a
        message is not its sender, and what a node's start function sends has none.
    """

    __slots__ = (
        "arrive",
        "deliver",
        "held",
        "key",
        "lane",
        "message",
        "nodes",
        "number",
        "receiver",
        "sender",
    )

    def __init__(
        self,
        sender: str,
        receiver: str,
        number: int,
        message: Any,
        arrive: Callable[[Parcel], None],
        *,
        nodes: tuple[str, str],
        copy: int = 0,
    ) -> None:
        self.nodes = nodes
        self.sender = sender
        self.receiver = receiver
        self.number = number
        self.message = message
        self.arrive = arrive
        self.held = False
        """Whether it is delayed."""
        self.lane = f"{sender}->{receiver}"
        self.key = f"{self.lane} #{number}" + (f"'{copy}" if copy else "")
        self.deliver = Event("deliver", f"deliver {self.key}", receiver, self.lane, self)
        self.deliver.topic = type(message).__name__

    def befalls(self, kind: str) -> Event:
        """Return the event of a fault that befalls this message."""
        event = Event(kind, f"{kind} {self.key}", self.receiver, f"{kind} {self.lane}", self)
        event.topic = self.deliver.topic
        return event

    @property
    def from_outside(self) -> bool:
        """Whether it is between the scenario and a node, where nothing goes wrong."""
        return not all(self.nodes) and OUTSIDE in {self.sender, self.receiver}


class Wires:
    """What is on its way, the oldest first.

    :param network: what each channel, from one actor to another, promises.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self.all: list[Parcel] = []
        self.part: frozenset[str] | None = None
        """The nodes of one of the two parts that the network has fallen into."""
        self._counts: dict[str, int] = {}
        self._copies: dict[str, int] = {}

    def send(
        self,
        sender: str,
        receiver: str,
        message: Any,
        arrive: Callable[[Parcel], None],
        *,
        nodes: tuple[str, str],
    ) -> Parcel:
        """Put a message on its way."""
        lane = f"{sender}->{receiver}"
        number = self._counts.get(lane, 0)
        self._counts[lane] = number + 1
        parcel = Parcel(sender, receiver, number, message, arrive, nodes=nodes)
        self.all.append(parcel)
        return parcel

    def deliverable(self, down: Collection[str], *, held: bool = False) -> list[Event]:
        """Return the deliveries that are possible, the oldest message first.

        :param held: of what is delayed, instead.
        """
        found: list[Event] = []
        seen: set[str] = set()
        for parcel in self.all:
            if self._network is Network.FIFO:
                if parcel.lane in seen:
                    continue
                seen.add(parcel.lane)
            if parcel.held is held and self.passes(parcel, down):
                found.append(parcel.deliver)
        return found

    def overtaking(self, down: Collection[str]) -> Iterator[Parcel]:
        """Return what could overtake others, on a network that keeps the order."""
        seen: set[str] = set()
        for parcel in self.all:
            if parcel.lane in seen and not parcel.held and self.passes(parcel, down):
                yield parcel
            seen.add(parcel.lane)

    def passes(self, parcel: Parcel, down: Collection[str]) -> bool:
        """Tell whether a message can reach its receiver now."""
        sender, receiver = parcel.nodes
        if receiver in down:
            return False
        if self.part is None or not sender or not receiver:
            return True
        return (sender in self.part) == (receiver in self.part)

    def take(self, parcel: Parcel) -> None:
        """Take a message out."""
        self.all.remove(parcel)

    def duplicate(self, parcel: Parcel) -> None:
        """Put a copy of a message right behind it."""
        original = f"{parcel.lane} #{parcel.number}"
        self._copies[original] = copy = self._copies.get(original, 0) + 1
        twin = Parcel(
            *(parcel.sender, parcel.receiver, parcel.number, parcel.message, parcel.arrive),
            nodes=parcel.nodes,
            copy=copy,
        )
        self.all.insert(self.all.index(parcel) + 1, twin)

    def release(self) -> None:
        """Let all go on that is delayed."""
        for parcel in self.all:
            parcel.held = False

    def lose_those_to(self, node: str) -> None:
        """Lose what is on its way to a node."""
        self.all = [each for each in self.all if each.nodes[1] != node]
