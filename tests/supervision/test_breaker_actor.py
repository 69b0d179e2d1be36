"""The circuit breaker in front of an actor."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorRef,
    ActorStopped,
    ActorSystem,
    Bounded,
    DeadLetterReason,
    DeadlineExceeded,
    Directive,
    LifecycleEvent,
    MailboxFull,
    ManualClock,
    OptionError,
    Overflow,
    Props,
    Refused,
    Request,
    RequestCycleError,
    RoundRobin,
    Router,
    StartFailed,
    ThreadActor,
    UnhandledError,
    handler,
)
from dramaturg.actors._circles import forwarded
from dramaturg.actors._envelope import Envelope, Headers
from dramaturg.actors._reply import Reply
from dramaturg.actors._signals import Internal
from dramaturg.supervision._breaker_actor import BreakerActor
from dramaturg.supervision._breaker_gate import CircuitOpen
from dramaturg.supervision._breaker_messages import (
    BreakerClosed,
    BreakerHalfOpened,
    BreakerOpened,
    BreakerStatus,
    GetBreaker,
)
from dramaturg.supervision._breaker_rules import BreakerState
from dramaturg.supervision._breaker_slot import SeenSlot, seen_on_its_way
from tests.actors.kit import AsyncPuppet, Crash, Do, Fail, Note, nothing, stop, within
from tests.actors.messaging_kit import Block, Fail as BoxFail, Hold, Kept, ThreadBox, turns, until

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN


class Target(Actor):
    """Does what it is told, lives on when it fails, and may handle many requests at once."""

    policy = Directive.RESUME

    def __init__(self, log: list[Any] | None = None) -> None:
        self.log = [] if log is None else log

    @handler
    def do(self, message: Do) -> Any:
        return message.what(self)

    @handler
    def note(self, message: Note) -> None:
        self.log.append(message.text)

    @handler
    def fail(self, message: Fail) -> None:
        raise message.error

    @handler
    def put_aside(self, message: Hold) -> str | None:
        """Stash: unanswered until the test has `unstash_all` done; the second time it replies."""
        if message.release.is_set():
            return "held"
        message.entered.set()
        return self.context.stash()


@dataclass
class Bench:
    """A breaker before a target, on a clock that stands still."""

    clock: ManualClock
    system: ActorSystem
    target: ActorRef[Any]
    breaker: ActorRef[BreakerActor]
    log: list[Any]
    events: list[LifecycleEvent]

    async def state(self) -> BreakerState:
        return (await within(self.breaker.request(GetBreaker()))).state

    async def fail(self, times: int = 1) -> None:
        for _ in range(times):
            with pytest.raises(ActorCrashed):
                await within(self.breaker.request(Fail(Crash("ill"))))

    async def succeed(self) -> Any:
        return await within(self.breaker.request(Do(lambda _: "done")))

    async def on_trial(self) -> None:
        """Open the circuit and let its time pass."""
        await self.fail(2)
        self.clock.advance(10.0)
        assert await self.state() is HALF_OPEN

    async def held(self, **options: Any) -> tuple[Hold, "asyncio.Future[Any]"]:
        """Make a request that the target does not answer before it is released."""
        hold = Hold()
        reply = asyncio.ensure_future(self.breaker.request(hold, **options))
        await within(hold.entered.wait())
        return hold, reply

    def release(self, *holds: Hold) -> None:
        for hold in holds:
            hold.release.set()
        self.target.tell(Do(lambda actor: actor.context.unstash_all()))


OPTIONS: dict[str, Any] = {
    "max_failures": 2,
    "call_timeout": 4.0,
    "reset_timeout": 10.0,
    "backoff_factor": 2.0,
}


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    clock = ManualClock()
    log: list[Any] = []
    events: list[LifecycleEvent] = []
    async with ActorSystem("test", clock=clock) as system:
        kinds = (BreakerOpened, BreakerHalfOpened, BreakerClosed)
        system.events.subscribe(events.append, *kinds)
        target = system.spawn(Props(Target, log), name="target")
        breaker = system.spawn(Props(BreakerActor, target, **OPTIONS), name="breaker")
        yield Bench(clock, system, target, breaker, log, events)


# -- what travels ------------------------------------------------------------------------


async def test_a_request_gets_the_reply_of_the_target(bench: Bench) -> None:
    assert await bench.succeed() == "done"


async def test_a_thread_gets_the_reply_of_the_target(bench: Bench) -> None:
    message = Do(lambda _: "done")

    assert await within(asyncio.to_thread(bench.breaker.ask, message)) == "done"
    assert await within(bench.breaker.ask(message, block=False)) == "done"


def test_in_a_system_with_a_thread_of_its_own_it_works_too() -> None:
    with ActorSystem("test") as system:
        target = system.spawn(Target)
        breaker = system.spawn(Props(BreakerActor, target, max_failures=1))

        assert breaker.ask(Do(lambda _: "done")) == "done"
        with pytest.raises(ActorCrashed):
            breaker.ask(Fail(Crash("ill")))
        with pytest.raises(CircuitOpen):
            breaker.ask(Do(nothing))


async def test_the_target_may_be_a_blocking_actor(bench: Bench) -> None:
    target = bench.system.spawn(ThreadBox)
    breaker = bench.system.spawn(Props(BreakerActor, target, **OPTIONS))

    assert await within(breaker.request(Kept())) == []
    with pytest.raises(ActorCrashed):
        await within(breaker.request(BoxFail(Crash("ill"))))

    status = await within(breaker.request(GetBreaker()))
    assert status.failures == 1


async def test_an_error_of_the_target_is_the_error_of_the_request(bench: Bench) -> None:
    with pytest.raises(ActorCrashed, match="/target") as caught:
        await within(bench.breaker.request(Fail(Crash("ill"))))
    assert isinstance(caught.value.__cause__, Crash)

    with pytest.raises(Refused, match="sold out"):
        await within(bench.breaker.request(Fail(Refused("sold out"))))


async def test_messages_of_one_sender_keep_their_order(bench: Bench) -> None:
    for number in range(100):
        if number % 3:
            bench.breaker.tell(Note(number))
        else:
            bench.breaker.ask(Note(number), block=False)
    await bench.succeed()

    assert bench.log == list(range(100))


async def test_the_target_sees_sender_and_deadline_of_the_request(bench: Bench) -> None:
    class Asker(Actor):
        @handler
        async def ask(self, message: Ask) -> Any:
            see = Do(lambda actor: (actor.context.sender, actor.context.deadline))
            return await message.whom.request(see, timeout=3.0)

    asker = bench.system.spawn(Asker, name="asker")
    bench.clock.advance(1.0)

    assert await within(asker.request(Ask(whom=bench.breaker))) == (asker, 4.0)


async def test_the_target_has_no_more_time_than_a_call_may_take(bench: Bench) -> None:
    see = Do(lambda actor: actor.context.deadline)

    assert await within(bench.breaker.request(see, timeout=9.0)) == 4.0


async def test_what_is_told_is_passed_on_unopened(bench: Bench) -> None:
    items: list[Any] = []
    headers = Headers(UUID(int=1), UUID(int=2), UUID(int=3), 2)
    envelope = Envelope(
        Do(lambda actor: items.append(actor._cell.message)), None, None, None, headers
    )

    bench.breaker.tell(envelope)
    await bench.succeed()

    assert items == [envelope]
    assert items[0] is envelope


@pytest.mark.parametrize("trace", [False, True])
async def test_a_request_keeps_its_headers(trace: bool) -> None:
    async with ActorSystem("test", trace=trace) as system:
        target = system.spawn(Target)
        breaker = system.spawn(Props(BreakerActor, target))
        see = Do(lambda actor: actor._cell.message.headers is not None)

        assert await within(breaker.request(see)) is trace


async def test_many_requests_may_be_under_way(bench: Bench) -> None:
    held = [await bench.held() for _ in range(3)]
    assert await bench.succeed() == "done"

    bench.release(*(hold for hold, _ in held))

    assert await within(asyncio.gather(*(reply for _, reply in held))) == ["held"] * 3


async def test_breakers_may_stand_before_routers_and_each_other(bench: Bench) -> None:
    pool = bench.system.spawn(Router.pool(Target, 2, RoundRobin()), name="pool")
    inner = bench.system.spawn(Props(BreakerActor, pool), name="inner")
    outer = bench.system.spawn(Props(BreakerActor, inner, max_failures=1), name="outer")
    path = Do(lambda actor: actor.context.path)

    assert [await within(outer.request(path)) for _ in range(2)] == ["/pool/$a", "/pool/$b"]
    with pytest.raises(ActorCrashed):
        await within(outer.request(Fail(Crash("ill"))))
    with pytest.raises(CircuitOpen, match="/outer"):
        await within(outer.request(path))
    assert (await within(inner.request(GetBreaker()))).failures == 1


# -- opening and closing -----------------------------------------------------------------


async def test_it_opens_after_so_many_failures_and_fails_requests_at_once(bench: Bench) -> None:
    await bench.fail(2)
    bench.clock.advance(4.0)

    with pytest.raises(CircuitOpen, match="/breaker is open for 6 s") as caught:
        await bench.succeed()

    assert (caught.value.name, caught.value.retry_after) == ("/breaker", 6.0)
    assert await within(bench.breaker.request(GetBreaker())) == BreakerStatus(
        name="/breaker", state=OPEN, failures=2, retry_after=6.0, reset_timeout=10.0
    )


async def test_a_request_that_is_turned_away_is_no_dead_letter(bench: Bench) -> None:
    await bench.fail(2)
    before = bench.system.dead_letters.total

    with pytest.raises(CircuitOpen):
        await bench.succeed()

    assert bench.system.dead_letters.total == before


@pytest.mark.parametrize("trace", [False, True])
async def test_what_is_told_to_an_open_circuit_is_a_dead_letter(trace: bool) -> None:
    async with ActorSystem("test", trace=trace) as system:
        log: list[Any] = []
        target = system.spawn(Props(Target, log))
        breaker = system.spawn(Props(BreakerActor, target, max_failures=1), name="breaker")
        with pytest.raises(ActorCrashed):
            await within(breaker.request(Fail(Crash("ill"))))

        breaker.tell(Note("lost"))
        await within(breaker.request(GetBreaker()))

        [letter] = system.dead_letters.list(reason=DeadLetterReason.REFUSED)
    assert (letter.message, letter.target) == (Note("lost"), "/breaker")
    assert isinstance(letter.error, CircuitOpen)
    assert log == []


async def test_a_success_starts_the_count_anew(bench: Bench) -> None:
    await bench.fail()
    await bench.succeed()
    await bench.fail()

    assert await bench.state() is CLOSED


async def test_what_is_told_does_not_count(bench: Bench) -> None:
    await bench.fail()
    bench.breaker.tell(Note("fine"))
    for _ in range(3):
        bench.breaker.tell(Fail(Crash("ill")))
    bench.breaker.tell(Note("fine"))
    await turns()

    assert (await within(bench.breaker.request(GetBreaker()))).failures == 1
    assert bench.log == ["fine", "fine"]


async def test_while_half_open_one_request_goes_through(bench: Bench) -> None:
    await bench.on_trial()
    hold, trial = await bench.held()

    with pytest.raises(CircuitOpen, match="until its trial call has ended"):
        await bench.succeed()
    bench.breaker.tell(Note("lost"))
    bench.release(hold)

    assert await within(trial) == "held"
    assert await bench.state() is CLOSED
    assert await bench.succeed() == "done"
    assert bench.log == []


async def test_a_trial_that_fails_opens_it_for_longer(bench: Bench) -> None:
    await bench.on_trial()
    await bench.fail()

    status = await within(bench.breaker.request(GetBreaker()))

    assert (status.state, status.retry_after) == (OPEN, 20.0)


async def test_what_was_passed_on_before_it_opened_neither_closes_nor_opens_it(
    bench: Bench,
) -> None:
    hold, reply = await bench.held()
    await bench.on_trial()

    bench.release(hold)
    await turns()

    assert isinstance(reply.exception(), DeadlineExceeded)
    assert await bench.state() is HALF_OPEN


async def test_a_message_that_is_told_may_be_the_trial(bench: Bench) -> None:
    await bench.on_trial()

    bench.breaker.tell(Note("trial"))
    await turns()

    assert bench.log == ["trial"]
    assert await bench.state() is CLOSED


async def test_if_what_was_told_as_a_trial_fails_the_circuit_is_open_again(bench: Bench) -> None:
    await bench.on_trial()

    bench.breaker.tell(Fail(Crash("ill")))
    await turns()

    assert await bench.state() is OPEN
    letters = bench.system.dead_letters.list(reason=DeadLetterReason.CRASHED)
    assert len(letters) == 3


async def test_if_what_was_told_as_a_trial_is_refused_that_is_a_dead_letter_as_ever(
    bench: Bench,
) -> None:
    await bench.on_trial()
    message = Fail(Refused("no"))

    bench.breaker.tell(message)
    await turns()

    assert await bench.state() is CLOSED
    [letter] = bench.system.dead_letters.list(reason=DeadLetterReason.REFUSED)
    assert (letter.message, letter.target) == (message, "/target")


async def test_what_was_told_as_a_trial_has_as_long_as_a_call(bench: Bench) -> None:
    await bench.on_trial()
    hold = Hold()
    bench.breaker.tell(hold)
    await within(hold.entered.wait())

    bench.clock.advance(4.0)
    assert await bench.state() is OPEN
    bench.release(hold)
    await turns()

    assert bench.system.late_replies == 0


async def test_changes_are_events(bench: Bench) -> None:
    await bench.on_trial()
    await bench.succeed()

    assert [(type(each), each.path) for each in bench.events] == [
        (BreakerOpened, "/breaker"),
        (BreakerHalfOpened, "/breaker"),
        (BreakerClosed, "/breaker"),
    ]


# -- what counts -------------------------------------------------------------------------


async def failures(bench: Bench) -> int:
    return (await within(bench.breaker.request(GetBreaker()))).failures


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


# -- circles -----------------------------------------------------------------------------


class Ask(Request[Any]):
    """Makes an asker ask."""

    whom: ActorRef[Any]
    rest: tuple[ActorRef[Any], ...] = ()


class Asker(Actor):
    """Asks the first of those that it is given to ask the rest."""

    @handler
    async def ask(self, message: Ask) -> Any:
        if not message.rest:
            return await message.whom.request(Do(lambda _: "done"))
        return await message.whom.request(Ask(whom=message.rest[0], rest=message.rest[1:]))


async def test_a_circle_of_requests_through_it_is_found_and_does_not_count(
    bench: Bench,
) -> None:
    first = bench.system.spawn(Props(Asker).using(policy=Directive.RESUME), name="first")
    breaker = bench.system.spawn(Props(BreakerActor, first, **OPTIONS), name="before-first")

    with pytest.raises(ActorCrashed) as caught:
        await within(first.request(Ask(whom=breaker, rest=(bench.target,))))

    assert isinstance(caught.value.__cause__, RequestCycleError)
    assert caught.value.__cause__.path == ("/first", "/first")
    assert (await within(breaker.request(GetBreaker()))).failures == 0


async def test_a_request_that_the_target_passes_on_makes_no_circle_of_its_own(
    bench: Bench,
) -> None:
    """The first asker waits for the second by way of a desk; the desk may ask the first's peers."""
    desk_asks = asyncio.Event()

    class Desk(Actor):
        """Forwards requests to another actor; then asks whoever it is told to."""

        def __init__(self, other: ActorRef[Any]) -> None:
            self.other = other

        @handler
        def forward(self, message: Hold) -> None:
            self.context.forward(self.other)

        @handler
        async def ask(self, message: Ask) -> Any:
            desk_asks.set()
            return await message.whom.request(Note("hello"))

    class First(Actor):
        def __init__(self, whom: ActorRef[Any]) -> None:
            self.whom = whom

        @handler
        async def hold(self, message: Hold) -> Any:
            return await self.whom.request(message)

        @handler
        def note(self, message: Note) -> None:
            pass

    desk = bench.system.spawn(Props(Desk, bench.target), name="desk")
    breaker = bench.system.spawn(Props(BreakerActor, desk, **OPTIONS), name="before-desk")
    first = bench.system.spawn(Props(First, breaker), name="first")
    hold = Hold()
    held = asyncio.ensure_future(first.request(hold))
    await within(hold.entered.wait())

    # The first asker waits for the target; so the desk, which has passed it on, may ask the first.
    asking = asyncio.ensure_future(desk.request(Ask(whom=first)))
    await within(desk_asks.wait())
    await turns()
    bench.release(hold)

    assert await within(held) == "held"
    assert await within(asking) is None


