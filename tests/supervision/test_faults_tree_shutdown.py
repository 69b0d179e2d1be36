"""A system ends in bounded time, whatever its supervisors and their children do."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import ActorEnded, DeadLetterReason, ShutdownTimedOut, SystemEnded
from dramaturg.supervision import ChildSpec
from tests.actors.kit import Crash, Do, Fail, Note, within
from tests.supervision.fault_world import turns, world
from tests.supervision.faults import AsyncChild, Hook, Kind, LoopChild, Script, child, each_hanging
from tests.supervision.trees_kit import subtree


def hanging_tree(kind: Kind, hang: Any, hook: Hook | None, depth: int = 2) -> list[ChildSpec]:
    """Make supervisors of supervisors of children that hang, none of them with a limit."""
    script = Script()
    if hook is not None:
        script.on(hook, hang)
    leaves = [child(kind, script, f"c{n}", shutdown="infinity") for n in range(2)]
    specs = leaves
    for level in range(depth):
        specs = [subtree(*specs, id=f"s{level}"), child(LoopChild, Script(), f"p{level}")]
    return specs


@each_hanging
@pytest.mark.parametrize("where", ["handler", "on_stop"])
@pytest.mark.parametrize("stubborn", [False, True], ids=["yielding", "stubborn"])
async def test_a_system_of_hanging_trees_ends_in_bounded_time_and_leaves_nothing(
    kind: Kind, where: str, stubborn: bool
) -> None:
    async with world(shutdown_timeout=10.0) as it:
        hang = it.hang(stubborn=stubborn)
        await it.supervise(*hanging_tree(kind, hang, "on_stop" if where == "on_stop" else None))
        leaves = [it.ref(f"/sup/s1/s0/c{n}") for n in range(2)]
        if where == "handler":
            for leaf in leaves:
                leaf.tell(Do(hang))
            await hang.reached(2)
        ending = asyncio.ensure_future(it.system.shutdown())
        await hang.reached()
        leaves[1].tell(Note("queued"))
        await it.passes(9.99)
        assert not ending.done()
        while not ending.done() and it.clock.monotonic() < 40.0:
            await it.passes(0.25)
            await asyncio.wait({ending}, timeout=0.01)

        assert ending.done(), "not within its 10 s and 30 s of grace"
        await ending
        assert it.actors == 0
        assert not any(leaf.is_alive() for leaf in leaves)
        assert it.letters(DeadLetterReason.STOPPED) == ["queued"]
        assert len(it.events.of(ShutdownTimedOut)) == 1
        assert isinstance(it.events.all[-1], SystemEnded)
        # Each actor has ended once.
        paths = [event.path for event in it.events.of(ActorEnded)]
        assert len(paths) == len(set(paths)) == 8


async def test_a_system_ends_while_a_child_hangs_in_its_start() -> None:
    async with world(shutdown_timeout=5.0) as it:
        hang = it.hang()
        script = Script().on("on_start", hang)
        sup = it.begin(child(AsyncChild, script))
        starting = sup.started()
        await hang.reached()

        ending = asyncio.ensure_future(it.system.shutdown())
        while not ending.done() and it.clock.monotonic() < 20.0:
            await it.passes(0.25)

        assert ending.done()
        await ending
        assert it.actors == 0
        assert starting.is_done()


async def test_a_system_ends_during_a_storm_of_restarts() -> None:
    script = Script()
    script.on("on_start", lambda actor: actor.actor_ref.tell(Fail(Crash())))
    async with world() as it:
        await it.supervise(
            *(child(kind, script, f"c{n}") for n, kind in enumerate([LoopChild, AsyncChild])),
            intensity=1_000_000,
        )
        await it.events.until(lambda: script.births > 100)

        await within(it.system.shutdown())

        births = script.births
        await turns()
        assert script.births == births
        assert it.actors == 0
