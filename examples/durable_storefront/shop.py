"""The tree of the shop, and one run of all purchases through it."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final

from dramaturg.actors import ActorRef, ActorSystem, Props
from dramaturg.protocols import GetDurableSubscriptions
from dramaturg.protocols.workflows import Workflow, WorkflowFailed
from dramaturg.supervision import ChildSpec, Supervisor, SupervisorSpec
from examples.durable_storefront.addresses import NEWS
from examples.durable_storefront.departments import Inventory, Payment, Shipping
from examples.durable_storefront.followers import Board, Customers, Figures, News, Orders
from examples.durable_storefront.messages import Order
from examples.durable_storefront.office import Office
from examples.durable_storefront.purchase import PURCHASE
from examples.storefront.addresses import find

IN_FLIGHT: Final = 64
"""Most purchases at once."""

ENDS: Final = ("completed", "compensated", "failed", "cancelled", "stuck")


def shop_spec() -> SupervisorSpec:
    """Make the tree: whoever is looked up before whoever looks."""
    kinds = (Board, News, Inventory, Payment, Shipping, Orders, Customers, Figures, Office)
    children = [ChildSpec(kind.__name__.lower(), kind) for kind in kinds]
    return SupervisorSpec(children, strategy="one_for_one", intensity=100, period=1.0)


async def open_shop(system: ActorSystem) -> ActorRef[Any]:
    """Start everybody; those that have a journal recover."""
    shop = system.spawn(Props(Supervisor, shop_spec()), name="shop")
    await shop.started()
    return shop


async def see_through(
    system: ActorSystem, orders: Iterable[Order], ended: Callable[[], None]
) -> None:
    """See all purchases through to their ends, and have the news of them heard.

    Those in flight go on, and of those that have ended nothing is done.

    :param ended: is called with each end.
    """
    slots = asyncio.Semaphore(IN_FLIGHT)

    async def one(order: Order) -> None:
        try:
            await PURCHASE.run(system, order, id=str(order.order))
        except WorkflowFailed:
            """An end like others; the audit looks at why."""
        finally:
            slots.release()
        ended()

    async with asyncio.TaskGroup() as group:
        for order in orders:
            await slots.acquire()
            group.create_task(one(order))
    await hear_everything(system)


async def hear_everything(system: ActorSystem) -> None:
    """Wait until all news have been handled by whoever follows them."""
    news = find(system, NEWS)
    # The topic tells it only to those who ask.
    while any(each.lag for each in await news.request(GetDurableSubscriptions())):  # noqa: ASYNC110
        await asyncio.sleep(0.02)


async def ends(system: ActorSystem, workflow: Workflow) -> dict[int, str]:
    """Say which orders have come to which end in a workflow."""
    found: dict[int, str] = {}
    for end in ENDS:
        for instance in await workflow.ids(system, end):
            # That of a fulfilment is the key of the step that has begun it: purchase/17/fulfil.
            order = instance.removeprefix("purchase/").removesuffix("/fulfil")
            found[int(order)] = end
    return found
