"""An actor that cannot answer yet stashes what comes, and becomes another one when it can.

Run it with `python -m examples.stash_and_become`.
"""

import asyncio

from dramaturg.actors import Actor, ActorSystem, Message, Request, handler


class Opened(Message):
    """The connection is up."""


class Query(Request[str]):
    """A question to the database."""

    text: str


class Database(Actor):
    """Stashes queries until the connection is open; their callers notice nothing of it."""

    @handler
    def not_yet(self, message: Query) -> str:
        """Put the query aside. It is answered when it is handled again, not now."""
        print("stashed:", message.text)
        self.context.stash()
        return "of a stashed message nothing is sent"

    @handler
    def opened(self, message: Opened) -> None:
        """From now on `answer` gets every message, the stashed ones first."""
        print("open")
        self.context.become(self.answer)
        self.context.unstash_all()

    def answer(self, message: object) -> str:
        """Take the place of the handlers until `unbecome`."""
        if not isinstance(message, Query):
            raise TypeError(message)
        return f"{message.text}: 42"


async def main() -> None:
    """Query before the connection is open, and after."""
    async with ActorSystem("stash") as system:
        database = system.spawn(Database, name="database")
        early = [asyncio.ensure_future(database.request(Query(text=text))) for text in "ab"]
        await asyncio.sleep(0)  # let both be sent
        database.tell(Opened())
        print(await asyncio.gather(*early))
        print(await database.request(Query(text="c")))


if __name__ == "__main__":
    asyncio.run(main())
