"""The supervision tree of the shop: who is restarted with whom, how often, and what stands in.

::

    shop                    one_for_one
    ├── records             one_for_one        a keeper for each department, and the front desk
    ├── back-office         rest_for_one       inventory, shipping, ledger
    ├── pricing             one_for_one        catalogue; else cached prices; else no prices
    ├── till                one_for_one        payment, after a pause
    ├── customers           simple_one_for_one
    ├── door, front-desk, display, caretaker (gremlin)

Everything is permanent: this shop has no actor that is done before the day is. Specs are values;
nothing runs until one is spawned.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from dramaturg.actors import Actor, Props
from dramaturg.supervision import Backoff, ChildSpec, SupervisorSpec
from examples.storefront.addresses import (
    CATALOGUE,
    DEPARTMENTS,
    DISPLAY,
    FRONT_DESK,
    GREMLIN,
    INVENTORY,
    LEDGER,
    PAYMENT,
    SHIPPING,
    keeper_of,
)
from examples.storefront.caretaker import Caretaker
from examples.storefront.catalogue import CachedPrices, Catalogue, NoPrices
from examples.storefront.customer import Customer, Door
from examples.storefront.display import Bar, Display
from examples.storefront.frontdesk import FrontDesk
from examples.storefront.inventory import Inventory
from examples.storefront.ledger import Ledger
from examples.storefront.messages import CheckPrices, PlaceOrder
from examples.storefront.payment import Payment
from examples.storefront.records import Keeper
from examples.storefront.shipping import Shipping

MOST_RESTARTS: Final = 1_000
"""In a second, of each supervisor.

Every department handles thousands of messages in a second, so that a fault which hits one message
in ten is still survived. An actor that cannot start at all uses them up at once, unless the machine
is so slow that it restarts fewer in a second: the shop itself has a limit that can be set.
"""

MOST_RESTARTS_OF_PRICING: Final = 10
"""Few, for something can stand in: rather an old price than a late one."""

PROBE_EVERY: Final = 0.1
"""Seconds; so long orders that nobody could price wait at least."""

PAUSE: Final = Backoff(0.002, 0.1, jitter=0.2, reset_after=0.005)
"""Before payment is restarted, for the bank has other customers. A few ms of service are many
orders, after which the pauses begin anew."""


@dataclass(frozen=True, slots=True)
class Staff:
    """Which actor runs each part: put another one in to see what the shop makes of it."""

    catalogue: type[Actor] = Catalogue
    cached_prices: type[Actor] = CachedPrices
    no_prices: type[Actor] = NoPrices
    inventory: type[Actor] = Inventory
    payment: type[Actor] = Payment
    shipping: type[Actor] = Shipping
    ledger: type[Actor] = Ledger
    customer: type[Actor] = Customer
    door: type[Actor] = Door
    front_desk: type[Actor] = FrontDesk


@dataclass(frozen=True, slots=True)
class Terms:
    """How the shop is run.

    :param in_flight: most orders in flight at once.
    :param tries: how often an order is given out before it has failed.
    :param quiet: seconds without news after which orders in flight are taken for lost.
    :param patience: seconds that any request may take.
    :param hang: seconds that a department may take to say that it is there.
    :param restarts: how often in a second what is right below the shop may be restarted.
    """

    in_flight: int = 64
    tries: int = 50
    quiet: float = 0.3
    patience: float = 10.0
    hang: float = 0.5
    restarts: int = MOST_RESTARTS
    staff: Staff = Staff()


def shop_spec(
    orders: Iterable[PlaceOrder], bar: Bar, terms: Terms, gremlin: Props[Actor] | None = None
) -> SupervisorSpec:
    """Make the whole tree.

    Its parts need not be restarted with each other: refs stay good, and mailboxes are kept. When it
    starts for the first time nothing may fail, for that is not tried again.
    """
    staff = terms.staff
    front_desk = Props(
        staff.front_desk,
        tuple(orders),
        in_flight=terms.in_flight,
        quiet=terms.quiet,
        tries=terms.tries,
        observer=DISPLAY if gremlin is None else GREMLIN,
        keeper=keeper_of(FRONT_DESK),
    )
    children = [
        ChildSpec("records", records_spec()),
        ChildSpec("back-office", back_office_spec(staff)),
        ChildSpec("pricing", pricing_spec(staff)),
        ChildSpec("till", till_spec(staff)),
        ChildSpec("customers", customers_spec(staff)),
        ChildSpec("door", staff.door),
        ChildSpec("display", Props(Display, bar)),
        ChildSpec("front-desk", front_desk),
        ChildSpec("caretaker", Props(Caretaker, patience=terms.hang)),
    ]
    if gremlin is not None:
        children.append(ChildSpec("gremlin", gremlin))
    return SupervisorSpec(children, intensity=terms.restarts, period=1.0)


def records_spec() -> SupervisorSpec:
    """The keepers come first: everybody else reads from them. They know nothing of each other."""
    keepers = [
        ChildSpec(owner.rpartition("/")[2], Props(Keeper, owner))
        for owner in (*DEPARTMENTS, FRONT_DESK)
    ]
    return SupervisorSpec(keepers, strategy="one_for_one", intensity=MOST_RESTARTS, period=1.0)


def back_office_spec(staff: Staff) -> SupervisorSpec:
    """Each works with what those before it have done, and must not believe more than they know.

    Shipping sends what inventory took off the shelf, the ledger books what was sent. Whoever
    is restarted may have forgotten what it had not told the record room; so those after
    it read their records again, and those before it need not: rest_for_one.
    """
    children = [
        ChildSpec("inventory", Props(staff.inventory, keeper=keeper_of(INVENTORY))),
        ChildSpec("shipping", Props(staff.shipping, keeper=keeper_of(SHIPPING))),
        ChildSpec("ledger", Props(staff.ledger, keeper=keeper_of(LEDGER))),
    ]
    return SupervisorSpec(children, strategy="rest_for_one", intensity=MOST_RESTARTS, period=1.0)


def pricing_spec(staff: Staff) -> SupervisorSpec:
    """The catalogue depends on a service that may be gone for longer: so it has a ladder.

    A supervisor of its own, for its limit of restarts is what makes it step down.
    """
    keeper = keeper_of(CATALOGUE)
    catalogue = ChildSpec(
        "catalogue",
        Props(staff.catalogue, keeper=keeper),
        fallbacks=(
            Props(staff.cached_prices, keeper=keeper),
            Props(staff.no_prices, keeper=keeper),
        ),
        probe=CheckPrices,
        probe_every=PROBE_EVERY,
        probe_timeout=1.0,
    )
    return SupervisorSpec([catalogue], intensity=MOST_RESTARTS_OF_PRICING, period=1.0)


def till_spec(staff: Staff) -> SupervisorSpec:
    """Payment hangs on a line to a bank, which is not to be stormed after each failure."""
    payment = ChildSpec("payment", Props(staff.payment, keeper=keeper_of(PAYMENT)), backoff=PAUSE)
    return SupervisorSpec([payment], intensity=MOST_RESTARTS, period=1.0)


def customers_spec(staff: Staff) -> SupervisorSpec:
    """As many as come, all alike, none of them of any concern to another."""
    return SupervisorSpec(
        [ChildSpec("customer", staff.customer)],
        strategy="simple_one_for_one",
        intensity=MOST_RESTARTS,
        period=1.0,
    )
