"""A router is one ref in front of many actors.

Run it with `python -m examples.routers`.
"""

import asyncio

from dramaturg.actors import (
    Actor,
    ActorSystem,
    Broadcast,
    ConsistentHash,
    Request,
    RoundRobin,
    Router,
    handler,
)


class Serve(Request[str]):
    """Serve a customer; the reply says who did."""

    customer: str


class Clerk(Actor):
    """Serves customers."""

    greeting = "Hello"

    @handler
    def serve(self, message: Serve) -> str:
        """Greet the customer."""
        return f"{self.context.name}: {self.greeting}, {message.customer}"

    @handler
    def learn(self, greeting: str) -> None:
        """Greet like that from now on. Any class may be a message, if only str."""
        self.greeting = greeting


async def main() -> None:
    """Serve customers in turn, and then each always by the same clerk."""
    async with ActorSystem("routers") as system:
        # A pool makes its routees and stops with them; a group is given them.
        pool = system.spawn(Router.pool(Clerk, 2, RoundRobin()), name="pool")
        pool.tell(Broadcast("Welcome"))
        for customer in ("Ada", "Grace", "Ada"):
            print(await pool.request(Serve(customer=customer)))

        clerks = [system.spawn(Clerk, name=name) for name in ("north", "south", "west")]
        by_customer = ConsistentHash(key=lambda message: message.customer)
        group = system.spawn(Router.group(clerks, by_customer), name="group")
        served = [await group.request(Serve(customer=name)) for name in ("Ada", "Grace", "Ada")]
        print("the same clerk for the same customer:", served[0] == served[2])


if __name__ == "__main__":
    asyncio.run(main())
