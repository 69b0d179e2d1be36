"""Many crashes at once, and restarts under fire: each message is accounted for."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from random import Random
from typing import Any

import pykka
import pytest

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorSystem,
    Bounded,
    DeadLetterReason,
    GoneError,
    MailboxSpec,
    Overflow,
    Priority,
    Props,
    ThreadActor,
    Unbounded,
    handler,
)
from dramaturg.supervision import (
    ChildRefused,
    ChildSpec,
    RestartChild,
    Supervisor,
    SupervisorSpec,
    TerminateChild,
)
from tests.actors.kit import LIMIT, Crash, in_threads, within
from tests.actors.messaging_kit import quick_switches
from tests.supervision.faults import silent

ENDLESS = 10_000_000
"""More restarts than there can be."""


@dataclass(frozen=True)
class Item:
    """The message of that number from that sender; the handler may have to crash on it."""

    sender: int
    number: int
    crash: bool = False

    @property
    def key(self) -> tuple[int, int]:
        return self.sender, self.number


class Target(Actor):
    """Notes what it has handled, as the last act of its handler."""

    def __init__(self, log: list[tuple[int, int]]) -> None:
        self.log = log

    @handler
    def item(self, message: Item) -> Any:
        if message.crash:
            raise Crash(message.key)
        self.log.append(message.key)
        return message.key


class AsyncTarget(Target):
    @handler
    async def item(self, message: Item) -> Any:
        # Nothing is noted if it is cancelled here.
        await asyncio.sleep(0)
        return super().item(message)


class ThreadTarget(Target, ThreadActor):
    pass


class PykkaTarget(pykka.ThreadingActor):
    def __init__(self, log: list[tuple[int, int]]) -> None:
        super().__init__()
        self.log = log

    def on_receive(self, message: Item) -> Any:
        if message.crash:
            raise Crash(message.key)
        self.log.append(message.key)
        return message.key


class LimpingTarget(Target):
    """Comes up at each second attempt only."""

    def on_start(self) -> None:
        if self.context.incarnation % 2 == 0:
            raise Crash("limping")


LOOP: list[Any] = [Target, AsyncTarget]
ALL: list[Any] = [*LOOP, ThreadTarget, PykkaTarget]


class Ledger:
    """Where each message went."""

    def __init__(self, system: ActorSystem) -> None:
        self.system = system
        self.log: list[tuple[int, int]] = []
        self.sent: Counter[tuple[int, int]] = Counter()
        self.answers: dict[tuple[int, int], Any] = {}

    def check(self) -> None:
        """Check that each message was handled once or is one dead letter, and its request told."""
        handled = Counter(self.log)
        letters = self.system.dead_letters.list(message_type=Item)
        assert self.system.dead_letters.pushed_out == 0
        dead = Counter(letter.message.key for letter in letters)
        assert handled + dead == self.sent
        crashed = [letter.message for letter in letters if letter.message.crash]
        for letter in letters:
            if letter.reason is DeadLetterReason.CRASHED:
                assert letter.message.crash
        assert len({message.key for message in crashed}) == len(crashed)
        for key, answer in self.answers.items():
            assert answer.is_done(), f"{key} was never answered"
            try:
                assert answer.get() == key
                assert handled[key] == 1
            except AssertionError:
                raise
            except Exception:  # noqa: BLE001 - whatever it is, it was not handled
                assert dead[key] == 1

    def check_order(self) -> None:
        """Check that of each sender the messages were handled as they were sent."""
        last: dict[int, int] = {}
        for sender, number in self.log:
            assert number > last.get(sender, -1)
            last[sender] = number


def drain_log(condition: Callable[[], bool]) -> Any:
    """Wait on the loop until the condition holds."""

    async def wait() -> None:
        async with asyncio.timeout(LIMIT):
            while not condition():  # noqa: ASYNC110 - no event tells of it
                await asyncio.sleep(0)

    return wait()


# -- many children at once --------------------------------------------------------------


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


async def settle(system: ActorSystem, ledger: Ledger) -> None:
    """Wait until each message has gone somewhere, and all children are up again."""
    wanted = sum(ledger.sent.values())
    await drain_log(
        lambda: (
            len(ledger.log) + len(system.dead_letters) >= wanted
            and all(answer.is_done() for answer in ledger.answers.values())
        )
    )


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
        await drain_log(lambda: not sup.is_alive())
        for child, ref in enumerate(refs):
            assert ref is not None
            ledger.sent[child, 6] += 1
            ref.tell(Item(child, 6))

        ledger.check()
        ledger.check_order()
        assert system.statistics().actors == 0


# -- restarts under fire ----------------------------------------------------------------

SENDERS = 16
EACH = 200


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
            await drain_log(
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
            letter.message.key
            for letter in letters
            if letter.reason is DeadLetterReason.CANCELLED
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
            await drain_log(lambda: sub.cell.incarnation > incarnation)  # noqa: B023 - at once
        await sending
        ledger.sent.update({(-1, fall): 1 for fall in range(falls)})
        await drain_log(lambda: len(system.dead_letters.list(message_type=Item)) >= falls)
        await settle(system, ledger)

        handled = Counter(ledger.log)
        letters = system.dead_letters.list(message_type=Item)
        assert handled + Counter(letter.message.key for letter in letters) == ledger.sent
        ledger.check_order()
        assert [system.lookup(f"/sup/sub/c{n}") for n in kinds] == refs
        assert system.statistics().actors == 2 + len(kinds)


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
