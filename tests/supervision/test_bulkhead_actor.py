"""The bulkhead in front of an actor."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorRef,
    ActorStopped,
    ActorSystem,
    DeadLetterReason,
    DeadlineExceeded,
    Directive,
    ManualClock,
    OptionError,
    Props,
    Refused,
    Request,
    RequestCycleError,
    RoundRobin,
    Router,
    StartFailed,
    ThreadActor,
    handler,
)
from dramaturg.actors._signals import Internal
from dramaturg.supervision._breaker_actor import BreakerActor
from dramaturg.supervision._bulkhead_actor import BulkheadActor
from dramaturg.supervision._bulkhead_messages import BulkheadStatus, GetBulkhead
from dramaturg.supervision._bulkhead_places import BulkheadFull
from tests.actors.kit import Crash, Do, Fail, Note, nothing, reasons, stop, within
from tests.actors.messaging_kit import turns


@dataclass(frozen=True)
class Job:
    """Is put aside by the target, and answered with its name by `finish`."""

    name: str


class Target(Actor):
    """Works at many jobs at once, and finishes them when it is told to."""

    policy = Directive.RESUME

    def __init__(self, log: list[Any]) -> None:
        self.log = log
        self.finished: set[str] = set()

    @handler
    def job(self, message: Job) -> str | None:
        if message.name in self.finished:
            return message.name
        if message.name not in self.log:
            self.log.append(message.name)
        return self.context.stash()

    @handler
    def note(self, message: Note) -> None:
        self.log.append(message.text)

    @handler
    def fail(self, message: Fail) -> None:
        raise message.error

    @handler
    def do(self, message: Do) -> Any:
        return message.what(self)

    def finish(self, name: str) -> None:
        self.finished.add(name)
        self.context.unstash_all()


@dataclass
class Bench:
    """A bulkhead for two, and two that wait, on a clock that stands still."""

    clock: ManualClock
    system: ActorSystem
    target: ActorRef[Any]
    bulkhead: ActorRef[BulkheadActor]
    log: list[Any]
    replies: list["asyncio.Task[Any]"] = field(default_factory=list["asyncio.Task[Any]"])

    async def sent(self, *names: str, **options: Any) -> list["asyncio.Task[Any]"]:
        replies = [
            asyncio.ensure_future(self.bulkhead.request(Job(name), **options)) for name in names
        ]
        self.replies += replies
        await turns()
        return replies

    async def told(self, *texts: str) -> None:
        for text in texts:
            self.bulkhead.tell(Note(text))
        await turns()

    async def finish(self, *names: str) -> None:
        for name in names:
            await within(self.target.request(Do(lambda actor, name=name: actor.finish(name))))  # type: ignore[misc]
        await turns()

    async def counts(self) -> tuple[int, int]:
        status = await within(self.bulkhead.request(GetBulkhead()))
        return status.in_flight, status.waiting


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    clock = ManualClock()
    log: list[Any] = []
    async with ActorSystem("test", clock=clock) as system:
        target = system.spawn(Props(Target, log), name="target")
        props = Props(BulkheadActor, target, max_in_flight=2, max_waiting=2)
        bench = Bench(clock, system, target, system.spawn(props, name="bulkhead"), log)
        yield bench
    # The rest has been stopped by now; those errors are read here.
    await within(asyncio.gather(*bench.replies, return_exceptions=True))


# -- what is let through -----------------------------------------------------------------


async def test_a_request_gets_the_reply_of_the_target(bench: Bench) -> None:
    assert await within(bench.bulkhead.request(Do(lambda _: "done"))) == "done"
    assert await within(asyncio.to_thread(bench.bulkhead.ask, Do(lambda _: "done"))) == "done"


async def test_an_error_of_the_target_is_the_error_of_the_request(bench: Bench) -> None:
    with pytest.raises(ActorCrashed, match="/target"):
        await within(bench.bulkhead.request(Fail(Crash("ill"))))
    with pytest.raises(Refused, match="no"):
        await within(bench.bulkhead.request(Fail(Refused("no"))))

    assert await bench.counts() == (0, 0)


async def test_so_many_requests_are_passed_on_and_others_wait(bench: Bench) -> None:
    await bench.sent("a", "b", "c")

    assert bench.log == ["a", "b"]
    assert await bench.counts() == (2, 1)


async def test_those_that_wait_are_passed_on_first_in_first_out(bench: Bench) -> None:
    replies = await bench.sent("a", "b", "c", "d")

    await bench.finish("b")
    assert bench.log == ["a", "b", "c"]
    await bench.finish("a", "c", "d")

    assert bench.log == ["a", "b", "c", "d"]
    assert [await within(reply) for reply in replies] == ["a", "b", "c", "d"]
    assert await bench.counts() == (0, 0)


async def test_whoever_has_its_answer_finds_its_place_free(bench: Bench) -> None:
    props = Props(BulkheadActor, bench.target, max_in_flight=1)
    bulkhead = bench.system.spawn(props)

    for number in range(20):
        assert await within(bulkhead.request(Do(lambda _, n=number: n))) == number  # type: ignore[misc]


async def test_the_target_sees_sender_and_deadline_of_the_request(bench: Bench) -> None:
    class Asker(Actor):
        @handler
        async def ask(self, message: Ask) -> Any:
            see = Do(lambda actor: (actor.context.sender, actor.context.deadline))
            return await message.whom.request(see, timeout=3.0)

    asker = bench.system.spawn(Asker)

    assert await within(asker.request(Ask(whom=bench.bulkhead))) == (asker, 3.0)


async def test_what_is_told_needs_no_place(bench: Bench) -> None:
    await bench.sent("a", "b")

    await bench.told("x")

    assert bench.log == ["a", "b", "x"]
    assert await bench.counts() == (2, 0)


async def test_what_is_told_does_not_overtake_a_request_that_waits(bench: Bench) -> None:
    await bench.sent("a", "b", "c")
    await bench.told("x")
    assert await bench.counts() == (2, 2)

    await bench.finish("a")

    assert bench.log == ["a", "b", "c", "x"]
    assert await bench.counts() == (2, 0)


@pytest.mark.parametrize("trace", [False, True])
async def test_what_waited_is_what_was_sent(trace: bool) -> None:
    log: list[Any] = []
    async with ActorSystem("test", trace=trace) as system:
        target = system.spawn(Props(Target, log))
        bulkhead = system.spawn(Props(BulkheadActor, target, max_in_flight=1, max_waiting=5))
        job = asyncio.ensure_future(bulkhead.request(Job("a")))
        second = asyncio.ensure_future(bulkhead.request(Do(lambda actor: actor.context.message)))
        await turns()
        bulkhead.tell(Note("x"))
        target.tell(Do(lambda actor: actor.finish("a")))

        assert await within(job) == "a"
        assert isinstance(await within(second), Do)
        await within(target.request(Do(nothing)))
    assert log == ["a", "x"]


async def test_blocking_actors_are_never_given_more_than_is_allowed() -> None:
    running: list[int] = []
    most: list[int] = []

    class Busy(ThreadActor):
        @handler
        def job(self, message: Job) -> str:
            running.append(1)
            most.append(len(running))
            running.pop()
            return message.name

    async with ActorSystem("test", hold_limit=None) as system:
        pool = system.spawn(Router.pool(Busy, 8, RoundRobin()))
        props = Props(BulkheadActor, pool, max_in_flight=3, max_waiting=500)
        bulkhead = system.spawn(props)
        replies = [bulkhead.ask(Job(str(number)), block=False) for number in range(300)]
        answers = [await within(reply) for reply in replies]

        status = await within(bulkhead.request(GetBulkhead()))
    assert answers == [str(number) for number in range(300)]
    assert max(most) <= 3
    assert (status.in_flight, status.waiting) == (0, 0)


async def test_it_may_stand_before_a_breaker(bench: Bench) -> None:
    breaker = bench.system.spawn(Props(BreakerActor, bench.target))
    bulkhead = bench.system.spawn(Props(BulkheadActor, breaker, max_in_flight=1))

    assert await within(bulkhead.request(Do(lambda _: "done"))) == "done"


# -- what is not -------------------------------------------------------------------------


async def test_one_too_many_fails_and_is_a_dead_letter(bench: Bench) -> None:
    await bench.sent("a", "b", "c", "d")

    with pytest.raises(BulkheadFull, match="/bulkhead is full") as caught:
        await within(bench.bulkhead.request(Job("e")))

    error = caught.value
    assert (error.name, error.max_in_flight, error.max_waiting) == ("/bulkhead", 2, 2)
    assert reasons(bench.system) == [(Job("e"), DeadLetterReason.OVERFLOW)]
    assert await bench.counts() == (2, 2)


async def test_one_too_many_that_was_told_is_a_dead_letter(bench: Bench) -> None:
    await bench.sent("a", "b", "c", "d")

    await bench.told("x")

    [letter] = bench.system.dead_letters.list()
    assert (letter.message, letter.reason) == (Note("x"), DeadLetterReason.OVERFLOW)
    assert (letter.target, type(letter.error)) == ("/bulkhead", BulkheadFull)


async def test_a_request_whose_deadline_passes_while_it_waits_expires(bench: Bench) -> None:
    await bench.sent("a", "b")
    [third] = await bench.sent("c", timeout=1.0)
    [fourth] = await bench.sent("d")

    bench.clock.advance(1.0)
    with pytest.raises(DeadlineExceeded):
        await within(third)

    assert await bench.counts() == (2, 1)
    assert reasons(bench.system) == [(Job("c"), DeadLetterReason.EXPIRED)]
    await bench.finish("a", "d")
    assert await within(fourth) == "d"
    assert bench.log == ["a", "b", "d"]


async def test_a_request_that_has_waited_long_enough_expires(bench: Bench) -> None:
    props = Props(BulkheadActor, bench.target, max_in_flight=1, max_waiting=1, timeout=2.0)
    bench.bulkhead = bench.system.spawn(props, name="patient")
    await bench.sent("a")
    [second] = await bench.sent("b", timeout=60.0)

    bench.clock.advance(2.0)
    with pytest.raises(DeadlineExceeded, match="/patient"):
        await within(second)

    assert await bench.counts() == (1, 0)
    assert reasons(bench.system) == [(Job("b"), DeadLetterReason.EXPIRED)]


async def test_a_request_without_deadline_waits_until_there_is_a_place(bench: Bench) -> None:
    before = bench.clock.pending
    replies = [bench.bulkhead.ask(Job(name), block=False) for name in "abc"]
    await turns()
    assert bench.clock.pending == before

    bench.clock.advance(1e6)
    await bench.finish("a", "c")

    assert await within(replies[2]) == "c"


async def test_what_is_passed_on_leaves_no_alarm(bench: Bench) -> None:
    before = bench.clock.pending
    await bench.sent("a", "b", "c")
    await bench.finish("a", "b", "c")

    assert bench.clock.pending == before


async def test_when_a_request_expires_what_was_told_after_it_goes_on(bench: Bench) -> None:
    await bench.sent("a", "b")
    [third] = await bench.sent("c", timeout=1.0)
    await bench.told("x")

    bench.clock.advance(1.0)
    with pytest.raises(DeadlineExceeded):
        await within(third)

    assert await bench.counts() == (2, 0)
    assert bench.log == ["a", "b", "x"]


async def test_a_request_that_is_overdue_when_its_turn_comes_is_not_passed_on(
    bench: Bench,
) -> None:
    await bench.sent("a", "b")
    [third] = await bench.sent("c", timeout=1.0)

    bench.target.tell(Do(lambda actor: actor.finish("a")))
    bench.target.tell(Do(lambda _: bench.clock.advance(1.5)))
    with pytest.raises(DeadlineExceeded):
        await within(third)

    assert await bench.counts() == (1, 0)
    assert bench.log == ["a", "b"]
    assert reasons(bench.system) == [(Job("c"), DeadLetterReason.EXPIRED)]


async def test_that_its_caller_gave_up_frees_no_place(bench: Bench) -> None:
    [first] = await bench.sent("a", timeout=1.0)
    bench.clock.advance(1.0)
    with pytest.raises(DeadlineExceeded):
        await within(first)

    assert await bench.counts() == (1, 0)
    await bench.finish("a")
    assert await bench.counts() == (0, 0)


async def test_a_target_that_has_stopped_takes_no_place(bench: Bench) -> None:
    await bench.sent("a")
    await stop(bench.target)

    for _ in range(3):
        with pytest.raises(ActorStopped, match="/target"):
            await within(bench.bulkhead.request(Job("b")))

    assert await bench.counts() == (0, 0)


# -- circles -----------------------------------------------------------------------------


class Ask(Request[Any]):
    """Makes an asker ask."""

    whom: ActorRef[Any]
    rest: tuple[ActorRef[Any], ...] = ()


class Asker(Actor):
    """Asks the first of those that it is given to ask the rest."""

    policy = Directive.RESUME

    @handler
    async def ask(self, message: Ask) -> Any:
        return await message.whom.request(Ask(whom=message.rest[0], rest=message.rest[1:]))


async def test_a_circle_of_requests_through_it_is_found_and_takes_no_place(bench: Bench) -> None:
    asker = bench.system.spawn(Asker, name="asker")
    bench.bulkhead = bench.system.spawn(Props(BulkheadActor, asker, max_in_flight=1))

    with pytest.raises(ActorCrashed) as caught:
        await within(asker.request(Ask(whom=bench.bulkhead, rest=(bench.target,))))

    assert isinstance(caught.value.__cause__, RequestCycleError)
    assert await bench.counts() == (0, 0)


# -- its life ----------------------------------------------------------------------------


class Bomb(Internal):
    """Makes any actor fail, in its turn."""

    def handle(self, cell: Any) -> None:
        raise Crash("boom")


async def test_stopped_it_makes_dead_letters_of_what_waits(bench: Bench) -> None:
    replies = await bench.sent("a", "b", "c")
    await bench.told("x")

    await stop(bench.bulkhead)

    with pytest.raises(ActorStopped, match="/bulkhead"):
        await within(replies[2])
    assert reasons(bench.system) == [
        (Job("c"), DeadLetterReason.STOPPED),
        (Note("x"), DeadLetterReason.STOPPED),
    ]
    await bench.finish("a", "b")
    assert [await within(reply) for reply in replies[:2]] == ["a", "b"]


async def test_if_it_fails_what_waits_is_answered_too(bench: Bench) -> None:
    replies = await bench.sent("a", "b", "c")

    bench.bulkhead.cell.post_internal(Bomb())

    with pytest.raises(ActorStopped, match="/bulkhead"):
        await within(replies[2])


async def test_a_restart_counts_anew_and_keeps_what_waits_in_order(bench: Bench) -> None:
    props = Props(BulkheadActor, bench.target, max_in_flight=1, max_waiting=3)
    bench.bulkhead = bench.system.spawn(props.using(policy=Directive.RESTART))
    replies = await bench.sent("a", "b", "c")

    bench.bulkhead.cell.post_internal(Bomb())
    await bench.told("x")
    assert bench.log == ["a", "b"]
    assert await bench.counts() == (1, 2)
    await bench.finish("a")
    assert await bench.counts() == (1, 2)
    await bench.finish("b", "c")

    assert bench.log == ["a", "b", "c", "x"]
    assert [await within(reply) for reply in replies] == ["a", "b", "c"]
    assert await bench.counts() == (0, 0)


async def test_drained_it_passes_on_what_waits_before_it_stops(bench: Bench) -> None:
    replies = await bench.sent("a", "b", "c")
    await bench.told("x")

    drained = bench.bulkhead.drain(block=False)
    await turns()
    assert bench.bulkhead.is_alive()
    await bench.finish("a")
    await within(drained)
    await bench.finish("b", "c")

    assert [await within(reply) for reply in replies] == ["a", "b", "c"]
    assert bench.log == ["a", "b", "c", "x"]
    assert reasons(bench.system) == []


async def test_drained_with_nobody_waiting_it_stops_at_once(bench: Bench) -> None:
    [reply] = await bench.sent("a")

    await within(bench.bulkhead.drain(block=False))
    await bench.finish("a")

    assert await within(reply) == "a"


async def test_it_shows_who_is_there(bench: Bench) -> None:
    await bench.sent("a", "b", "c")
    actor = bench.bulkhead.cell.actor

    assert await within(bench.bulkhead.request(GetBulkhead())) == BulkheadStatus(
        name="/bulkhead", in_flight=2, waiting=1, max_in_flight=2, max_waiting=2
    )
    assert repr(actor) == "<BulkheadActor before Target /target in_flight=2/2 waiting=1/2>"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"max_in_flight": 0}, "max_in_flight=0: expected an int of at least 1"),
        ({"max_waiting": -1}, "max_waiting=-1: expected an int of at least 0"),
        ({"timeout": -1}, "timeout=-1: expected seconds"),
        ({"target": None}, "target=None: expected an ActorRef"),
    ],
    ids=str,
)
async def test_an_option_that_cannot_be_is_the_cause_why_it_does_not_start(
    bench: Bench, options: Any, complaint: str
) -> None:
    given: dict[str, Any] = {"target": bench.target, "max_in_flight": 1}
    props: Any = Props(BulkheadActor, **(given | options))

    with pytest.raises(StartFailed) as caught:
        bench.system.spawn(props)

    assert isinstance(caught.value.__cause__, OptionError)
    assert complaint in str(caught.value.__cause__)
