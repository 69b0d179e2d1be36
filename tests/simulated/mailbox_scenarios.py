"""Scenarios on mailboxes: who has sent a message sees it handled once, or a dead letter."""

import asyncio
from typing import Any

from dramaturg.actors import Actor, ActorRef, DeadLetterReason, Directive, Props, handler
from dramaturg.protocols.testing import Faults, Simulation, SystemView
from dramaturg.supervision import ChildSpec, TerminateChild
from tests.simulated.case import Case
from tests.simulated.ledger import Item, Ledger
from tests.simulated.mailbox_kit import (
    Close,
    Closer,
    SlowTaker,
    Stopper,
    Taker,
    Talk,
    Talker,
    supervised,
    talk,
)

POISON = Item("a", 1)


async def restarted(sim: Simulation, taker: type[Taker]) -> None:
    """A supervised receiver fails on one message, and crashes once more; nothing else is lost."""
    ledger = Ledger(sim)
    ref = await supervised(sim, ChildSpec("taker", Props(taker, ledger, POISON)))
    sim.at_rest(lambda view: set(ledger.dead) <= {POISON} or _crashes(ledger), "the rest is kept")
    sim.at_rest(
        lambda view: ledger.dead.get(POISON) is DeadLetterReason.CRASHED, "the poison is dead"
    )
    talk(sim, *[Props(Talker, ledger, ref, 3)] * 2)


def _crashes(ledger: Ledger) -> bool:
    return set(ledger.dead.values()) == {DeadLetterReason.CRASHED}


async def restarted_plainly(sim: Simulation) -> None:
    await restarted(sim, Taker)


async def restarted_waiting(sim: Simulation) -> None:
    await restarted(sim, SlowTaker)


async def restarted_by_policy(sim: Simulation) -> None:
    """As above, by the actor's own policy."""
    ledger = Ledger(sim)
    recipe = Props(Taker, ledger, POISON).using(policy=Directive.RESTART)
    ref = sim.system.spawn(recipe, name="taker")
    sim.at_rest(lambda view: set(ledger.dead) == {POISON}, "the rest is kept")
    talk(sim, *[Props(Talker, ledger, ref, 3)] * 2)


async def emptied(sim: Simulation) -> None:
    """A receiver that keeps no mailbox: what waited when it failed is dead letters."""
    ledger = Ledger(sim)
    child = ChildSpec("taker", Props(Taker, ledger, POISON), keep_mailbox=False)
    ref = await supervised(sim, child)
    before: list[Item] = []

    def buried(view: SystemView) -> None:
        if POISON in ledger.begun and not before:
            before.extend(ledger.sent)
            waited = [each for each in before if each not in ledger.begun]
            assert all(each in ledger.dead for each in waited), "something is kept"

    sim.always(buried, "what waited is dead letters")
    talk(sim, *[Props(Talker, ledger, ref, 3)] * 2)


async def stopped(sim: Simulation) -> None:
    """A receiver is stopped while others talk to it: what it does not take is a dead letter."""
    ledger = Ledger(sim)
    ref = sim.system.spawn(Props(SlowTaker, ledger), name="taker")
    talk(sim, *[Props(Talker, ledger, ref, 4)] * 2)
    sim.sometimes(lambda view: 0 < len(ledger.begun) < len(ledger.sent), "stopped in the middle")
    await asyncio.sleep(0.15)
    sim.system.spawn(Props(Talker, ledger, ref, 2), name="z").tell(Talk())
    await ref.stop(block=False)
    ref.tell(ledger.send(Item("late", 0)))
    sim.at_rest(lambda view: Item("late", 0) in ledger.dead, "what comes later is a dead letter")


async def terminated(sim: Simulation) -> None:
    """A child is terminated while others talk to it."""
    ledger = Ledger(sim)
    ref = await supervised(sim, ChildSpec("taker", Props(Taker, ledger)))
    talk(sim, *[Props(Talker, ledger, ref, 3)] * 2)
    sup = sim.system.lookup("/sup")
    assert sup is not None
    await sup.request(TerminateChild("taker"))


