"""Many threads send to a child that ends and comes back: each message is accounted for."""

import asyncio
import threading
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest

from dramaturg.actors import (
    ActorRef,
    ActorSystem,
    Bounded,
    DeadLetterReason,
    GoneError,
    MailboxSpec,
    Overflow,
    Priority,
    Props,
    Unbounded,
    handler,
)
from dramaturg.supervision import (
    ChildSpec,
    RestartChild,
    Supervisor,
    SupervisorSpec,
    TerminateChild,
)
from tests.actors.kit import LIMIT, Crash, in_threads, within
from tests.actors.messaging_kit import quick_switches, until
from tests.supervision.faults import silent
from tests.supervision.storm_kit import (
    ALL,
    ENDLESS,
    LOOP,
    Item,
    Ledger,
    Target,
    ThreadTarget,
    settle,
)

pytestmark = pytest.mark.one_order("threads")

SENDERS = 16
EACH = 200


class LimpingTarget(Target):
    """Comes up at each second attempt only."""

    def on_start(self) -> None:
        if self.context.incarnation % 2 == 0:
            raise Crash("limping")


@contextmanager
def threaded() -> Generator[ActorSystem]:
    """Run a system on a thread of its own, where askers lend a hand."""
    with ActorSystem("test", logger=silent(), hold_limit=None) as system:
        yield system


def send(ledger: Ledger, ref: ActorRef[Any], numbers: Iterator[int], crash_rate: float) -> None:
    """Send, in a thread of one's own: each third message a request."""
    with ledger.system.lock:
        sender = next(numbers)
    random = Random(sender)
    for number in range(EACH):
        item = Item(sender, number, random.random() < crash_rate)
        if number % 3 == 0:
            ledger.answers[item.key] = ref.ask(item, block=False)
        else:
            ref.tell(item)


def expect_all(ledger: Ledger) -> None:
    for sender in range(SENDERS):
        for number in range(EACH):
            ledger.sent[sender, number] += 1


