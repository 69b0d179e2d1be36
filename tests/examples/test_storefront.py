import asyncio
import csv
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

from dramaturg.actors import (
    Refused,
)
from examples.storefront.__main__ import SAMPLE, main
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
    """Run the demo in this process, without faults unless some are asked for."""

    def run(*options: str | Path, staff: Staff | None = None, terms: Terms | None = None) -> Ran:
        folder = tmp_path / "out"
        argv = ["--out", str(folder / "ledger.csv"), "--faults", "none", *map(str, options)]
        code = main(argv, terms or Terms(staff=staff or Staff()))
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err, folder)

    return run


@contextmanager
def start(folder: Path) -> Generator[subprocess.Popen[str]]:
    """Start the demo as `make demo` does, but in a folder of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "examples.storefront"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(CHECKOUT), *sys.path])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as demo:
        try:
            yield demo
        finally:
            demo.kill()  # one that hangs is not waited for


# -- the whole demo ------------------------------------------------------------


def test_the_demo_books_the_whole_sample_and_reconciles(tmp_path: Path) -> None:
    with start(tmp_path) as demo:
        out, err = demo.communicate(timeout=50)

    assert (demo.returncode, err) == (0, "")
    assert "figures agree" in out
    assert "customers (2357)" in out
    assert "pricing/catalogue has recovered" in out.replace(":", "")
    assert ", 0 left" in out
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
    ran = run("--limit", "100", staff=Staff(front_desk=LazyDesk))

    assert ran.code == 1
    assert "the day could not be seen through: /shop gave up" in ran.err
    assert "because RuntimeError: nobody comes to work" in ran.err


# -- faults --------------------------------------------------------------------


def test_the_standard_faults_all_happen_and_the_shop_survives_them(run: Run) -> None:
    ran = run("--limit", "300", "--faults", "standard")

    assert ran.code == 0
    for told in (
        "till/payment: failed: the bank has hung up",
        "back-office/inventory: was killed",
        "back-office/inventory: failed: the shelves came down",
        "back-office/shipping: is stopped",  # with inventory, which it comes after
        "back-office/ledger: is stopped",
        "till/payment: hangs",
        "till/payment: was killed",
        "till/payment: is back, life 3",
        "pricing/catalogue: failed: the pricing service does not answer",
        "pricing/catalogue: is degraded to rung 1",
        "pricing/catalogue~1: failed: the cache cannot be read",
        "pricing/catalogue: is degraded to rung 2",
        "pricing/catalogue: has recovered",
    ):
        assert told in ran.out
    assert "faults injected: 31 (raise 28, kill 1, hang 1, raise after 1)" in ran.out
    for restarts in ("inventory 2", "shipping 2", "ledger 2", "payment 2", "catalogue~1 10"):
        assert restarts in ran.out
    found, replayed, left = counts(r"dead letters: (\d+) found, (\d+) replayed, (\d+) left", ran)
    assert found == replayed > 10
    assert left == 0
    orders, once = counts(r"orders that they were about: (\d+), counted once: (\d+)", ran)
    assert orders == once > 0
    assert "figures agree" in ran.out


@pytest.mark.parametrize("seed", range(5))
def test_whoever_crashes_or_is_killed_at_random_the_shop_survives_it(run: Run, seed: int) -> None:
    ran = run("--limit", "150", "--chaos", "0.02", "--seed", seed)

    assert ran.code == 0
    [faults] = counts(r"faults injected: (\d+)", ran)
    [restarts] = counts(r"restarts: (\d+)", ran)
    assert faults > 10
    assert restarts > 10
    found, replayed, left = counts(r"dead letters: (\d+) found, (\d+) replayed, (\d+) left", ran)
    assert found == replayed > 5
    assert left == 0
    orders, once = counts(r"orders that they were about: (\d+), counted once: (\d+)", ran)
    assert orders == once


def test_a_rate_above_one_is_refused(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("--chaos", "1.5")

    assert "must be from 0 to below 1" in capsys.readouterr().err


def counts(pattern: str, ran: Ran) -> tuple[int, ...]:
    found = re.search(pattern, ran.out)
    assert found is not None
    return tuple(int(number) for number in found.groups())
