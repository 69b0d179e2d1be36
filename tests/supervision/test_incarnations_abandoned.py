"""What an instance that was killed or given up still does does not reach the next one."""

import asyncio
import threading
from typing import Any

import pytest

from dramaturg.actors import Actor, ActorStopped, LateReply, Props, ThreadLeaked, handler
from dramaturg.supervision import Backoff
from tests.actors.kit import Do, Note, within
from tests.supervision.fault_world import turns, world
from tests.supervision.faults import (
    LONG,
    AsyncChild,
    Kind,
    LoopChild,
    Script,
    birth,
    child,
    each_thread,
)


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
