"""Reserve, charge, ship; or give back: one order's way through the departments of the shop.

The departments and what they are told are those of `examples.storefront`. New is that the shelf
takes back what was reserved for whoever cannot pay. If the bank does not answer in time nobody
knows whether it has taken the money; so the clerk asks again, and the same order is answered the
same. The planted bug gives the CDs back after a timeout: then somebody has paid for nothing.

Run it with `python -m examples.storefront_conversation`.
"""

import asyncio
from typing import Any, Final

from dramaturg.actors import (
    Actor,
    ActorRef,
    DeadlineExceeded,
    Message,
    Props,
    Refused,
    Request,
    handler,
)
from dramaturg.protocols import (
    Monitor,
    Protocol,
    ProtocolViolated,
    Role,
    sequence,
)
from dramaturg.protocols.testing import (
    NO_FAULTS,
    Faults,
    Simulation,
    SystemScenario,
    Verdict,
    explore_system,
)
from examples.storefront.inventory import Inventory
from examples.storefront.messages import Charge, Charged, Reserve, Reserved, Ship, Shipped
from examples.storefront.payment import Payment
from examples.storefront.records import Keeper, ReadOut
from examples.storefront.shipping import Shipping

PATIENCE: Final = 2.0
"""Seconds that a clerk waits for the bank."""

SKU: Final = "cd-standard"
CENTS: Final = {"ann": 12_00, "bob": 99_00}
LIMIT: Final = 50_00


class Released(Message):
    """The CDs are on the shelf again."""

    order: int


class Release(Request[Released]):
    """To inventory: nobody has paid for these."""

    order: int


CLERK, POST = Role("clerk"), Role("post", serves=True)
SHELF, BANK = Role("shelf", serves=True), Role("bank", serves=True)


PROTOCOL: Final = Protocol(
    "storefront_conversation",
    roles=(CLERK, SHELF, BANK, POST),
    order=sequence(
        CLERK >> SHELF @ Reserve,
        SHELF >> CLERK @ Reserved,
        CLERK >> BANK @ Charge,
        sequence(BANK >> CLERK @ Charged, CLERK >> POST @ Ship, POST >> CLERK @ Shipped)
        | sequence(BANK >> CLERK @ Refused, CLERK >> SHELF @ Release, SHELF >> CLERK @ Released),
    ),
    about="How it goes while everybody answers in time.",
)


class Shelf(Inventory):
    """Takes back what was reserved."""

    def __init__(self) -> None:
        super().__init__()
        self.released: set[int] = set()

    @handler
    def release(self, message: Release) -> Released:
        """Put CDs back; the same order again puts nothing more."""
        if message.order not in self.released:
            reserved, _ = self._answers.deeds()[message.order]
            self._shelves[reserved.sku].move(bought=reserved.units, sold=0)
            self.released.add(message.order)
        return Released(order=message.order)


class Bank(Payment):
    """Takes the money, sees to it that this is on record, and only then answers."""

    def __init__(self, record: ActorRef[Keeper]) -> None:
        super().__init__(keeper=record.path)
        self.record = record
        self.paid: set[int] = set()

    async def on_start(self) -> None:
        """Read the record, unless this is the beginning."""
        if self.context.incarnation > 1:
            await super().on_start()

    @handler
    async def charge(self, message: Charge) -> Charged:  # type: ignore[override]
        """Charge for an order; the same order again is charged nothing more."""
        charged = self.answer(message)
        self.paid.add(message.order)
        await self.record.request(ReadOut())  # it stands behind what was told
        return charged

    def obey(self, command: Charge) -> Charged:
        """Take the money.

        :raises Refused: it is more than the customer has.
        """
        if command.cents > LIMIT:
            raise Refused("too much")
        return super().obey(command)


class Post(Shipping):
    """Says what was sent."""

    @property
    def sent(self) -> set[int]:
        """The orders whose parcels are on their way."""
        return set(self._answers.deeds())


class Buy(Message):
    """To a clerk: see this order through."""

    order: int
    customer: str


