"""The durable shop: killed on the way, or with orders of every kind, its books are right."""

import gzip
from collections.abc import AsyncIterator, Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dramaturg.actors import ActorRef, ActorSystem, MemoryJournal, Refused
from dramaturg.protocols.workflows import WorkflowFailed
from examples.durable_storefront import books
from examples.durable_storefront.__main__ import main
from examples.durable_storefront.addresses import INVENTORY, PAYMENT, SHIPPING
from examples.durable_storefront.audit import audit
from examples.durable_storefront.messages import (
    AuditInventory,
    AuditPayment,
    Charge,
    Charged,
    CountPaid,
    Order,
    Reserve,
    Ship,
    Undo,
)
from examples.durable_storefront.purchase import FULFILMENT, PURCHASE
from examples.durable_storefront.shop import open_shop, see_through
from examples.durable_storefront.source import UnusableFileError, read_source
from examples.storefront.addresses import find

DAY = date(1997, 3, 1)
SENT, BAD_CARD, BAD_ROAD, LARGE, TOO_LARGE = 1, 97, 211, 2, 3
EVERY_KIND = {
    SENT: ("ann", 2, "29.33"),
    BAD_CARD: ("ann", 1, "11.77"),
    BAD_ROAD: ("bob", 3, "0.01"),
    LARGE: ("bob", 16, "200.00"),
    TOO_LARGE: ("cid", 17, "200.00"),
    4: ("cid", 300, "0.00"),
}
"""Customer, CDs and dollars of orders by their numbers; one for each thing that becomes of any."""

Demo = Callable[..., tuple[int, str]]


def order(number: int, customer: str = "ann", units: int = 1, cents: int = 1_000) -> Order:
    return Order(order=number, customer=customer, day=DAY, units=units, cents=cents)


@pytest.fixture
async def shop() -> AsyncIterator[ActorSystem]:
    async with ActorSystem("shop", journal=MemoryJournal(), default_timeout=30.0) as system:
        await open_shop(system)
        yield system


@pytest.fixture
def demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Demo:
    """Run the demo on a journal of the test's own."""

    def run(*options: str | Path) -> tuple[int, str]:
        code = main(["--journal", str(tmp_path / "shop.db"), *map(str, options)])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


# -- killed


def test_killed_three_times_it_reconciles_and_then_it_is_complete(demo: Demo) -> None:
    code, out = demo("--limit", "120")
    assert (code, out.count("killed the worker (SIGKILL)"), out.count("resumed:")) == (0, 3, 3)
    assert "119 sent, 1 cancelled" in out
    assert "reconciled: all 957 figures agree" in out

    code, out = demo("--limit", "120")
    assert (code, "SIGKILL" in out) == (0, False)
    assert "already complete" in out
    assert "reconciled: all 957 figures agree" in out

    code, out = demo("--limit", "121")
    assert (code, "the journal is of a run with other purchases" in out) == (2, True)


def test_the_master_file_is_read_packed(demo: Demo, tmp_path: Path) -> None:
    file = tmp_path / "master.txt.gz"
    lines = b" customer_id  date number_of_cds  dollar_value\r\n" + b"".join(
        b" %05d 19970101  2   29.33\r\n" % customer for customer in range(1, 9)
    )
    file.write_bytes(gzip.compress(lines))

    code, out = demo("--full", file, "--kills", "0")

    assert code == 0
    assert "8 purchases, 1 lines set aside" in out
    assert "8 orders, 16 CDs, 234.64 dollars" in out


@pytest.mark.parametrize(
    ("data", "problem"),
    [(None, "No such file"), (b"\n", "holds no purchase"), (b"\x1f\x8b", "cannot read")],
    ids=["missing", "empty", "cut off"],
)
def test_a_file_that_cannot_be_used_is_named(
    demo: Demo, tmp_path: Path, data: bytes | None, problem: str
) -> None:
    file = tmp_path / "purchases.gz"
    if data is not None:
        file.write_bytes(gzip.compress(data) if data == b"\n" else data)

    code, out = demo("--input", file)

    assert (code, str(file) in out, problem in out) == (2, True, True)
    with pytest.raises(UnusableFileError):
        read_source(file, None)


# -- every kind of order, on a journal in memory


