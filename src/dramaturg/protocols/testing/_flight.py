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

    __slots__ = ("channel", "deliver", "key", "message", "number", "receiver", "sender")

    def __init__(self, sender: str, receiver: str, number: int, copy: int, message: Any) -> None:
        self.sender = sender
        self.receiver = receiver
        self.channel = (sender, receiver)
        self.number = number
        self.message = message
        self.key = name = f"{sender}->{receiver} #{number}" + (f"'{copy}" if copy else "")
        self.deliver = Event("deliver", f"deliver {name}", receiver, f"{sender}->{receiver}", self)
        self.deliver.topic = topic_of(message)

    def befalls(self, kind: str) -> Event:
        """Return the event of a fault that befalls this message."""
        lane = f"{kind} {self.sender}->{self.receiver}"
        event = Event(kind, f"{kind} {self.key}", self.receiver, lane, self)
        event.topic = self.deliver.topic
        return event


class Flights:
    """What is on its way, the oldest first."""

    def __init__(self, network: Network) -> None:
        self._network = network
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
        flight = Flight(sender, receiver, number, 0, message)
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
        copy = Flight(flight.sender, flight.receiver, flight.number, made, flight.message)
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
        if self._network is Network.FIFO:
            heads: dict[tuple[str, str], Flight] = {}
            for flight in flights:
                heads.setdefault(flight.channel, flight)
            flights = heads.values()
        if not down and part is None:
            return [flight.deliver for flight in flights]
        return [flight.deliver for flight in flights if passes(flight, down, part)]

    def again(self, down: Collection[str], part: Collection[str] | None) -> list[Event]:
        """Return the further deliveries of what was delivered, on a network that repeats."""
        return [each.deliver for each in self._delivered.values() if passes(each, down, part)]

    def out_of_turn(self, down: Collection[str], part: Collection[str] | None) -> list[Flight]:
        """Return what could overtake others, on a network that keeps the order."""
        seen: set[tuple[str, str]] = set()
        found: list[Flight] = []
        for flight in self.all.values():
            if flight.channel in seen and passes(flight, down, part):
                found.append(flight)
            seen.add(flight.channel)
        return found


def topic_of(message: Any) -> str:
    """Tell kinds of messages apart: by their type, or by the word that begins a tuple."""
    first = message[0] if message.__class__ is tuple and message else message
    return first if isinstance(first, str) else type(message).__name__


def passes(flight: Flight, down: Collection[str], part: Collection[str] | None) -> bool:
    """Tell whether a message can reach its receiver now."""
    if flight.receiver in down:
        return False
    return part is None or (flight.sender in part) == (flight.receiver in part)
