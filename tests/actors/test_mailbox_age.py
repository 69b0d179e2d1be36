"""How long the first message of a mailbox has waited, as pictures tell."""

import asyncio
import gc
import weakref
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest

from dramaturg.actors import (
    ActorRef,
    ActorSystem,
    Bounded,
    MailboxSpec,
    ManualClock,
    Overflow,
    Priority,
    Props,
    Unbounded,
)
from dramaturg.actors._health_recorder import HealthRecorder
from dramaturg.actors._mailbox_age import MailboxAges
from dramaturg.actors._signals import Internal
from tests.actors.health_kit import found
from tests.actors.kit import (
    AsyncPuppet,
    Do,
    Idler,
    Kind,
    Latch,
    Note,
    ThreadPuppet,
    settled,
    within,
)
from tests.ids import stable


@dataclass
class Aged:
    """A system, and one actor that is held in a handler; its mailbox is looked at."""

    ref: ActorRef[Any]
    clock: ManualClock
    recorder: HealthRecorder
    go_on: Callable[[], None]

    def age(self, *, after: float = 0.0) -> float | None:
        self.clock.advance(after)
        it = self.recorder.picture().find("/it")
        assert it is not None
        return it.oldest_age


async def held(
    kind: Kind, test: Callable[[Aged], Coroutine[Any, Any, None]], mailbox: Any = None
) -> None:
    """Run a test with an actor that waits in a handler."""
    clock, latch, reached, event = ManualClock(), Latch(), Latch(), asyncio.Event()

    def hold(_actor: Any) -> Any:
        reached.open()
        if kind is AsyncPuppet:
            return event.wait()
        latch.wait()
        return None

    def go_on() -> None:
        latch.open()
        event.set()

    async with ActorSystem(clock=clock) as system:
        ref = system.spawn(Props(kind).using(mailbox=mailbox), name="it")
        ref.tell(Do(hold))
        await reached.reached()
        try:
            await test(Aged(ref, clock, HealthRecorder(system), go_on))
        finally:
            go_on()
            await settled(ref)


MAILBOXES: list[MailboxSpec] = [
    Unbounded(),
    Bounded(10),
    Bounded(10, Overflow.BLOCK),
    Priority(lambda _message: 0),
]


HELD: list[Kind] = [AsyncPuppet, ThreadPuppet]


