"""What the departments and customers say when they are asked to render an account."""

from dramaturg.actors import Message, Request
from examples.storefront.messages import Book


class ShelfQuotes(Message):
    """What the catalogue quoted for one shelf."""

    sku: str
    orders: int
    units: int
    cents: int


class CatalogueAccount(Message):
    """Everything that was quoted."""

    shelves: tuple[ShelfQuotes, ...]


class AuditCatalogue(Request[CatalogueAccount]):
    """To the catalogue."""


class ShelfStock(Message):
    """The stock of one shelf; initial + restocked - sold = left."""

    sku: str
    initial: int
    restocked: int
    sold: int
    left: int


class InventoryAccount(Message):
    """All shelves."""

    shelves: tuple[ShelfStock, ...]


class AuditInventory(Request[InventoryAccount]):
    """To inventory."""


class PaymentAccount(Message):
    """What was charged."""

    charges: int
    cents: int


class AuditPayment(Request[PaymentAccount]):
    """To payment."""


class ShippingAccount(Message):
    """What was sent."""

    parcels: int
    units: int


class AuditShipping(Request[ShippingAccount]):
    """To shipping."""


class LedgerAccount(Message):
    """Every sale in the books, in the order in which they were booked."""

    entries: tuple[Book, ...]


class AuditLedger(Request[LedgerAccount]):
    """To the ledger."""


class CustomerAccount(Message):
    """What one customer bought and got."""

    customer: str
    orders: int
    units: int
    cents: int


class AuditCustomer(Request[CustomerAccount]):
    """To a customer."""


class CustomersAccount(Message):
    """What each customer bought and got."""

    customers: tuple[CustomerAccount, ...]


Account = (
    CatalogueAccount
    | InventoryAccount
    | PaymentAccount
    | ShippingAccount
    | LedgerAccount
    | CustomersAccount
)
"""What each part of the shop renders."""
