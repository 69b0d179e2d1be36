"""What passes from one incarnation of a child to the next, and what does not."""

import asyncio
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorEnded,
    ActorRef,
    ActorRestarted,
    ActorStarted,
    ActorStopped,
    ActorSystem,
    DeadLetterReason,
    LateReply,
    Props,
    Terminated,
    ThreadLeaked,
    handler,
)
from dramaturg.supervision import (
    Backoff,
    ChildRunning,
    ChildStarted,
    DeleteChild,
    RestartChild,
    StartChild,
    StartInstance,
    Supervisor,
    SupervisorSpec,
    TerminateChild,
)
from tests.actors.kit import LIMIT, Crash, Do, Fail, Note, within
from tests.supervision.faults import (
    AsyncChild,
    Hook,
    Kind,
    LoopChild,
    PlainChild,
    Script,
    ThreadChild,
    World,
    birth,
    child,
    each_hanging,
    each_kind,
    each_thread,
    started,
    template,
    turns,
    with_plain,
    world,
)

LONG = 60.0
"""Seconds of virtual time; longer than anything here takes."""

OWN: list[Kind] = [PlainChild, LoopChild, AsyncChild, ThreadChild]
"""Those whose messages are looked at by class: pykka's own cannot become."""
each_own = pytest.mark.parametrize("kind", OWN, ids=lambda kind: kind.__name__)


async def crash(ref: ActorRef[Any]) -> None:
    """Let the child crash, and wait until the next instance serves."""
    before = await within(ref.request(Do(birth)))
    ref.tell(Fail(Crash()))
    assert await within(ref.request(Do(birth))) == before + 1


# -- ref, name and mailbox --------------------------------------------------------------


@with_plain
async def test_ref_name_and_place_stay_over_restarts(kind: Kind) -> None:
    async with world() as it:
        await it.supervise(child(kind, Script()))
        ref = it.ref()
        known = {ref: "a place in a dictionary"}
        urn = ref.actor_urn

        for number in range(1, 4):
            await crash(ref)
            assert ref.cell.incarnation == number + 1

        assert it.ref() is ref
        assert known[it.ref()] == "a place in a dictionary"
        assert (ref.path, ref.name, ref.actor_urn) == ("/sup/it", "it", urn)
        assert it.actors == 2


@with_plain
async def test_the_message_that_crashed_is_not_handled_again(kind: Kind) -> None:
    tried: list[int] = []

    def fall(actor: Any) -> None:
        tried.append(actor.birth)
        raise Crash

    message = Do(fall)
    async with world() as it:
        await it.supervise(child(kind, Script()))
        ref = it.ref()

        ref.tell(message)
        assert await within(ref.request(Do(birth))) == 2

        assert tried == [1]
        [letter] = it.system.dead_letters.list()
        assert letter.message is message
        assert letter.reason is DeadLetterReason.CRASHED
        assert isinstance(letter.error, ActorCrashed)
        assert isinstance(letter.error.__cause__, Crash)
        assert letter.error.incarnation == 1


@each_hanging
async def test_a_request_that_is_pending_at_a_crash_fails_at_once_and_those_queued_are_answered(
    kind: Kind,
) -> None:
    async with world() as it:
        hang = it.hang()
        error = Crash("after a while")

        def fall_later(actor: Any) -> Any:
            if kind is AsyncChild:
                return fall_async(actor)
            hang(actor)
            raise error

        async def fall_async(actor: Any) -> None:
            await hang(actor)
            raise error

        script = Script()
        await it.supervise(child(kind, script, backoff=Backoff(10.0, 10.0)))
        ref = it.ref()
        pending = asyncio.ensure_future(ref.request(Do(fall_later), timeout=LONG))
        await hang.reached()
        queued = [asyncio.ensure_future(ref.request(Note(n), timeout=LONG)) for n in range(5)]
        later = [ref.ask(Note(n), block=False) for n in range(5, 10)]
        await turns()

        hang.release()
        # Before the next instance is there.
        with pytest.raises(ActorCrashed) as caught:
            await within(pending)
        assert caught.value.__cause__ is error
        assert script.births == 1
        assert not any(answer.done() for answer in queued)
        await it.planned(6)
        await it.passes(10.0)

        assert [await within(answer) for answer in queued] == [2] * 5
        assert [await within(answer) for answer in later] == [2] * 5
        assert sorted(script.handled) == [(n, 2) for n in range(10)]


