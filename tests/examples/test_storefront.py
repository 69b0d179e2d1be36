import asyncio
import csv
import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings, strategies as st

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorSystem,
    ManualClock,
    Props,
    Refused,
    Request,
    handler,
)
from examples.storefront import plain
from examples.storefront.__main__ import SAMPLE, main
from examples.storefront.accounts import (
    AuditCatalogue,
    AuditCustomers,
    AuditInventory,
    AuditLedger,
    AuditPayment,
    AuditShipping,
)
from examples.storefront.catalogue import Catalogue, quote_for
from examples.storefront.census import tree_of
from examples.storefront.customer import Customers
from examples.storefront.display import open_bar
from examples.storefront.frontdesk import FrontDesk
from examples.storefront.inventory import Inventory
from examples.storefront.ledger import Ledger
from examples.storefront.messages import (
    Book,
    Booked,
    Charge,
    Charged,
    OpenDoors,
    OrderCompleted,
    OrderFailed,
    PlaceOrder,
    PriceOrder,
    Progress,
    Quote,
    Reserve,
    Reserved,
    Settle,
    Ship,
    Shipped,
)
from examples.storefront.parsing import Purchase, read_purchases
from examples.storefront.payment import Payment
from examples.storefront.reconcile import dollars, reconcile
from examples.storefront.shipping import Shipping
from examples.storefront.shop import Staff, Terms, open_shop, order_of, run_shop
from tests.examples.test_storefront_parsing import MALFORMED

CHECKOUT = Path(__file__).parent.parent.parent


class Ran(NamedTuple):
    code: int
    out: str
    err: str
    folder: Path

    def entries(self) -> list[dict[str, str]]:
        with (self.folder / "ledger.csv").open(newline="") as file:
            return list(csv.DictReader(file))


Run = Callable[..., Ran]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the demo in this process."""

    def run(*options: str | Path, staff: Staff | None = None, patience: float = 10.0) -> Ran:
        folder = tmp_path / "out"
        argv = ["--out", str(folder / "ledger.csv"), *map(str, options)]
        code = main(argv, Terms(patience=patience, staff=staff or Staff()))
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err, folder)

    return run


def start(folder: Path) -> subprocess.Popen[str]:
    """Start the demo as `make demo` does, but in a folder of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "examples.storefront"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(CHECKOUT), *sys.path])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


# -- the whole demo ------------------------------------------------------------


def test_the_demo_books_the_whole_sample_and_reconciles(tmp_path: Path) -> None:
    with start(tmp_path) as demo:
        out, err = demo.communicate(timeout=50)

    assert (demo.returncode, err) == (0, "")
    assert "figures agree" in out
    assert "customers (2357)" in out
    assert "100 %  6919 of 6919 orders" in out
    entries = Ran(0, "", "", tmp_path / "storefront-out").entries()
    assert [int(entry["order"]) for entry in entries] == list(range(1, 6920))
    assert sum(Decimal(entry["dollars"]) for entry in entries) == Decimal("244091.94")
    assert sum(int(entry["units"]) for entry in entries) == 16479


def test_the_demo_can_be_interrupted(tmp_path: Path) -> None:
    with start(tmp_path) as demo:
        assert demo.stdout is not None
        assert any("10 %" in line for line in demo.stdout)

        demo.send_signal(signal.SIGINT)
        _, err = demo.communicate(timeout=50)

    assert demo.returncode == 130
    assert err.splitlines()[-1] == "storefront: interrupted"


def test_each_entry_of_the_ledger_is_a_line_of_the_file(run: Run) -> None:
    ran = run("--limit", "300")

    assert ran.code == 0
    booked = [
        (e["master_id"], e["customer"], e["day"].replace("-", ""), e["units"], e["dollars"])
        for e in ran.entries()
    ]
    assert booked == [tuple(line.split()) for line in SAMPLE.read_text().splitlines()[:300]]


def test_malformed_lines_are_set_aside_and_all_others_are_booked(run: Run, tmp_path: Path) -> None:
    good = SAMPLE.read_bytes().splitlines(keepends=True)[:300]
    bad = [raw if raw.endswith(b"\n") else raw + b"\n" for raw, _ in MALFORMED.values()]
    mixed = [
        line for at, pair in enumerate(zip(good, bad, strict=False)) for line in pair if at >= 0
    ]
    source = tmp_path / "mixed.txt"
    truncated = b" 00004 0001 199701"
    source.write_bytes(b"".join([*mixed, *good[len(bad) :], truncated]))

    ran = run("--input", source)

    assert ran.code == 0
    assert [int(e["order"]) for e in ran.entries()] == [
        *range(1, 2 * len(bad), 2),
        *range(2 * len(bad) + 1, 301 + len(bad)),
    ]
    assert (ran.folder / "rejected.txt").read_bytes() == b"".join([*bad, truncated])
    with (ran.folder / "rejected_reasons.csv").open(newline="") as file:
        reasons = list(csv.DictReader(file))
    assert [int(row["line"]) for row in reasons] == [*range(2, 2 * len(bad) + 1, 2), 301 + len(bad)]
    assert f"{len(bad) + 1} malformed lines" in ran.out
    assert "line 2: the line is empty" in ran.out


