"""Scenarios on mailboxes with an order or a bound of their own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dramaturg.actors import (
    Actor,
    ActorRef,
    Bounded,
    DeadLettered,
    DeadLetterReason,
    Overflow,
    Priority,
    Props,
    handler,
)
from dramaturg.protocols.testing import Simulation, SystemView
from dramaturg.supervision import ChildSpec
from tests.simulated.case import Case
from tests.simulated.ledger import Item, Ledger
from tests.simulated.mailbox_kit import (
    Close,
    SlowTaker,
    Stopper,
    Taker,
    Talk,
    Talker,
    ToldOff,
    Waiting,
    supervised,
    talk,
)

CAPACITY = 2


class Watcher(Taker):
    """Watches others, so that news of them is in its mailbox too."""

    def __init__(self, ledger: Ledger, watched: list[ActorRef[Any]]) -> None:
        super().__init__(ledger)
        for ref in watched:
            self.context.watch(ref, "ended")

    @handler
    def ended(self, message: str) -> None: ...


class Mortal(Actor):
    """Ends at once."""

    @handler
    def end(self, message: Talk) -> None:
        self.context.stop_self()


class Bound:
    """What a bounded mailbox may hold, and what it may turn away."""

    def __init__(self, sim: Simulation, ledger: Ledger) -> None:
        self.ledger = ledger
        sim.system.events.subscribe(self._turned_away, DeadLettered)
        sim.always(self.holds, "the bound holds")
        sim.sometimes(lambda view: DeadLetterReason.OVERFLOW in ledger.dead.values(), "overflows")

    def waiting(self) -> list[Item]:
        """Return what was sent and has met no fate yet, the eldest first."""
        ledger = self.ledger
        return [
            each for each in ledger.sent if each not in ledger.begun and each not in ledger.dead
        ]

    def holds(self, view: SystemView) -> None:
        waiting = self.waiting()
        assert len(waiting) <= CAPACITY, f"{len(waiting)} wait"

    def _turned_away(self, event: DeadLettered) -> None:
        # The books have noted it by now; it was one of those that waited, or came.
        others = len(self.waiting())
        if event.reason == DeadLetterReason.OVERFLOW.value and others < CAPACITY:
            self.ledger.wrong.append(f"turned away though only {others} wait")


async def overflowing(sim: Simulation, overflow: Overflow) -> tuple[Ledger, list[Item]]:
    """Two say more than the receiver holds; news of others are in between and take no room."""
    ledger, refused = Ledger(sim), list[Item]()
    Bound(sim, ledger)
    watched = [sim.system.spawn(Mortal, name=name) for name in ("m", "n")]
    recipe = Props(Watcher, ledger, watched).using(mailbox=Bounded(CAPACITY, overflow))
    ref = sim.system.spawn(recipe, name="taker")
    for each in watched:
        each.tell(Talk())
    talk(sim, *[Props(ToldOff, ledger, ref, 3, refused)] * 2)
    return ledger, refused


async def rejecting(sim: Simulation) -> None:
    ledger, refused = await overflowing(sim, Overflow.REJECT)
    sim.at_rest(lambda view: refused == list(ledger.dead), "who was told off has a dead letter")


async def dropping_newest(sim: Simulation) -> None:
    ledger, refused = await overflowing(sim, Overflow.DROP_NEWEST)
    sim.at_rest(lambda view: not refused, "nobody is told off")
    sim.always(lambda view: _first_stay(ledger), "what came first stays")


def _first_stay(ledger: Ledger) -> None:
    # As all is said in one turn of each sender, of its items only the last ones may be lost.
    for item in ledger.dead:
        later = [each for each in ledger.begun if each.sender == item.sender]
        assert all(each.number < item.number for each in later), f"{item} is lost before others"


async def dropping_oldest(sim: Simulation) -> None:
    ledger, refused = await overflowing(sim, Overflow.DROP_OLDEST)
    sim.at_rest(lambda view: not refused, "nobody is told off")
    sim.at_rest(lambda view: ledger.sent[-1] in ledger.begun, "the newest is handled")

    def oldest_go(view: SystemView) -> None:
        last = max((ledger.sent.index(each) for each in ledger.dead), default=0)
        kept = [each for each in ledger.sent[:last] if each not in ledger.dead]
        taken = [each for each in kept if each in ledger.begun]
        assert len(kept) == len(taken), f"{kept[-1]} is kept, though older"

    sim.always(oldest_go, "the oldest goes")


async def waiting_for_room(sim: Simulation) -> None:
    """Whoever waits for room gets it, as long as the receiver goes on."""
    ledger = Ledger(sim)
    recipe = Props(SlowTaker, ledger).using(mailbox=Bounded(1, Overflow.BLOCK, timeout=60.0))
    ref = sim.system.spawn(recipe, name="taker")
    sim.at_rest(lambda view: not ledger.dead, "nobody waits in vain")
    sim.at_rest(lambda view: view.now < 10, "nor for long")
    talk(sim, *[Props(Waiting, ledger, ref, 2)] * 3)


async def closing_on_who_waits(sim: Simulation) -> None:
    """When the receiver ends, whoever waits for room is let go at once."""
    ledger = Ledger(sim)
    recipe = Props(SlowTaker, ledger).using(mailbox=Bounded(1, Overflow.BLOCK, timeout=60.0))
    ref = sim.system.spawn(recipe, name="taker")
    sim.at_rest(lambda view: view.now < 10, "nobody waits for long")
    sim.at_rest(lambda view: DeadLetterReason.OVERFLOW not in ledger.dead.values(), "nor in vain")
    talk(sim, *[Props(Waiting, ledger, ref, 3)] * 2)
    sim.system.spawn(Props(Stopper, ref), name="stopper").tell(Close())


async def poisoned(sim: Simulation) -> None:
    """A bounded mailbox outlives a restart, with what waits in it."""
    ledger, refused = Ledger(sim), list[Item]()
    recipe = Props(Taker, ledger, Item("a", 0)).using(mailbox=Bounded(9))
    ref = await supervised(sim, ChildSpec("taker", recipe))
    sim.at_rest(lambda view: list(ledger.dead) == [Item("a", 0)] and not refused, "one is lost")
    talk(sim, *[Props(ToldOff, ledger, ref, 2, refused)] * 2)


@dataclass(frozen=True)
class Ranked(Item):
    """An item with a rank; the smallest goes first."""

    rank: int = 0


class Ranking(Talker):
    """Gives each of its items the next of some ranks."""

    def __init__(
        self, ledger: Ledger, target: ActorRef[Any], count: int, ranks: tuple[int, ...]
    ) -> None:
        super().__init__(ledger, target, count)
        self.ranks = ranks

    def item(self) -> Item:
        return Ranked(self.context.name, self.said, self.ranks[self.said])


@dataclass
class Line:
    """In which order items have to be taken: by rank, and among equals as they came.

    The simulation takes the next one out of the mailbox some time before its turn.
    """

    ledger: Ledger
    at_hand: list[Any] = field(default_factory=list[Any])
    taken: int = 0
    seen: list[Any] = field(default_factory=list[Any])

    def look(self, view: SystemView) -> None:
        ledger = self.ledger
        while self.taken < len(ledger.begun):
            item = ledger.begun[self.taken]
            # What came by this very event came after it was taken.
            first = min(self._waiting(self.seen, self.taken), key=self._place)
            assert item in (first, *self.at_hand), f"{item} is taken before {first}"
            self.taken += 1
            self.at_hand.clear()
        self.seen = list(ledger.sent)
        waiting = self._waiting(self.seen, self.taken)
        if waiting:
            self.at_hand.append(min(waiting, key=self._place))

    def _waiting(self, sent: list[Any], taken: int) -> list[Any]:
        return [each for each in sent if each not in self.ledger.begun[:taken]]

    def _place(self, item: Ranked) -> tuple[int, int]:
        return item.rank, self.ledger.sent.index(item)


async def ranked(sim: Simulation) -> None:
    """What is more urgent is taken first; of what is equally urgent the first."""
    ledger = Ledger(sim, in_order=False)
    rank: Callable[[Any], int] = lambda item: item.rank  # noqa: E731 - its type is checked
    recipe = Props(Taker, ledger).using(mailbox=Priority(rank))
    ref = sim.system.spawn(recipe, name="taker")
    sim.always(Line(ledger).look, "in the order of ranks")
    ranks = [(2, 1, 2, 0), (1, 2, 2, 0)]
    talk(sim, *[Props(Ranking, ledger, ref, 4, each) for each in ranks])


CASES = (
    Case("mailbox/rejecting", rejecting, schedules=300),
    Case("mailbox/dropping newest", dropping_newest),
    Case("mailbox/dropping oldest", dropping_oldest),
    Case("mailbox/waiting for room", waiting_for_room),
    Case("mailbox/closing on who waits", closing_on_who_waits),
    Case("mailbox/poisoned", poisoned),
    Case("mailbox/ranked", ranked),
)
