"""Every request ends: in a reply, a refusal, a crash that is reported, or at its deadline.

Run it with `python -m examples.request_reply`.
"""

import asyncio

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorSystem,
    DeadlineExceeded,
    Refused,
    Request,
    handler,
)


class Divide(Request[int]):
    """Divide two whole numbers that divide without a remainder."""

    dividend: int
    divisor: int


class Ponder(Request[str]):
    """A question that takes its time."""


class Calculator(Actor):
    """Answers, refuses, crashes, and answers too late."""

    @handler
    def divide(self, message: Divide) -> int:
        """Refused is an answer: the actor lives on. Any other exception is a crash."""
        if message.divisor and message.dividend % message.divisor:
            raise Refused("there is a remainder", remainder=message.dividend % message.divisor)
        return int(message.dividend / message.divisor)

    @handler
    async def ponder(self, message: Ponder) -> str:
        """Keep the caller waiting; other actors go on meanwhile."""
        await asyncio.sleep(0.2)
        return "42"


async def main() -> None:
    """Ask for everything."""
    async with ActorSystem("request-reply") as system:
        calculator = system.spawn(Calculator, name="calculator")
        print("12 / 4 =", await calculator.request(Divide(dividend=12, divisor=4)))
        try:
            await calculator.request(Divide(dividend=12, divisor=5))
        except Refused as refused:
            print("refused:", refused, refused.details)
        try:
            await system.spawn(Calculator, name="thinker").request(Ponder(), timeout=0.05)
        except DeadlineExceeded as error:
            print("too late: no answer from", error.waiting_for)
        try:
            await calculator.request(Divide(dividend=12, divisor=0))
        except ActorCrashed as error:
            print("crashed:", error)


if __name__ == "__main__":
    asyncio.run(main())
