"""The shop: one day from opening the doors to the last account."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from dramaturg.actors import (
    ActorRef,
    ActorSystem,
    DeadLetter,
    DeadlineExceeded,
    DramaturgError,
    GoneError,
    Props,
)
from dramaturg.supervision import ChildStartFailed, StartInstance, Supervisor, WhichChildren
from examples.storefront.accounts import (
    Account,
    AuditCatalogue,
    AuditCustomer,
    AuditInventory,
    AuditLedger,
    AuditPayment,
    AuditShipping,
    CustomersAccount,
    LedgerAccount,
)
from examples.storefront.addresses import (
    CATALOGUE,
    CUSTOMERS,
    FRONT_DESK,
    INVENTORY,
    LEDGER,
    PAYMENT,
    SHIPPING,
    find,
)
from examples.storefront.caretaker import ROUND, replay
from examples.storefront.census import Census
from examples.storefront.chronicle import Annals, Chronicle
from examples.storefront.display import Bar
from examples.storefront.faults import Faults, gremlin, unlucky_staff
from examples.storefront.messages import (
    MESSAGES_PER_ORDER,
    OpenDoors,
    PlaceOrder,
    Settle,
    Settlement,
)
from examples.storefront.parsing import Purchase
from examples.storefront.records import Done
from examples.storefront.tree import Terms, shop_spec

AUDIT_TRIES = 50
"""So often a question is asked of whoever crashes upon it."""

CLOSING_ROUNDS = 100
"""After so many the shop closes with whatever is still amiss."""


@dataclass(frozen=True, slots=True)
class DeadLetterCount:
    """What became of what crashes took.

    :param orders: the orders that the letters were about.
    :param counted_once: those of them that are in the ledger once.
    """

    found: int
    replayed: int
    left: int
    orders: frozenset[int]
    counted_once: frozenset[int]


@dataclass(frozen=True, slots=True, repr=False)  # it holds the whole ledger
class Day:
    """What is known of the shop when its day is over; seconds to the end of the last order."""

    settlement: Settlement
    accounts: tuple[Account, ...]
    missing: tuple[str, ...]
    tree: tuple[str, ...]
    most_alive: int
    seconds: float
    annals: Annals
    letters: DeadLetterCount

    @property
    def messages(self) -> int:
        """How many messages the completed orders take when nothing goes wrong, replies included."""
        return self.settlement.completed * MESSAGES_PER_ORDER


async def run_shop(
    purchases: Iterable[Purchase],
    bar: Bar,
    terms: Terms,
    faults: Faults | None = None,
    *,
    seed: int = 0,
    logger: Any = None,
) -> Day:
    """Open the shop, see all purchases through, audit the departments, and close it.

    :raises RestartLimitReached: the whole shop has given up.
    """
    faults = faults or Faults()
    if faults:
        terms = replace(terms, staff=unlucky_staff(terms.staff, faults))
    orders = tuple(order_of(purchase) for purchase in purchases)
    patience = terms.patience
    system = ActorSystem(
        "shop", seed=seed, default_timeout=patience, shutdown_timeout=patience, logger=logger
    )
    async with system:
        census, chronicle = Census(system.events), Chronicle(system, bar.note)
        system.spawn(Props(Supervisor, shop_spec(orders, bar, terms, gremlin(faults))), name="shop")
        work = asyncio.create_task(_see_through(system, orders, terms, census, chronicle))
        end = asyncio.create_task(system.wait())
        try:
            await asyncio.wait({work, end}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await end  # it says why the shop is no more
            return await work
        finally:
            work.cancel()
            end.cancel()


async def _see_through(
    system: ActorSystem,
    orders: tuple[PlaceOrder, ...],
    terms: Terms,
    census: Census,
    chronicle: Chronicle,
) -> Day:
    await find(system, "/shop").started()
    begun = system.now()
    find(system, FRONT_DESK).tell(OpenDoors())
    # No order can take longer than this.
    longest = (len(orders) + 1) * terms.patience * terms.tries
    settlement = await ask(find(system, FRONT_DESK), Settle(), timeout=longest)
    seconds = system.now() - begun
    failed = frozenset(failure.order for failure in settlement.failed)
    await _clear(system, chronicle, failed)
    customers = {order.customer for order in orders if order.order not in failed}
    accounts, missing = await audit(system, customers)
    tree = census.tree()
    await _clear(system, chronicle, failed)
    return Day(
        settlement,
        accounts,
        missing,
        tree,
        census.most_alive,
        seconds,
        chronicle.close(),
        _count(system, chronicle.annals, accounts),
    )


async def _clear(system: ActorSystem, chronicle: Chronicle, failed: frozenset[int]) -> None:
    """Wait until nobody is degraded and no dead letter is left, but those about failed orders."""
    quiet = 0
    for _ in range(CLOSING_ROUNDS):
        letters = [
            letter for letter in system.dead_letters.list() if order_in(letter) not in failed
        ]
        replay(system, letters, max_attempts=CLOSING_ROUNDS)
        quiet = 0 if letters or chronicle.annals.degraded_now else quiet + 1
        if quiet > 1:  # what was sent again the last time has been handled, too
            return
        await asyncio.sleep(ROUND)


async def ask(ref: ActorRef[Any], question: object, *, timeout: float | None = None) -> Any:
    """Ask again if whoever is asked crashes upon it, or ends; it is being restarted.

    :raises DramaturgError: for good.
    """
    for _ in range(AUDIT_TRIES):
        try:
            return await ref.request(question, timeout=timeout)
        except (GoneError, DeadlineExceeded, ChildStartFailed):
            if not ref.is_alive():
                raise
    return await ref.request(question, timeout=timeout)


async def audit(
    system: ActorSystem, customers: Iterable[str]
) -> tuple[tuple[Account, ...], tuple[str, ...]]:
    """Have every department and all customers render an account; say who could not."""
    questions: list[tuple[str, Callable[[ActorRef[Any]], Any]]] = [
        (CATALOGUE, lambda ref: ask(ref, AuditCatalogue())),
        (INVENTORY, lambda ref: ask(ref, AuditInventory())),
        (PAYMENT, lambda ref: ask(ref, AuditPayment())),
        (SHIPPING, lambda ref: ask(ref, AuditShipping())),
        (LEDGER, lambda ref: ask(ref, AuditLedger())),
        (CUSTOMERS, lambda ref: audit_customers(ref, customers)),
    ]
    accounts: list[Account] = []
    missing: list[str] = []
    for address, question in questions:
        try:
            accounts.append(await question(find(system, address)))
        except (DramaturgError, LookupError) as error:
            missing.append(f"no account from {address}: {error}")
    return tuple(accounts), tuple(missing)


async def audit_customers(pool: ActorRef[Any], names: Iterable[str] = ()) -> CustomersAccount:
    """Ask each customer in the pool.

    :param names: who has to be there; a pool that was restarted is empty, and these come in again.
    """
    children = {child.id: child.ref for child in await ask(pool, WhichChildren())}
    for name in names:
        if name not in children:
            children[name] = (await ask(pool, StartInstance(name=name))).ref
    accounts = [await ask(ref, AuditCustomer()) for ref in children.values() if ref]
    return CustomersAccount(customers=tuple(accounts))


def _count(system: ActorSystem, annals: Annals, accounts: tuple[Account, ...]) -> DeadLetterCount:
    booked = Counter(
        entry.order
        for account in accounts
        if isinstance(account, LedgerAccount)
        for entry in account.entries
    )
    lost = frozenset(order for each in annals.replayed if (order := order_in(each)) is not None)
    return DeadLetterCount(
        found=system.dead_letters.total,
        replayed=len(annals.replayed),
        left=len(system.dead_letters),
        orders=lost,
        counted_once=frozenset(order for order in lost if booked[order] == 1),
    )


def order_in(letter: DeadLetter) -> int | None:
    """Say which order a dead letter is about."""
    message = letter.message
    if isinstance(message, Done):
        message = message.deed.command
    return getattr(message, "order", None)


def order_of(purchase: Purchase) -> PlaceOrder:
    """Turn a line of the file into an order, and its dollars into cents."""
    return PlaceOrder(
        order=purchase.line,
        customer=purchase.customer,
        master_id=purchase.master_id,
        day=purchase.day,
        units=purchase.units,
        cents=int(purchase.dollars.scaleb(2)),
    )
