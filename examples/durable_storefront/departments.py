"""Inventory, payment and shipping: each does a thing once for each key, and can undo it.

Whoever has no answer asks again under the same key, and gets the answer of the first time. What was
done is published before it is answered, each time, so that no crash can come between: the topic
knows by the key what it has already.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar, Generic, TypeVar, cast

from dramaturg.actors import EventSourced, Message, Refused, handler
from dramaturg.protocols import PublishDurably
from examples.durable_storefront.addresses import NEWS
from examples.durable_storefront.messages import (
    AuditInventory,
    AuditPayment,
    AuditShipping,
    Charge,
    Charged,
    CountPaid,
    Recalled,
    Refunded,
    Released,
    Reserve,
    Reserved,
    Sent,
    ShelfStock,
    Ship,
    Undo,
    Undone,
)
from examples.durable_storefront.terms import BAD_CARD_EVERY, BAD_ROAD_EVERY
from examples.storefront.addresses import find
from examples.storefront.terms import BANDS, LOT, STARTING_STOCK

D = TypeVar("D", bound=Reserved | Charged | Sent)
Deed = Reserved | Charged | Sent | Released | Refunded | Recalled


@dataclass(slots=True)
class Records(Generic[D]):
    """What was done, by key, and what was undone since."""

    done: dict[str, D] = field(default_factory=dict[str, D])
    undone: set[str] = field(default_factory=set[str])

    def standing(self) -> tuple[D, ...]:
        """Return what was done and stayed."""
        return tuple(deed for key, deed in self.done.items() if key not in self.undone)


class Department(EventSourced[Records[D]]):
    """What all departments have in common."""

    undone: ClassVar[type[Undone]]
    """What undoing is called here."""

    def initial_state(self) -> Records[D]:
        """Begin with nothing."""
        return Records()

    def apply(self, state: Records[D], event: Deed) -> Records[D]:
        """Keep it, in place: nobody else holds the records, and to copy them costs ever more."""
        if isinstance(event, Undone):
            state.undone.add(event.key)
        else:
            state.done[event.key] = cast("D", event)
        return state

    def on_recovered(self) -> None:
        """Find the topic, and do the sums."""
        self._news = find(self.context.system, NEWS)
        self.begin_sums()
        for deed in self.state.done.values():
            self.add(deed)
            if deed.key in self.state.undone:
                self.take_off(deed)

    @handler
    async def undo(self, request: Undo) -> None:
        """Undo what was done under a key; if nothing was, see that nothing will be."""
        undone = self.undone(key=request.key, order=request.order)
        deed = self.state.done.get(request.key)
        if request.key not in self.state.undone:
            await self.persist(undone)
            if deed is not None:
                self.take_off(deed)
        if deed is not None:
            await self.publish(undone, f"undo {request.key}")

    def known(self, key: str) -> D | None:
        """Return what was done under a key, if it was.

        :raises Refused: it was undone.
        """
        if key in self.state.undone:
            raise Refused("that was undone", key=key)
        return self.state.done.get(key)

    async def do(self, deed: D) -> D:
        """Do it: durably."""
        await self.persist(deed)
        self.add(deed)
        return deed

    async def publish(self, news: Message, key: str) -> None:
        """Let everybody know; returns when that is durable."""
        await self._news.request(PublishDurably(news, key=key))

    def begin_sums(self) -> None:
        """Begin with what is there before anything was done."""

    def add(self, deed: D) -> None:
        """Add to the sums what was done."""

    def take_off(self, deed: D) -> None:
        """Take off what was undone."""


class Inventory(Department[Reserved]):
    """Takes CDs off the shelves, and buys whole lots where there are not enough."""

    undone = Released

    @handler
    async def reserve(self, request: Reserve) -> Reserved:
        """Take CDs for an order."""
        reserved = self.known(request.key)
        if reserved is None:
            if request.sku not in self._left:
                raise Refused("there is no such shelf", sku=request.sku)
            missing = max(0, request.units - self._left[request.sku])
            reserved = await self.do(
                Reserved(
                    key=request.key,
                    order=request.order,
                    sku=request.sku,
                    units=request.units,
                    restocked=-(-missing // LOT) * LOT,
                )
            )
        await self.publish(reserved, request.key)
        return reserved

    @handler
    def audit(self, request: AuditInventory) -> tuple[ShelfStock, ...]:
        """Say what is left, and what the records say came in and went out."""
        bought, sold = Counter[str](), Counter[str]()
        for deed in self.state.done.values():
            bought[deed.sku] += deed.restocked
        for deed in self.state.standing():
            sold[deed.sku] += deed.units
        return tuple(
            ShelfStock(sku=sku, restocked=bought[sku], sold=sold[sku], left=left)
            for sku, left in self._left.items()
        )

    def begin_sums(self) -> None:
        """Stock the shelves."""
        self._left = dict.fromkeys((band.sku for band in BANDS), STARTING_STOCK)

    def add(self, deed: Reserved) -> None:
        """Take the CDs off the shelf."""
        self._left[deed.sku] += deed.restocked - deed.units

    def take_off(self, deed: Reserved) -> None:
        """Put them back; what was bought for them stays."""
        self._left[deed.sku] += deed.units


class Payment(Department[Charged]):
    """Charges customers; some cards are no good."""

    undone = Refunded

    @handler
    async def charge(self, request: Charge) -> Charged:
        """Take the money."""
        charged = self.known(request.key)
        if charged is None:
            if request.order % BAD_CARD_EVERY == 0:
                raise Refused("the bank says no", order=request.order)
            charged = await self.do(
                Charged(
                    key=request.key,
                    order=request.order,
                    customer=request.customer,
                    cents=request.cents,
                    receipt=f"R{request.order:07}",
                )
            )
        await self.publish(charged, request.key)
        return charged

    @handler
    def count(self, request: CountPaid) -> int:
        """Say how often a customer has paid."""
        return self._paid[request.customer]

    @handler
    def audit(self, request: AuditPayment) -> tuple[Charged, ...]:
        """Say what has come in and stayed."""
        return self.state.standing()

    def begin_sums(self) -> None:
        """Begin with nobody."""
        self._paid = Counter[str]()

    def add(self, deed: Charged) -> None:
        """Count the order."""
        self._paid[deed.customer] += 1

    def take_off(self, deed: Charged) -> None:
        """Count it no more."""
        self._paid[deed.customer] -= 1


class Shipping(Department[Sent]):
    """Sends parcels; of those on bad roads it hears nothing more."""

    undone = Recalled

    @handler
    async def ship(self, request: Ship) -> Sent:
        """Hand a parcel over."""
        sent = self.known(request.key)
        if sent is None:
            sent = await self.do(
                Sent(
                    key=request.key,
                    order=request.order,
                    customer=request.customer,
                    day=request.day,
                    units=request.units,
                    cents=request.cents,
                    parcel=f"P{request.order:07}",
                    is_confirmed=request.order % BAD_ROAD_EVERY != 0,
                )
            )
        if sent.is_confirmed:
            await self.publish(sent, request.key)
        return sent

    @handler
    def audit(self, request: AuditShipping) -> tuple[Sent, ...]:
        """Say what was sent and stayed so."""
        return self.state.standing()
