"""Health: what a picture shows, that it disturbs nobody, and that nothing disturbs it."""

import asyncio
import gc
import json
import weakref
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorSystem,
    Bounded,
    Directive,
    MailboxSpec,
    ManualClock,
    Overflow,
    Priority,
    Props,
    SystemStateError,
    ThreadActor,
    Unbounded,
)
from dramaturg.actors._exit_reason import KILLED, NORMAL, ExitReason, failed
from dramaturg.actors._health import ActorHealth, Degradation, HealthNote, SystemHealth
from dramaturg.actors._health_recorder import LONGEST_REASON, HealthRecorder
from dramaturg.actors._mailbox_age import MailboxAges
from dramaturg.actors._signals import Internal
from dramaturg.actors._state import DOWN, RUNNING
from tests.actors.kit import (
    KINDS,
    AsyncPuppet,
    Crash,
    Do,
    Events,
    Fail,
    Kind,
    Latch,
    Note,
    Puppet,
    ThreadPuppet,
    ended,
    settled,
    stop,
    within,
)
from tests.actors.messaging_kit import in_threads, quick_switches

CACHED = Degradation(
    rung="cached",
    reason="upstream is down",
    since=3.0,
    since_time=datetime(2000, 1, 1, tzinfo=UTC),
    rungs_left=1,
)


def picture(system: ActorSystem) -> SystemHealth:
    return HealthRecorder(system).picture()


def found(system: ActorSystem, path: str) -> ActorHealth:
    actor = picture(system).find(path)
    assert actor is not None
    return actor


class Idler(Actor):
    pass


class Waiter(AsyncPuppet):
    """Waits in whichever hook it is told to, until it may go on."""

    def __init__(self, hook: str) -> None:
        super().__init__()
        self.hook = hook
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()

    async def wait(self, hook: str) -> None:
        if hook == self.hook:
            self.reached.set()
            await self.go_on.wait()

    async def on_start(self) -> None:
        await self.wait("on_start")

    async def on_stop(self) -> None:
        await self.wait("on_stop")

    async def on_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:
        await self.wait("on_failure")


def waiter(ref: ActorRef[Any]) -> Waiter:
    actor = ref.cell.actor
    assert isinstance(actor, Waiter)
    return actor


# -- what is shown ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actor_class", "kind"), [(Puppet, "loop"), (AsyncPuppet, "task"), (ThreadPuppet, "thread")]
)
async def test_each_kind_of_actor_is_shown(actor_class: Kind, kind: str) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(actor_class, name="it")
        await settled(ref)

        it = found(system, "/it")

    assert (it.name, it.path, it.actor_class) == ("it", "/it", actor_class.__qualname__)
    assert (it.kind, it.state, it.status, it.reason) == (kind, "running", "healthy", None)
    assert (it.incarnation, it.restarts, it.mailbox_depth, it.oldest_age) == (1, 0, 0, None)
    assert (it.degraded, it.restarts_in_window, it.intensity, it.period) == (None,) * 4


async def test_a_def_actor_that_is_bound_to_the_loop_runs_in_tasks() -> None:
    class Bound(Idler):
        loop_bound = True

    async with ActorSystem() as system:
        system.spawn(Bound, name="it")

        assert found(system, "/it").kind == "task"


async def test_a_picture_of_an_idle_system_is_healthy() -> None:
    clock = ManualClock()
    async with ActorSystem("shop", clock=clock) as system:
        clock.advance(2.5)
        health = picture(system)

    assert (health.system, health.status, health.degraded) == ("shop", "healthy", ())
    assert (health.monotonic, health.time) == (2.5, clock.time())
    assert (health.tree.path, health.tree.name, health.tree.children) == ("/", "", ())


async def test_children_are_below_their_parents_the_eldest_first() -> None:
    async with ActorSystem() as system:
        top = system.spawn(Puppet, name="top")
        await within(
            top.request(Do(lambda actor: [actor.context.spawn(Idler, name=n) for n in "ba"]))
        )
        system.spawn(Idler, name="other")
        health = picture(system)

    assert [actor.path for actor in health.tree.walk()] == [
        "/",
        "/top",
        "/top/b",
        "/top/a",
        "/other",
    ]


