"""What a subscription does not know of what an earlier process has delivered.

Nobody writes down each delivery: that would be a commit for each message. What was with the
subscriber when a process ended are the first two windows behind what is confirmed, at most. Of
these the next process writes down each before it hands it over; so should it end, too, it is
known which ones were there, and each has failed once more. From then on each of them is
delivered alone, so that the next end has but one culprit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dramaturg.protocols._durable_flight import Flight

__all__ = ["Doubts"]


@final
class Doubts:
    """What is in doubt, and what is under suspicion.

    :param up_to: what was stored when the subscription was begun again.
    """

    def __init__(self, up_to: int) -> None:
        self._up_to = up_to
        self._left = 0
        self._highest = 0
        self.suspects: frozenset[int] = frozenset()
        """What was with the subscriber at two ends of a process, or more."""

    def begin(self, window: int, suspects: Iterable[int]) -> None:
        """Note how many messages at a time were with a subscriber."""
        # A window was handed over while the confirmation of the one before was being written.
        self._left = 2 * window
        self.suspects = frozenset(suspects)

    def pass_over(self) -> None:
        """Note that one was not delivered, which may have been."""
        self._left = max(0, self._left - 1)

    def is_in_doubt(self, offset: int) -> bool:
        """Tell whether an earlier process may have delivered a message; asked once of each."""
        found = self._left > 0 and offset <= self._up_to
        self._left -= found
        return found or offset in self.suspects

    def was_delivered(self, offset: int) -> bool:
        """Tell whether this process has delivered a message; asked once of each delivery."""
        found = offset <= self._highest
        self._highest = max(self._highest, offset)
        return found

    def may_go(self, offset: int, flights: Iterable[Flight], *, explicit: bool) -> bool:
        """Tell whether a message may be handed over beside those that are with the subscriber."""
        if not self.suspects:
            return True
        there = [each for each in flights if not (each.is_done or (explicit and each.is_closed))]
        alone = offset in self.suspects and bool(there)
        return not alone and not any(each.delivery.offset in self.suspects for each in there)
