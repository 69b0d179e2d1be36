"""A delegator: three specialised agents behind one ref, one of which fails.

Run it with `python -m examples.task_delegation`.
"""

import asyncio

from dramaturg.actors import Actor, ActorSystem, Request, handler
from dramaturg.protocols import DelegationFailed, Delegator, GetFigures, InOrder, Route
from dramaturg.protocols.workflows import Retry


class Translate(Request[str]):
    """Say it in English."""

    text: str


class Summarise(Request[str]):
    """Say it in short."""

    text: str


class Translator(Actor):
    """Knows few words."""

    @handler
    def translate(self, task: Translate) -> str:
        """Look it up."""
        return {"Guten Tag": "Good day"}[task.text]


class Speller(Actor):
    """Knows no word."""

    @handler
    def translate(self, task: Translate) -> str:
        """Spell it."""
        return "-".join(task.text)


class Summariser(Actor):
    """Takes the first word."""

    @handler
    def summarise(self, task: Summarise) -> str:
        """Find it."""
        return task.text.split()[0]


async def main() -> None:
    """Have some tasks done."""
    routes = (
        Route(Translate, agents=[Translator, Speller], choose=InOrder(), retry=Retry(2)),
        Route(Summarise, agents=[Summariser]),
    )
    async with ActorSystem("office") as system:
        desk = system.spawn(Delegator.of(*routes, tasks=[Translate, Summarise]), name="desk")
        for text in ("Guten Tag", "Hut"):
            print(await desk.request(Translate(text=text)))
        print(await desk.request(Summarise(text="Much ado about nothing")))
        try:
            await desk.request(Summarise(text=""))
        except DelegationFailed as failed:
            print("handed up:", failed.attempts[-1].error)
        for each in (await desk.request(GetFigures())).agents:
            print(f"{each.agent}: {each.tasks} tasks, {each.failures} failures")


if __name__ == "__main__":
    asyncio.run(main())