async def test_the_totals_are_those_of_the_picture() -> None:
    async with ActorSystem() as system:
        dead = system.spawn(Idler)
        await stop(dead)
        dead.tell("nobody hears this")
        restarting = system.spawn(Props(Puppet).using(policy=Directive.RESTART))
        for _ in range(2):
            restarting.tell(Fail(Crash()))
            await settled(restarting)
        held = system.spawn(Props(Waiter, "on_start"))
        await within(waiter(held).reached.wait())
        held.tell(Note(1))
        held.tell(Note(2))

        totals = picture(system).totals
        waiter(held).go_on.set()

    assert (totals.actors, totals.queued, totals.restarts) == (2, 2, 2)
    assert totals.dead_letters == 3  # with the two messages that it crashed upon


async def test_an_actor_that_was_restarted_shows_how_often() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Props(Puppet).using(policy=Directive.RESTART), name="it")
        ref.tell(Fail(Crash()))
        await settled(ref)
        it = found(system, "/it")

    assert (it.state, it.incarnation, it.restarts) == ("running", 2, 1)


async def test_an_actor_that_starts_is_starting() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Props(Waiter, "on_start"), name="it")
        await within(waiter(ref).reached.wait())

        assert found(system, "/it").state == "starting"
        waiter(ref).go_on.set()


async def test_an_actor_that_is_not_made_yet_is_starting() -> None:
    seen: list[str] = []

    class Looking(Idler):
        def __new__(cls, *_args: Any) -> Any:
            seen.append(found(system, "/it").state)
            return super().__new__(cls)

    async with ActorSystem() as system:
        system.spawn(Looking, name="it")

    assert seen == ["starting"]


async def test_an_actor_that_stops_is_stopping_and_then_gone() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Props(Waiter, "on_stop"), name="it")
        await settled(ref)
        actor = waiter(ref)
        ref.request_stop()
        await within(actor.reached.wait())

        assert found(system, "/it").state == "stopping"
        actor.go_on.set()
        await ended(ref)
        assert picture(system).find("/it") is None


async def test_an_actor_whose_children_stop_before_it_restarts_is_restarting() -> None:
    class Parent(Puppet):
        def __init__(self) -> None:
            super().__init__()
            self.child = self.context.spawn(Props(Waiter, "on_stop"))

    async with ActorSystem() as system:
        ref = system.spawn(Props(Parent).using(policy=Directive.RESTART), name="it")
        child = await within(ref.request(Do(lambda actor: actor.child)))
        await settled(child)
        actor = waiter(child)
        ref.tell(Fail(Crash()))
        await within(actor.reached.wait())

        assert found(system, "/it").state == "restarting"
        actor.go_on.set()
        # Its successor is not to wait.
        waiter(await within(ref.request(Do(lambda actor: actor.child)))).hook = ""


async def test_a_suspended_actor_means_failing_with_what_it_failed_with() -> None:
    async with ActorSystem() as system:
        props = Props(Waiter, "on_failure").using(policy=Directive.RESUME)
        ref = system.spawn(props, name="it")
        ref.tell(Fail(Crash("no\nidea")))
        await within(waiter(ref).reached.wait())

        health = picture(system)
        waiter(ref).go_on.set()
        await settled(ref)
        after = picture(system)

    (part,) = health.degraded
    assert health.status == part.status == "failing"
    assert (part.path, part.state, part.reason) == ("/it", "suspended", "suspended: Crash: no idea")
    assert after.status == "healthy"


@pytest.mark.parametrize(
    ("reason", "said"),
    [(NORMAL, None), (KILLED, "down: killed"), (failed(Crash("it")), "down: Crash: it")],
    ids=str,
)
async def test_a_child_that_is_down_means_degraded_unless_it_was_through(
    reason: ExitReason, said: str | None
) -> None:
    async with ActorSystem() as system:
        cell = system.spawn(Idler, name="it").cell
        # As a supervisor's child is until that has decided.
        cell.state, cell.more().exit_reason = DOWN, reason
        it = found(system, "/it")
        cell.state = RUNNING

    assert (it.state, it.reason) == ("down", said)
    assert it.status == ("healthy" if said is None else "degraded")