def test_without_malformed_lines_the_file_of_an_earlier_run_is_emptied(run: Run) -> None:
    (out := run("--limit", "1").folder / "rejected.txt").write_bytes(b"of an earlier run")

    run("--limit", "1")

    assert out.read_bytes() == b""


# -- files that cannot be used -------------------------------------------------


def test_a_missing_input_is_named(run: Run, tmp_path: Path) -> None:
    ran = run("--input", tmp_path / "nowhere.txt")

    assert ran.code == 2
    assert f"cannot read {tmp_path / 'nowhere.txt'}: No such file" in ran.err


def test_an_unreadable_input_is_named(run: Run, tmp_path: Path) -> None:
    ran = run("--input", tmp_path)

    assert ran.code == 2
    assert f"cannot read {tmp_path}: Is a directory" in ran.err


def test_an_empty_input_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()

    ran = run("--input", tmp_path / "empty.txt")

    assert ran.code == 2
    assert f"{tmp_path / 'empty.txt'} is empty" in ran.err


def test_an_input_without_a_single_purchase_is_named_and_its_lines_are_set_aside(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "other.txt").write_bytes(b"something\nelse\n")

    ran = run("--input", tmp_path / "other.txt")

    assert ran.code == 2
    assert "holds no purchase" in ran.err
    assert (ran.folder / "rejected.txt").read_bytes() == b"something\nelse\n"


def test_an_input_that_would_be_overwritten_is_left_alone(run: Run) -> None:
    ran = run("--limit", "1")
    source = ran.folder / "rejected.txt"
    source.write_bytes(b" 00004 0001 19970101  2   29.33\r\n")

    again = run("--input", source)

    assert again.code == 2
    assert "would be overwritten" in again.err
    assert source.read_bytes() == b" 00004 0001 19970101  2   29.33\r\n"


def test_an_output_that_cannot_be_written_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    ran = run("--out", tmp_path / "file" / "ledger.csv")

    assert ran.code == 2
    assert f"cannot write to {tmp_path / 'file'}" in ran.err