async def sell_every_kind(shop: ActorSystem) -> books.Books:
    plain = books.Books()
    placed: list[Order] = []
    for number, (customer, units, dollars) in EVERY_KIND.items():
        plain.add(number, customer, str(DAY), units, Decimal(dollars))
        placed.append(order(number, customer, units, int(Decimal(dollars) * 100)))
    await see_through(shop, placed, lambda: None)
    return plain


async def test_each_kind_of_order_comes_to_its_end_and_is_accounted_for(shop: ActorSystem) -> None:
    plain = await sell_every_kind(shop)

    assert plain.states == {
        SENT: "SENT",
        BAD_CARD: "CANCELLED",
        BAD_ROAD: "CANCELLED",
        LARGE: "SENT",
        TOO_LARGE: "DECLINED",
        4: "SENT",
    }
    assert (await audit(shop, plain)).differences == ()
    assert len(await FULFILMENT.ids(shop, "compensated")) == 2
    history = await PURCHASE.history(shop, str(LARGE))
    assert "decision" in str(history)


async def test_what_does_not_agree_is_told(shop: ActorSystem) -> None:
    plain = await sell_every_kind(shop)
    plain.states[BAD_CARD] = "SENT"
    plain.dollars[SENT] += Decimal("0.01")
    plain.days[str(DAY)].units += 1

    told = {each.figure for each in (await audit(shop, plain)).differences}

    assert told == {
        f"order {BAD_CARD}, state",
        f"order {BAD_CARD}, purchase",
        f"order {BAD_CARD}, fulfilment",
        f"order {SENT}, payments",
        f"order {SENT}, parcels",
        f"board, day {DAY}, CDs",
    }


async def test_an_order_of_a_day_when_the_shop_is_closed_is_refused(shop: ActorSystem) -> None:
    late = order(5).model_copy(update={"day": date(1999, 1, 1)})

    with pytest.raises(WorkflowFailed, match="the shop was closed"):
        await PURCHASE.run(shop, late, id="5")


# -- departments


def commands(key: str) -> dict[str, Any]:
    return {
        INVENTORY: Reserve(key=key, order=1, sku="cd-free", units=260),
        PAYMENT: Charge(key=key, order=1, customer="ann", cents=5),
        SHIPPING: Ship(key=key, order=1, customer="ann", day=DAY, units=1, cents=5),
    }


@pytest.mark.parametrize("address", [INVENTORY, PAYMENT, SHIPPING])
async def test_the_same_key_is_done_once_and_undone_once(shop: ActorSystem, address: str) -> None:
    department: ActorRef[Any] = find(shop, address)
    command = commands("k")[address]

    assert await department.request(command) == await department.request(command)
    for _ in range(2):
        await department.request(Undo(key="k", order=1))
    with pytest.raises(Refused, match="was undone"):
        await department.request(command)

    shelf = (await find(shop, INVENTORY).request(AuditInventory()))[0]
    assert (shelf.sold, shelf.left - shelf.restocked) == (0, 250)
    assert await find(shop, PAYMENT).request(AuditPayment()) == ()
    assert await find(shop, PAYMENT).request(CountPaid(customer="ann")) == 0


@pytest.mark.parametrize("address", [INVENTORY, PAYMENT, SHIPPING])
async def test_what_was_undone_before_it_came_is_never_done(
    shop: ActorSystem, address: str
) -> None:
    department: ActorRef[Any] = find(shop, address)
    await department.request(Undo(key="k", order=1))

    with pytest.raises(Refused, match="was undone"):
        await department.request(commands("k")[address])


async def test_departments_know_what_they_did_in_an_earlier_system() -> None:
    journal = MemoryJournal()
    kept: list[Charged] = []
    for _ in range(2):
        async with ActorSystem("shop", journal=journal) as system:
            await open_shop(system)
            kept.append(await find(system, PAYMENT).request(commands("k")[PAYMENT]))
            await find(system, INVENTORY).request(commands("k")[INVENTORY])
            assert await find(system, PAYMENT).request(CountPaid(customer="ann")) == 1
            shelf = (await find(system, INVENTORY).request(AuditInventory()))[0]
            assert (shelf.restocked, shelf.sold, shelf.left) == (100, 260, 90)

    assert kept[0] == kept[1]