# -- its life ----------------------------------------------------------------------------


async def test_drained_it_passes_on_all_that_was_sent(bench: Bench) -> None:
    for number in range(10):
        bench.breaker.tell(Note(number))
    await within(bench.breaker.drain(block=False))
    await within(bench.target.request(Do(nothing)))

    assert bench.log == list(range(10))


async def test_what_was_passed_on_is_answered_though_it_has_stopped(bench: Bench) -> None:
    hold, reply = await bench.held()
    await stop(bench.breaker)
    bench.release(hold)

    assert await within(reply) == "held"
    assert bench.target.is_alive()


class Bomb(Internal):
    """Makes any actor fail, in its turn."""

    def handle(self, cell: Any) -> None:
        raise Crash("boom")


async def test_a_restart_begins_with_a_closed_circuit_and_earlier_requests_do_not_count(
    bench: Bench,
) -> None:
    props = Props(BreakerActor, bench.target, **OPTIONS).using(policy=Directive.RESTART)
    breaker = bench.breaker = bench.system.spawn(props)
    held = [await bench.held() for _ in range(3)]
    await bench.fail()
    breaker.cell.post_internal(Bomb())
    assert await failures(bench) == 0

    bench.clock.advance(4.0)
    for _, reply in held:
        with pytest.raises(DeadlineExceeded):
            await within(reply)

    assert await bench.state() is CLOSED
    assert bench.events == []
    bench.release(*(hold for hold, _ in held))


