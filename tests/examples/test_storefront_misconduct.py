"""Departments, doors and desks that are not to be trusted: the shop notices each of them."""

import asyncio

import pytest

from dramaturg.actors import Refused
from examples.storefront.catalogue import Catalogue
from examples.storefront.customer import Door
from examples.storefront.frontdesk import FrontDesk
from examples.storefront.inventory import Inventory
from examples.storefront.ledger import Ledger
from examples.storefront.messages import (
    Book,
    Booked,
    Charge,
    Charged,
    OrderCompleted,
    PlaceOrder,
    PriceOrder,
    Quote,
    Reserve,
    Reserved,
    Ship,
    Shipped,
)
from examples.storefront.payment import Payment
from examples.storefront.shipping import Shipping
from examples.storefront.tree import Staff, Terms
from tests.examples.storefront_kit import Run

ODD = 17
"""The order with which each of them does something wrong."""


class CrookedCatalogue(Catalogue):
    def price(self, message: PriceOrder) -> Quote:
        quote = super().price(message)
        return quote.model_copy(update={"dearer_units": quote.dearer_units + (quote.order == ODD)})


class CrookedInventory(Inventory):
    def reserve(self, message: Reserve) -> Reserved:
        extra = message.order == ODD
        return super().reserve(message.model_copy(update={"units": message.units + extra}))


class CrookedPayment(Payment):
    def charge(self, message: Charge) -> Charged:
        extra = message.order == ODD
        return super().charge(message.model_copy(update={"cents": message.cents + extra}))


class CrookedShipping(Shipping):
    def ship(self, message: Ship) -> Shipped:
        if message.order == ODD:
            return Shipped(order=ODD, parcel="P0000000")
        return super().ship(message)


class CrookedLedger(Ledger):
    def book(self, message: Book) -> Booked:
        extra = message.order == ODD
        return super().book(message.model_copy(update={"cents": message.cents - extra}))


class ForgetfulLedger(Ledger):
    def book(self, message: Book) -> Booked:
        return Booked(order=ODD) if message.order == ODD else super().book(message)


class UnwillingPayment(Payment):
    def charge(self, message: Charge) -> Charged:
        if message.order == ODD:
            raise Refused("the card is blocked")
        return super().charge(message)


class SilentShipping(Shipping):
    async def ship(self, message: Ship) -> Shipped:  # type: ignore[override]
        if message.order == ODD and self.context.incarnation == 1:
            await asyncio.Event().wait()
        return super().ship(message)


class StubbornShipping(Shipping):
    async def ship(self, message: Ship) -> Shipped:  # type: ignore[override]
        if message.order == ODD:
            await asyncio.Event().wait()
        return super().ship(message)


class FragileInventory(Inventory):
    def reserve(self, message: Reserve) -> Reserved:
        if message.order == ODD:
            raise RuntimeError("the shelf has collapsed")
        return super().reserve(message)


@pytest.mark.parametrize(
    ("staff", "said"),
    [
        (Staff(catalogue=CrookedCatalogue), "ledger, order 17, dollars: expected"),
        (
            Staff(inventory=CrookedInventory),
            "inventory, shelf cd-boxset, sold: expected 27, the shop says 28",
        ),
        (Staff(payment=CrookedPayment), "payment, dollars: expected"),
        (Staff(shipping=CrookedShipping), "shipping, parcels: expected 100, the shop says 99"),
        (Staff(ledger=CrookedLedger), "ledger, order 17, dollars: expected"),
        (Staff(ledger=ForgetfulLedger), "ledger, order 17, orders: expected 1, the shop says None"),
    ],
    ids=["catalogue", "inventory", "payment", "shipping", "ledger", "an entry forgotten"],
)
def test_a_single_wrong_figure_is_found_and_named(run: Run, staff: Staff, said: str) -> None:
    ran = run("--limit", "100", staff=staff)

    assert ran.code == 1
    assert said in ran.out
    assert "figures differ" in ran.out


