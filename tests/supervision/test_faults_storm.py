"""Many children that crash at once: each message is accounted for."""

from contextlib import suppress
from random import Random
from typing import Any

import pytest

from dramaturg.actors import ActorSystem, Bounded, DeadLetterReason, Overflow, Props
from dramaturg.supervision import (
    ChildRefused,
    ChildSpec,
    RestartChild,
    Supervisor,
    SupervisorSpec,
    TerminateChild,
)
from tests.actors.kit import LIMIT, within
from tests.actors.messaging_kit import until
from tests.supervision.faults import silent
from tests.supervision.storm_kit import ALL, ENDLESS, LOOP, Item, Ledger, Target, settle

pytestmark = pytest.mark.one_order("ten thousand actors, in real time")


@pytest.mark.parametrize("kind", LOOP, ids=lambda kind: kind.__name__)
async def test_ten_thousand_children_with_full_mailboxes_crash_at_once(kind: Any) -> None:
    await crash_all(kind, children=10_000, keep=True)


@pytest.mark.parametrize("kind", LOOP, ids=lambda kind: kind.__name__)
async def test_a_thousand_children_that_keep_no_mailbox_crash_at_once(kind: Any) -> None:
    await crash_all(kind, children=1_000, keep=False)


@pytest.mark.parametrize("kind", ALL[2:], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("keep", [True, False], ids=["keep", "flush"])
async def test_hundreds_of_threads_with_full_mailboxes_crash_at_once(kind: Any, keep: bool) -> None:
    await crash_all(kind, children=200, keep=keep)


async def crash_all(kind: Any, *, children: int, keep: bool) -> None:
    """Fill each mailbox and more, with one or two crashes at random places in it."""
    random = Random(1)
    capacity = 3
    async with ActorSystem("test", logger=silent(), hold_limit=None) as system:
        ledger = Ledger(system)
        props = Props(kind, ledger.log).using(mailbox=Bounded(capacity, Overflow.DROP_NEWEST))
        specs = [ChildSpec(f"c{number}", props, keep_mailbox=keep) for number in range(children)]
        sup = system.spawn(Props(Supervisor, SupervisorSpec(specs, intensity=ENDLESS)), name="sup")
        await within(sup.started())
        refs = [system.lookup(f"/sup/c{number}") for number in range(children)]

        # Without letting the loop go on, so that no actor on it runs in between.
        for child, ref in enumerate(refs):
            assert ref is not None
            crashes = random.sample(range(capacity), random.randint(1, 2))
            for number in range(capacity + 1):
                item = Item(child, number, number in crashes)
                ledger.sent[item.key] += 1
                if random.random() < 0.2:
                    ledger.answers[item.key] = ref.ask(item, block=False)
                else:
                    ref.tell(item)
        await settle(system, ledger)

        ledger.check()
        ledger.check_order()
        assert system.statistics().actors == children + 1
        overflown = len(system.dead_letters.list(reason=DeadLetterReason.OVERFLOW))
        assert kind not in LOOP or overflown == children
        assert len(ledger.log) > children / 4
        await within(sup.stop(block=False))
        assert system.statistics().actors == 0


async def test_a_storm_that_exceeds_the_limit_ends_the_supervisor_and_loses_nothing() -> None:
    async with ActorSystem("test", logger=silent(), hold_limit=None) as system:
        ledger = Ledger(system)
        specs = [ChildSpec(f"c{number}", Props(Target, ledger.log)) for number in range(1_000)]
        sup = system.spawn(Props(Supervisor, SupervisorSpec(specs, intensity=300)), name="sup")
        await within(sup.started())
        refs = [system.lookup(f"/sup/c{number}") for number in range(1_000)]

        for child, ref in enumerate(refs):
            assert ref is not None
            for number in range(6):
                item = Item(child, number, number == 2)
                ledger.sent[item.key] += 1
                if number % 2:
                    ledger.answers[item.key] = ref.ask(item, block=False)
                else:
                    ref.tell(item)
        await until(lambda: not sup.is_alive())
        for child, ref in enumerate(refs):
            assert ref is not None
            ledger.sent[child, 6] += 1
            ref.tell(Item(child, 6))

        ledger.check()
        ledger.check_order()
        assert system.statistics().actors == 0


async def test_random_orders_to_a_supervisor_leave_it_in_order() -> None:
    """Whatever is done to its children in whatever order, each lives once or not at all."""
    random = Random(99)
    async with ActorSystem("test", logger=silent(), hold_limit=None) as system:
        ledger = Ledger(system)
        specs = [ChildSpec(f"c{n}", Props(ALL[n % 4], ledger.log)) for n in range(8)]
        sup = system.spawn(
            Props(Supervisor, SupervisorSpec(specs, intensity=ENDLESS, strategy="rest_for_one")),
            name="sup",
        )
        await within(sup.started())
        refs = [system.lookup(f"/sup/c{n}") for n in range(8)]
        for number in range(300):
            place = random.randrange(8)
            ref = refs[place]
            assert ref is not None
            match random.randrange(5):
                case 0:
                    item = Item(place, number, crash=True)
                    ledger.sent[item.key] += 1
                    ref.tell(item)
                case 1:
                    ref.request_stop()
                case 2:
                    await within(sup.request(TerminateChild(f"c{place}"), timeout=LIMIT))
                case 3:
                    with suppress(ChildRefused):
                        await within(sup.request(RestartChild(f"c{place}"), timeout=LIMIT))
                case _:
                    item = Item(place, number)
                    ledger.sent[item.key] += 1
                    ledger.answers[item.key] = ref.ask(item, block=False)
        for place in range(8):
            await within(sup.request(TerminateChild(f"c{place}"), timeout=LIMIT))
        assert system.statistics().actors == 1
        await settle(system, ledger)

        ledger.check()
        for place in range(8):
            await within(sup.request(RestartChild(f"c{place}"), timeout=LIMIT))
            ref = refs[place]
            assert ref is not None
            assert await within(ref.request(Item(place, 1_000))) == (place, 1_000)
