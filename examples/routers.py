"""A router is one ref in front of many actors.

Run it with `python -m examples.routers`.
"""

import asyncio

from dramaturg.actors import (
    Actor,
    ActorSystem,
    Broadcast,
    ConsistentHash,
    Props,
    Request,
    RoundRobin,
    handler,
)


class Work(Request[str]):
    """A piece of work for a customer."""

    customer: str


class Worker(Actor):
    """Says who did it."""

    @handler
    def work(self, message: Work) -> str:
        """Answer with the worker's own name."""
        return self.context.name


async def main() -> None:
    """Send the same work through three routers."""
    customers = ("Ada", "Grace", "Ada", "Barbara", "Ada")
    async with ActorSystem("routers") as system:
        pool = system.spawn(RoundRobin(Props(Worker), size=2), name="pool")
        print("in turn:", [await pool.request(Work(customer=each)) for each in customers])

        desks = [system.spawn(Worker, name=name) for name in ("north", "south", "west")]
        by_name = system.spawn(ConsistentHash.over(desks, key=lambda work: work.customer))
        answers = [(each, await by_name.request(Work(customer=each))) for each in customers]
        print("the same desk for the same customer:", len(set(answers)) == len(set(customers)))

        system.spawn(Broadcast.over(desks), name="all")


if __name__ == "__main__":
    asyncio.run(main())
