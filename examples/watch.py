"""Whoever watches an actor is told of its end, whatever it was.

Run it with `python -m examples.watch`.
"""

import asyncio

from dramaturg.actors import Actor, ActorSystem, Props, Terminated, handler


class Runner(Actor):
    """Runs a number of laps and is done; without laps it stumbles."""

    @handler
    def run(self, laps: int) -> None:
        """Stop, or fail: by default an actor that fails is stopped."""
        if not laps:
            raise ValueError("stumbled")
        print(f"{self.context.name} runs {laps} laps")
        self.stop()


class Trainer(Actor):
    """Sends runners off one after the other, and watches them."""

    def __init__(self, finished: asyncio.Event) -> None:
        self._finished = finished
        self._starters = [("steady", 5), ("stumbler", 0)]

    def on_start(self) -> None:
        """Begin with the first one."""
        self._next()

    @handler
    def ended(self, message: Terminated) -> None:
        """Both ends are told the same way; the error tells them apart."""
        print(f"{message.ref.path} has ended: {message.error or 'normally'}")
        self._next()

    def _next(self) -> None:
        if not self._starters:
            self._finished.set()
            return
        name, laps = self._starters.pop(0)
        runner = self.context.spawn(Runner, name=name)
        self.context.watch(runner)
        runner.tell(laps)


async def main() -> None:
    """Wait until both have run."""
    finished = asyncio.Event()
    async with ActorSystem("watch") as system:
        system.spawn(Props(Trainer, finished), name="trainer")
        await asyncio.wait_for(finished.wait(), timeout=5)


if __name__ == "__main__":
    asyncio.run(main())