async def test_a_failure_that_reached_the_root_means_failing() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Puppet)
        ref.tell(Fail(Crash("it")))
        await ended(ref)
        health = picture(system)

    assert health.status == "failing"
    assert health.degraded == (health.tree,)
    assert health.tree.reason == "a failure has reached the root: Crash: it"


@pytest.mark.parametrize("text", ["", "x" * 1000], ids=["no text", "much text"])
async def test_whatever_an_error_says_is_one_short_line(text: str) -> None:
    async with ActorSystem() as system:
        system.note_failure(Crash(text))
        reason = picture(system).tree.reason

    assert reason is not None
    said = reason.removeprefix("a failure has reached the root: ")
    assert said == ("Crash" if not text else f"Crash: {text}"[:LONGEST_REASON] + "...")


async def test_an_error_that_cannot_be_rendered_is_named() -> None:
    class Mute(Exception):  # noqa: N818 - never raised
        def __str__(self) -> str:
            raise Crash

    async with ActorSystem() as system:
        system.note_failure(Mute())

        assert picture(system).tree.reason == "a failure has reached the root: Mute"


async def test_a_system_that_stops_is_degraded() -> None:
    system = ActorSystem()
    async with system:
        ref = system.spawn(Props(Waiter, "on_stop"))
        await settled(ref)
        actor = waiter(ref)
        end = asyncio.ensure_future(system.shutdown())
        await within(actor.reached.wait())
        stopping = picture(system)
        actor.go_on.set()
        await within(end)
    stopped = picture(system)

    assert (stopping.status, stopping.tree.reason) == ("degraded", "the system is stopping")
    assert (stopped.status, stopped.tree.reason) == ("degraded", "the system has stopped")
    assert (stopped.tree.state, stopped.tree.children) == ("stopped", ())


def test_a_system_that_has_not_started_has_no_picture() -> None:
    recorder = HealthRecorder(ActorSystem())

    with pytest.raises(SystemStateError):
        recorder.picture()


# -- what supervisors contribute ----------------------------------------------------------


class Reporter(Puppet):
    """Says of its health what it is told to say."""

    def __init__(self, answers: list[Any], children: str = "") -> None:
        super().__init__()
        self.answers = answers
        for name in children:
            self.context.spawn(Idler, name=name)

    def _report_health(self) -> Any:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer() if callable(answer) else answer


def note(**degraded: Degradation) -> HealthNote:
    return HealthNote(restarts_in_window=2, intensity=5, period=60.0, degraded=degraded)


async def test_a_supervisor_shows_its_restarts_and_which_children_it_has_reduced() -> None:
    async with ActorSystem() as system:
        system.spawn(Props(Reporter, [note(b=CACHED)], "abc"), name="sup")
        health = picture(system)

    sup, (a, b, c) = health.tree.children[0], health.tree.children[0].children
    assert (sup.restarts_in_window, sup.intensity, sup.period) == (2, 5, 60.0)
    assert (sup.status, a.status, b.status, c.status) == (
        "healthy",
        "healthy",
        "degraded",
        "healthy",
    )
    assert (b.degraded, b.reason) == (CACHED, "upstream is down")
    assert (health.status, health.degraded) == ("degraded", (b,))


async def test_a_child_that_its_supervisor_does_without_is_shown_in_its_place() -> None:
    async with ActorSystem() as system:
        system.spawn(Props(Reporter, [note(lost=CACHED)], "a"), name="sup")
        health = picture(system)

    lost = health.find("/sup/lost")
    assert lost is not None
    assert (lost.state, lost.actor_class, lost.incarnation) == ("stopped", "", 0)
    assert (lost.status, lost.degraded, health.degraded) == ("degraded", CACHED, (lost,))
    assert health.totals.actors == 2


async def test_a_supervisor_may_have_nothing_to_say() -> None:
    async with ActorSystem() as system:
        system.spawn(Props(Reporter, [None]), name="sup")
        sup = found(system, "/sup")

    assert (sup.status, sup.intensity) == ("healthy", None)


