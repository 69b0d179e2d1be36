"""A blackboard: several actors gather what is known of companies, and one acts on what they find.

Run it with `python -m examples.entities_on_a_blackboard`.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from dramaturg.actors import Actor, ActorRef, ActorSystem, Props, handler
from dramaturg.actors.journal import MemoryJournal
from dramaturg.protocols import At, Blackboard, BoardChanged, Entry, EntryConflict, Follow, Put


@dataclass(frozen=True)
class Company:
    """What is known of a company."""

    name: str
    people: int | None = None


class Entities(Blackboard):
    """All companies that were heard of."""

    values = (Company,)


class Analyst(Actor):
    """Says what it learns of companies."""

    @handler
    def learn(self, message: BoardChanged) -> None:
        """Say what is new."""
        for change in message.changes:
            if isinstance(change, Entry):
                print(f"version {change.version}: {change.value.name} has {change.value.people}")


async def count(board: ActorRef[Any], known: Entry, people: int, source: str) -> None:
    """Write down how many people there are, unless somebody else was faster."""
    company = Company(known.value.name, people)
    try:
        await board.request(Put(known.key, company, known.version, source))
    except EntryConflict as conflict:
        print(f"{source} comes too late: {conflict}")


async def main() -> None:
    """Let two sources write what they know of the same company."""
    async with ActorSystem("research", journal=MemoryJournal()) as system:
        board = system.spawn(Entities, name="entities")
        acme = await board.request(Put("company/acme", Company("Acme"), source="a list"))
        analyst = system.spawn(Props(Analyst), name="analyst")
        await board.request(Follow(analyst, "company/*", from_version=acme.version))
        await count(board, acme, 120, "the register")
        await count(board, acme, 90, "a web page")
        past = await board.request(At(version=1))
        print("before that:", past.value("company/acme"))
        await analyst.drain(block=False)


if __name__ == "__main__":
    asyncio.run(main())
