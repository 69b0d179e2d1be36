"""Timers are messages to oneself: after a while, again and again, or when nothing else comes.

Run it with `python -m examples.timers`.
"""

import asyncio

from dramaturg.actors import Actor, ActorSystem, Message, Props, handler


class Tick(Message):
    """Sent by the timer."""


class Quiet(Message):
    """Sent when no other message has come for a while."""


class Metronome(Actor):
    """Ticks three times, notices the silence, and stops."""

    def __init__(self, finished: asyncio.Event) -> None:
        self._finished = finished
        self._ticks = 0

    def on_start(self) -> None:
        """A timer has a key: starting one of the same key replaces it."""
        self.context.start_timer("tick", Tick(), every=60.0)
        self.context.start_timer("tick", Tick(), every=0.01)

    @handler
    def tick(self, message: Tick) -> None:
        """Count, and call the timer off at three."""
        self._ticks += 1
        print("tick", self._ticks)
        if self._ticks == 3:
            self.context.cancel_timer("tick")
            self.context.set_receive_timeout(0.05, Quiet())

    @handler
    def quiet(self, message: Quiet) -> None:
        """The timers of an actor end with it."""
        print("quiet now")
        self.context.stop_self()

    def on_stop(self) -> None:
        """Say that it is over."""
        self._finished.set()


async def main() -> None:
    """Wait for the metronome to stop."""
    finished = asyncio.Event()
    async with ActorSystem("timers") as system:
        system.spawn(Props(Metronome, finished), name="metronome")
        await asyncio.wait_for(finished.wait(), timeout=5)


if __name__ == "__main__":
    asyncio.run(main())