@pytest.mark.parametrize("mailbox", MAILBOXES, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("kind", HELD)
async def test_the_age_of_the_first_message_counts_from_when_it_was_first_seen(
    kind: Kind, mailbox: MailboxSpec
) -> None:
    async def test(it: Aged) -> None:
        assert it.age(after=1.0) is None
        it.ref.tell(Note("first"))
        it.clock.advance(5.0)
        assert it.age() == 0.0
        assert it.age(after=2.0) == 2.0
        it.ref.tell(Note("second"))
        assert it.age(after=1.5) == 3.5

    await held(kind, test, mailbox)


async def test_a_request_that_waits_has_an_age_too() -> None:
    async def test(it: Aged) -> None:
        reply = asyncio.ensure_future(it.ref.request(Do(len_of_log)))
        await asyncio.sleep(0)
        assert it.age() == 0.0
        assert it.age(after=2.0) == 2.0
        it.go_on()
        assert await within(reply) == 1

    await held(AsyncPuppet, test)


def len_of_log(actor: Any) -> int:
    return len(actor.log)


@pytest.mark.parametrize("kind", HELD)
async def test_what_is_left_of_a_batch_keeps_its_age_until_one_more_is_taken(kind: Kind) -> None:
    async def test(it: Aged) -> None:
        second, third = Latch(), Latch()
        seen: list[float | None] = []
        # Told at once, so that the actor takes them as a batch.
        it.ref.tell(Do(gate := Gate(second, kind)))
        it.ref.tell(Do(last := Gate(third, kind)))
        it.ref.tell(Note("end"))
        it.go_on()
        await gate.reached.reached()
        seen += [it.age(), it.age(after=2.0)]
        gate.open()
        await last.reached.reached()
        seen += [it.age(after=1.0), it.age(after=4.0)]
        last.open()
        await settled(it.ref)
        seen.append(it.age())
        assert seen == [0.0, 2.0, 0.0, 4.0, None]

    await held(kind, test)


class Gate:
    """Holds an actor of either kind in a handler until it is opened."""

    def __init__(self, latch: Latch, kind: Kind) -> None:
        self.reached = Latch()
        self._latch = latch
        self._event = asyncio.Event()
        self._waits = kind is AsyncPuppet

    def open(self) -> None:
        self._latch.open()
        self._event.set()

    def __call__(self, _actor: Any) -> Any:
        self.reached.open()
        return self._event.wait() if self._waits else self._latch.wait()


async def test_another_message_at_the_head_begins_anew() -> None:
    async def test(it: Aged) -> None:
        for number in range(2):
            it.ref.tell(Note(number))
        assert [it.age(), it.age(after=1.0)] == [0.0, 1.0]
        it.ref.tell(Note("one too many"))
        assert [it.age(after=1.0), it.age(after=1.0)] == [0.0, 1.0]

    await held(ThreadPuppet, test, Bounded(2, Overflow.DROP_OLDEST))


async def test_the_same_object_again_behind_fewer_others_begins_anew() -> None:
    tick = Note("tick")

    async def test(it: Aged) -> None:
        for _ in range(3):
            it.ref.tell(tick)
        assert [it.age(), it.age(after=1.0)] == [0.0, 1.0]
        it.ref.cell.mailbox.pop(0)
        assert it.age(after=1.0) == 0.0

    await held(ThreadPuppet, test)


async def test_the_same_object_again_in_an_async_actor_begins_anew() -> None:
    tick = Do(lambda _actor: asyncio.sleep(0))

    async def test(it: Aged) -> None:
        it.ref.tell(tick)
        assert [it.age(), it.age(after=1.0)] == [0.0, 1.0]
        it.go_on()
        await settled(it.ref)
        gate = Gate(Latch(), AsyncPuppet)
        it.ref.tell(Do(gate))
        await gate.reached.reached()
        it.ref.tell(tick)
        assert it.age(after=1.0) == 0.0
        gate.open()

    await held(AsyncPuppet, test)


async def test_none_is_a_message_like_any_other() -> None:
    async def test(it: Aged) -> None:
        it.ref.tell(None)
        assert [it.age(), it.age(after=1.0)] == [0.0, 1.0]

    await held(ThreadPuppet, test)


@pytest.mark.parametrize("spec", [Bounded(5), Priority(lambda _message: 0)], ids=stable)
async def test_the_runtimes_own_messages_have_an_age(spec: MailboxSpec) -> None:
    async def test(it: Aged) -> None:
        it.ref.cell.post_internal(Nothing())
        assert [it.age(), it.age(after=1.0)] == [0.0, 1.0]

    await held(ThreadPuppet, test, spec)


class Nothing(Internal):
    def handle(self, cell: Any) -> None:
        pass


class OwnQueue:
    """A queue of the user's own, that cannot be looked into."""

    def __init__(self) -> None:
        self._items: list[Any] = []

    def put(self, item: Any) -> None:
        self._items.append(item)

    append = put

    def pop(self, index: int, /) -> Any:
        return self._items.pop(index)

    def __len__(self) -> int:
        return len(self._items)


class OwnMailbox:
    def create(self, owner: Any) -> Any:
        return OwnQueue()


async def test_of_a_users_own_queue_only_the_length_is_known() -> None:
    async def test(it: Aged) -> None:
        it.ref.tell(Note(1))
        assert (it.age(), found(it.ref.cell.system, "/it").mailbox_depth) == (None, 1)

    await held(ThreadPuppet, test, OwnMailbox())


async def test_a_head_that_goes_away_meanwhile_is_gone() -> None:
    class Fleeting(list[Any]):
        """Empty as soon as its length has been seen."""

        def __len__(self) -> int:
            return 1

    async with ActorSystem() as system:
        cell = system.spawn(Idler).cell
        cell.mailbox = Bounded(1).create(cell)
        cell.mailbox._items = Fleeting()

        assert MailboxAges({}, 0.0).look(cell) == (1, None)
        cell.mailbox = []


async def test_a_recorder_keeps_no_message_alive() -> None:
    async def test(it: Aged) -> None:
        message = Note("light")
        dead = weakref.ref(message)
        it.ref.tell(message)
        del message
        assert it.age() == 0.0
        it.go_on()
        # Twice: the turn that handles it may still hold it when it answers the first time.
        await settled(it.ref)
        await settled(it.ref)
        gc.collect()
        assert dead() is None

    await held(ThreadPuppet, test)


async def test_what_is_remembered_is_that_of_the_last_picture_only() -> None:
    async def test(it: Aged) -> None:
        it.ref.tell(Note(1))
        assert it.age() == 0.0
        assert len(it.recorder._seen) == 1
        it.go_on()
        await settled(it.ref)
        assert it.age() is None
        assert len(it.recorder._seen) == 0

    await held(AsyncPuppet, test)
