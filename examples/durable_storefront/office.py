"""The office: decides about large orders, when it comes to it.

What waits is on the blackboard, so that it is still there when the office, or the process, begins
again. Each of its steps may be done twice.
"""

from dramaturg.actors import Actor, handler
from dramaturg.protocols import (
    BoardChanged,
    BoardContents,
    Delete,
    Entry,
    Follow,
    PublishDurably,
    Put,
)
from examples.durable_storefront.addresses import BOARD, NEWS
from examples.durable_storefront.messages import Decision, Declined, Held, Hold, Waiting
from examples.durable_storefront.purchase import PURCHASE
from examples.durable_storefront.terms import MOST_UNITS
from examples.storefront.addresses import find


class Office(Actor):
    """Puts large orders on the board, and decides about what it finds there."""

    async def on_start(self) -> None:
        """Look at what waits already."""
        self._board, self._news = (find(self.context.system, each) for each in (BOARD, NEWS))
        await self._board.request(Follow(self.context.ref, "waiting/*"))

    @handler
    async def hold(self, request: Hold) -> None:
        """Put an order on the board; the office will see it there."""
        order = request.order
        await self._news.request(PublishDurably(Held(order=order), key=f"hold {order}"))
        waiting = Waiting(order=order, units=request.units, cents=request.cents)
        await self._board.request(Put(f"waiting/{order}", waiting))

    @handler
    async def look(self, message: BoardContents) -> None:
        """Decide about what was there when the office began."""
        for entry in message.entries:
            await self._decide(entry.value)

    @handler
    async def decide(self, message: BoardChanged) -> None:
        """Decide about what has come."""
        for change in message.changes:
            if isinstance(change, Entry):
                await self._decide(change.value)

    async def _decide(self, waiting: Waiting) -> None:
        order = waiting.order
        is_approved = waiting.units <= MOST_UNITS
        if not is_approved:
            await self._news.request(PublishDurably(Declined(order=order), key=f"decline {order}"))
        reason = "" if is_approved else f"{waiting.units} CDs are more than anybody listens to"
        decision = Decision(is_approved=is_approved, reason=reason)
        system = self.context.system
        await PURCHASE.signal(system, str(order), "decision", decision, signal="the office")
        await self._board.request(Delete(f"waiting/{order}"))
