"""Customers: one actor each, and their parent, who lets them in."""

from dataclasses import dataclass
from typing import Any

from dramaturg.actors import Actor, ActorRef, DramaturgError, Props, handler
from examples.storefront.accounts import (
    AuditCustomer,
    AuditCustomers,
    CustomerAccount,
    CustomersAccount,
)
from examples.storefront.messages import (
    Book,
    Charge,
    OrderCompleted,
    OrderFailed,
    PlaceOrder,
    PriceOrder,
    Reserve,
    Ship,
)


@dataclass(frozen=True, slots=True)
class Departments:
    """Whom a customer deals with. A ref stays good when its actor is restarted."""

    front_desk: ActorRef[Any]
    catalogue: ActorRef[Any]
    inventory: ActorRef[Any]
    payment: ActorRef[Any]
    shipping: ActorRef[Any]
    ledger: ActorRef[Any]


class Customer(Actor):
    """Takes orders one after the other from department to department.

    A repeated order is bought once: its customer goes the same way again, and every department
    answers as it did before.
    """

    def __init__(self, departments: Departments) -> None:
        self._departments = departments
        self._bought: dict[int, PlaceOrder] = {}

    @handler
    async def place(self, message: PlaceOrder) -> None:
        """Buy; what a department refuses or fails to do ends the order, not the customer."""
        try:
            await self._buy(message)
        except DramaturgError as error:
            reason = f"{type(error).__name__}: {error}"
            self._departments.front_desk.tell(OrderFailed(order=message.order, reason=reason))
        else:
            self._bought[message.order] = message
            self._departments.front_desk.tell(OrderCompleted(order=message.order))

    async def _buy(self, placed: PlaceOrder) -> None:
        to, order, customer, units = self._departments, placed.order, placed.customer, placed.units
        quote = await to.catalogue.request(PriceOrder(order=order, units=units, cents=placed.cents))
        await to.inventory.request(Reserve(order=order, sku=quote.sku, units=units))
        charged = await to.payment.request(
            Charge(order=order, customer=customer, cents=quote.total_cents)
        )
        shipped = await to.shipping.request(
            Ship(order=order, customer=customer, sku=quote.sku, units=units)
        )
        await to.ledger.request(
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
    def audit(self, message: AuditCustomer) -> CustomerAccount:
        """Say what was bought."""
        bought = self._bought.values()
        return CustomerAccount(
            customer=self.context.name,
            orders=len(bought),
            units=sum(placed.units for placed in bought),
            cents=sum(placed.cents for placed in bought),
        )


class Customers(Actor):
    """The parent of all customers; the first order spawns its customer."""

    def __init__(self, departments: Departments) -> None:
        self._customer = Props(Customer, departments)
        self._customers: dict[str, ActorRef[Any]] = {}

    @handler
    def pass_on(self, message: PlaceOrder) -> None:
        """Pass an order on to its customer."""
        if message.customer not in self._customers:
            ref = self.context.spawn(self._customer, name=message.customer)
            self._customers[message.customer] = ref
        self._customers[message.customer].tell(message)

    @handler
    async def audit(self, message: AuditCustomers) -> CustomersAccount:
        """Ask each customer."""
        accounts = [await ref.request(AuditCustomer()) for ref in self._customers.values()]
        return CustomersAccount(customers=tuple(accounts))
