"""Supervisors below supervisors that give up, one after the other."""

import threading

import pytest

from dramaturg.actors import ActorSystem, Props
from dramaturg.supervision import (
    RestartLimitExceeded,
    RestartLimitReached,
    Supervisor,
    SupervisorSpec,
)
from tests.actors.kit import LIMIT, Crash, Fail, within
from tests.supervision.fault_world import turns, world
from tests.supervision.faults import Kind, LoopChild, Script, ThreadChild, child, each_kind, raising
from tests.supervision.kit import chain
from tests.supervision.trees_kit import names, nested, subtree


@each_kind
@pytest.mark.parametrize("phase", ["message", "on_start"])
async def test_a_tree_that_gives_up_at_each_level_tells_the_root_why(
    kind: Kind, phase: str
) -> None:
    error = Crash("the first error")
    script = Script()
    async with world() as it:
        if phase == "on_start":
            # One restart at the bottom is allowed, and its start fails.
            script.on("on_start", raising(error), birth=2)
            bottom = subtree(child(kind, script), id="s3", intensity=1)
            await it.supervise(nested(2, bottom), intensity=0)
            first = Crash("before it")
        else:
            await it.supervise(nested(3, child(kind, script)), intensity=0)
            first = error

        it.ref("/sup/s1/s2/s3/it").tell(Fail(first))

        with pytest.raises(RestartLimitReached) as caught:
            await within(it.system.wait())
        causes = chain(caught.value)
        assert [type(each) for each in causes] == [RestartLimitReached] * 4 + [Crash]
        assert causes[-1] is error
        assert [
            (each.path, each.child) for each in causes if isinstance(each, RestartLimitReached)
        ] == [
            ("/sup", "s1"),
            ("/sup/s1", "s2"),
            ("/sup/s1/s2", "s3"),
            ("/sup/s1/s2/s3", "it"),
        ]
        await it.events.until(lambda: it.gone("/sup") == 1)
        assert it.actors == 0
        assert len(it.events.of(RestartLimitExceeded)) == 4


def test_a_thread_that_joins_the_system_gets_the_whole_chain() -> None:
    error = Crash("the first error")
    script = Script()
    with ActorSystem("test") as system:
        spec = SupervisorSpec([nested(3, child(LoopChild, script))], intensity=0)
        sup = system.spawn(Props(Supervisor, spec), name="sup")
        sup.started().get(timeout=LIMIT)
        ref = system.lookup("/sup/s1/s2/s3/it")
        assert ref is not None

        ref.tell(Fail(error))
        with pytest.raises(RestartLimitReached) as caught:
            system.join(timeout=LIMIT)

        assert [type(each) for each in chain(caught.value)] == [RestartLimitReached] * 4 + [Crash]
        assert chain(caught.value)[-1] is error


def test_several_threads_may_join() -> None:
    caught: list[BaseException] = []

    def join() -> None:
        try:
            system.join(timeout=LIMIT)
        except RestartLimitReached as reached:
            caught.append(reached)

    with ActorSystem("test") as system:
        spec = SupervisorSpec([child(ThreadChild, Script())], intensity=0)
        sup = system.spawn(Props(Supervisor, spec), name="sup")
        sup.started().get(timeout=LIMIT)
        threads = [threading.Thread(target=join) for _ in range(4)]
        for thread in threads:
            thread.start()
        ref = system.lookup("/sup/it")
        assert ref is not None

        ref.tell(Fail(Crash()))

        for thread in threads:
            thread.join(LIMIT)
    assert len(caught) == 4
    assert len(set(map(id, caught))) == 1


@each_kind
async def test_restarts_multiply_down_a_tree_and_no_further(kind: Kind) -> None:
    """Each of two levels restarts twice: three times three instances, one error at the end."""
    script = Script()
    crashed = 0

    async with world() as it:
        await it.supervise(
            subtree(child(kind, script), intensity=2, id="s1"), intensity=2, period=100.0
        )
        ref = it.ref("/sup/s1/it")
        while it.system.lookup("/sup") is not None and crashed < 20:
            crashed += 1
            ref.tell(Fail(Crash(crashed)))
            await it.incarnations(crashed, "/sup/s1/it")
            await turns()
            if crashed % 3 == 0:
                await it.incarnations(crashed // 3, "/sup/s1")
            if crashed == 9:
                await it.events.until(lambda: it.gone("/sup") == 1)

        assert crashed == 9
        assert script.births == 9
        with pytest.raises(RestartLimitReached):
            await within(it.system.wait())


@pytest.mark.parametrize("restart", ["transient", "temporary"])
async def test_a_supervisor_that_gives_up_is_not_restarted_unless_it_is_permanent(
    restart: str,
) -> None:
    script = Script()
    async with world() as it:
        sup = await it.supervise(subtree(child(LoopChild, script), intensity=0, restart=restart))

        it.ref("/sup/sub/it").tell(Fail(Crash()))
        await it.events.until(lambda: it.gone("/sup/sub") == 1)

        assert await names(sup) == (["sub"] if restart == "transient" else [])
        assert it.ends("/sup/sub") == ["shutdown"]
        assert it.actors == 1