@with_plain
async def test_keep_mailbox_false_sends_what_is_queued_to_the_dead_letters(kind: Kind) -> None:
    answers: list[Any] = []

    def send_and_fall(actor: Any) -> None:
        for number in range(5):
            actor.actor_ref.tell(Note(number))
        answers.append(actor.actor_ref.ask(Note("asked"), block=False))
        raise Crash

    script = Script()
    async with world() as it:
        await it.supervise(child(kind, script, keep_mailbox=False))
        ref = it.ref()

        ref.tell(Do(send_and_fall))
        await it.incarnations(1)
        with pytest.raises(ActorStopped):
            await within(answers[0])

        assert it.letters(DeadLetterReason.STOPPED) == [0, 1, 2, 3, 4, "asked"]
        assert await within(ref.request(Note("for the second"))) == 2
        assert script.handled == [("for the second", 2)]


@each_kind
@pytest.mark.parametrize("where", ["handler", "on_stop"])
async def test_keep_mailbox_false_holds_also_if_the_child_stops(kind: Kind, where: str) -> None:
    def send_and_stop(actor: Any) -> None:
        if where == "handler":
            actor.actor_ref.tell(Note("queued"))
        actor.stop()

    script = Script()
    if where == "on_stop":
        script.on("on_stop", lambda actor: actor.actor_ref.tell(Note("queued")), birth=1)
    async with world() as it:
        await it.supervise(child(kind, script, keep_mailbox=False))
        ref = it.ref()

        ref.tell(Do(send_and_stop))
        await it.incarnations(1)

        assert await within(ref.request(Do(birth))) == 2
        assert it.letters(DeadLetterReason.STOPPED) == ["queued"]
        assert script.handled == []


