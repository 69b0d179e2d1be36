"""Code that blocks gets a thread of its own; an actor written for pykka can be used as it is.

Run it with `python -m examples.blocking`.
"""

import asyncio
import threading

import pykka

from dramaturg.actors import ActorSystem, Props, Request, ThreadActor, handler


class Enter(Request[str]):
    """Wait until the gate is open, and go in."""


class Visitor(ThreadActor):
    """Its handlers may block: they hold up no actor but this one."""

    def __init__(self, gate: threading.Event) -> None:
        self._gate = gate

    @handler
    def enter(self, message: Enter) -> str:
        """Stand still, thread and all."""
        return "went in" if self._gate.wait(timeout=5) else "went home"


class Legacy(pykka.ThreadingActor):
    """Written for pykka alone."""

    def on_receive(self, message: object) -> object:
        """Answer anything."""
        return f"pykka's actor got {message}"


async def main() -> None:
    """Let a visitor wait at the gate, and open it meanwhile."""
    gate = threading.Event()
    async with ActorSystem("blocking") as system:
        visitor = system.spawn(Props(Visitor, gate), name="visitor")
        legacy = system.spawn(Legacy, name="legacy")

        visit = asyncio.ensure_future(visitor.request(Enter()))
        print(await legacy.request("a string"))
        print("went in already:", visit.done())
        gate.set()
        print(await visit)


if __name__ == "__main__":
    asyncio.run(main())
