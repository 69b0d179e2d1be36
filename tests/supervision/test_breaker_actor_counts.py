"""What counts as a failure of the actor behind a circuit breaker, and that each counts once."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from dramaturg.actors import (
    ActorCrashed,
    ActorStopped,
    Bounded,
    DeadLetterReason,
    DeadlineExceeded,
    Directive,
    MailboxFull,
    Overflow,
    Props,
    Refused,
    RoundRobin,
    Router,
    ThreadActor,
    UnhandledError,
    handler,
)
from dramaturg.actors._circles import forwarded
from dramaturg.actors._envelope import Envelope
from dramaturg.actors._reply import Reply
from dramaturg.supervision._breaker_actor import BreakerActor
from dramaturg.supervision._breaker_messages import GetBreaker
from dramaturg.supervision._breaker_slot import SeenSlot, seen_on_its_way
from tests.actors.kit import AsyncPuppet, Crash, Do, Fail, Note, stop, within
from tests.actors.messaging_kit import Block, Hold, Kept, ThreadBox, turns, until
from tests.any_order import new_system
from tests.supervision.breaker_actor_kit import OPTIONS, Bench, failures, open_bench
from tests.supervision.breaker_kit import OPEN

bench = pytest.fixture(open_bench)


async def test_a_refusal_is_a_success(bench: Bench) -> None:
    await bench.fail()

    with pytest.raises(Refused):
        await within(bench.breaker.request(Fail(Refused("no"))))

    assert await failures(bench) == 0


async def test_that_the_target_does_not_know_the_message_is_a_success(bench: Bench) -> None:
    await bench.fail()

    with pytest.raises(UnhandledError, match="/target"):
        await within(bench.breaker.request("what?"))

    assert await failures(bench) == 0


async def test_that_the_target_has_stopped_is_a_failure(bench: Bench) -> None:
    await stop(bench.target)

    for _ in range(2):
        with pytest.raises(ActorStopped, match="/target"):
            await bench.succeed()

    assert await bench.state() is OPEN


async def test_that_the_target_stops_before_it_comes_to_the_request_is_a_failure(
    bench: Bench,
) -> None:
    _, reply = await bench.held()
    await stop(bench.target)

    with pytest.raises(ActorStopped):
        await within(reply)

    assert await failures(bench) == 1


@pytest.mark.parametrize("overflow", [Overflow.REJECT, Overflow.BLOCK])
async def test_that_the_mailbox_of_the_target_is_full_is_a_failure(
    bench: Bench, overflow: Overflow
) -> None:
    target = bench.system.spawn(Props(AsyncPuppet).using(mailbox=Bounded(1, overflow)))
    breaker = bench.system.spawn(Props(BreakerActor, target, **OPTIONS))
    entered, release = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        entered.set()
        await release.wait()

    target.tell(Do(lambda _: hold()))
    await within(entered.wait())
    target.tell(Note("fills it"))

    with pytest.raises(MailboxFull):
        await within(breaker.request(Note("one too many")))

    assert (await within(breaker.request(GetBreaker()))).failures == 1
    release.set()


async def test_an_answer_that_takes_too_long_is_a_failure_and_its_caller_is_told(
    bench: Bench,
) -> None:
    hold, reply = await bench.held(timeout=60.0)
    bench.clock.advance(4.0)

    with pytest.raises(DeadlineExceeded, match="no answer from /target within 4 s"):
        await within(reply)
    assert await failures(bench) == 1

    bench.release(hold)
    await turns()
    assert await failures(bench) == 1
    assert bench.system.late_replies == 1


async def test_a_deadline_that_passes_is_a_failure(bench: Bench) -> None:
    hold, reply = await bench.held(timeout=3.0)
    bench.clock.advance(3.0)

    with pytest.raises(DeadlineExceeded, match="no answer from /breaker within 3 s"):
        await within(reply)
    assert await failures(bench) == 1

    bench.release(hold)
    await turns()
    assert await failures(bench) == 1
    assert bench.system.late_replies == 1


@pytest.mark.one_order("threads")
async def test_a_request_that_expires_in_the_mailbox_of_the_target_fails_once(
    bench: Bench,
) -> None:
    target = bench.system.spawn(ThreadBox, name="box")
    breaker = bench.system.spawn(Props(BreakerActor, target, **OPTIONS))
    block = Block()
    target.tell(block)
    await block.has_begun()
    reply = asyncio.ensure_future(breaker.request(Kept(), timeout=60.0))
    await turns()

    bench.clock.advance(4.5)
    with pytest.raises(DeadlineExceeded):
        await within(reply)
    block.release.set()
    letters = bench.system.dead_letters
    await until(lambda: letters.counts[DeadLetterReason.EXPIRED] == 1)

    assert (await within(breaker.request(GetBreaker()))).failures == 1
    assert bench.system.late_replies == 0


async def test_without_any_limit_there_is_no_alarm(bench: Bench) -> None:
    options: dict[str, Any] = {**OPTIONS, "call_timeout": None}
    breaker = bench.system.spawn(Props(BreakerActor, bench.target, **options))
    before = bench.clock.pending
    hold = Hold()
    reply = breaker.ask(hold, block=False)
    await within(hold.entered.wait())

    assert bench.clock.pending == before
    bench.release(hold)
    assert await within(reply) == "held"


async def test_an_answer_in_time_leaves_no_alarm(bench: Bench) -> None:
    before = bench.clock.pending
    hold, reply = await bench.held()
    bench.release(hold)
    await within(reply)

    assert bench.clock.pending == before


async def test_what_counts_can_be_said(bench: Bench) -> None:
    options: dict[str, Any] = {**OPTIONS, "counts": Refused}
    breaker = bench.system.spawn(Props(BreakerActor, bench.target, **options))
    counted: list[int] = []
    for error in (Refused("no"), Crash("ill")):
        with pytest.raises((Refused, ActorCrashed)):
            await within(breaker.request(Fail(error)))
        counted.append((await within(breaker.request(GetBreaker()))).failures)

    assert counted == [1, 0]


@dataclass
class Told:
    """A reply slot, and what was done with it."""

    answers: list[Any] = field(default_factory=list[Any])
    seen: list[Any] = field(default_factory=list[Any])
    late: list[Any] = field(default_factory=list[Any])

    def complete(self, value: Any, error: BaseException | None) -> None:
        self.answers.append(value if error is None else error)

    def in_front(self) -> SeenSlot:
        return seen_on_its_way(self, self.seen.append, lambda: self.late.append("late"))


def test_whichever_comes_first_counts_the_answer() -> None:
    told = Told()
    slot = told.in_front()

    slot.complete("reply", None)
    slot.overdue(lambda: Crash("late"), answer=True)

    assert (told.answers, told.seen, told.late) == (["reply"], [None], [])


@pytest.mark.parametrize(
    ("error", "late"), [(None, ["late"]), (Refused("no"), ["late"]), (Crash("ill"), [])]
)
def test_whichever_comes_first_counts_the_alarm(error: Exception | None, late: list[str]) -> None:
    told, overdue = Told(), Crash("overdue")
    slot = told.in_front()

    slot.overdue(lambda: overdue, answer=True)
    slot.complete("reply", error)

    assert (told.answers, told.seen, told.late) == ([overdue], [overdue], late)


async def test_who_owes_the_answer_is_noted_in_the_slot_of_the_caller(bench: Bench) -> None:
    reply = Reply(bench.breaker.cell)
    slot: Any = seen_on_its_way(reply, lambda _: None, lambda: None)

    assert forwarded(Envelope("x", slot, None, None), bench.target.cell)

    assert slot.target is reply.target is bench.target.cell


@pytest.mark.one_order("threads")
async def test_answers_of_threads_are_counted_each_once() -> None:
    class Racer(ThreadActor):
        policy = Directive.RESUME

        @handler
        def fail(self, message: Fail) -> None:
            raise message.error

    async with new_system(hold_limit=None) as system:
        pool = system.spawn(Router.pool(Racer, 4, RoundRobin()))
        breaker = system.spawn(Props(BreakerActor, pool, max_failures=1_000))
        replies = [breaker.ask(Fail(Crash("ill")), block=False) for _ in range(200)]
        for reply in replies:
            with pytest.raises(ActorCrashed):
                await within(reply)

        status = await within(breaker.request(GetBreaker()))
    assert status.failures == 200
