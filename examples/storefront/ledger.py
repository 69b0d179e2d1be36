"""The ledger: every sale, in the order in which it was booked."""

from dramaturg.actors import Actor, handler
from examples.storefront.accounts import AuditLedger, LedgerAccount
from examples.storefront.answers import Answers
from examples.storefront.messages import Book, Booked


class Ledger(Actor):
    """Books sales."""

    def __init__(self) -> None:
        self._entries: Answers[Book, Booked] = Answers()

    @handler
    def book(self, message: Book) -> Booked:
        """Book a sale; the same order again makes no second entry."""
        return self._entries.once(message, lambda entry: Booked(order=entry.order))

    @handler
    def audit(self, message: AuditLedger) -> LedgerAccount:
        """Hand out the books."""
        return LedgerAccount(entries=tuple(entry for entry, _ in self._entries))
