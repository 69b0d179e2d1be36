"""A bulkhead: so many requests at once, some more may wait, and the rest is turned away.

Run it with `python -m examples.bulkhead`.
"""

import asyncio

from dramaturg.actors import Actor, ActorSystem, Props, handler
from dramaturg.supervision import BulkheadActor, BulkheadFull


class Gateway(Actor):
    """Takes its time."""

    def __init__(self, done: asyncio.Event) -> None:
        self._done = done

    @handler
    async def charge(self, cents: int) -> str:
        """Charge."""
        await self._done.wait()
        return f"charged {cents}"


async def main() -> None:
    """Send four requests where there is room for three."""
    done = asyncio.Event()
    async with ActorSystem("bulkhead") as system:
        gateway = system.spawn(Props(Gateway, done), name="gateway")
        # It is used like the actor behind it. For functions there is Bulkhead.
        limits = Props(BulkheadActor, gateway, max_in_flight=1, max_waiting=2)
        guarded = system.spawn(limits, name="guarded")
        requests = [asyncio.create_task(guarded.request(cents)) for cents in (1, 2, 3, 4)]
        try:
            await requests[3]
        except BulkheadFull as error:
            print("turned away:", error)
        done.set()
        print(*await asyncio.gather(*requests[:3]), sep="\n")


if __name__ == "__main__":
    asyncio.run(main())
