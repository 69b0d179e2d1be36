"""Everything that the shop's actors say to each other.

Money is whole cents. An order's id is the number of its line in the file. A command may be sent
twice: whoever gets it again gives the same answer, and does nothing more.
"""

from datetime import date
from typing import Annotated, Final

from pydantic import Field

from dramaturg.actors import Message, Refused, Request

Cents = Annotated[int, Field(strict=True, ge=0)]
Units = Annotated[int, Field(strict=True, ge=1)]


MESSAGES_PER_ORDER: Final = 20
"""PlaceOrder from the front desk to the door and on to the customer; five requests to departments,
as many replies, and as many deeds told to the keepers, and one by the front desk; OrderCompleted
back to the front desk; Progress."""


class PlaceOrder(Message):
    """To a customer: buy this. It ends in OrderCompleted or OrderFailed, to the front desk."""

    order: int
    customer: str
    master_id: str
    day: date
    units: Units
    cents: Cents


class OrderCompleted(Message):
    """To the front desk: the order is shipped and booked."""

    order: int


class OrderFailed(Message):
    """To the front desk: the order came to nothing, and it is of no use to try again."""

    order: int
    reason: str


class OrderPostponed(Message):
    """To the front desk: the order could not be seen through now; give it out again, later."""

    order: int
    reason: str


class OrderDue(Message):
    """The front desk's own alarm: give a postponed order out again."""

    order: int


class ComeBackLater(Refused):
    """The polite no: what was asked for is not there at the moment."""


class Quote(Message):
    """The price: `units` CDs of `sku` at `unit_cents`, `dearer_units` of them one cent more."""

    order: int
    sku: str
    units: Units
    unit_cents: Cents
    dearer_units: Annotated[int, Field(strict=True, ge=0)]

    @property
    def total_cents(self) -> int:
        """What the order costs, to the cent."""
        return self.units * self.unit_cents + self.dearer_units


class PriceOrder(Request[Quote]):
    """To the catalogue: say which CDs these are, and what each costs, when all cost `cents`."""

    order: int
    units: Units
    cents: Cents


class CheckPrices(Request[None]):
    """To the catalogue: see whether prices can be had."""


class Reserved(Message):
    """The CDs are off the shelf; `restocked` were bought for it."""

    order: int
    restocked: int


class Reserve(Request[Reserved]):
    """To inventory: take CDs off a shelf. Refused where there is no such shelf."""

    order: int
    sku: str
    units: Units


class Charged(Message):
    """The money is in; the receipt says so."""

    order: int
    receipt: str


class Charge(Request[Charged]):
    """To payment: take this much from the customer."""

    order: int
    customer: str
    cents: Cents


class Shipped(Message):
    """The parcel is on its way."""

    order: int
    parcel: str


class Ship(Request[Shipped]):
    """To shipping: send CDs to a customer."""

    order: int
    customer: str
    sku: str
    units: Units


class Booked(Message):
    """The sale is in the books."""

    order: int


class Book(Request[Booked]):
    """To the ledger: a sale."""

    order: int
    day: date
    customer: str
    master_id: str
    sku: str
    units: Units
    cents: Cents
    receipt: str
    parcel: str


class Bills(Request[tuple[Book, ...]]):
    """To the ledger: what a customer has bought."""

    customer: str


class BookedOrders(Request[frozenset[int]]):
    """To the ledger: which orders are in the books."""


class OpenDoors(Message):
    """To the front desk: give out the orders."""


class Settlement(Message):
    """How the day went; `most_in_flight` since the front desk was last restarted."""

    completed: int
    failed: tuple[OrderFailed, ...]
    most_in_flight: int


class Settle(Request[Settlement]):
    """To the front desk: answered when every order has come to its end, not before."""


class NothingHeard(Message):
    """The front desk's own alarm: for some time nothing was heard of any order."""


class Progress(Message):
    """To the display: so many of `total` orders have come to their end."""

    done: int
    total: int
