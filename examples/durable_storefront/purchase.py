"""A purchase as a workflow, and its fulfilment as a saga."""

from datetime import date
from typing import Final

from dramaturg.actors import Refused
from dramaturg.protocols.workflows import (
    Call,
    Outcomes,
    Retry,
    Workflow,
    ask,
    branch,
    fan_out,
    saga,
    sequence,
    step,
    wait_for,
)
from dramaturg.supervision import Backoff
from examples.durable_storefront.addresses import CUSTOMERS, INVENTORY, OFFICE, PAYMENT, SHIPPING
from examples.durable_storefront.messages import (
    Charge,
    CountPaid,
    Decision,
    Hold,
    Offer,
    Order,
    Reserve,
    Reserved,
    Sent,
    Ship,
    Undo,
    Visit,
)
from examples.durable_storefront.terms import LIMIT_CENTS
from examples.storefront.catalogue import quote_for
from examples.storefront.messages import PriceOrder, Quote

FIRST_DAY: Final = date(1997, 1, 1)
LAST_DAY: Final = date(1998, 6, 30)
"""Between these the shop is open."""

PATIENT: Final = Retry(attempts=5, backoff=Backoff(0.05, 1.0))
"""A department that fails is restarted; what it was asked is asked again under the same key."""


class CarrierSilentError(Exception):
    """Nobody knows whether the parcel is on its way, so it has to be called back."""


# -- the fulfilment of an offer: all of it or nothing


def reserve(offer: Offer, call: Call) -> Reserve:
    """Ask for CDs."""
    return Reserve(key=call.key, order=offer.order, sku=offer.sku, units=offer.units)


def charge(_: Reserved, call: Call) -> Charge:
    """Ask for money."""
    offer: Offer = call.input
    return Charge(key=call.key, order=offer.order, customer=offer.customer, cents=offer.cents)


def ship(_: object, call: Call) -> Ship:
    """Ask for a parcel."""
    offer: Offer = call.input
    return Ship(
        key=call.key,
        order=offer.order,
        customer=offer.customer,
        day=offer.day,
        units=offer.units,
        cents=offer.cents,
    )


def confirm(sent: Sent) -> str:
    """See that the carrier has the parcel.

    :raises CarrierSilentError: the carrier does not say so.
    """
    if not sent.is_confirmed:
        raise CarrierSilentError(sent.parcel)
    return sent.parcel


def undo(_: object, call: Call) -> Undo:
    """Ask whoever has done something to undo it, if it was done."""
    offer: Offer = call.input
    return Undo(key=call.undoes or "", order=offer.order)


FULFILMENT: Final = Workflow(
    "fulfilment",
    saga(
        step("reserve", ask(INVENTORY, reserve), compensate=ask(INVENTORY, undo), retry=PATIENT),
        step("charge", ask(PAYMENT, charge), compensate=ask(PAYMENT, undo), retry=PATIENT),
        step("ship", ask(SHIPPING, ship), compensate=ask(SHIPPING, undo), retry=PATIENT),
        step("confirm", confirm),
    ),
    takes=Offer,
)


# -- the pipeline before it


def validate(order: Order) -> Order:
    """See that the shop was open.

    :raises Refused: it was not.
    """
    if not FIRST_DAY <= order.day <= LAST_DAY:
        raise Refused("the shop was closed", day=str(order.day))
    return order


def visit(order: Order) -> Visit:
    """Ask who that is."""
    return Visit(customer=order.customer)


def count_paid(order: Order) -> CountPaid:
    """Ask what there was before."""
    return CountPaid(customer=order.customer)


def price(order: Order) -> Quote:
    """Find the shelf, and split what the order costs over its CDs."""
    return quote_for(PriceOrder(order=order.order, units=order.units, cents=order.cents))


def assess(found: Outcomes, call: Call) -> Offer:
    """Put together what was found out."""
    order: Order = call.input
    quote: Quote = found["price"]
    return Offer(
        order=order.order,
        customer=order.customer,
        day=order.day,
        sku=quote.sku,
        units=quote.units,
        cents=quote.total_cents,
        standing=found["customer"],
        earlier=found.get("history"),
    )


def is_large(offer: Offer) -> bool:
    """Tell whether it is for the office to decide."""
    return offer.cents >= LIMIT_CENTS


def hold(offer: Offer) -> Hold:
    """Lay it before the office."""
    return Hold(order=offer.order, units=offer.units, cents=offer.cents)


def heed(decision: Decision, call: Call) -> Offer:
    """Go on with the offer, or not.

    :raises Refused: the office says no.
    """
    if not decision.is_approved:
        raise Refused(decision.reason)
    offer: Offer = call.result("assess")
    return offer


PURCHASE: Final = Workflow(
    "purchase",
    sequence(
        step("validate", validate),
        fan_out(
            {
                "customer": step("customer", ask(CUSTOMERS, visit), retry=PATIENT),
                "price": step("price", price),
            },
            optional={"history": step("history", ask(PAYMENT, count_paid), timeout=5.0)},
        ),
        step("assess", assess),
        branch(
            is_large,
            sequence(
                step("hold", ask(OFFICE, hold), retry=PATIENT),
                wait_for("decision", Decision),
                step("heed", heed),
            ),
        ),
        step("fulfil", FULFILMENT),
    ),
    takes=Order,
)
"""Its instances are called by the number of the order."""
