"""The front desk: gives out orders, a bounded number at a time, and waits for the end of each."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping

from dramaturg.actors import Actor, handler
from examples.storefront.addresses import DOOR, LEDGER, find
from examples.storefront.answers import Deed
from examples.storefront.messages import (
    BookedOrders,
    NothingHeard,
    OpenDoors,
    OrderCompleted,
    OrderDue,
    OrderFailed,
    OrderPostponed,
    PlaceOrder,
    Progress,
    Settle,
    Settlement,
)
from examples.storefront.records import Done, ReadOut


class FrontDesk(Actor):
    """Gives out orders in turn; a new one only for one that has come to its end.

    An order that is postponed, or lost so that nothing is heard of it for `quiet` seconds, is given
    out again, `tries` times in all; then it has failed.

    One that starts again takes an order for done if it is in the books, and for in flight if it was
    given out. Such a one it gives out again only if nothing is heard of it: some customer is likely
    at work on it, and a crash must not make more work than it took, or crashes feed on themselves.

    :param observer: who is told of the progress: its address.
    :param keeper: where its keeper is; see `records`.
    """

    def __init__(
        self,
        orders: Iterable[PlaceOrder],
        *,
        in_flight: int,
        quiet: float,
        tries: int,
        observer: str,
        keeper: str,
    ) -> None:
        self._keeper = find(self.context.system, keeper)
        self._orders = {order.order: order for order in orders}
        self._most_in_flight = in_flight
        self._quiet = quiet
        self._most_tries = tries
        self._observer = observer
        self._todo = iter(self._orders.values())
        self._given: dict[int, Deed[PlaceOrder, None]] = {}
        self._in_flight: dict[int, PlaceOrder] = {}
        self._tries = Counter[int]()
        self._due = deque[PlaceOrder]()
        self._peak = 0
        self._completed: set[int] = set()
        self._failed: dict[int, OrderFailed] = {}
        self._open = False

    async def on_start(self) -> None:
        """Leave out what an earlier incarnation has done already, and go on if there was one."""
        if self.context.incarnation == 1:
            return
        booked = await find(self.context.system, LEDGER).request(BookedOrders())
        self._given = dict(await self._keeper.request(ReadOut()))
        self._completed = set(booked & self._orders.keys())
        self._in_flight = {o: given.command for o, given in self._given.items() if o not in booked}
        known = booked | self._given.keys()
        self._todo = iter([order for id_, order in self._orders.items() if id_ not in known])
        self._open_up()

    @handler
    def read_out(self, message: ReadOut) -> Mapping[int, Deed[PlaceOrder, None]]:
        """Say which orders were given out; to a keeper that has lost it."""
        return dict(self._given)

    @handler
    def open_doors(self, message: OpenDoors) -> None:
        """Give out the first orders."""
        self._open_up()

    @handler
    def completed(self, message: OrderCompleted) -> None:
        """Note the end, and give out the next order; an end that is told again is nothing new."""
        order = message.order
        if order in self._orders and order not in self._completed:
            self._completed.add(order)
            self._failed.pop(order, None)
            self._in_flight.pop(order, None)
            self._one_ended()

    @handler
    def failed(self, message: OrderFailed) -> None:
        """Keep the failure, and give out the next order."""
        self._fail(message)

    @handler
    def postponed(self, message: OrderPostponed) -> None:
        """Give the order out again after a pause, the longer the more often it was tried."""
        self._postpone(message.order, message.reason)

    @handler
    def due(self, message: OrderDue) -> None:
        """Let the order be one of the next, unless it has ended meanwhile or is under way."""
        if not self._has_ended(message.order) and message.order not in self._in_flight:
            self._due.append(self._orders[message.order])
            self._give_out()

    @handler
    def nothing_heard(self, message: NothingHeard) -> None:
        """Take what is in flight for lost."""
        for order in tuple(self._in_flight):
            self._postpone(order, f"unheard of for {self._quiet:g} s")

    @handler
    def settle(self, message: Settle) -> Settlement:
        """Answer when all is done; till then the question waits in the stash."""
        if self._ended < len(self._orders):
            self.context.stash()  # and what is returned below is not sent
        return Settlement(
            completed=len(self._completed),
            failed=tuple(self._failed.values()),
            most_in_flight=self._peak,
        )

    @property
    def _ended(self) -> int:
        return len(self._completed) + len(self._failed)

    def _has_ended(self, order: int) -> bool:
        return order in self._completed or order in self._failed

    def _open_up(self) -> None:
        self._open = True
        self.context.set_receive_timeout(self._quiet, NothingHeard())
        self._give_out()

    def _fail(self, failure: OrderFailed) -> None:
        if self._in_flight.pop(failure.order, None) is not None:
            self._failed[failure.order] = failure
            self._one_ended()

    def _postpone(self, order: int, reason: str) -> None:
        if order not in self._in_flight:
            return
        self._tries[order] += 1
        if self._tries[order] >= self._most_tries:
            self._fail(OrderFailed(order=order, reason=reason))
            return
        del self._in_flight[order]
        pause = min(0.02 * self._tries[order], 0.25)
        self.context.start_timer(order, OrderDue(order=order), after=pause)
        self._give_out()

    def _one_ended(self) -> None:
        observer = self.context.system.lookup(self._observer)
        if observer is not None:
            observer.tell(Progress(done=self._ended, total=len(self._orders)))
        self._give_out()

    def _give_out(self) -> None:
        door = find(self.context.system, DOOR)
        while self._open and len(self._in_flight) < self._most_in_flight:
            order = self._due.popleft() if self._due else next(self._todo, None)
            if order is None:
                break
            if self._has_ended(order.order):
                continue
            self._in_flight[order.order] = order
            if order.order not in self._given:
                self._given[order.order] = deed = Deed(order, None)
                self._keeper.tell(Done(deed))
            door.tell(order)
        self._peak = max(self._peak, len(self._in_flight))
        if self._ended == len(self._orders):
            self.context.set_receive_timeout(None)
            self.context.unstash_all()