async def test_it_shows_its_state(bench: Bench) -> None:
    await bench.fail()
    actor = bench.breaker.cell.actor

    assert repr(actor) == "<BreakerActor /breaker closed failures=1 before Target /target>"


async def test_answers_of_threads_are_counted_each_once() -> None:
    class Racer(ThreadActor):
        policy = Directive.RESUME

        @handler
        def fail(self, message: Fail) -> None:
            raise message.error

    async with ActorSystem("test", hold_limit=None) as system:
        pool = system.spawn(Router.pool(Racer, 4, RoundRobin()))
        breaker = system.spawn(Props(BreakerActor, pool, max_failures=1_000))
        replies = [breaker.ask(Fail(Crash("ill")), block=False) for _ in range(200)]
        for reply in replies:
            with pytest.raises(ActorCrashed):
                await within(reply)

        status = await within(breaker.request(GetBreaker()))
    assert status.failures == 200


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"max_failures": 0}, "max_failures=0"),
        ({"call_timeout": 0}, "call_timeout=0"),
        ({"reset_timeout": 0}, "reset_timeout=0"),
        ({"backoff_factor": 0}, "backoff_factor=0"),
        ({"max_reset_timeout": 1}, "max_reset_timeout=1"),
        ({"counts": 1}, "counts=1"),
        ({"target": "/target"}, "target='/target': expected an ActorRef"),
    ],
    ids=str,
)
async def test_an_option_that_cannot_be_is_the_cause_why_it_does_not_start(
    bench: Bench, options: Any, complaint: str
) -> None:
    props: Any = Props(BreakerActor, **({"target": bench.target} | options))

    with pytest.raises(StartFailed) as caught:
        bench.system.spawn(props)

    assert isinstance(caught.value.__cause__, OptionError)
    assert complaint in str(caught.value.__cause__)