async def drained(sim: Simulation) -> None:
    """A receiver is drained: what was sent before is handled, what comes later is dead letters."""
    ledger = Ledger(sim)
    ref = sim.system.spawn(Props(Taker, ledger), name="taker")
    talk(sim, *[Props(Talker, ledger, ref, 3)] * 2)
    closer = sim.system.spawn(Props(Closer, ref, ledger), name="closer")
    closer.tell(Close())

    def kept(view: SystemView) -> None:
        before: list[Item] = view["/closer"].before
        assert set(ledger.begun) == set(before), "not what was sent before"

    sim.at_rest(kept, "what was sent before is handled")
    sim.at_rest(lambda view: not ref.is_alive(), "it has stopped")


class Gate:
    """Whether a keeper hands on what comes; outlives its restarts."""

    def __init__(self) -> None:
        self.open = False


class Turn:
    """Open the gate, or close it."""

    def __init__(self, *, to_open: bool) -> None:
        self.to_open = to_open


class Keeper(Actor):
    """Stashes what comes while its gate is closed."""

    def __init__(self, ledger: Ledger, gate: Gate, came: list[Item]) -> None:
        self.ledger = ledger
        self.gate = gate
        self.came = came

    @handler
    def take(self, item: Item) -> None:
        if item not in self.came:
            self.came.append(item)
        if not self.gate.open:
            self.context.stash()
        else:
            self.ledger.begin(item)

    @handler
    def turn(self, message: Turn) -> None:
        self.gate.open = message.to_open
        if message.to_open:
            self.context.unstash_all()


class Turnkey(Actor):
    """Opens the gate, closes it, and opens it again."""

    def __init__(self, keeper: ActorRef[Keeper]) -> None:
        self.keeper = keeper
        self.turns = [Turn(to_open=True), Turn(to_open=False), Turn(to_open=True)]

    @handler
    def talk(self, message: Talk) -> None:
        self.keeper.tell(self.turns.pop(0))
        if self.turns:
            self.actor_ref.tell(message)


async def stashed(sim: Simulation) -> None:
    """What was stashed comes before all else, in its order, also over a restart."""
    ledger = Ledger(sim, stashes=True)
    gate, came = Gate(), list[Item]()
    ref = await supervised(sim, ChildSpec("keeper", Props(Keeper, ledger, gate, came)))
    sim.at_rest(lambda view: not ledger.dead, "none is a dead letter")
    sim.sometimes(lambda view: len(came) > len(ledger.begun) + 2, "several wait")
    if not sim._choices._any_sender_first:
        sim.always(lambda view: ledger.begun == came[: len(ledger.begun)], "in order of arrival")
    recipes: list[Props[Any]] = [
        Props(Talker, ledger, ref, 4),
        Props(Talker, ledger, ref, 2),
        Props(Turnkey, ref),
    ]
    talk(sim, *recipes)
    await asyncio.sleep(10)
    assert gate.open
    # A restart may have stashed again what it had put back.
    ref.tell(Turn(to_open=True))


async def stashed_and_stopped(sim: Simulation) -> None:
    """What is in the stash when the actor stops becomes dead letters."""
    ledger = Ledger(sim, stashes=True)
    ref = sim.system.spawn(Props(Keeper, ledger, Gate(), list[Item]()), name="keeper")
    talk(sim, *[Props(Talker, ledger, ref, 2)] * 2)
    closer = sim.system.spawn(Props(Stopper, ref), name="stopper")
    closer.tell(Close())


TAKER = Faults(crashes={"/sup/taker": 1})
CASES = (
    Case("mailbox/restarted plainly", restarted_plainly, TAKER),
    Case("mailbox/restarted plainly, any sender first", restarted_plainly, TAKER, True),
    Case("mailbox/restarted while it waits", restarted_waiting, TAKER),
    Case("mailbox/restarted by policy", restarted_by_policy, any_sender_first=True),
    Case("mailbox/emptied", emptied),
    Case("mailbox/stopped", stopped, Faults(early_timers=1)),
    Case("mailbox/stopped, any sender first", stopped, Faults(early_timers=1), True),
    Case("mailbox/terminated", terminated),
    Case("mailbox/drained", drained),
    Case("mailbox/drained, any sender first", drained, any_sender_first=True),
    Case("mailbox/stashed", stashed, Faults(crashes={"/sup/keeper": 1})),
    Case("mailbox/stashed, any sender first", stashed, Faults(crashes={"/sup/keeper": 1}), True),
    Case("mailbox/stashed and stopped", stashed_and_stopped),
)
