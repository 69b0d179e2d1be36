"""An order as a saga: what was charged is given back when it cannot be shipped.

The shop closes in the middle, and opens again. Run it with `python -m examples.order_saga`.
"""

import asyncio
import tempfile
from pathlib import Path

from dramaturg.actors import ActorSystem, Message, Refused, SqliteJournal
from dramaturg.protocols.workflows import Call, Workflow, WorkflowFailed, saga, step, wait_for

charged: dict[str, int] = {}
"""Stands for a bank, which remembers what it was asked for by its key."""


class Order(Message):
    """Somebody wants something."""

    sku: str
    cents: int


async def charge(order: Order, call: Call) -> str:
    """Take the money, once for each key."""
    charged.setdefault(call.key, order.cents)
    return f"receipt for {order.cents}"


async def refund(order: Order, call: Call) -> None:
    """Give it back, if it was taken."""
    if charged.pop(call.undoes or "", None):
        print(f"refund {order.cents} for {order.sku}")


async def ship(is_there: bool) -> str:  # noqa: FBT001 - what the event says
    """Send it off, if there is a truck."""
    if not is_there:
        raise Refused("no truck")
    return "shipped"


checkout = Workflow(
    "checkout",
    saga(step("charge", charge, compensate=refund), wait_for("truck", bool), step("ship", ship)),
    takes=Order,
)


async def main() -> None:
    """Begin in one system, and end in another."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "shop.db")
        async with ActorSystem("monday", journal=SqliteJournal(file)) as system:
            for id_, sku in (("1", "tea"), ("2", "gold")):
                await checkout.start(system, Order(sku=sku, cents=300), id=id_)
        async with ActorSystem("tuesday", journal=SqliteJournal(file)) as system:
            print("in flight:", await checkout.resume(system))
            for id_, is_there in (("1", True), ("2", False)):
                await checkout.signal(system, id_, "truck", is_there)
                try:
                    print(id_, await checkout.result(system, id_))
                except WorkflowFailed as failed:
                    print(id_, failed.status, "since", failed.error)
    print("charged in the end:", sum(charged.values()))


if __name__ == "__main__":
    asyncio.run(main())