async def test_a_supervisor_that_raises_in_the_midst_of_a_change_is_asked_again() -> None:
    async with ActorSystem() as system:
        system.spawn(Props(Reporter, [RuntimeError(), RuntimeError(), note()]), name="sup")
        sup = found(system, "/sup")

    assert (sup.status, sup.intensity) == ("healthy", 5)


@pytest.mark.parametrize(
    ("answer", "said"),
    [(Crash("it"), "Crash: it"), ("fine", "it returned a str")],
    ids=["raises", "no note"],
)
async def test_a_supervisor_that_cannot_be_asked_is_degraded_and_still_shown(
    answer: Any, said: str
) -> None:
    async with ActorSystem() as system:
        system.spawn(Props(Reporter, [answer], "a"), name="sup")
        sup = found(system, "/sup")

    assert (sup.status, sup.reason) == ("degraded", f"its health report failed: {said}")
    assert [child.name for child in sup.children] == ["a"]


async def test_a_supervisor_that_ends_while_it_is_asked_is_not_there() -> None:
    def end() -> None:
        ref.request_stop()
        raise Crash

    async with ActorSystem() as system:
        ref = system.spawn(Props(Reporter, [end]).using(policy=Directive.STOP), name="sup")
        await settled(ref)
        health = picture(system)

    assert (health.status, health.tree.children) == ("healthy", ())


async def test_an_actor_that_ends_after_it_was_found_is_left_out() -> None:
    answers: list[Any] = []
    async with ActorSystem() as system:
        system.spawn(Props(Reporter, answers), name="first")
        late = system.spawn(Idler, name="late")
        answers.append(late.request_stop)
        health = picture(system)

    assert [actor.path for actor in health.tree.walk()] == ["/", "/first"]


async def test_a_ctrl_c_while_a_supervisor_is_asked_goes_to_the_caller() -> None:
    async with ActorSystem() as system:
        system.spawn(Props(Reporter, [KeyboardInterrupt()]))

        with pytest.raises(KeyboardInterrupt):
            picture(system)


# -- how long the first message has waited ---------------------------------------------------


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


@pytest.mark.parametrize("spec", [Bounded(5), Priority(lambda _message: 0)], ids=repr)
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


# -- large, deep and in motion ---------------------------------------------------------------


async def test_a_picture_of_a_thousand_actors_shows_all_of_them() -> None:
    async with ActorSystem() as system:
        pool = system.spawn(Puppet, name="pool")
        kinds = [Idler, AsyncPuppet]
        await within(
            pool.request(
                Do(lambda actor: [actor.context.spawn(kinds[i % 2]) for i in range(1000)] and None)
            )
        )
        health = picture(system)

    assert health.totals.actors == 1001
    assert len({actor.path for actor in health.tree.walk()}) == 1002


async def test_a_tree_may_be_ten_thousand_deep() -> None:
    async with ActorSystem() as system:
        cells = [system.root]
        for _ in range(10_000):
            cells.append(system.spawn_under(cells[-1], Idler, "d").cell)
        health = picture(system)
        for cell in reversed(cells[1:]):
            await stop(cell.ref)

    deepest = health.find("/d" * 10_000)
    assert deepest is not None
    assert deepest.path == "/d" * 10_000
    assert health.find("/d" * 10_001) is None
    assert health.totals.actors == 10_000


async def test_a_tree_may_be_wide() -> None:
    async with ActorSystem() as system:
        for _ in range(10_000):
            system.spawn(Idler)
        health = picture(system)

    assert len(health.tree.children) == 10_000


def test_pictures_are_whole_while_threads_spawn_stop_and_look() -> None:
    class Parent(Idler):
        def __init__(self) -> None:
            for _ in range(3):
                self.context.spawn(Idler)

        def _report_health(self) -> HealthNote:
            return note()

    class Blocking(ThreadActor):
        pass

    kinds: list[type[Actor]] = [Parent, AsyncPuppet, Idler, Blocking]

    with ActorSystem() as system:
        recorder = HealthRecorder(system)

        def work(number: int) -> None:
            for round_ in range(60):
                ref = system.spawn(kinds[(number + round_) % len(kinds)])
                ref.tell("anything")
                check(recorder.picture())
                ref.stop(block=round_ % 2 == 0)
                check(recorder.picture())

        with quick_switches():
            in_threads(8, work)

        for ref in system.actors:
            ref.stop()
        assert picture(system).tree.children == ()


