"""Back-off: pauses before restarts, each twice as long as the one before; in virtual time.

Run it with `python -m examples.backoff`.
"""

import asyncio

from dramaturg.actors import Actor, ActorStarted, ActorSystem, ManualClock, Props, handler
from dramaturg.supervision import Backoff, ChildSpec, Supervisor, SupervisorSpec, WhichChildren


class Line(Actor):
    """A line to a bank that comes up with the fifth attempt."""

    def on_start(self) -> None:
        """Dial."""
        clock = self.context.clock.monotonic()
        print(f"{clock:g} s: attempt {self.context.incarnation}")
        if 1 < self.context.incarnation < 5:
            raise ConnectionError("engaged")

    @handler
    def hang_up(self, reason: str) -> None:
        """Fail."""
        raise ConnectionError(reason)


# 1, 2, 4, 8, 8, ... seconds; with jitter=0.2 each up to a fifth shorter. All of them count as
# restarts, so the supervisor has to allow for as many within its period.
LINE = ChildSpec("line", Line, backoff=Backoff(1, 8))
BANK = SupervisorSpec([LINE], intensity=10, period=60)


async def main() -> None:
    """Hang up, and move the clock until the line is up again."""
    clock = ManualClock()
    up = asyncio.Event()
    async with ActorSystem("backoff", clock=clock) as system:
        bank = system.spawn(Props(Supervisor, BANK), name="bank")
        await bank.started()
        system.events.subscribe(lambda _: up.set(), ActorStarted)
        [line] = [child.ref for child in await bank.request(WhichChildren()) if child.ref]
        line.tell("good night")
        while not up.is_set():
            await asyncio.sleep(0)  # let happen what is due
            if clock.pending:
                clock.advance(1)
        print(f"{clock.monotonic():g} s: up")


if __name__ == "__main__":
    asyncio.run(main())
