"""Everything that the actors of the durable shop say to each other, and what they store.

Money is whole cents. An order's id is the number of its line in the file. What a department has
done is one and the same message in its journal, in the topic, and as its answer.
"""

from datetime import date
from typing import Annotated, Any

from pydantic import Field

from dramaturg.actors import Message, Request
from dramaturg.protocols.state_machines import MachineStatus

Cents = Annotated[int, Field(strict=True, ge=0)]
Units = Annotated[int, Field(strict=True, ge=1)]


class Order(Message, name="shop.Order"):
    """Somebody wants CDs: what a purchase begins with."""

    order: int
    customer: str
    day: date
    units: Units
    cents: Cents


class Offer(Message, name="shop.Offer"):
    """An order with all that was found out about it: what a fulfilment begins with."""

    order: int
    customer: str
    day: date
    sku: str
    units: Units
    cents: Cents
    standing: str
    """What the shop knows the customer as."""
    earlier: int | None
    """How many orders of the customer were paid before; None if that was not to be had."""


# -- what is done once for each key; `key` is the workflow's idempotency key


class Reserved(Message, name="shop.Reserved"):
    """The CDs are off the shelf; `restocked` were bought for it."""

    key: str
    order: int
    sku: str
    units: Units
    restocked: int


class Charged(Message, name="shop.Charged"):
    """The money is in."""

    key: str
    order: int
    customer: str
    cents: Cents
    receipt: str


class Sent(Message, name="shop.Sent"):
    """The carrier has the parcel. It is published when the carrier has said so."""

    key: str
    order: int
    customer: str
    day: date
    units: Units
    cents: Cents
    parcel: str
    is_confirmed: bool


class Undone(Message, name="shop.Undone"):
    """What was done under a key is undone.

    It stands in the journal also if nothing was done under the key, so that nothing ever will be.
    """

    key: str
    order: int


class Released(Undone, name="shop.Released"):
    """The CDs are back on the shelf."""


class Refunded(Undone, name="shop.Refunded"):
    """The money went back."""


class Recalled(Undone, name="shop.Recalled"):
    """The parcel comes back."""


class Held(Message, name="shop.Held"):
    """An order waits for the office."""

    order: int


class Declined(Message, name="shop.Declined"):
    """The office has said no."""

    order: int


# -- to the departments


class Reserve(Request[Reserved]):
    """To inventory: take CDs off a shelf. Refused where there is no such shelf."""

    key: str
    order: int
    sku: str
    units: Units


class Charge(Request[Charged]):
    """To payment: take this much. Refused if the bank refuses."""

    key: str
    order: int
    customer: str
    cents: Cents


class Ship(Request[Sent]):
    """To shipping: send CDs to a customer."""

    key: str
    order: int
    customer: str
    day: date
    units: Units
    cents: Cents


class Undo(Request[None]):
    """To any department: undo what was done under a key, if it was."""

    key: str
    order: int


class CountPaid(Request[int]):
    """To payment: count the orders of a customer that were paid and not refunded."""

    customer: str


# -- to the office


class Hold(Request[None]):
    """To the office: decide about an order, in your own time."""

    order: int
    units: Units
    cents: Cents


class Waiting(Message, name="shop.Waiting"):
    """On the blackboard: an order that the office is to decide about."""

    order: int
    units: Units
    cents: Cents


class Decision(Message, name="shop.Decision"):
    """From the office to a purchase, from outside of the workflow."""

    is_approved: bool
    reason: str


# -- to the state machines, and of them


class Visit(Request[str]):
    """To the customers: say what this one is known as."""

    customer: str


class Bought(Request[MachineStatus[Any, Any]]):
    """To a customer's machine: a parcel was sent; `offset` tells repetitions."""

    offset: int
    units: Units
    cents: Cents


class Purchases(Message, name="shop.Purchases"):
    """What a customer has bought, up to an offset of the topic."""

    orders: int = 0
    units: int = 0
    cents: int = 0
    upto: int = 0


class Papers(Message, name="shop.Papers"):
    """What an order's machine knows of it."""

    receipt: str = ""
    parcel: str = ""


class DayFigures(Message, name="shop.DayFigures"):
    """On the blackboard: what was sent of the orders of a day, up to an offset of the topic."""

    orders: int = 0
    units: int = 0
    cents: int = 0
    upto: int = 0


# -- audits


class ShelfStock(Message):
    """What became of the CDs of one shelf."""

    sku: str
    restocked: int
    sold: int
    left: int


class AuditInventory(Request[tuple[ShelfStock, ...]]):
    """To inventory."""


class AuditPayment(Request[tuple[Charged, ...]]):
    """To payment: every charge that was not refunded."""


class AuditShipping(Request[tuple[Sent, ...]]):
    """To shipping: every parcel that was not recalled."""


class AuditOrder(Request[str]):
    """To the orders: say in which state this one is."""

    order: int


class AuditCustomer(Request[Purchases]):
    """To the customers: say what this one has bought."""

    customer: str
