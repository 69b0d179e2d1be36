"""The ledger: every sale, in the order in which it was booked."""

from dramaturg.actors import handler
from examples.storefront.accounts import AuditLedger, LedgerAccount
from examples.storefront.messages import Bills, Book, Booked, BookedOrders
from examples.storefront.records import Department


class Ledger(Department[Book, Booked]):
    """Books sales."""

    async def on_start(self) -> None:
        """Sort the bills by customer."""
        await super().on_start()
        self._bills: dict[str, list[Book]] = {}
        for entry, _ in self._answers:
            self._bills.setdefault(entry.customer, []).append(entry)

    @handler
    def book(self, message: Book) -> Booked:
        """Book a sale; the same order again makes no second entry."""
        return self.answer(message)

    @handler
    def bills(self, message: Bills) -> tuple[Book, ...]:
        """Say what a customer has bought."""
        return tuple(self._bills.get(message.customer, ()))

    @handler
    def booked_orders(self, message: BookedOrders) -> frozenset[int]:
        """Say which orders are done with."""
        return frozenset(self._answers.deeds())

    @handler
    def audit(self, message: AuditLedger) -> LedgerAccount:
        """Hand out the books."""
        return LedgerAccount(entries=tuple(entry for entry, _ in self._answers))

    def obey(self, command: Book) -> Booked:
        """Make an entry."""
        self._bills.setdefault(command.customer, []).append(command)
        return Booked(order=command.order)
