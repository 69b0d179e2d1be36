"""The states of orders and of customers, each transition of which is in the journal.

What moves them is news, and news come at least once. An order takes no step twice, since none leads
back; a customer looks at where the news stand in the topic.
"""

from enum import Enum

from dramaturg.protocols.state_machines import StateMachine, on, transitions
from examples.durable_storefront.messages import (
    Bought,
    Charged,
    Declined,
    Held,
    Papers,
    Purchases,
    Recalled,
    Refunded,
    Released,
    Reserved,
    Sent,
)


class OrderState(Enum):
    """How far an order is."""

    PLACED = "placed"
    WAITING = "waiting"
    RESERVED = "reserved"
    PAID = "paid"
    SENT = "sent"
    RECALLED = "recalled"
    REFUNDED = "refunded"
    CANCELLED = "cancelled"
    DECLINED = "declined"


def _with_receipt(papers: Papers, event: Charged) -> Papers:
    return papers.model_copy(update={"receipt": event.receipt})


def _with_parcel(papers: Papers, event: Sent) -> Papers:
    return papers.model_copy(update={"parcel": event.parcel})


class OrderMachine(StateMachine[OrderState, Papers]):
    """The life of an order."""

    initial = OrderState.PLACED
    initial_data = Papers()
    final = (OrderState.SENT, OrderState.CANCELLED, OrderState.DECLINED)
    table = transitions(
        on(Held).at(OrderState.PLACED).to(OrderState.WAITING),
        on(Declined).at(OrderState.WAITING).to(OrderState.DECLINED),
        on(Reserved).at(OrderState.PLACED, OrderState.WAITING).to(OrderState.RESERVED),
        on(Charged).at(OrderState.RESERVED).to(OrderState.PAID).updating(_with_receipt),
        on(Sent).at(OrderState.PAID).to(OrderState.SENT).updating(_with_parcel),
        on(Recalled).at(OrderState.PAID).to(OrderState.RECALLED),
        on(Refunded).at(OrderState.PAID, OrderState.RECALLED).to(OrderState.REFUNDED),
        on(Released).at(OrderState.RESERVED, OrderState.REFUNDED).to(OrderState.CANCELLED),
    )


class Standing(Enum):
    """What a customer is to the shop."""

    NEW = "new"
    KNOWN = "known"
    REGULAR = "regular"


REGULAR_FROM = 5
"""So many orders make a regular."""


def _is_new(bought: Purchases, event: Bought) -> bool:
    return event.offset > bought.upto


def _makes_a_regular(bought: Purchases, event: Bought) -> bool:
    return _is_new(bought, event) and bought.orders + 1 >= REGULAR_FROM


def _added(bought: Purchases, event: Bought) -> Purchases:
    return Purchases(
        orders=bought.orders + 1,
        units=bought.units + event.units,
        cents=bought.cents + event.cents,
        upto=event.offset,
    )


class CustomerMachine(StateMachine[Standing, Purchases]):
    """What becomes of a customer. A regular stays one, and goes on buying."""

    initial = Standing.NEW
    initial_data = Purchases()
    final = (Standing.REGULAR,)
    table = transitions(
        on(Bought).at(Standing.NEW).to(Standing.KNOWN).when(_is_new).updating(_added),
        on(Bought).at(Standing.KNOWN).to(Standing.REGULAR).when(_makes_a_regular).updating(_added),
        on(Bought).at(Standing.KNOWN, Standing.REGULAR).keep().when(_is_new).updating(_added),
    )
