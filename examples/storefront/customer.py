"""Customers: one actor each, and the door, which lets them in."""

from typing import Any

from dramaturg.actors import (
    Actor,
    ActorRef,
    DeadlineExceeded,
    DramaturgError,
    GoneError,
    handler,
)
from dramaturg.supervision import AlreadyStarted, ChildStarted, StartInstance
from examples.storefront.accounts import AuditCustomer, CustomerAccount
from examples.storefront.addresses import (
    CATALOGUE,
    CUSTOMERS,
    FRONT_DESK,
    INVENTORY,
    LEDGER,
    PAYMENT,
    SHIPPING,
    find,
)
from examples.storefront.messages import (
    Bills,
    Book,
    Charge,
    ComeBackLater,
    OrderCompleted,
    OrderFailed,
    OrderPostponed,
    PlaceOrder,
    PriceOrder,
    Reserve,
    Ship,
)


class Customer(Actor):
    """Takes orders one after the other from department to department.

    A repeated order is bought once: its customer goes the same way again, and every department
    answers as it did before. What a customer bought stands on the bills, which the ledger has; so a
    customer that starts again needs no record of its own.
    """

    async def on_start(self) -> None:
        """Read the bills."""
        system = self.context.system
        self._ledger = find(system, LEDGER)
        self._catalogue, self._inventory = find(system, CATALOGUE), find(system, INVENTORY)
        self._payment, self._shipping = find(system, PAYMENT), find(system, SHIPPING)
        self._bought: dict[int, tuple[int, int]] = {}
        await self._read_bills()

    async def _read_bills(self) -> None:
        for bill in await self._ledger.request(Bills(customer=self.context.name)):
            self._bought.setdefault(bill.order, (bill.units, bill.cents))

    @handler
    async def place(self, message: PlaceOrder) -> None:
        """Buy; what a department refuses or fails to do ends the order, not the customer."""
        order = message.order
        try:
            await self._buy(message)
        except (ComeBackLater, GoneError, DeadlineExceeded) as error:
            # Whoever crashed is being restarted: it is worth trying again.
            self._say(OrderPostponed(order=order, reason=f"{type(error).__name__}: {error}"))
        except DramaturgError as error:
            self._say(OrderFailed(order=order, reason=f"{type(error).__name__}: {error}"))
        else:
            self._bought[order] = (message.units, message.cents)
            self._say(OrderCompleted(order=order))

    def _say(self, end: OrderCompleted | OrderFailed | OrderPostponed) -> None:
        find(self.context.system, FRONT_DESK).tell(end)

    async def _buy(self, placed: PlaceOrder) -> None:
        order, customer, units = placed.order, placed.customer, placed.units
        quote = await self._catalogue.request(
            PriceOrder(order=order, units=units, cents=placed.cents)
        )
        await self._inventory.request(Reserve(order=order, sku=quote.sku, units=units))
        charged = await self._payment.request(
            Charge(order=order, customer=customer, cents=quote.total_cents)
        )
        shipped = await self._shipping.request(
            Ship(order=order, customer=customer, sku=quote.sku, units=units)
        )
        await self._ledger.request(
            Book(
                order=order,
                day=placed.day,
                customer=customer,
                master_id=placed.master_id,
                sku=quote.sku,
                units=units,
                cents=quote.total_cents,
                receipt=charged.receipt,
                parcel=shipped.parcel,
            )
        )

    @handler
    async def audit(self, message: AuditCustomer) -> CustomerAccount:
        """Say what was bought, that included of which the ledger did not live to tell."""
        await self._read_bills()
        return CustomerAccount(
            customer=self.context.name,
            orders=len(self._bought),
            units=sum(units for units, _ in self._bought.values()),
            cents=sum(cents for _, cents in self._bought.values()),
        )


class Door(Actor):
    """Passes orders on to their customers; the first order lets its customer in.

    The customers are a pool: who is in it, the pool knows, and the door has nothing to remember.
    """

    @handler
    async def let_in(self, message: PlaceOrder) -> None:
        """Pass an order on to its customer."""
        system = self.context.system
        customer = system.lookup(f"{CUSTOMERS}/{message.customer}")
        if customer is None:
            customer = await self._open(find(system, CUSTOMERS), message.customer)
        customer.tell(message)

    async def _open(self, pool: ActorRef[Any], name: str) -> ActorRef[Any]:
        try:
            started: ChildStarted = await pool.request(StartInstance(name=name))
        except AlreadyStarted as error:  # whoever asked for it did not live to hear of it
            return error.ref
        if started.ref is None:
            raise LookupError(f"customer {name} does not want to come in")
        return started.ref
