"""A circuit breaker: while whoever is called is ill, calls fail at once and leave it alone.

Run it with `python -m examples.circuit_breaker`.
"""

import asyncio

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorSystem,
    Directive,
    ManualClock,
    Props,
    handler,
)
from dramaturg.supervision import BreakerActor, CircuitOpen


class Gateway(Actor):
    """Answers from its third life on."""

    @handler
    def charge(self, cents: int) -> str:
        """Charge, or fail."""
        if self.context.incarnation < 3:
            raise ConnectionError("no answer")
        return f"charged {cents}"


async def main() -> None:
    """Break the circuit, wait, and find it mended; the clock is moved by hand."""
    clock = ManualClock()
    async with ActorSystem("circuit-breaker", clock=clock) as system:
        gateway = system.spawn(Props(Gateway).using(policy=Directive.RESTART), name="gateway")
        # It is used like the actor behind it. For functions there is CircuitBreaker.
        breaker = Props(BreakerActor, gateway, max_failures=2, reset_timeout=30.0)
        guarded = system.spawn(breaker, name="guarded")
        for moment in (0, 0, 0, 30, 0):
            clock.advance(moment)
            try:
                print(f"{clock.monotonic():g} s:", await guarded.request(100))
            except (ActorCrashed, CircuitOpen) as error:
                print(f"{clock.monotonic():g} s: {type(error).__name__}")


if __name__ == "__main__":
    asyncio.run(main())
