"""A program that publishes and reads, and says so; started and killed by tests.

Run with the path of the journal. It goes on behind what is there.
"""

import asyncio
import sys

from dramaturg.actors import Actor, ActorSystem, SqliteJournal, handler
from dramaturg.protocols import Delivery, PublishDurably, SubscribeDurably
from tests.actors.messaging_kit import Captured
from tests.protocols.durable_topic_kit import Order, Orders


class Says(Actor):
    """Says what it reads."""

    @handler
    def delivered(self, message: Delivery) -> None:
        print("read", message.message.number, message.redelivered, flush=True)  # noqa: T201 - to the test


async def main(path: str) -> None:
    """Publish for ever."""
    async with ActorSystem("shop", journal=SqliteJournal(path), logger=Captured().log) as system:
        topic = system.spawn(Orders, name="orders")
        await topic.request(SubscribeDurably("r", system.spawn(Says)))
        number = 0
        while True:
            published = await topic.request(
                PublishDurably(Order(number=number), key=f"number {number}")
            )
            if not published.is_duplicate:
                print("published", number, flush=True)  # noqa: T201 - to the test
            number += 1


asyncio.run(main(sys.argv[1]))
