"""What a world keeps waiting: messages that were delayed, and actors that are slow."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dramaturg.protocols.testing._event import Event
    from dramaturg.protocols.testing._flight import Flight

__all__ = ["Delays"]


class Delays:
    """Who and what waits until a timer has rung, or nothing else is left to do.

    So what was meant to arrive in time arrives after the timeout: a message of a channel that
    keeps its order holds up those behind it.
    """

    __slots__ = ("held", "slow")

    def __init__(self) -> None:
        self.held: set[Flight] = set()
        self.slow: set[str] = set()

    def end(self) -> None:
        """Let all go on, for a timer has rung."""
        self.held.clear()
        self.slow.clear()

    def brisk(self, deliveries: Iterable[Event]) -> list[Event]:
        """Return the deliveries that need not wait."""
        return [
            each
            for each in deliveries
            if each.payload not in self.held and each.actor not in self.slow
        ]

    def on_time(self, timers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the timers of actors that are not slow."""
        return [key for key in timers if key[0] not in self.slow]
