"""A call is tried again; what fails in the end is a dead letter, over restarts, and is sent again.

Run it with `python -m examples.retry_and_dead_letters`.
"""

import asyncio
import tempfile

from dramaturg import actors
from dramaturg.actors import DurableDeadLetters, LetterVerdict, SqliteJournal, TypeRegistry
from dramaturg.protocols.workflows import Retry

RETRY = Retry(attempts=3, retryable=(ConnectionError,))


class Charge(actors.Message):
    """Charge a customer."""

    customer: str


def pay(charge: Charge, silences: list[str]) -> None:
    """Ask the bank, which is silent now and then."""
    if silences:
        raise ConnectionError(silences.pop())
    print(f"{charge.customer} is charged")


class Cashier(actors.Actor):
    """Tries a charge as often as the retry says, and then fails on it."""

    def __init__(self, silences: list[str]) -> None:
        self._silences = silences

    @actors.handler
    async def charge(self, message: Charge) -> None:
        """Pay, or fail in the end."""
        for attempt in range(1, 9):  # the retry ends it
            try:
                pay(message, self._silences)
                break
            except ConnectionError as error:
                print(f"{message.customer}, attempt {attempt}: {error}")
                pause = RETRY.again(error, attempt=attempt, spent=0, random=self.context.random)
                if pause is None:
                    raise
            await asyncio.sleep(pause)


def judge(letter: actors.DeadLetter) -> LetterVerdict:
    """Decide about a letter."""
    print(f"{letter.message.customer} was not charged: {letter.error}")
    return LetterVerdict.REPLAY if letter.message.customer == "Ada" else LetterVerdict.SETTLED


async def day(path: str, silences: list[str], *customers: str) -> None:
    """Look at what was left over, then charge. Between days the process may end."""
    letters, journal = DurableDeadLetters(TypeRegistry(Charge)), SqliteJournal(path)
    async with actors.ActorSystem("bank", journal=journal, dead_letters=letters) as system:
        recipe = actors.Props(Cashier, silences).using(policy=actors.Directive.RESTART)
        cashier = system.spawn(recipe, name="cashier")
        print("settled:", (await letters.handle(judge)).settled)
        for customer in customers:
            cashier.tell(Charge(customer=customer))
        await letters.stored()
        await cashier.drain(block=False)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(day(f"{folder}/bank", ["no answer"] * 6, "Ada", "Grace"))
        asyncio.run(day(f"{folder}/bank", ["no answer"]))