def test_a_limit_below_one_is_refused(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run("--limit", "0")

    assert stopped.value.code == 2
    assert "must be 1 or more" in capsys.readouterr().err


# -- departments that are not to be trusted ------------------------------------

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


def test_an_order_that_a_department_does_not_answer_fails_at_its_deadline(run: Run) -> None:
    ran = run("--limit", "20", staff=Staff(shipping=SilentShipping), patience=0.2)

    assert ran.code == 1
    assert "order 17: DeadlineExceeded" in ran.out


def test_a_department_that_crashes_ends_the_day_with_what_is_known(run: Run) -> None:
    ran = run("--limit", "100", staff=Staff(inventory=FragileInventory))

    assert ran.code == 1
    assert "order 17: ActorCrashed" in ran.out
    assert "no account from /inventory" in ran.out


class DroppingCustomers(Customers):
    def pass_on(self, message: PlaceOrder) -> None:
        if message.order == ODD:
            raise RuntimeError("the door is stuck")
        super().pass_on(message)


class DazedDesk(FrontDesk):
    def completed(self, message: OrderCompleted) -> None:
        raise RuntimeError("the bell is broken")


def test_without_customers_no_order_is_waited_for(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("examples.storefront.shop.Customers", DroppingCustomers)

    ran = run("--limit", "100")

    assert ran.code == 1
    assert "/customers has ended" in ran.out
    assert "no account from /customers" in ran.out


def test_a_front_desk_that_crashes_ends_the_day(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("examples.storefront.shop.FrontDesk", DazedDesk)

    ran = run("--limit", "100")

    assert ran.code == 1
    assert "the day could not be seen through: /front-desk" in ran.err


# -- any purchases -------------------------------------------------------------


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
        sent.extend([message, "its reply"])
        return request(ref, message, timeout=timeout)

    monkeypatch.setattr(ActorRef, "tell", telling)
    monkeypatch.setattr(ActorRef, "request", requesting)
    purchases = read_purchases(SAMPLE.read_bytes(), limit=50).purchases
    customers = len({purchase.customer for purchase in purchases})

    day = asyncio.run(run_shop(purchases, NoBar(), Terms()))

    opening, settling, auditing = 1, 2, 2 * (6 + customers)
    assert len(sent) == day.messages + opening + settling + auditing


# -- commands that come twice --------------------------------------------------

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
    async with ActorSystem("test") as system:
        shop = open_shop(system, (), NoBar(), Terms())
        shop.customers.tell(order)
        shop.customers.tell(order)

        account = await shop.customers.request(AuditCustomers())
        books = await shop.departments.ledger.request(AuditLedger())

    assert [(c.customer, c.orders, c.units, c.cents) for c in account.customers] == [
        ("0001", 1, 2, 2933)
    ]
    assert len(books.entries) == 1


# -- the front desk ------------------------------------------------------------


class InFlight(Request[tuple[int, ...]]):
    """Say which orders are in flight."""


class ProbedDesk(FrontDesk):
    @handler
    def in_flight(self, message: InFlight) -> tuple[int, ...]:
        return tuple(self._in_flight)


class Nobody(Actor):
    @handler
    def ignore(self, message: PlaceOrder) -> None:
        pass


class Log(Actor):
    def __init__(self, told: asyncio.Queue[int]) -> None:
        self._told = told

    @handler
    def progress(self, message: Progress) -> None:
        self._told.put_nowait(message.done)


def open_desk(
    system: ActorSystem, *, orders: int, in_flight: int, told: asyncio.Queue[int] | None = None
) -> ActorRef[ProbedDesk]:
    system.spawn(Nobody, name="customers")
    placed = [
        order_of(Purchase(line, "00004", "0001", date(1997, 1, 1), 1, Decimal(1)))
        for line in range(1, orders + 1)
    ]
    props = Props(
        ProbedDesk,
        placed,
        in_flight=in_flight,
        patience=10.0,
        customers="/customers",
        display=system.spawn(Props(Log, told or asyncio.Queue()), name="log"),
    )
    desk = system.spawn(props, name="front-desk")
    desk.tell(OpenDoors())
    return desk


async def test_a_new_order_is_given_out_only_for_one_that_has_ended() -> None:
    async with ActorSystem("test") as system:
        desk = open_desk(system, orders=9, in_flight=3)
        assert await desk.request(InFlight()) == (1, 2, 3)

        desk.tell(OrderCompleted(order=2))
        desk.tell(OrderFailed(order=3, reason="because"))

        assert await desk.request(InFlight()) == (1, 4, 5)


async def test_an_end_that_is_told_twice_counts_once() -> None:
    async with ActorSystem("test") as system:
        desk = open_desk(system, orders=9, in_flight=1)

        desk.tell(OrderCompleted(order=1))
        desk.tell(OrderCompleted(order=1))

        assert await desk.request(InFlight()) == (2,)


async def test_the_settlement_waits_for_the_last_order() -> None:
    async with ActorSystem("test") as system:
        desk = open_desk(system, orders=2, in_flight=2)
        settlement = asyncio.ensure_future(desk.request(Settle()))
        desk.tell(OrderCompleted(order=1))
        await desk.request(InFlight())
        assert not settlement.done()

        desk.tell(OrderFailed(order=2, reason="because"))

        settled = await settlement
        assert (settled.completed, [failed.order for failed in settled.failed]) == (1, [2])


async def test_orders_that_nobody_tells_of_are_given_up_when_patience_ends() -> None:
    clock = ManualClock()
    told: asyncio.Queue[int] = asyncio.Queue()
    async with ActorSystem("test", clock=clock) as system:
        desk = open_desk(system, orders=4, in_flight=2, told=told)
        settlement = asyncio.ensure_future(desk.request(Settle(), timeout=100.0))
        assert await desk.request(InFlight()) == (1, 2)

        for done in ((1, 2), (3, 4)):
            clock.advance(10.0)
            assert tuple([await asyncio.wait_for(told.get(), 5) for _ in done]) == done

        settled = await settlement
        assert [failed.order for failed in settled.failed] == [1, 2, 3, 4]
        assert settled.failed[0].reason == "unheard of for 10 s"
        assert settled.seconds == 20.0


# -- what is shown -------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("file", [io.StringIO(), Terminal()], ids=["no terminal", "no rich"])
def test_without_a_terminal_or_rich_progress_is_a_line_for_each_tenth(
    file: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)

    with open_bar(20, file) as bar:
        for done in range(1, 21):
            bar.show(done)

    lines = file.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[0] == "  10 %  2 of 20 orders"
    assert lines[-1] == " 100 %  20 of 20 orders"


@pytest.mark.skipif(find_spec("rich") is None, reason="rich is an extra")
def test_on_a_terminal_progress_is_a_bar_of_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    file = Terminal()

    with open_bar(20, file) as bar:
        bar.show(20)

    assert "20/20" in file.getvalue()
    assert "\N{BOX DRAWINGS HEAVY HORIZONTAL}" in file.getvalue()


def test_the_tree_names_a_few_children_and_counts_many() -> None:
    crowd = {f"/customers/{number:04}" for number in range(7)}

    assert tree_of(frozenset({"/customers", "/desk", "/desk/bell"} | crowd)) == (
        "/",
        "├── customers (7)",
        "└── desk (1)",
        "    └── bell",
    )
