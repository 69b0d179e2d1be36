"""What is known of a customer, from four sources at once; two of them need not answer.

Run it with `python -m examples.customer_fan_out`.
"""

import asyncio

from dramaturg.actors import Actor, ActorSystem, MemoryJournal, Request, handler
from dramaturg.protocols.workflows import (
    Call,
    Outcomes,
    Retry,
    Workflow,
    ask,
    fan_out,
    sequence,
    step,
)


class CountOrders(Request[int]):
    """Asks how many orders there were."""

    customer: str


class Archive(Actor):
    """Knows the orders."""

    @handler
    def count(self, request: CountOrders) -> int:
        """Count them."""
        return len(request.customer)


async def credit(customer: str, call: Call) -> str:
    """Ask a bureau that answers at the second attempt."""
    if call.attempt == 1:
        raise ConnectionError("the bureau is busy")
    return f"{customer} is good for it (attempt {call.attempt})"


async def mood(customer: str) -> str:
    """Ask a service that is down."""
    raise ConnectionError(f"nobody knows how {customer} feels")


def summed_up(found: Outcomes) -> list[str]:
    """Make lines of what there is."""
    lines = [f"{name}: {value}" for name, value in sorted(found.values.items())]
    return [*lines, *(f"{name}: {error.text}" for name, error in found.errors.items())]


required = {
    "address": step("address", lambda customer: f"{customer}'s house"),
    "orders": step("orders", ask("/archive", CountOrders)),
}
optional = {"credit": step("credit", credit, retry=Retry(attempts=2)), "mood": step("mood", mood)}
look_up = sequence(fan_out(required, optional=optional), step("sum up", summed_up))
profile = Workflow("profile", look_up, takes=str)


async def main() -> None:
    """Look one customer up."""
    async with ActorSystem("office", journal=MemoryJournal()) as system:
        system.spawn(Archive, name="archive")
        print("\n".join(await profile.run(system, "Ada")))


if __name__ == "__main__":
    asyncio.run(main())
