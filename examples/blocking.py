"""Code that blocks gets a thread of its own; an actor written for pykka can be used as it is.

Run it with `python -m examples.blocking`.
"""

import asyncio
import threading

import pykka

from dramaturg.actors import Actor, ActorSystem, Props, Request, ThreadActor, handler


class Wait(Request[str]):
    """Wait until the gate is open."""


class Open(Request[str]):
    """Open the gate."""


class Blocking(ThreadActor):
    """Its handlers may block: they hold no actor but this one."""

    def __init__(self, gate: threading.Event) -> None:
        self._gate = gate

    @handler
    def wait(self, message: Wait) -> str:
        """Stand still, thread and all."""
        return "went through the gate" if self._gate.wait(timeout=5) else "nobody came"


class Porter(Actor):
    """Runs on the event loop, where nothing may block."""

    def __init__(self, gate: threading.Event) -> None:
        self._gate = gate

    @handler
    def open(self, message: Open) -> str:
        """Handled while the other one waits."""
        self._gate.set()
        return "opened the gate"


class Legacy(pykka.ThreadingActor):
    """Written for pykka alone."""

    def on_receive(self, message: object) -> object:
        """Answer anything."""
        return f"pykka's actor got {message}"


async def main() -> None:
    """Wait at the gate, and open it meanwhile."""
    gate = threading.Event()
    async with ActorSystem("blocking") as system:
        blocking = system.spawn(Props(Blocking, gate), name="blocking")
        porter = system.spawn(Props(Porter, gate), name="porter")
        waiting = asyncio.ensure_future(blocking.request(Wait()))
        print(await porter.request(Open()))
        print(await waiting)

        legacy = system.spawn(Legacy, name="legacy")
        print(await legacy.request("a string"))


if __name__ == "__main__":
    asyncio.run(main())
