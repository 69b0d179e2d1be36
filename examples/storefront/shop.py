"""The shop: who works in it, and one day from opening the doors to the last account."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dramaturg.actors import Actor, ActorRef, ActorSystem, DramaturgError, Props, Request
from examples.storefront.accounts import (
    Account,
    AuditCatalogue,
    AuditCustomers,
    AuditInventory,
    AuditLedger,
    AuditPayment,
    AuditShipping,
)
from examples.storefront.catalogue import Catalogue
from examples.storefront.census import Census
from examples.storefront.customer import Customers, Departments
from examples.storefront.display import Bar, Display
from examples.storefront.frontdesk import FrontDesk
from examples.storefront.inventory import Inventory
from examples.storefront.ledger import Ledger
from examples.storefront.messages import (
    MESSAGES_PER_ORDER,
    OpenDoors,
    PlaceOrder,
    Settle,
    Settlement,
)
from examples.storefront.parsing import Purchase
from examples.storefront.payment import Payment
from examples.storefront.shipping import Shipping


@dataclass(frozen=True, slots=True)
class Staff:
    """Which actor runs each department: put another one in to see what the shop makes of it."""

    catalogue: type[Actor] = Catalogue
    inventory: type[Actor] = Inventory
    payment: type[Actor] = Payment
    shipping: type[Actor] = Shipping
    ledger: type[Actor] = Ledger


@dataclass(frozen=True, slots=True)
class Terms:
    """How the shop is run: most orders in flight at once, and seconds to wait for a lost one."""

    in_flight: int = 64
    patience: float = 10.0
    staff: Staff = Staff()


@dataclass(frozen=True, slots=True)
class Shop:
    """The refs of an open shop."""

    departments: Departments
    customers: ActorRef[Any]


@dataclass(frozen=True, slots=True)
class Day:
    """What is known of the shop when its day is over."""

    settlement: Settlement
    accounts: tuple[Account, ...]
    missing: tuple[str, ...]
    tree: tuple[str, ...]
    most_alive: int

    @property
    def messages(self) -> int:
        """How many messages the completed orders took, replies included."""
        return self.settlement.completed * MESSAGES_PER_ORDER


async def run_shop(purchases: Iterable[Purchase], bar: Bar, terms: Terms) -> Day:
    """Open the shop, see all purchases through, audit the departments, and close it."""
    orders = tuple(order_of(purchase) for purchase in purchases)
    patience = terms.patience
    async with ActorSystem("shop", default_timeout=patience, shutdown_timeout=patience) as system:
        census = Census(system.events)
        shop = open_shop(system, orders, bar, terms)
        front_desk = shop.departments.front_desk
        front_desk.tell(OpenDoors())
        # No order can take longer than the front desk is willing to wait for it.
        longest = (len(orders) + 1) * patience
        settlement = await front_desk.request(Settle(), timeout=longest)
        accounts, missing = await audit(shop)
        return Day(settlement, accounts, missing, census.tree(), census.most_alive)


def open_shop(system: ActorSystem, orders: tuple[PlaceOrder, ...], bar: Bar, terms: Terms) -> Shop:
    """Spawn all departments; customers come when they order."""
    staff = terms.staff
    display = system.spawn(Props(Display, bar), name="display")
    front_desk = Props(
        FrontDesk,
        orders,
        in_flight=terms.in_flight,
        patience=terms.patience,
        customers="/customers",
        display=display,
    )
    departments = Departments(
        front_desk=system.spawn(front_desk, name="front-desk"),
        catalogue=system.spawn(staff.catalogue, name="catalogue"),
        inventory=system.spawn(staff.inventory, name="inventory"),
        payment=system.spawn(staff.payment, name="payment"),
        shipping=system.spawn(staff.shipping, name="shipping"),
        ledger=system.spawn(staff.ledger, name="ledger"),
    )
    customers = system.spawn(Props(Customers, departments), name="customers")
    return Shop(departments, customers)


async def audit(shop: Shop) -> tuple[tuple[Account, ...], tuple[str, ...]]:
    """Have every department and all customers render an account; say who could not."""
    questions: list[tuple[ActorRef[Any], Request[Account]]] = [
        (shop.departments.catalogue, AuditCatalogue()),
        (shop.departments.inventory, AuditInventory()),
        (shop.departments.payment, AuditPayment()),
        (shop.departments.shipping, AuditShipping()),
        (shop.departments.ledger, AuditLedger()),
        (shop.customers, AuditCustomers()),
    ]
    accounts: list[Account] = []
    missing: list[str] = []
    for ref, question in questions:
        try:
            accounts.append(await ref.request(question))
        except DramaturgError as error:
            missing.append(f"no account from {ref.path}: {error}")
    return tuple(accounts), tuple(missing)


def order_of(purchase: Purchase) -> PlaceOrder:
    """Turn a line of the file into an order, and its dollars into cents."""
    return PlaceOrder(
        order=purchase.line,
        customer=purchase.customer,
        master_id=purchase.master_id,
        day=purchase.day,
        units=purchase.units,
        cents=int(purchase.dollars.scaleb(2)),
    )