@each_hanging
async def test_keep_mailbox_false_holds_also_if_the_child_is_killed(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script()
        await it.supervise(child(kind, script, keep_mailbox=False))
        ref = it.ref()
        ref.tell(Do(hang))
        await hang.reached()
        ref.tell(Note("queued"))

        ref.kill()
        await it.incarnations(1)

        assert await within(ref.request(Do(birth))) == 2
        assert it.letters(DeadLetterReason.STOPPED) == ["queued"]
        assert script.handled == []


@with_plain
async def test_the_class_may_say_whether_it_keeps_its_mailbox_and_the_spec_goes_before(
    kind: Kind,
) -> None:
    class Forgetful(kind):  # type: ignore[misc]
        keep_mailbox = False

    def send_and_fall(actor: Any) -> None:
        actor.actor_ref.tell(Note("queued"))
        raise Crash

    async with world() as it:
        scripts = [Script(), Script()]
        await it.supervise(
            child(Forgetful, scripts[0], "own"),
            child(Forgetful, scripts[1], "spec", keep_mailbox=True),
        )
        for name in ("own", "spec"):
            it.ref(f"/sup/{name}").tell(Do(send_and_fall))
            await it.incarnations(1, f"/sup/{name}")
            assert await within(it.ref(f"/sup/{name}").request(Do(birth))) == 2

        assert scripts[0].handled == []
        assert scripts[1].handled == [("queued", 2)]


def spin(condition: Callable[[], bool]) -> None:
    """Wait in a thread that must not go on, for what another one does."""
    end = monotonic() + LIMIT
    while not condition():
        assert monotonic() < end


@each_thread
async def test_no_message_reaches_a_thread_child_while_its_init_runs(kind: Kind) -> None:
    seen: list[int] = []

    def linger(actor: Any) -> None:
        ref = actor.actor_ref
        ref.tell(Note("early"))
        # The thread has looked at it and left again.
        spin(lambda: ref.cell.idle and ref.cell.dispatcher._tokens.empty())
        seen.append(len(script.handled))

    script = Script().on("__init__", linger, birth=2)
    async with world() as it:
        await it.supervise(child(kind, script))
        ref = it.ref()

        ref.tell(Fail(Crash()))
        await it.incarnations(1)

        assert await within(ref.request(Do(birth))) == 2
        assert seen == [0]
        assert script.handled == [("early", 2)]


@each_thread
@pytest.mark.parametrize("hook", ["on_restart", "on_start"])
async def test_no_message_reaches_a_thread_child_before_its_hooks_have_run(
    kind: Kind, hook: Hook
) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script().on(hook, hang, birth=2)
        await it.supervise(child(kind, script))
        ref = it.ref()

        ref.tell(Fail(Crash()))
        ref.tell(Note("early"))
        await hang.reached()
        assert script.handled == []
        hang.release()

        assert await within(ref.request(Do(birth))) == 2
        assert script.handled == [("early", 2)]


def test_no_asking_thread_runs_a_child_while_its_init_runs() -> None:
    """In a system with a loop of its own, threads that ask run the handlers where they may."""
    answers: list[int] = []
    seen: list[int] = []
    askers: list[threading.Thread] = []
    made = threading.Event()

    def linger(actor: Any) -> None:
        ref = actor.actor_ref
        # Whoever ran the instance before has left.
        spin(lambda: ref.cell.idle and not ref.cell.system.direct._lock.locked())
        asker = threading.Thread(
            target=lambda: answers.append(ref.ask(Note("early"), timeout=LIMIT))
        )
        askers.append(asker)
        asker.start()
        # It has either left its request in the mailbox, or had it handled by itself.
        spin(lambda: len(ref.cell.mailbox) > 0 or not asker.is_alive())
        seen.append(len(script.handled))
        made.set()

    script = Script().on("__init__", linger, birth=2)
    with ActorSystem("test") as system:
        spec = SupervisorSpec([child(LoopChild, script)])
        sup = system.spawn(Props(Supervisor, spec), name="sup")
        sup.started().get(timeout=LIMIT)
        ref = system.lookup("/sup/it")
        assert ref is not None

        # Its hooks let the supervisor see to the restart, in its own turn.
        with pytest.raises(ActorCrashed):
            ref.ask(Fail(Crash()), timeout=LIMIT)
        assert made.wait(LIMIT)
        assert ref.ask(Do(birth), timeout=LIMIT) == 2

        for asker in askers:
            asker.join(LIMIT)
    assert seen == [0]
    assert answers == [2]
    assert script.handled == [("early", 2)]


# -- what an incarnation takes with it --------------------------------------------------


@with_plain
@pytest.mark.parametrize(
    "options", [{"after": 5.0}, {"every": 5.0}, {"every": 5.0, "fixed_rate": True}]
)
async def test_timers_end_with_their_incarnation(kind: Kind, options: dict[str, Any]) -> None:
    script = Script()
    async with world() as it:
        await it.supervise(child(kind, script))
        ref = it.ref()
        await within(
            ref.request(Do(lambda actor: actor.context.start_timer("t", Note("tick"), **options)))
        )

        await crash(ref)
        assert it.clock.pending == 0
        await it.passes(20.0)

        await within(ref.request(Do(birth)))
        assert script.handled == []


@each_hanging
async def test_a_tick_that_is_queued_at_the_crash_does_not_reach_the_next_instance(
    kind: Kind,
) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script()
        await it.supervise(child(kind, script))
        ref = it.ref()
        await within(
            ref.request(Do(lambda actor: actor.context.start_timer("t", Note("tick"), after=1.0)))
        )
        ref.tell(Do(hang))
        await hang.reached()
        ref.tell(Fail(Crash()))
        # Rings now, behind the crash: the tick waits in the mailbox over the restart.
        await it.passes(2.0)
        ref.tell(Note("after"))
        hang.release()

        assert await within(ref.request(Do(birth))) == 2
        assert script.handled == [("after", 2)]


@each_thread
async def test_the_timers_of_an_abandoned_thread_end_with_it(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script()
        await it.supervise(child(kind, script))
        ref = it.ref()
        await within(
            ref.request(Do(lambda actor: actor.context.start_timer("t", Note("tick"), every=5.0)))
        )
        ref.tell(Do(hang))
        await hang.reached()

        ref.kill()

        assert await within(ref.request(Do(birth))) == 2
        assert it.clock.pending == 0
        await it.passes(20.0)
        await within(ref.request(Do(birth)))
        assert script.handled == []


@each_kind
async def test_a_timer_that_is_started_in_on_stop_does_not_reach_the_next_instance(
    kind: Kind,
) -> None:
    def start(actor: Any) -> None:
        actor.context.start_timer("t", Note("tick"), every=5.0)

    script = Script().on("on_stop", start, birth=1)
    async with world() as it:
        await it.supervise(child(kind, script))
        ref = it.ref()
        ref.request_stop()
        await it.incarnations(1)

        assert await within(ref.request(Do(birth))) == 2
        assert it.clock.pending == 0
        await it.passes(20.0)
        await within(ref.request(Do(birth)))
        assert script.handled == []


@each_kind
async def test_a_timer_of_the_same_key_belongs_to_the_instance_that_started_it(
    kind: Kind,
) -> None:
    def start(actor: Any) -> None:
        actor.context.start_timer("t", Note(f"tick of {actor.birth}"), after=5.0)

    script = Script().on("on_start", start)
    async with world() as it:
        await it.supervise(child(kind, script))
        ref = it.ref()
        await it.passes(3.0)

        await crash(ref)
        await it.passes(3.0)
        await within(ref.request(Do(birth)))
        assert script.handled == []
        await it.passes(2.0)
        await within(ref.request(Do(birth)))

        assert script.handled == [("tick of 2", 2)]


@with_plain
async def test_the_receive_timeout_ends_with_its_incarnation(kind: Kind) -> None:
    script = Script()
    async with world() as it:
        await it.supervise(child(kind, script))
        ref = it.ref()
        await within(
            ref.request(Do(lambda actor: actor.context.set_receive_timeout(5.0, Note("silence"))))
        )

        await crash(ref)
        assert it.clock.pending == 0
        await it.passes(20.0)

        await within(ref.request(Do(birth)))
        assert script.handled == []


class Mortal(Actor):
    """Somebody to watch."""


@with_plain
async def test_watches_end_with_their_incarnation(kind: Kind) -> None:
    script = Script()
    async with world() as it:
        target = it.system.spawn(Mortal)
        await it.supervise(child(kind, script))
        ref = it.ref()
        await within(
            ref.request(Do(lambda actor: actor.context.watch(target, Note("it has ended"))))
        )

        await crash(ref)
        await within(target.stop(block=False))

        await within(ref.request(Do(birth)))
        assert script.handled == []
        assert target.cell.extra is None or target.cell.extra.watchers == {}


@each_hanging
async def test_a_notice_that_is_queued_at_the_crash_does_not_reach_the_next_instance(
    kind: Kind,
) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script()
        target = it.system.spawn(Mortal)
        await it.supervise(child(kind, script))
        ref = it.ref()
        await within(
            ref.request(Do(lambda actor: actor.context.watch(target, Note("it has ended"))))
        )
        ref.tell(Do(hang))
        await hang.reached()
        ref.tell(Fail(Crash()))
        await within(target.stop(block=False))
        hang.release()

        assert await within(ref.request(Do(birth))) == 2
        assert script.handled == []


@each_own
async def test_what_an_instance_has_become_ends_with_it(kind: Kind) -> None:
    def receive(message: Any) -> Any:
        if isinstance(message, Fail):
            raise message.error
        return "another behaviour"

    script = Script()
    async with world() as it:
        await it.supervise(child(kind, script))
        ref = it.ref()
        await within(ref.request(Do(lambda actor: actor.context.become(receive))))
        assert await within(ref.request(Note(1))) == "another behaviour"

        ref.tell(Fail(Crash()))
        await it.incarnations(1)

        assert await within(ref.request(Note(2))) == 2
        assert await within(ref.request(Do(lambda actor: actor.context.unbecome()))) is None
        assert await within(ref.request(Note(3))) == 2


@with_plain
async def test_the_stash_is_put_back_in_front_in_order(kind: Kind) -> None:
    stashed: list[Any] = []

    def stash(actor: Any) -> Any:
        if actor.birth == 1:
            return actor.context.stash()
        stashed.append(len(stashed))
        return "unstashed"

    def send_and_fall(actor: Any) -> None:
        for number in range(3):
            actor.actor_ref.tell(Note(number))
        raise Crash

    script = Script()
    async with world() as it:
        await it.supervise(child(kind, script))
        ref = it.ref()
        waiting = [ref.ask(Do(stash), block=False) for _ in range(3)]
        await within(ref.request(Do(birth)))
        assert not any(each.is_done() for each in waiting)

        order: list[int] = []
        for each in waiting:
            each.add_done_callback(lambda: order.append(len(script.handled)))
        ref.tell(Do(send_and_fall))
        await it.incarnations(1)
        await within(ref.request(Do(birth)))

        assert [await within(each) for each in waiting] == ["unstashed"] * 3
        # All of them before the first of those that were queued behind.
        assert order == [0, 0, 0]
        assert script.handled == [(0, 2), (1, 2), (2, 2)]


@with_plain
async def test_a_stash_is_buried_with_a_child_that_keeps_no_mailbox(kind: Kind) -> None:
    script = Script()
    async with world() as it:
        await it.supervise(child(kind, script, keep_mailbox=False))
        ref = it.ref()
        waiting = ref.ask(Do(lambda actor: actor.context.stash()), block=False)
        await within(ref.request(Do(birth)))

        ref.tell(Fail(Crash()))

        with pytest.raises(ActorStopped):
            await within(waiting)
        assert await within(ref.request(Do(birth))) == 2


@with_plain
async def test_the_children_of_an_instance_end_with_it(kind: Kind) -> None:
    async with world() as it:
        await it.supervise(child(kind, Script()))
        ref = it.ref()
        below = await within(ref.request(Do(lambda actor: actor.context.spawn(Mortal, name="m"))))

        await crash(ref)

        assert not below.is_alive()
        assert it.actors == 2
        again = await within(ref.request(Do(lambda actor: actor.context.spawn(Mortal, name="m"))))
        assert again != below
        assert it.gone("/sup/it/m") == 1


# -- replies that come late -------------------------------------------------------------


class Slow(Actor):
    """Answers when it is told to."""

    def __init__(self, gate: asyncio.Event) -> None:
        self.gate = gate

    @handler
    async def do(self, message: Do) -> str:
        await self.gate.wait()
        return "a late answer"


async def test_the_reply_to_a_killed_instance_does_not_reach_the_next_one() -> None:
    gate = asyncio.Event()
    got: list[Any] = []

    async with world() as it:
        slow = it.system.spawn(Props(Slow, gate))

        async def ask(actor: Any) -> None:
            got.append((actor.birth, await slow.request(Do(birth), timeout=LONG)))

        script = Script()
        await it.supervise(child(AsyncChild, script))
        ref = it.ref()
        asking = asyncio.ensure_future(ref.request(Do(ask), timeout=LONG))
        await it.planned(2)

        ref.kill()
        with pytest.raises(ActorStopped):
            await within(asking)
        assert await within(ref.request(Do(birth))) == 2
        gate.set()
        await turns()

        assert got == []
        assert await within(ref.request(Do(birth))) == 2
        assert script.births == 2


@each_thread
async def test_the_answer_that_an_abandoned_thread_waits_for_stays_with_it(kind: Kind) -> None:
    got: list[Any] = []
    gate = asyncio.Event()
    async with world() as it:
        slow = it.system.spawn(Props(Slow, gate))
        left = it.hang()
        left.release()

        def ask(actor: Any) -> str:
            got.append((actor.birth, slow.ask(Do(birth), timeout=LONG)))
            left(actor)
            return "of the first"

        script = Script()
        await it.supervise(child(kind, script))
        ref = it.ref()
        asking = ref.ask(Do(ask), block=False)
        await it.planned(1)

        ref.kill()
        with pytest.raises(ActorStopped):
            await within(asking)
        assert await within(ref.request(Do(birth))) == 2
        gate.set()
        await left.reached()

        assert got == [(1, "a late answer")]
        assert await within(ref.request(Do(birth))) == 2
        assert len(it.events.of(ThreadLeaked)) == 1


@each_thread
async def test_what_an_abandoned_thread_sends_late_is_accounted_for_once(kind: Kind) -> None:
    async with world() as it:
        hang, left = it.hang(), it.hang()
        left.release()
        script, other = Script(), Script()

        def send_late(actor: Any) -> None:
            hang(actor)
            for number in range(100):
                actor.actor_ref.tell(Note(("own", number)))
                peer.tell(Note(("peer", number)))
            left(actor)

        await it.supervise(child(kind, script), child(LoopChild, other, "peer"))
        ref, peer = it.ref(), it.ref("/sup/peer")
        ref.tell(Do(send_late))
        await hang.reached()
        ref.kill()
        assert await within(ref.request(Do(birth))) == 2

        hang.release()
        await left.reached()
        assert await within(ref.request(Do(birth))) == 2
        await within(peer.request(Do(birth)))

        notes = [text for text, _ in script.handled + other.handled]
        dead = [each for each in it.letters() if not isinstance(each, Do)]
        assert sorted(notes + dead) == sorted(
            (name, number) for name in ("own", "peer") for number in range(100)
        )
        # Handled, if at all, by the instance that serves.
        assert {number for _, number in script.handled} <= {2}
        assert [n for (_, n), _ in script.handled] == sorted(n for (_, n), _ in script.handled)


@each_thread
async def test_an_abandoned_thread_is_told_of_once_and_the_old_refs_lead_to_the_next_instance(
    kind: Kind,
) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script()
        await it.supervise(child(kind, script))
        ref = it.ref()
        own = await within(ref.request(Do(lambda actor: actor.actor_ref)))
        context_ref = await within(ref.request(Do(lambda actor: actor.context.ref)))
        ref.tell(Do(hang))
        await hang.reached()

        for number in range(3):
            ref.kill()
            await it.incarnations(number + 1)
            assert await within(ref.request(Do(birth))) == number + 2
            ref.tell(Do(hang))
            await hang.reached(number + 2)

        assert own is ref
        assert context_ref is ref
        assert it.ref() is ref
        leaks = it.events.of(ThreadLeaked)
        assert len(leaks) == 3
        assert len({leak.thread for leak in leaks}) >= 1
        ref.kill()
        assert await within(own.request(Do(birth))) == 5
        hang.release()
        await turns()
        assert await within(own.request(Do(birth))) == 5
        assert len(it.events.of(ThreadLeaked)) == 4
        assert it.events.of(LateReply) == []
        assert it.ends() == ["killed"] * 4


@each_thread
async def test_the_messages_of_an_abandoned_instance_go_to_the_next_one_in_order(
    kind: Kind,
) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script()
        await it.supervise(child(kind, script))
        ref = it.ref()
        ref.tell(Do(hang))
        await hang.reached()
        for number in range(50):
            ref.tell(Note(number))

        ref.kill()
        for number in range(50, 100):
            ref.tell(Note(number))

        assert await within(ref.request(Do(birth))) == 2
        assert script.handled == [(number, 2) for number in range(100)]


@each_thread
async def test_an_abandoned_thread_that_comes_back_during_the_pause_ends(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        threads: list[threading.Thread] = []

        def hold(actor: Any) -> None:
            threads.append(threading.current_thread())
            hang(actor)

        await it.supervise(child(kind, Script(), backoff=Backoff(10.0, 10.0)))
        ref = it.ref()
        ref.tell(Do(hold))
        await hang.reached()
        ref.kill()
        await it.planned()

        hang.release()
        await within(asyncio.to_thread(threads[0].join, 5.0))
        assert not threads[0].is_alive()
        await it.passes(10.0)

        assert await within(ref.request(Do(birth))) == 2
        assert it.ends() == ["killed"]


# -- watchers ---------------------------------------------------------------------------


class Watcher(Actor):
    def __init__(self, ref: ActorRef[Any], log: list[Any]) -> None:
        self.ref = ref
        self.log = log

    def on_start(self) -> None:
        self.context.watch(self.ref)

    @handler
    def terminated(self, message: Terminated) -> None:
        self.log.append(message)

    @handler
    def do(self, message: Do) -> Any:
        return message.what(self)


async def watch(it: World, ref: ActorRef[Any]) -> tuple[list[Any], ActorRef[Any]]:
    log: list[Any] = []
    watcher = it.system.spawn(Props(Watcher, ref, log))
    await within(watcher.started())
    return log, watcher


@with_plain
@pytest.mark.parametrize("end", ["crash", "kill", "stop", "drain"])
async def test_watchers_are_told_once_and_only_of_the_end_for_good(kind: Kind, end: str) -> None:
    script = Script()
    async with world() as it:
        sup = await it.supervise(child(kind, script))
        ref = it.ref()
        log, watcher = await watch(it, ref)

        for number in range(1, 4):
            match end:
                case "crash":
                    ref.tell(Fail(Crash()))
                case "kill":
                    ref.kill()
                case "stop":
                    await within(ref.stop(block=False))
                case _:
                    await within(ref.drain(block=False))
            await it.incarnations(number)
            assert await within(ref.request(Do(birth))) == number + 1
        await within(watcher.request(Do(lambda actor: None)))
        assert log == []

        await within(sup.request(TerminateChild("it")))
        await within(watcher.request(Do(lambda actor: None)))

        assert log == [Terminated(ref)]
        assert it.gone("/sup/it") == 1


@with_plain
async def test_watchers_are_told_when_restarts_are_exhausted_with_the_last_error(
    kind: Kind,
) -> None:
    async with world() as it:
        await it.supervise(child(kind, Script()), intensity=2)
        ref = it.ref()
        log, watcher = await watch(it, ref)

        errors = [Crash(number) for number in range(3)]
        for error in errors:
            ref.tell(Fail(error))
        await it.events.until(lambda: it.gone("/sup") == 1)
        await within(watcher.request(Do(lambda actor: None)))

        assert [notice.ref for notice in log] == [ref]
        assert log[0].error is errors[-1]


@each_thread
async def test_watchers_are_told_once_also_if_a_thread_was_abandoned_on_the_way(
    kind: Kind,
) -> None:
    async with world() as it:
        hang = it.hang()
        sup = await it.supervise(child(kind, Script()))
        ref = it.ref()
        log, watcher = await watch(it, ref)
        ref.tell(Do(hang))
        await hang.reached()

        ref.kill()
        assert await within(ref.request(Do(birth))) == 2
        await within(watcher.request(Do(lambda actor: None)))
        assert log == []
        # Somebody who begins to watch by the old ref watches the new instance.
        second, other = await watch(it, ref)
        await within(sup.request(TerminateChild("it")))
        for each in (watcher, other):
            await within(each.request(Do(lambda actor: None)))

        assert log == second == [Terminated(ref)]
        hang.release()
        await turns()
        await within(watcher.request(Do(lambda actor: None)))
        assert len(log) == 1


@each_kind
async def test_a_supervised_watcher_is_told_in_its_own_incarnation_only(kind: Kind) -> None:
    script = Script()
    async with world() as it:
        target = it.system.spawn(Mortal)
        script.on(
            "on_start",
            lambda actor: actor.context.watch(target, Note(f"told by {actor.birth}")),
        )
        await it.supervise(child(kind, script))
        ref = it.ref()

        await crash(ref)
        await crash(ref)
        await within(target.stop(block=False))
        await within(ref.request(Do(birth)))

        assert script.handled == [("told by 3", 3)]


# -- back from the dead -----------------------------------------------------------------


@with_plain
async def test_a_terminated_child_comes_back_to_life_under_the_same_ref(kind: Kind) -> None:
    script = Script()
    async with world() as it:
        sup = await it.supervise(child(kind, script))
        ref = it.ref()
        log, watcher = await watch(it, ref)
        for number in range(1, 4):
            await within(sup.request(TerminateChild("it")))
            assert not ref.is_alive()
            assert it.actors == 2
            ref.tell(Note(f"lost {number}"))
            with pytest.raises(ActorStopped):
                await within(ref.request(Note(f"refused {number}")))

            assert await within(sup.request(RestartChild("it"))) == ChildStarted(ref)
            assert ref.is_alive()
            assert await within(ref.request(Do(birth))) == number + 1
            assert ref.cell.incarnation == number + 1
            assert it.actors == 3
        with pytest.raises(ChildRunning):
            await within(sup.request(RestartChild("it")))

        await within(watcher.request(Do(lambda actor: None)))
        # The first end was one for good, and the watch ended with it.
        assert log == [Terminated(ref)]
        assert script.handled == []
        assert it.gone("/sup/it") == 3
        assert len(it.events.of(ActorStarted, "/sup/it")) == 4
        letters = it.letters(DeadLetterReason.STOPPED)
        assert letters == [f"{what} {n}" for n in range(1, 4) for what in ("lost", "refused")]


@with_plain
async def test_a_transient_child_that_has_done_its_work_may_be_started_again(kind: Kind) -> None:
    script = Script()
    async with world() as it:
        sup = await it.supervise(child(kind, script, restart="transient"))
        ref = it.ref()
        await within(ref.stop(block=False))
        await it.events.until(lambda: it.gone("/sup/it") == 1)

        await within(sup.request(RestartChild("it")))

        assert await within(ref.request(Do(birth))) == 2
        await crash(ref)


@with_plain
async def test_a_deleted_child_does_not_come_back(kind: Kind) -> None:
    async with world() as it:
        sup = await it.supervise(child(kind, Script()))
        ref = it.ref()
        await within(sup.request(TerminateChild("it")))
        await within(sup.request(DeleteChild("it")))

        other = await started(sup, StartChild(child(kind, Script())))

        assert other != ref
        assert not ref.is_alive()
        with pytest.raises(ActorStopped):
            await within(ref.request(Do(birth)))
        assert await within(other.request(Do(birth))) == 1


@each_hanging
async def test_a_child_that_was_given_up_when_it_was_terminated_comes_back_under_its_ref(
    kind: Kind,
) -> None:
    async with world() as it:
        hang = it.hang(stubborn=True)
        script = Script()
        sup = await it.supervise(child(kind, script, shutdown="brutal_kill"))
        ref = it.ref()
        ref.tell(Do(hang))
        await hang.reached()
        terminating = asyncio.ensure_future(sup.request(TerminateChild("it"), timeout=LONG))
        await it.passes(1.0)
        await within(terminating)
        assert not ref.is_alive()

        assert await started(sup, RestartChild("it")) is ref
        assert await within(ref.request(Do(birth))) == 2
        hang.release()
        await turns()
        assert await within(ref.request(Do(birth))) == 2
        assert it.ends() == ["killed"]
        assert it.gone("/sup/it") == 1
        assert it.actors == 2


# -- what the world is told -------------------------------------------------------------


@with_plain
async def test_each_incarnation_is_told_of_by_one_start_and_one_end(kind: Kind) -> None:
    async with world() as it:
        sup = await it.supervise(child(kind, Script()))
        ref = it.ref()
        for _ in range(3):
            await crash(ref)
        await within(sup.stop(block=False))

        assert [event.incarnation for event in it.events.of(ActorStarted, "/sup/it")] == [
            1,
            2,
            3,
            4,
        ]
        assert it.ends() == ["failed", "failed", "failed", "shutdown"]
        assert [event.incarnation for event in it.events.of(ActorRestarted, "/sup/it")] == [2, 3, 4]
        assert [event.restarts for event in it.events.of(ActorRestarted, "/sup/it")] == [1, 2, 3]
        assert len(it.events.of(ActorEnded, "/sup/it")) == 1


@each_kind
async def test_the_cause_of_a_restart_is_shown_to_the_new_instance(kind: Kind) -> None:
    script = Script()
    errors = [Crash("first"), Crash("second")]
    async with world() as it:
        await it.supervise(child(kind, script))
        for error in errors:
            it.ref().tell(Fail(error))
        await it.incarnations(2)
        assert await within(it.ref().request(Do(birth))) == 3

        assert script.causes == errors
        assert script.hooks(1) == ["__init__", "on_start", "on_failure"]
        assert script.hooks(2) == ["__init__", "on_restart", "on_start", "on_failure"]


async def test_a_pool_forgets_an_instance_that_has_ended_and_its_name_is_free() -> None:
    async with world() as it:
        one = template(LoopChild, restart="temporary")
        sup = await it.supervise(one, strategy="simple_one_for_one")
        first = await started(sup, StartInstance(Script(), name="a"))
        await within(first.stop(block=False))
        await it.events.until(lambda: it.gone("/sup/a") == 1)

        second = await started(sup, StartInstance(Script(), name="a"))

        assert second != first
        assert not first.is_alive()
        assert await within(second.request(Do(birth))) == 1
