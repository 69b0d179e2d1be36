"""The front desk: gives out orders, a bounded number at a time, and waits for the end of each."""

from collections.abc import Iterable
from typing import Any

from dramaturg.actors import Actor, ActorRef, Terminated, handler
from examples.storefront.messages import (
    NothingHeard,
    OpenDoors,
    OrderCompleted,
    OrderFailed,
    PlaceOrder,
    Progress,
    Settle,
    Settlement,
)


class FrontDesk(Actor):
    """Gives out orders in turn; a new one only for one that has come to its end.

    An order whose end is not heard of, while nothing else moves for `patience` seconds, has
    failed.
    """

    def __init__(
        self,
        orders: Iterable[PlaceOrder],
        *,
        in_flight: int,
        patience: float,
        customers: str,
        display: ActorRef[Any],
    ) -> None:
        self._orders = tuple(orders)
        self._todo = iter(self._orders)
        self._most_in_flight = in_flight
        self._patience = patience
        self._customers_path = customers
        self._display = display
        self._customers: ActorRef[Any] | None = None
        self._in_flight: dict[int, PlaceOrder] = {}
        self._peak = 0
        self._completed = 0
        self._failed: list[OrderFailed] = []
        self._opened = self._closed = 0.0

    @handler
    def open_doors(self, message: OpenDoors) -> None:
        """Give out the first orders.

        :raises LookupError: nobody is where the customers should be.
        """
        self._customers = self.context.system.lookup(self._customers_path)
        if self._customers is None:
            raise LookupError(f"no customers at {self._customers_path}")
        self.context.watch(self._customers)
        self._opened = self._closed = self.context.clock.monotonic()
        self.context.set_receive_timeout(self._patience, NothingHeard())
        self._give_out()

    @handler
    def completed(self, message: OrderCompleted) -> None:
        """Count an order, and give out the next; an end that is told again is nothing new."""
        if self._in_flight.pop(message.order, None) is not None:
            self._completed += 1
            self._one_ended()

    @handler
    def failed(self, message: OrderFailed) -> None:
        """Keep the failure, and give out the next order."""
        if self._in_flight.pop(message.order, None) is not None:
            self._failed.append(message)
            self._one_ended()

    @handler
    def nothing_heard(self, message: NothingHeard) -> None:
        """Give up what is in flight: whoever had it is lost."""
        self._give_up(f"unheard of for {self._patience:g} s")
        if self._in_flight:
            self.context.set_receive_timeout(self._patience, NothingHeard())

    @handler
    def customers_left(self, message: Terminated) -> None:
        """Give up all orders: nobody is there to take them."""
        while self._in_flight:
            self._give_up(f"{message.ref.path} has ended")

    @handler
    def settle(self, message: Settle) -> Settlement:
        """Answer when all is done; till then the question waits in the stash."""
        if self._ended < len(self._orders):
            self.context.stash()  # and what is returned below is not sent
        return Settlement(
            completed=self._completed,
            failed=tuple(self._failed),
            most_in_flight=self._peak,
            seconds=self._closed - self._opened,
        )

    @property
    def _ended(self) -> int:
        return self._completed + len(self._failed)

    def _give_up(self, reason: str) -> None:
        for order in tuple(self._in_flight):
            self.failed(OrderFailed(order=order, reason=reason))

    def _one_ended(self) -> None:
        self._display.tell(Progress(done=self._ended, total=len(self._orders)))
        self._give_out()

    def _give_out(self) -> None:
        while self._customers is not None and len(self._in_flight) < self._most_in_flight:
            order = next(self._todo, None)
            if order is None:
                break
            self._in_flight[order.order] = order
            self._customers.tell(order)
        self._peak = max(self._peak, len(self._in_flight))
        if not self._in_flight:
            self._closed = self.context.clock.monotonic()
            self.context.set_receive_timeout(None)
            self.context.unstash_all()
