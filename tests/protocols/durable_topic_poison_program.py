"""A program whose process ends at a message; started again and again by a test.

Run with the path of the journal. It says what it reads; once nothing is left it ends in order.
"""

import asyncio
import os
import sys

from dramaturg.actors import Actor, ActorSystem, SqliteJournal, handler
from dramaturg.protocols import (
    Delivery,
    GetDurableSubscriptions,
    PublishDurably,
    SubscribeDurably,
)
from tests.actors.messaging_kit import Captured
from tests.protocols.durable_topic_kit import Order, Orders

POISON = 2
LAST = 4


class Dies(Actor):
    """Ends the process at one message."""

    @handler
    def delivered(self, message: Delivery) -> None:
        print("read", message.message.number, flush=True)  # noqa: T201 - to the test
        if message.message.number == POISON:
            os._exit(7)


async def main(path: str) -> None:
    """Publish some, and read them."""
    async with ActorSystem("shop", journal=SqliteJournal(path), logger=Captured().log) as system:
        topic = system.spawn(Orders, name="orders")
        for number in range(LAST):
            await topic.request(PublishDurably(Order(number=number), key=f"number {number}"))
        await topic.request(SubscribeDurably("r", system.spawn(Dies), attempts=3, window=3))
        while (await topic.request(GetDurableSubscriptions()))[0].lag:  # noqa: ASYNC110 - it is asked
            await asyncio.sleep(0)
        letters = [each.message.message.number for each in system.dead_letters.list()]
        print("letters", *letters, flush=True)  # noqa: T201 - to the test


asyncio.run(main(sys.argv[1]))