@pytest.mark.parametrize("kind", [*ALL, LimpingTarget], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("keep", [True, False], ids=["keep", "flush"])
async def test_messages_of_sixteen_threads_are_accounted_for_while_the_child_restarts(
    kind: Any, keep: bool
) -> None:
    async with ActorSystem("test", logger=silent(), hold_limit=None) as system:
        ledger = Ledger(system)
        spec = ChildSpec("it", Props(kind, ledger.log), keep_mailbox=keep)
        sup = system.spawn(Props(Supervisor, SupervisorSpec([spec], intensity=ENDLESS)), name="sup")
        await within(sup.started())
        ref = system.lookup("/sup/it")
        assert ref is not None
        numbers = iter(range(SENDERS))
        expect_all(ledger)

        with quick_switches():
            await in_threads(SENDERS, lambda: send(ledger, ref, numbers, 0.05))
            await settle(system, ledger)

        ledger.check()
        ledger.check_order()
        crashes = system.dead_letters.counts[DeadLetterReason.CRASHED]
        assert crashes > (20 if keep else 0)
        assert keep == (len(system.dead_letters.list(reason=DeadLetterReason.STOPPED)) == 0)
        assert system.lookup("/sup/it") is ref


@pytest.mark.parametrize("kind", [Target, ThreadTarget], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    "mailbox",
    [
        Bounded(16, Overflow.DROP_NEWEST),
        Bounded(16, Overflow.DROP_OLDEST),
        Bounded(16, Overflow.BLOCK),
        Priority(lambda item: 0),
        Unbounded(),
    ],
    ids=["newest", "oldest", "block", "priority", "unbounded"],
)
async def test_each_kind_of_mailbox_survives_restarts_under_fire(
    kind: Any, mailbox: MailboxSpec
) -> None:
    async with ActorSystem("test", logger=silent(), hold_limit=None) as system:
        ledger = Ledger(system)
        props = Props(kind, ledger.log).using(mailbox=mailbox)
        sup = system.spawn(
            Props(Supervisor, SupervisorSpec([ChildSpec("it", props)], intensity=ENDLESS)),
            name="sup",
        )
        await within(sup.started())
        ref = system.lookup("/sup/it")
        assert ref is not None
        numbers = iter(range(SENDERS))
        expect_all(ledger)

        with quick_switches():
            await in_threads(SENDERS, lambda: send(ledger, ref, numbers, 0.05))
            await settle(system, ledger)

        ledger.check()
        ledger.check_order()


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_blocking_asks_of_sixteen_threads_are_all_answered_while_the_child_restarts(
    kind: Any,
) -> None:
    """Here the asking threads run the handlers themselves where they may."""
    outcomes: list[tuple[tuple[int, int], bool]] = []
    with threaded() as system, quick_switches():
        ledger = Ledger(system)
        spec = ChildSpec("it", Props(kind, ledger.log))
        sup = system.spawn(Props(Supervisor, SupervisorSpec([spec], intensity=ENDLESS)), name="sup")
        sup.started().get(timeout=LIMIT)
        ref = system.lookup("/sup/it")
        assert ref is not None
        expect_all(ledger)

        def ask_all(sender: int) -> None:
            random = Random(sender)
            for number in range(EACH):
                item = Item(sender, number, random.random() < 0.05)
                try:
                    answered = ref.ask(item, timeout=LIMIT) == item.key
                except GoneError:
                    answered = False
                outcomes.append((item.key, answered))

        threads = [threading.Thread(target=ask_all, args=(n,)) for n in range(SENDERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT)
            assert not thread.is_alive()

        ledger.check()
        ledger.check_order()
        assert len(outcomes) == SENDERS * EACH
        handled = set(ledger.log)
        assert all(answered == (key in handled) for key, answered in outcomes)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
async def test_messages_are_accounted_for_while_the_child_is_terminated_and_started_again(
    kind: Any,
) -> None:
    async with ActorSystem("test", logger=silent(), hold_limit=None) as system:
        ledger = Ledger(system)
        spec = ChildSpec("it", Props(kind, ledger.log))
        sup = system.spawn(Props(Supervisor, SupervisorSpec([spec], intensity=ENDLESS)), name="sup")
        await within(sup.started())
        ref = system.lookup("/sup/it")
        assert ref is not None
        numbers = iter(range(SENDERS))
        expect_all(ledger)
        sending = asyncio.ensure_future(
            in_threads(SENDERS, lambda: send(ledger, ref, numbers, 0.02))
        )

        with quick_switches():
            rounds = 0
            while not sending.done() or rounds < 5:
                rounds += 1
                await within(sup.request(TerminateChild("it"), timeout=LIMIT))
                await within(sup.request(RestartChild("it"), timeout=LIMIT))
                await asyncio.sleep(0)
            await sending
            await settle(system, ledger)

        ledger.check()
        ledger.check_order()
        assert ref.is_alive()
        assert system.lookup("/sup/it") is ref
        assert system.statistics().actors == 2


@pytest.mark.parametrize("kind", LOOP, ids=lambda kind: kind.__name__)
async def test_messages_are_accounted_for_while_the_child_is_killed_again_and_again(
    kind: Any,
) -> None:
    async with ActorSystem("test", logger=silent(), hold_limit=None) as system:
        ledger = Ledger(system)
        spec = ChildSpec("it", Props(kind, ledger.log))
        sup = system.spawn(Props(Supervisor, SupervisorSpec([spec], intensity=ENDLESS)), name="sup")
        await within(sup.started())
        ref = system.lookup("/sup/it")
        assert ref is not None
        numbers = iter(range(SENDERS))
        expect_all(ledger)
        sending = asyncio.ensure_future(
            in_threads(SENDERS, lambda: send(ledger, ref, numbers, 0.02))
        )

        with quick_switches():
            while not sending.done():
                ref.kill()
                await asyncio.sleep(0)
            await sending
            await settle(system, ledger)

        ledger.check()
        ledger.check_order()


@pytest.mark.parametrize("kind", ALL[2:], ids=lambda kind: kind.__name__)
async def test_no_message_is_lost_or_handled_twice_while_a_thread_is_killed_again_and_again(
    kind: Any,
) -> None:
    """A thread that is given up in a handler may still finish that one message, and no other."""
    async with ActorSystem("test", logger=silent(), hold_limit=None) as system:
        ledger = Ledger(system)
        spec = ChildSpec("it", Props(kind, ledger.log))
        sup = system.spawn(Props(Supervisor, SupervisorSpec([spec], intensity=ENDLESS)), name="sup")
        await within(sup.started())
        ref = system.lookup("/sup/it")
        assert ref is not None
        numbers = iter(range(SENDERS))
        expect_all(ledger)
        sending = asyncio.ensure_future(
            in_threads(SENDERS, lambda: send(ledger, ref, numbers, 0.02))
        )

        with quick_switches():
            while not sending.done():
                ref.kill()
                await asyncio.sleep(0)
            await sending
            await until(
                lambda: (
                    set(ledger.log) | dead_keys(system) == set(ledger.sent)
                    and all(answer.is_done() for answer in ledger.answers.values())
                )
            )
        last = Item(SENDERS, 0)
        assert await within(ref.request(last, timeout=LIMIT)) == last.key

        assert max(Counter(ledger.log).values()) == 1
        letters = system.dead_letters.list(message_type=Item)
        assert max(Counter(letter.message.key for letter in letters).values()) == 1
        cut_short = {
            letter.message.key for letter in letters if letter.reason is DeadLetterReason.CANCELLED
        }
        assert not (dead_keys(system) - cut_short) & set(ledger.log)
        # What a thread was at when it was given up it may finish at any later time.
        ledger.log[:] = [key for key in ledger.log if key not in cut_short]
        ledger.check_order()
        letters = system.dead_letters.list(message_type=Item)
        assert max(Counter(letter.message.key for letter in letters).values(), default=1) == 1
        for letter in letters:
            if letter.message.key in set(ledger.log):
                assert letter.reason is DeadLetterReason.CANCELLED
        assert system.statistics().actors == 2


def dead_keys(system: ActorSystem) -> set[tuple[int, int]]:
    return {letter.message.key for letter in system.dead_letters.list(message_type=Item)}


async def test_messages_are_accounted_for_while_their_supervisor_crashes_and_comes_back() -> None:
    class Fallible(Supervisor):
        @handler
        def fall(self, message: Item) -> None:
            raise Crash

    async with ActorSystem("test", logger=silent(), hold_limit=None) as system:
        ledger = Ledger(system)
        kinds = dict(enumerate(ALL))
        specs = [ChildSpec(f"c{n}", Props(kind, ledger.log)) for n, kind in kinds.items()]
        inner = Props(Fallible, SupervisorSpec(specs, intensity=ENDLESS))
        sup = system.spawn(
            Props(Supervisor, SupervisorSpec([ChildSpec("sub", inner)], intensity=ENDLESS)),
            name="sup",
        )
        await within(sup.started())
        sub = system.lookup("/sup/sub")
        refs = [system.lookup(f"/sup/sub/c{n}") for n in kinds]
        numbers = iter(range(SENDERS))
        expect_all(ledger)

        def work() -> None:
            with system.lock:
                sender = next(numbers)
            for number in range(EACH):
                ref = refs[sender % len(refs)]
                assert ref is not None
                item = Item(sender, number, number % 50 == 49)
                if number % 3 == 0:
                    ledger.answers[item.key] = ref.ask(item, block=False)
                else:
                    ref.tell(item)

        sending = asyncio.ensure_future(in_threads(SENDERS, work))
        falls = 0
        assert sub is not None
        while not sending.done() or falls < 5:
            incarnation = sub.cell.incarnation
            sub.tell(Item(-1, falls))
            falls += 1
            await until(lambda: sub.cell.incarnation > incarnation)  # noqa: B023 - at once
        await sending
        ledger.sent.update({(-1, fall): 1 for fall in range(falls)})
        await until(lambda: len(system.dead_letters.list(message_type=Item)) >= falls)
        await settle(system, ledger)

        handled = Counter(ledger.log)
        letters = system.dead_letters.list(message_type=Item)
        assert handled + Counter(letter.message.key for letter in letters) == ledger.sent
        ledger.check_order()
        assert [system.lookup(f"/sup/sub/c{n}") for n in kinds] == refs
        assert system.statistics().actors == 2 + len(kinds)
