"""A program that buries bills and says how many are stored; started and killed by tests.

Run with the path of the journal. It goes on behind what is there.
"""

import asyncio
import sys

from dramaturg.actors import ActorSystem, DurableDeadLetters, Props, SqliteJournal
from tests.actors.letters_kit import REGISTRY, Bill, Till
from tests.actors.messaging_kit import Captured


async def main(path: str) -> None:
    """Bury ten at a time, for ever."""
    letters = DurableDeadLetters(REGISTRY)
    async with ActorSystem(
        "shop", journal=SqliteJournal(path), dead_letters=letters, logger=Captured().log
    ) as system:
        gone = system.spawn(Props(Till, []), name="gone")
        await gone.stop(block=False)
        while True:
            for _ in range(10):
                gone.tell(Bill(number=letters.total))
            await letters.stored()
            print(letters.total, flush=True)  # noqa: T201 - to the test


asyncio.run(main(sys.argv[1]))
