"""The messages that are on their way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._event import Event
from dramaturg.protocols.testing._faults import Network
from dramaturg.protocols.testing._freeze import freeze
from dramaturg.protocols.testing._kernel import Sent

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["Flight", "Flights"]


class Flight:
    """One message on its way, and the events that may befall it."""

    __slots__ = ("_befalls", "channel", "deliver", "key", "message", "number", "receiver", "sender")

    def __init__(self, channel: tuple[str, str], number: int, copy: int, message: Any) -> None:
        self.channel = channel
        self.sender, self.receiver = channel
        self.number = number
        self.message = message
        lane = f"{self.sender}->{self.receiver}"
        self.key = key = f"{lane} #{number}'{copy}" if copy else f"{lane} #{number}"
        self.deliver = Event("deliver", f"deliver {key}", self.receiver, lane, self)
        self.deliver.topic = topic_of(message)
        self._befalls: dict[str, Event] | None = None

    def befalls(self, kind: str) -> Event:
        """Return the event of a fault that befalls this message."""
        known = self._befalls
        if known is None:
            self._befalls = known = {}
        event = known.get(kind)
        if event is None:
            lane = f"{kind} {self.sender}->{self.receiver}"
            event = Event(kind, f"{kind} {self.key}", self.receiver, lane, self)
            event.topic = self.deliver.topic
            known[kind] = event
        return event


class Flights:
    """What is on its way, the oldest first.

    :param actors: who is in the world, by name; all others are outside.
    """

    def __init__(self, network: Network, actors: Collection[str]) -> None:
        self._network = network
        self._fifo = network is Network.FIFO
        self._actors = actors
        self.all: dict[str, Flight] = {}
        self._counts: dict[tuple[str, str], int] = {}
        self._copies: dict[tuple[tuple[str, str], int], int] = {}
        # A network that repeats keeps what it has delivered.
        self._delivered: dict[str, Flight] = {}
        self._known: set[tuple[str, str, Any]] = set()

    def send(self, sender: str, receiver: str, message: Any) -> Sent:
        """Put a message on its way.

        :raises ScenarioError: if it cannot be hashed.
        """
        try:
            hash(message)
        except TypeError:
            raise ScenarioError(
                thing=sender, problem=f"sends {message!r}", expected="messages that can be hashed"
            ) from None
        channel = (sender, receiver)
        number = self._counts.get(channel, 0)
        self._counts[channel] = number + 1
        if self._network is Network.REPEATING:
            # It is there for ever: the same again is no news.
            known = (sender, receiver, freeze(message, sender))
            if known in self._known:
                return Sent(sender, receiver, number, message)
            self._known.add(known)
        flight = Flight(channel, number, 0, message)
        self.all[flight.key] = flight
        return Sent(sender, receiver, number, message)

    def take(self, flight: Flight) -> None:
        """Take a message out, to be delivered."""
        if self._network is Network.REPEATING:
            self._delivered[flight.key] = flight
        self.all.pop(flight.key, None)

    def lose(self, flight: Flight) -> None:
        """Take a message out for good."""
        self.all.pop(flight.key, None)
        self._delivered.pop(flight.key, None)

    def duplicate(self, flight: Flight) -> Flight:
        """Put a copy of a message right behind it."""
        original = (flight.channel, flight.number)
        self._copies[original] = made = self._copies.get(original, 0) + 1
        copy = Flight(flight.channel, flight.number, made, flight.message)
        rest = dict(self.all)
        self.all.clear()
        for key, each in rest.items():
            self.all[key] = each
            if each is flight:
                self.all[copy.key] = copy
        return copy

    def deliverable(self, down: Collection[str], part: Collection[str] | None) -> list[Event]:
        """Return the deliveries that are possible, the oldest message first."""
        flights: Iterable[Flight] = self.all.values()
        if self._fifo and len(self.all) > 1:
            heads: dict[tuple[str, str], Flight] = {}
            for flight in flights:
                if flight.channel not in heads:
                    heads[flight.channel] = flight
            flights = heads.values()
        if not down and part is None:
            return [flight.deliver for flight in flights]
        return [flight.deliver for flight in flights if self._passes(flight, down, part)]

    def exposed(self) -> list[Flight]:
        """Return what the network may do something to: what goes from one actor to another."""
        return [flight for flight in self.all.values() if self.is_exposed(flight)]

    def is_exposed(self, flight: Flight) -> bool:
        """Tell whether a message goes from one actor to another."""
        return flight.sender != flight.receiver and flight.sender in self._actors

    def _passes(self, flight: Flight, down: Collection[str], part: Collection[str] | None) -> bool:
        """Tell whether a message can reach its receiver now."""
        if flight.receiver in down:
            return False
        if part is None or (flight.sender in part) == (flight.receiver in part):
            return True
        return not self.is_exposed(flight)

    def again(self, down: Collection[str], part: Collection[str] | None) -> list[Event]:
        """Return the further deliveries of what was delivered, on a network that repeats."""
        return [each.deliver for each in self._delivered.values() if self._passes(each, down, part)]

    def out_of_turn(self, down: Collection[str], part: Collection[str] | None) -> list[Flight]:
        """Return what could overtake others, on a network that keeps the order."""
        seen: set[tuple[str, str]] = set()
        found: list[Flight] = []
        for flight in self.all.values():
            late = flight.channel in seen and self.is_exposed(flight)
            if late and self._passes(flight, down, part):
                found.append(flight)
            seen.add(flight.channel)
        return found


def topic_of(message: Any) -> str:
    """Tell kinds of messages apart: by their type, or by the word that begins a tuple."""
    first = message[0] if message.__class__ is tuple and message else message
    return first if isinstance(first, str) else type(message).__name__
