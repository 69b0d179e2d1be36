"""Degradation: rather an old price than none, rather a polite no than silence, and back again.

Run it with `python -m examples.degradation`.
"""

import asyncio

from dramaturg.actors import Actor, ActorSystem, DramaturgError, Props, Refused
from dramaturg.supervision import (
    ChildDegraded,
    ChildRecovered,
    ChildSpec,
    Supervisor,
    SupervisorSpec,
    WhichChildren,
)


class Prices(Actor):
    """Asks a service that is down in the first three lives of this actor."""

    def on_receive(self, message: str) -> str:  # gets all messages without a @handler
        """Look the price up."""
        if message == "book" and self.context.incarnation <= 3:
            raise ConnectionError("the service is down")
        return f"a {message} costs 12"


class CachedPrices(Actor):
    """Knows yesterday's prices."""

    def on_receive(self, message: str) -> str:
        """Look the price up."""
        if message != "CD":
            raise LookupError("the cache is broken")
        return "a CD cost 11 yesterday"


class NoPrices(Actor):
    """The last resort."""

    def on_receive(self, message: str) -> str:
        """Decline."""
        raise Refused("no prices at the moment")


# With the second failure within 5 s (the defaults of the spec) it steps down. Then the original is
# tried at times: once it comes up and answers the probe it serves again.
PRICES = ChildSpec(
    "prices", Prices, fallbacks=(CachedPrices, NoPrices), probe=lambda: "book", probe_every=0.05
)


async def main() -> None:
    """Go down the ladder and up again; who asks holds the same ref all the time."""
    back = asyncio.Event()
    async with ActorSystem("degradation") as system:
        system.events.subscribe(lambda event: print("degraded to rung", event.rung), ChildDegraded)
        system.events.subscribe(lambda _: back.set(), ChildRecovered)
        shop = system.spawn(Props(Supervisor, SupervisorSpec([PRICES])), name="shop")
        [prices] = [child.ref for child in await shop.request(WhichChildren()) if child.ref]
        for sku in ("CD", "book", "book", "CD", "book", "book", "CD"):
            try:
                print(await prices.request(sku))
            except DramaturgError as error:
                print(f"{type(error).__name__}: {error.__cause__ or error}")
        await asyncio.wait_for(back.wait(), timeout=5)
        print("recovered:", await prices.request("book"))


if __name__ == "__main__":
    asyncio.run(main())
