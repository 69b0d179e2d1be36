"""What a picture shows of each actor and of the system, whatever they are about."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import ActorRef, ActorSystem, Directive, ManualClock, Props, SystemStateError
from dramaturg.actors._exit_reason import KILLED, NORMAL, ExitReason, failed
from dramaturg.actors._health_recorder import LONGEST_REASON, HealthRecorder
from dramaturg.actors._state import DOWN, RUNNING
from tests.actors.health_kit import found, picture
from tests.actors.kit import (
    AsyncPuppet,
    Crash,
    Do,
    Fail,
    Idler,
    Kind,
    Note,
    Puppet,
    ThreadPuppet,
    ended,
    settled,
    stop,
    within,
)


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
