"""Health: how every actor fares, at any moment, without asking any of them.

Run it with `python -m examples.health`.
"""

import asyncio

from dramaturg.actors import Actor, ActorSystem, Props, handler
from dramaturg.supervision import (
    ChildDegraded,
    ChildSpec,
    Supervisor,
    SupervisorSpec,
    WhichChildren,
)


class Till(Actor):
    """Takes money."""

    @handler
    def take(self, cents: int) -> None:
        """Take it, if there is any."""
        if cents < 1:
            raise ValueError("no money")


class PaperAndPencil(Actor):
    """Stands in for a till."""

    @handler
    def take(self, cents: int) -> None:
        """Note it."""


TILL = ChildSpec("till", Till, fallbacks=(PaperAndPencil,))
SHOP = SupervisorSpec([TILL, ChildSpec("spare", Till)], intensity=0)


async def main() -> None:
    """Look at a shop before and after something went wrong."""
    degraded = asyncio.Event()
    async with ActorSystem("health") as system:
        system.events.subscribe(lambda _: degraded.set(), ChildDegraded)
        shop = system.spawn(Props(Supervisor, SHOP), name="shop")
        till, _ = [child.ref for child in await shop.request(WhichChildren()) if child.ref]
        print("before:", system.health().status)

        till.tell(0)
        await asyncio.wait_for(degraded.wait(), timeout=5)
        health = system.health()  # a frozen picture; to_dict() and to_json() for machines
        print("after:", health.status)
        for actor in health.degraded:
            print(f"{actor.path}: {actor.degraded and actor.degraded.rung} stands in")
        print("dead letters:", health.totals.dead_letters)
        print(system.tree())  # form="mermaid", "json" or "rich" draws it otherwise


if __name__ == "__main__":
    asyncio.run(main())
