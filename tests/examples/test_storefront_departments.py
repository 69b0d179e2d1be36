import asyncio
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorSystem,
    Props,
    Refused,
    Request,
)
from dramaturg.supervision import Supervisor
from examples.storefront import plain
from examples.storefront.__main__ import SAMPLE
from examples.storefront.accounts import (
    AuditCatalogue,
    AuditInventory,
    AuditLedger,
    AuditPayment,
    AuditShipping,
)
from examples.storefront.addresses import CUSTOMERS, DOOR, LEDGER, find
from examples.storefront.catalogue import Catalogue, quote_for
from examples.storefront.frontdesk import FrontDesk
from examples.storefront.inventory import Inventory
from examples.storefront.ledger import Ledger
from examples.storefront.messages import (
    Book,
    Charge,
    OrderCompleted,
    PriceOrder,
    Reserve,
    Ship,
)
from examples.storefront.parsing import Purchase, read_purchases
from examples.storefront.payment import Payment
from examples.storefront.reconcile import dollars, reconcile
from examples.storefront.records import AreYouThere
from examples.storefront.shipping import Shipping
from examples.storefront.shop import audit_customers, order_of, run_shop
from examples.storefront.tree import Staff, Terms, shop_spec


@st.composite
def some_purchases(draw: st.DrawFn) -> list[Purchase]:
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["0001", "0002", "0003"]),
                st.dates(),
                st.integers(1, 400),
                st.decimals(0, 9_999, places=2),
            ),
            min_size=1,
            max_size=30,
        )
    )
    return [
        Purchase(line, f"0{customer}", customer, day, units, value)
        for line, (customer, day, units, value) in enumerate(rows, start=1)
    ]


class NoBar:
    def show(self, done: int) -> None:
        pass

    def note(self, text: str) -> None:
        pass


@settings(max_examples=30)
@given(purchases=some_purchases(), in_flight=st.integers(1, 5))
def test_whatever_is_bought_the_shop_agrees_with_the_plain_books(
    purchases: list[Purchase], in_flight: int
) -> None:
    books = plain.PlainBooks()
    for each in purchases:
        books.add(each.line, each.customer, f"{each.day}", each.units, each.dollars)

    day = asyncio.run(run_shop(purchases, NoBar(), Terms(in_flight=in_flight)))

    assert reconcile(day.accounts, books).differences == ()
    assert day.settlement.completed == len(purchases)
    assert day.settlement.most_in_flight == min(in_flight, len(purchases))


@given(units=st.integers(1, 9_999), cents=st.integers(0, 10_000_000))
def test_a_quote_comes_to_what_was_paid_and_no_cd_is_more_than_a_cent_dearer(
    units: int, cents: int
) -> None:
    quote = quote_for(PriceOrder(order=1, units=units, cents=cents))

    assert quote.total_cents == cents
    assert quote.dearer_units < units
    assert quote.sku == plain.shelf_of(units, dollars(cents))


def test_an_order_takes_as_many_messages_as_the_summary_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[object] = []
    tell, request = ActorRef[Any].tell, ActorRef[Any].request

    def telling(ref: ActorRef[Any], message: object) -> None:
        sent.append(message)
        tell(ref, message)

    def requesting(ref: ActorRef[Any], message: Any, *, timeout: float | None = None) -> Any:
        if not isinstance(message, AreYouThere):  # of these there are as many as there is time
            sent.extend([message, "its reply"])
        return request(ref, message, timeout=timeout)

    monkeypatch.setattr(ActorRef, "tell", telling)
    monkeypatch.setattr(ActorRef, "request", requesting)
    purchases = read_purchases(SAMPLE.read_bytes(), limit=50).purchases
    customers = len({purchase.customer for purchase in purchases})

    day = asyncio.run(run_shop(purchases, NoBar(), Terms()))

    # Besides: the doors; the settlement; the accounts; whoever starts reads a record or bills, and
    # customers read bills again for their accounts; the door asks for new customers.
    opening, settling, auditing = 1, 2, 2 * (6 + 2 * customers)
    starting = 2 * (5 + 2 * customers)
    expected = day.messages + opening + settling + auditing + starting
    assert len(sent) == expected


PRICE = PriceOrder(order=1, units=3, cents=1000)
RESERVE = Reserve(order=1, sku="cd-budget", units=300)
CHARGE = Charge(order=1, customer="0001", cents=1000)
SHIP = Ship(order=1, customer="0001", sku="cd-budget", units=300)
BOOK = Book(
    order=1,
    day=date(1997, 1, 1),
    customer="0001",
    master_id="00004",
    sku="cd-budget",
    units=3,
    cents=1000,
    receipt="R0000001",
    parcel="P0000001",
)

COMMANDS: list[tuple[type[Actor], Request[Any], Request[Any], dict[str, Any]]] = [
    (Catalogue, PRICE, AuditCatalogue(), {"cents": 999}),
    (Inventory, RESERVE, AuditInventory(), {"units": 299}),
    (Payment, CHARGE, AuditPayment(), {"cents": 999}),
    (Shipping, SHIP, AuditShipping(), {"units": 299}),
    (Ledger, BOOK, AuditLedger(), {"cents": 999}),
]
departments = pytest.mark.parametrize(
    ("department", "command", "question", "change"),
    COMMANDS,
    ids=[department.__name__ for department, *_ in COMMANDS],
)


@departments
async def test_a_command_that_comes_again_gets_the_same_answer_and_changes_nothing(
    department: type[Actor], command: Request[Any], question: Request[Any], change: dict[str, Any]
) -> None:
    async with ActorSystem("test") as system:
        ref = system.spawn(department, name="department")
        before = await ref.request(question)
        answer = await ref.request(command)
        account = await ref.request(question)

        again = await ref.request(command)

        assert again == answer
        assert await ref.request(question) == account != before


@departments
async def test_another_command_for_the_same_order_is_refused_and_changes_nothing(
    department: type[Actor], command: Request[Any], question: Request[Any], change: dict[str, Any]
) -> None:
    async with ActorSystem("test") as system:
        ref = system.spawn(department, name="department")
        await ref.request(command)
        account = await ref.request(question)

        with pytest.raises(Refused, match="order 1 was already served"):
            await ref.request(command.model_copy(update=change))

        assert await ref.request(question) == account


async def test_a_shelf_that_is_not_there_is_refused() -> None:
    async with ActorSystem("test") as system:
        inventory = system.spawn(Inventory, name="inventory")

        with pytest.raises(Refused, match="no such shelf"):
            await inventory.request(Reserve(order=1, sku="vinyl", units=1))


async def test_an_order_that_is_placed_twice_is_bought_once() -> None:
    order = order_of(Purchase(1, "00004", "0001", date(1997, 1, 1), 2, Decimal("29.33")))
    told: asyncio.Queue[int] = asyncio.Queue()

    class ListeningDesk(FrontDesk):
        def completed(self, message: OrderCompleted) -> None:
            told.put_nowait(message.order)

    async with ActorSystem("test") as system:
        spec = shop_spec((), NoBar(), Terms(staff=Staff(front_desk=ListeningDesk)))
        await system.spawn(Props(Supervisor, spec), name="shop").started()
        for _ in range(2):
            find(system, DOOR).tell(order)
            assert await asyncio.wait_for(told.get(), 5) == 1

        account = await audit_customers(find(system, CUSTOMERS))
        books = await find(system, LEDGER).request(AuditLedger())

    assert [(c.customer, c.orders, c.units, c.cents) for c in account.customers] == [
        ("0001", 1, 2, 2933)
    ]
    assert len(books.entries) == 1
