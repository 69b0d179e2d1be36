"""Who follows the news: the actors that move the machines, and the one that keeps the figures.

Each has a subscription that goes on where it has stopped. Since what was not confirmed comes again,
each can tell what it has had already.
"""

from typing import Any

from dramaturg.actors import Actor, ActorRef, handler
from dramaturg.protocols import (
    Blackboard,
    Delivery,
    DurableTopic,
    Get,
    KeepUnconfirmed,
    Put,
    SubscribeDurably,
)
from dramaturg.protocols.state_machines import (
    GetStatus,
    GuardedTransition,
    MachineStatus,
    StateMachine,
)
from examples.durable_storefront.addresses import BOARD, NEWS
from examples.durable_storefront.machines import CustomerMachine, OrderMachine
from examples.durable_storefront.messages import (
    AuditCustomer,
    AuditOrder,
    Bought,
    Charged,
    DayFigures,
    Declined,
    Held,
    Purchases,
    Recalled,
    Refunded,
    Released,
    Reserved,
    Sent,
    Visit,
    Waiting,
)
from examples.storefront.addresses import find


class News(DurableTopic):
    """What the departments and the office have done."""

    messages = (Reserved, Charged, Sent, Released, Refunded, Recalled, Held, Declined)
    retention = KeepUnconfirmed()


class Board(Blackboard):
    """What waits for the office, and the daily figures."""

    values = (Waiting, DayFigures)
    snapshot_every = 1_000


class Orders(Actor):
    """Has a machine for each order, which it lets go when it has come to its end."""

    async def on_start(self) -> None:
        """Follow all news."""
        self._states: dict[int, MachineStatus[Any, Any]] = {}
        news = find(self.context.system, NEWS)
        await news.request(SubscribeDurably("orders", self.context.ref, window=64))

    @handler
    async def follow(self, delivery: Delivery) -> None:
        """Move an order on, unless it has moved already."""
        news = delivery.message
        status = await self._status(news.order)
        if type(news).__name__ in status.allowed:
            machine = _child(self, OrderMachine, str(news.order))
            machine.tell(news)
            self._states[news.order] = await machine.request(GetStatus())
        await self._let_go(news.order)

    @handler
    async def audit(self, request: AuditOrder) -> str:
        """Say how far an order is."""
        status = await self._status(request.order)
        await self._let_go(request.order)
        return str(status.state.name)

    async def _status(self, order: int) -> MachineStatus[Any, Any]:
        if order not in self._states:
            machine = _child(self, OrderMachine, str(order))
            self._states[order] = await machine.request(GetStatus())
        return self._states[order]

    async def _let_go(self, order: int) -> None:
        if self._states[order].state in OrderMachine.final:
            del self._states[order]
            await _child(self, OrderMachine, str(order)).stop(block=False)


class Customers(Actor):
    """Has a machine for each customer."""

    async def on_start(self) -> None:
        """Follow what is sent."""
        news = find(self.context.system, NEWS)
        await news.request(SubscribeDurably("customers", self.context.ref, Sent, window=64))

    @handler
    async def follow(self, delivery: Delivery) -> None:
        """Tell a customer's machine of a parcel."""
        sent: Sent = delivery.message
        bought = Bought(offset=delivery.offset, units=sent.units, cents=sent.cents)
        try:
            await _child(self, CustomerMachine, sent.customer).request(bought)
        except GuardedTransition:
            """It knows."""

    @handler
    async def visit(self, request: Visit) -> str:
        """Say what a customer is known as."""
        return str((await self._status(request.customer)).state.name)

    @handler
    async def audit(self, request: AuditCustomer) -> Purchases:
        """Say what a customer has bought."""
        bought: Purchases = (await self._status(request.customer)).data
        return bought

    async def _status(self, customer: str) -> MachineStatus[Any, Any]:
        return await _child(self, CustomerMachine, customer).request(GetStatus())


class Figures(Actor):
    """Adds up what was sent of the orders of each day, on the board."""

    async def on_start(self) -> None:
        """Follow what is sent."""
        self._board = find(self.context.system, BOARD)
        news = find(self.context.system, NEWS)
        await news.request(SubscribeDurably("figures", self.context.ref, Sent, window=64))

    @handler
    async def follow(self, delivery: Delivery) -> None:
        """Add a parcel, unless the figures have it."""
        sent: Sent = delivery.message
        key = f"day/{sent.day}"
        entry = await self._board.request(Get(key))
        had: DayFigures = DayFigures() if entry is None else entry.value
        if delivery.offset > had.upto:
            figures = DayFigures(
                orders=had.orders + 1,
                units=had.units + sent.units,
                cents=had.cents + sent.cents,
                upto=delivery.offset,
            )
            version = 0 if entry is None else entry.version
            await self._board.request(Put(key, figures, version, source=f"order {sent.order}"))


def _child(parent: Actor, kind: type[StateMachine[Any, Any]], name: str) -> ActorRef[Any]:
    found = parent.context.lookup(f"{parent.context.path}/{name}")
    return parent.context.spawn(kind, name=name) if found is None else found
