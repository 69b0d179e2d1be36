"""The names of the events along a way through the space.

A state does not hold how many messages were sent before, or each way to it would end in
another one. So the numbers in the names of messages are counted afterwards, along the way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dramaturg.protocols.testing._faults import Network

if TYPE_CHECKING:
    from dramaturg.protocols.testing._explorer_moves import Label
    from dramaturg.protocols.testing._explorer_space import Space

__all__ = ["Ledger"]


class _Flight(NamedTuple):
    envelope: int
    name: str


class Ledger:
    """What is in flight to each actor, by name, in the order of the inboxes."""

    def __init__(self, space: Space, *, lost_with_crash: bool) -> None:
        self._space = space
        self._flights: list[list[_Flight]] = [[] for _ in space.names]
        self._lost_with_crash = lost_with_crash
        self._sent: dict[tuple[str, int], int] = {}
        self._copies: dict[str, int] = {}
        self._send(space.sent)

    def name(self, label: Label) -> str:
        """Return the name of the event that happens next, and let it happen."""
        kind, actor, at, _, sent = label
        name = self._name(label)
        flights = self._flights[actor]
        if kind == "duplicate":
            flights.insert(at + 1, self._copy(flights[at]))
        elif kind == "drop" or (kind in {"deliver", "reorder"} and not self._repeats()):
            del flights[at]
        elif kind == "crash" and self._lost_with_crash:
            flights.clear()
        self._send(sent)
        return name

    def _name(self, label: Label) -> str:
        kind, actor, at, detail, _ = label
        if at >= 0:
            return f"{kind} {self._flights[actor][at].name}"
        if kind in {"timer", "early", "skew"}:
            return f"{kind} {self._space.names[actor]}/{detail}"
        who = self._space.names[actor] if actor >= 0 else detail
        return f"{kind} {who}" if who else kind

    def _repeats(self) -> bool:
        return self._space.mail.network is Network.REPEATING

    def _send(self, envelopes: list[int] | tuple[int, ...]) -> None:
        for each in envelopes:
            sender, receiver, _ = self._space.cast.envelopes[each]
            number = self._sent.get((sender, receiver), 0)
            self._sent[sender, receiver] = number + 1
            flights = self._flights[receiver]
            if self._repeats() and any(flight.envelope == each for flight in flights):
                continue
            channel = f"{sender}->{self._space.names[receiver]}"
            self._put(receiver, _Flight(each, f"{channel} #{number}"))

    def _put(self, receiver: int, flight: _Flight) -> None:
        """Put a message where it stands in the inbox: behind the others of its channel or kind."""
        flights = [*self._flights[receiver], flight]
        order = self._space.mail.sorted([each.envelope for each in flights])
        waiting: dict[int, list[_Flight]] = {}
        for each in flights:
            waiting.setdefault(each.envelope, []).append(each)
        self._flights[receiver] = [waiting[envelope].pop(0) for envelope in order]

    def _copy(self, flight: _Flight) -> _Flight:
        original = flight.name.partition("'")[0]
        copy = self._copies[original] = self._copies.get(original, 0) + 1
        return _Flight(flight.envelope, f"{original}'{copy}")
