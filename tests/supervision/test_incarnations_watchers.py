"""Watchers of a child are told once, of its end for good; a child that watches, while it lives."""

import pytest

from dramaturg.actors import Terminated
from dramaturg.supervision import TerminateChild
from tests.actors.kit import Crash, Do, Fail, Note, within
from tests.supervision.fault_world import turns, world
from tests.supervision.faults import Kind, Script, birth, child, each_kind, each_thread, with_plain
from tests.supervision.incarnations_kit import Mortal, crash, watch


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