def check(health: SystemHealth) -> None:
    actors = [*health.tree.walk()]
    assert health.status == "healthy"
    assert health.totals.actors == len(actors) - 1
    assert all(actor.state != "stopped" for actor in actors)
    assert len({actor.path for actor in actors}) == len(actors)


async def test_a_picture_can_be_taken_from_within_an_actor() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Puppet, name="it")

        health = await within(ref.request(Do(lambda actor: picture(actor.context.system))))

    assert health.find("/it").state == "running"


async def test_a_picture_changes_nothing() -> None:
    async with ActorSystem() as system:
        refs = [system.spawn(kind) for kind in KINDS]
        for ref in refs:
            await settled(ref)
        before, events = system.statistics(), Events(system)
        for _ in range(10):
            picture(system)
        logs = [await within(ref.request(Do(lambda actor: [*actor.log]))) for ref in refs]

        assert logs == [["on_start"]] * 3
        assert (system.statistics(), events.all) == (before, [])


# -- the values --------------------------------------------------------------------------------


async def test_find_knows_the_paths_of_the_picture_only() -> None:
    async with ActorSystem() as system:
        system.spawn(Idler, name="it")
        health = picture(system)

    assert health.find("/") is health.tree
    assert health.find("/it") is health.tree.children[0]
    for path in ("/nobody", "/it/nobody", "/nobody/it", "it", "", "//"):
        assert health.find(path) is None


async def test_a_picture_becomes_json_with_a_flat_list_of_actors() -> None:
    clock = ManualClock()
    async with ActorSystem("shop", clock=clock) as system:
        system.spawn(Props(Reporter, [note(a=CACHED)], "a"), name="sup")
        text = picture(system).to_json()

    read = json.loads(text)
    assert [*read] == ["system", "status", "time", "monotonic", "totals", "degraded", "actors"]
    assert (read["system"], read["status"]) == ("shop", "degraded")
    assert (read["time"], read["monotonic"]) == ("2000-01-01T00:00:00+00:00", 0.0)
    assert read["totals"] == {"actors": 2, "queued": 0, "dead_letters": 0, "restarts": 0}
    assert read["degraded"] == [
        {"path": "/sup/a", "status": "degraded", "reason": "upstream is down"}
    ]
    assert [actor["path"] for actor in read["actors"]] == ["/", "/sup", "/sup/a"]
    assert read["actors"][1]["restarts_in_window"] == 2
    assert read["actors"][2] == {
        "path": "/sup/a",
        "name": "a",
        "actor_class": "Idler",
        "kind": "loop",
        "state": "running",
        "status": "degraded",
        "reason": "upstream is down",
        "incarnation": 1,
        "restarts": 0,
        "restarts_in_window": None,
        "intensity": None,
        "period": None,
        "mailbox_depth": 0,
        "oldest_age": None,
        "degraded": {
            "rung": "cached",
            "reason": "upstream is down",
            "since": 3.0,
            "since_time": "2000-01-01T00:00:00+00:00",
            "rungs_left": 1,
        },
    }


async def test_what_is_not_healthy_is_listed_in_the_order_of_the_tree() -> None:
    async with ActorSystem() as system:
        for name in "xy":
            system.spawn(Props(Reporter, [note(b=CACHED, a=CACHED)], "ab"), name=name)
        health = picture(system)

    assert [part.path for part in health.degraded] == ["/x/a", "/x/b", "/y/a", "/y/b"]


async def test_the_values_show_in_a_line_how_they_fare() -> None:
    async with ActorSystem("shop") as system:
        system.spawn(Idler, name="it")
        health = picture(system)

    assert repr(health) == "<SystemHealth shop healthy actors=1 queued=0 degraded=0>"
    assert repr(health.find("/it")) == (
        "<ActorHealth /it running healthy incarnation=1 queued=0 children=0>"
    )


async def test_a_picture_is_walked_as_far_as_one_likes() -> None:
    async with ActorSystem() as system:
        for _ in range(5):
            system.spawn(Idler)

        assert len([*islice(picture(system).tree.walk(), 3)]) == 3
