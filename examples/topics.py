"""A topic: who wants a message subscribes to it, by its type, by its name, or both.

Run it with `python -m examples.topics`.
"""

import asyncio
from dataclasses import dataclass

from dramaturg.actors import Actor, ActorSystem, Props, handler
from dramaturg.protocols import DropOldest, GetTopicStatistics, Publish, Subscribe, Topic


@dataclass(frozen=True)
class Order:
    """Something happened to an order."""

    number: int


class Placed(Order):
    """It was placed."""


class Paid(Order):
    """It was paid."""


class Clerk(Actor):
    """Says what comes in."""

    @handler
    def order(self, message: Order) -> None:
        """Say which."""
        print(f"{self.context.name}: {message}")


class Display(Actor):
    """Shows what comes in, slowly."""

    def __init__(self, free: asyncio.Event) -> None:
        self._free = free

    @handler
    async def order(self, message: Order) -> None:
        """Show it when there is time."""
        await self._free.wait()
        print(f"{self.context.name}: {message}")


async def main() -> None:
    """Publish some orders to those who care."""
    async with ActorSystem("topics") as system:
        orders = system.spawn(Topic, name="orders")
        billing, europe = (system.spawn(Clerk, name=name) for name in ("billing", "europe"))
        orders.tell(Subscribe(billing, Paid))
        orders.tell(Subscribe(europe, pattern="orders.eu.#"))
        display = system.spawn(Props(Display, free := asyncio.Event()), name="display")
        # It need not show everything, only the latest.
        orders.tell(Subscribe(display, Order, slow=DropOldest(1)))
        for message in (Placed(1), Placed(2), Paid(2), Paid(1)):
            region = "eu" if message.number == 1 else "us"
            await orders.request(Publish(message, f"orders.{region}"))
        counts = await orders.request(GetTopicStatistics())
        print("published:", counts.published, "dropped:", counts.dropped)
        free.set()
        # Drained, the topic hands over what still waits; then the display handles what it has.
        for ref in (orders, display):
            await ref.drain(block=False)


if __name__ == "__main__":
    asyncio.run(main())
