"""What else an incarnation takes with it: its watches, behaviour, stash and children."""

from typing import Any

import pytest

from dramaturg.actors import ActorStopped
from tests.actors.kit import Crash, Do, Fail, Note, within
from tests.supervision.fault_world import world
from tests.supervision.faults import (
    AsyncChild,
    Kind,
    LoopChild,
    PlainChild,
    Script,
    ThreadChild,
    birth,
    child,
    each_hanging,
    with_plain,
)
from tests.supervision.incarnations_kit import Mortal, crash

OWN: list[Kind] = [PlainChild, LoopChild, AsyncChild, ThreadChild]
"""Those whose messages are looked at by class: pykka's own cannot become."""
each_own = pytest.mark.parametrize("kind", OWN, ids=lambda kind: kind.__name__)


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
