"""An actor system in a program without asyncio: threads tell and ask.

Run it with `python -m examples.threads`.
"""

from concurrent.futures import ThreadPoolExecutor

from dramaturg.actors import Actor, ActorSystem, Request, handler


class Deposit(Request[int]):
    """Put cents into the account; the reply is the new balance."""

    cents: int


class Account(Actor):
    """A balance that many threads change, without a lock."""

    def __init__(self) -> None:
        self._balance = 0

    @handler
    def deposit(self, message: Deposit) -> int:
        """No other message is handled between these two lines."""
        self._balance += message.cents
        return self._balance


def main() -> None:
    """Run the system on a thread of its own, and ask from four others."""
    with ActorSystem("bank") as system:
        account = system.spawn(Account, name="account")

        def pay_in(_: int) -> None:
            for _ in range(100):
                account.ask(Deposit(cents=1))

        with ThreadPoolExecutor(max_workers=4) as threads:
            list(threads.map(pay_in, range(4)))

        future = account.ask(Deposit(cents=0), block=False)
        print("balance:", future.get(timeout=5))


if __name__ == "__main__":
    main()
