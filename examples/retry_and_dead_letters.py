"""A call is tried again; what fails in the end is a dead letter, over restarts, and is sent again.

Run it with `python -m examples.retry_and_dead_letters`.
"""

import asyncio
import tempfile
from itertools import count

from dramaturg import actors
from dramaturg.actors import DurableDeadLetters, LetterVerdict, SqliteJournal, TypeRegistry
from dramaturg.protocols.workflows import Retry
from dramaturg.supervision import Backoff

RETRY = Retry(attempts=3, backoff=Backoff(0.01, 0.1), retryable=(ConnectionError,))


class Charge(actors.Message):
    """Charge a customer."""

    customer: str
    cents: int


def pay(charge: Charge, silences: list[str]) -> None:
    """Ask the bank, which is silent now and then."""
    if silences:
        raise ConnectionError(silences.pop())
    print(f"{charge.customer} is charged {charge.cents}")


class Cashier(actors.Actor):
    """Tries a charge as often as the retry says, and then fails on it."""

    policy = actors.Directive.RESTART

    def __init__(self, silences: list[str]) -> None:
        self._silences = silences

    @actors.handler
    async def charge(self, message: Charge) -> None:
        """Pay, or fail in the end."""
        for attempt in count(1):
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
    return LetterVerdict.REPLAY if letter.message.cents >= 100 else LetterVerdict.SETTLED


async def day(path: str, silences: list[str], *charges: Charge) -> None:
    """Look at what was left over, then charge. Between days the process may end."""
    letters, journal = DurableDeadLetters(TypeRegistry(Charge)), SqliteJournal(path)
    async with actors.ActorSystem("bank", journal=journal, dead_letters=letters) as system:
        cashier = system.spawn(actors.Props(Cashier, silences), name="cashier")
        handled = await letters.handle(judge)
        print(f"settled {handled.settled}, sent again {handled.replayed.sent}")
        for charge in charges:
            cashier.tell(charge)
        await letters.stored()
        await cashier.drain(block=False)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        two = Charge(customer="Ada", cents=100), Charge(customer="Grace", cents=1)
        asyncio.run(day(f"{folder}/bank", ["no answer"] * 6, *two))
        asyncio.run(day(f"{folder}/bank", ["no answer"]))