def test_a_refused_order_fails_and_the_others_are_booked(run: Run) -> None:
    ran = run("--limit", "100", staff=Staff(payment=UnwillingPayment))

    assert ran.code == 1
    assert "order 17: Refused: the card is blocked" in ran.out
    assert len(ran.entries()) == 99


def test_a_department_that_hangs_is_killed_and_the_order_is_given_out_again(run: Run) -> None:
    terms = Terms(staff=Staff(shipping=SilentShipping), hang=0.1)

    ran = run("--limit", "20", terms=terms)

    assert ran.code == 0
    assert "back-office/shipping: was killed" in ran.out
    assert "restarts: 2 (back-office/shipping 1, back-office/ledger 1)" in ran.out
    # The order, and the question whether somebody is there.
    assert "dead letters: 2 found, 2 replayed, 0 left" in ran.out


def test_an_order_on_which_a_department_always_hangs_fails_and_the_others_are_booked(
    run: Run,
) -> None:
    terms = Terms(staff=Staff(shipping=StubbornShipping), hang=0.05, tries=2)

    ran = run("--limit", "20", terms=terms)

    assert ran.code == 1
    assert "order 17: ActorStopped" in ran.out
    assert len(ran.entries()) == 19


def test_an_order_upon_which_a_department_always_crashes_fails_and_the_others_are_booked(
    run: Run,
) -> None:
    terms = Terms(staff=Staff(inventory=FragileInventory), tries=3)

    ran = run("--limit", "100", terms=terms)

    assert ran.code == 1
    assert "order 17: ActorCrashed" in ran.out
    assert len(ran.entries()) == 99
    assert ", 0 left" not in ran.out  # what is about a failed order waits for somebody to decide


class JammedDoor(Door):
    async def let_in(self, message: PlaceOrder) -> None:
        if message.order == ODD:
            raise RuntimeError("the door is stuck")
        await super().let_in(message)


class StumblingDoor(Door):
    async def let_in(self, message: PlaceOrder) -> None:
        if message.order == ODD and self.context.incarnation == 1:
            raise RuntimeError("the door is stuck")
        await super().let_in(message)


class DazedDesk(FrontDesk):
    def completed(self, message: OrderCompleted) -> None:
        if self.context.incarnation < 3:
            raise RuntimeError("the bell is broken")
        super().completed(message)


class LazyDesk(FrontDesk):
    async def on_start(self) -> None:
        if self.context.incarnation > 1:
            raise RuntimeError("nobody comes to work")
        await super().on_start()

    def completed(self, message: OrderCompleted) -> None:
        raise RuntimeError("the bell is broken")


def test_an_order_that_was_told_to_whoever_crashed_is_replayed(run: Run) -> None:
    ran = run("--limit", "100", staff=Staff(door=StumblingDoor))

    assert ran.code == 0
    assert "dead letters: 1 found, 1 replayed, 0 left" in ran.out
    assert "orders that they were about: 1, counted once: 1" in ran.out


def test_an_order_that_does_not_get_through_the_door_fails_and_is_named(run: Run) -> None:
    ran = run("--limit", "100", terms=Terms(staff=Staff(door=JammedDoor), quiet=0.05, tries=3))

    assert ran.code == 1
    assert "order 17: unheard of for 0.05 s" in ran.out
    assert len(ran.entries()) == 99


def test_a_front_desk_that_crashes_goes_on_where_it_was(run: Run) -> None:
    ran = run("--limit", "100", staff=Staff(front_desk=DazedDesk))

    assert ran.code == 0
    assert "restarts: 2 (front-desk 2)" in ran.out
    assert len(ran.entries()) == 100


def test_a_shop_that_gives_up_says_why(run: Run) -> None:
    # Few enough for any machine to use them up within the second.
    ran = run("--limit", "100", terms=Terms(staff=Staff(front_desk=LazyDesk), restarts=10))

    assert ran.code == 1
    assert "the day could not be seen through: /shop gave up" in ran.err
    assert "because RuntimeError: nobody comes to work" in ran.err