class Clerk(Actor):
    """Takes an order from department to department, and asks each until it answers."""

    def __init__(self, shelf: ActorRef[Shelf], bank: ActorRef[Bank], post: ActorRef[Post]) -> None:
        self.shelf, self.bank, self.post = shelf, bank, post
        self.timeouts = 0

    @handler
    async def buy(self, message: Buy) -> None:
        """Reserve, charge, ship; or give back."""
        order, customer = message.order, message.customer
        await self.insist(self.shelf, Reserve(order=order, sku=SKU, units=1))
        if await self.charge(Charge(order=order, customer=customer, cents=CENTS[customer])):
            await self.insist(self.post, Ship(order=order, customer=customer, sku=SKU, units=1))
        else:
            await self.insist(self.shelf, Release(order=order))

    async def charge(self, charge: Charge) -> bool:
        """Tell whether the customer has paid."""
        try:
            await self.insist(self.bank, charge)
        except Refused:
            return False
        return True

    async def insist(self, department: ActorRef[Any], command: Request[Any]) -> None:
        """Ask until there is an answer."""
        while True:
            try:
                await department.request(command, timeout=PATIENCE)
            except DeadlineExceeded:
                self.timeouts += 1
            else:
                return


class HastyClerk(Clerk):
    """The bug: no answer from the bank is taken for a no."""

    async def charge(self, charge: Charge) -> bool:
        """Tell whether the bank says so in time."""
        try:
            await self.bank.request(charge, timeout=PATIENCE)
        except (DeadlineExceeded, Refused):
            return False
        return True


async def two_orders(sim: Simulation, clerk: type[Clerk]) -> None:
    """Let two customers buy, one of whom cannot pay."""
    spawn = sim.system.spawn
    shelf, post = spawn(Shelf, name="shelf"), spawn(Post, name="post")
    record = spawn(Props(Keeper, "/bank"), name="record")
    bank = spawn(Props(Bank, record), name="bank")
    counter = Props(clerk, shelf, bank, post)
    clerks = [spawn(counter, name=name) for name in CENTS]
    await asyncio.gather(
        shelf.started(), post.started(), bank.started(), *[each.started() for each in clerks]
    )

    def reconciles(view: Any) -> bool:
        paid, sent, released = view["/bank"].paid, view["/post"].sent, view["/shelf"].released
        return paid == sent and not sent & released and len(sent | released) == len(CENTS)

    sim.always(lambda view: not view["/bank"].paid & view["/shelf"].released, "paid, and gone")
    sim.at_rest(reconciles, "reconciles")
    for order, (name, ref) in enumerate(zip(CENTS, clerks, strict=True), 1):
        ref.tell(Buy(order=order, customer=name))


async def in_time(sim: Simulation) -> None:
    """Let them buy while everybody answers in time, and so keeps to the protocol."""
    players = {CLERK: Clerk, SHELF: Shelf, BANK: Bank, POST: Post}
    Monitor(PROTOCOL, players).attach(sim.system)
    sim.system.events.subscribe(sim.note, ProtocolViolated)
    sim.always(lambda view: not view.history, "by the protocol")
    await two_orders(sim, Clerk)


async def too_late(sim: Simulation) -> None:
    """Let them buy when some answer may be late."""
    sim.sometimes(lambda view: view["/ann"] and view["/ann"].timeouts, "somebody is slow")
    await two_orders(sim, Clerk)


async def hasty(sim: Simulation) -> None:
    """Let them buy of clerks who have no patience."""
    await two_orders(sim, HastyClerk)


def system(scenario: SystemScenario, faults: Faults = NO_FAULTS) -> Verdict:
    """Look for a run in which what was paid for is given back."""
    return explore_system(scenario, faults=faults, schedules=100)


SLOW: Final = Faults(early_timers=1)


def main() -> None:
    """Show both, as they should be and with the bug."""
    print("in time:", system(in_time))
    print("too late, asked again:", system(too_late, SLOW))
    print("too late, taken for a no:", system(hasty, SLOW))


if __name__ == "__main__":
    main()
