"""What is in flight to one actor, as a value: a tuple of the numbers of envelopes.

In which order they stand, and what may be taken out, is what the kinds of networks differ
in. A network that repeats keeps what it delivers. Where it matters whether a message has
arrived at least once, because only then somebody may be at rest, one that has stands there as
the complement ``~number``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from dramaturg.protocols.testing._explorer_cast import Envelope
from dramaturg.protocols.testing._faults import Network

__all__ = ["Inbox", "Mail", "envelope_in"]

Inbox = tuple[int, ...]


def envelope_in(item: int) -> int:
    """Return the number of the envelope, whether or not it has arrived before."""
    return item if item >= 0 else ~item


class Mail:
    """The rules of one network.

    :param envelopes: by number.
    :param receipts: keep whether a message that may be repeated has arrived before.
    """

    def __init__(
        self, network: Network, envelopes: Sequence[Envelope], *, receipts: bool = False
    ) -> None:
        self.network = network
        self._envelopes = envelopes
        self._receipts = receipts

    def sorted(self, items: Iterable[int]) -> Inbox:
        """Return an inbox with these items; the order of those of one channel stays."""
        if self.network is Network.FIFO:
            envelopes = self._envelopes
            return tuple(sorted(items, key=lambda item: envelopes[item].sender))
        return tuple(sorted(items, key=envelope_in))

    def put(self, inbox: Inbox, envelopes: Iterable[int]) -> Inbox:
        """Return the inbox with more in it, sent in this order."""
        items = list(inbox)
        for envelope in envelopes:
            if self.network is Network.REPEATING and (envelope in items or ~envelope in items):
                continue  # it is there for ever: the same again is no news
            items.append(envelope)
        return self.sorted(items)

    def deliveries(self, inbox: Inbox) -> Iterator[tuple[int, Inbox]]:
        """Return where in the inbox the messages stand that may be next, and what stays."""
        for at, item in enumerate(inbox):
            if not at or not self._waits(inbox[at - 1], item):
                yield at, self._after(inbox, at)

    def overtaking(self, inbox: Inbox) -> Iterator[tuple[int, Inbox]]:
        """Return what is not the head of its channel, on a network that keeps the order."""
        if self.network is Network.FIFO:
            for at in range(1, len(inbox)):
                if self._waits(inbox[at - 1], inbox[at]):
                    yield at, without(inbox, at)

    def drops(self, inbox: Inbox) -> Iterator[tuple[int, Inbox]]:
        """Return what may be lost."""
        for at, item in enumerate(inbox):
            if not at or inbox[at - 1] != item:
                yield at, without(inbox, at)

    def duplicates(self, inbox: Inbox) -> Iterator[tuple[int, Inbox]]:
        """Return what may come twice; on a network that repeats all does anyway."""
        if self.network is not Network.REPEATING:
            for at, item in enumerate(inbox):
                if not at or inbox[at - 1] != item:
                    yield at, (*inbox[:at], item, *inbox[at:])

    def awaited(self, inbox: Inbox) -> Inbox:
        """Return what has not arrived yet."""
        return tuple(item for item in inbox if item >= 0)

    def _waits(self, before: int, item: int) -> bool:
        """Tell whether an item stands behind another of its channel, or of its kind."""
        if self.network is Network.FIFO:
            return self._envelopes[before].sender == self._envelopes[item].sender
        return before == item

    def _after(self, inbox: Inbox, at: int) -> Inbox:
        if self.network is not Network.REPEATING:
            return without(inbox, at)
        if not self._receipts or inbox[at] < 0:
            return inbox
        return (*inbox[:at], ~inbox[at], *inbox[at + 1 :])


def without(inbox: Inbox, at: int) -> Inbox:
    """Return the inbox without what stands there."""
    return (*inbox[:at], *inbox[at + 1 :])
