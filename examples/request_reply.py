"""Every request ends: in a reply, a refusal, the report of a crash, or at its deadline.

Run it with `python -m examples.request_reply`.
"""

import asyncio
from math import isqrt

from dramaturg.actors import Actor, ActorSystem, DramaturgError, Refused, Request, handler


class Root(Request[int]):
    """Find the root of a square number."""

    number: int


class Ponder(Request[str]):
    """Take some time over it."""


class Calculator(Actor):
    """Answers, refuses, crashes, and answers too late."""

    @handler
    def root(self, message: Root) -> int:
        """Refused is an answer: the actor lives on. Any other exception is a crash."""
        root = isqrt(message.number)
        if root * root != message.number:
            raise Refused(f"{message.number} is no square number", nearest=root * root)
        return root

    @handler
    async def ponder(self, message: Ponder) -> str:
        """Keep the caller waiting; other actors go on meanwhile."""
        await asyncio.sleep(0.6)
        return "42"


async def main() -> None:
    """Make four requests. Whatever goes wrong is a DramaturgError."""
    async with ActorSystem("request-reply") as system:
        for question in (Root(number=9), Root(number=8), Root(number=-1), Ponder()):
            calculator = system.spawn(Calculator)
            try:
                print("the answer is", await calculator.request(question, timeout=0.3))
            except Refused as refusal:
                print(f"refused: {refusal} {refusal.details}")
            except DramaturgError as error:
                print("no answer:", type(error).__name__, "caused by", repr(error.__cause__))


if __name__ == "__main__":
    asyncio.run(main())
