"""A supervisor that gives up says why, to whoever is above it."""

import pytest

from dramaturg.actors import ActorFailed, ManualClock, Props
from dramaturg.supervision import (
    ChildSpec,
    RestartLimitExceeded,
    RestartLimitReached,
    Supervisor,
    SupervisorSpec,
)
from tests.actors.kit import Crash, Do, Events, Puppet, ended, within
from tests.any_order import new_system
from tests.supervision.kit import Script, chain, child, crash, planted


async def test_at_the_top_of_the_tree_the_end_of_a_supervisor_that_gave_up_is_raised() -> None:
    script = Script()

    async with planted([child(script, "a")], intensity=0, period=3.0) as tree:
        crash(tree.ref("a"))

        with pytest.raises(RestartLimitReached) as caught:
            await within(tree.system.wait())

        error = caught.value
        assert (error.path, error.child, error.intensity, error.period) == ("/top", "a", 0, 3.0)
        assert isinstance(error.__cause__, Crash)
        await ended(tree.top)
        [event] = tree.events.of(RestartLimitExceeded)
        assert (event.path, event.child, event.intensity, event.period) == ("/top", "a", 0, 3.0)


async def test_the_first_error_is_at_the_end_of_the_chain_of_causes() -> None:
    script = Script()
    inner = ChildSpec("inner", SupervisorSpec([child(script, "a")], intensity=0))
    outer = ChildSpec("outer", SupervisorSpec([inner], intensity=0))

    async with planted([outer], intensity=0) as tree:
        crash(tree.ref("outer/inner/a"))
        with pytest.raises(RestartLimitReached) as caught:
            await within(tree.system.wait())

        causes = chain(caught.value)
        assert [type(each) for each in causes] == [RestartLimitReached] * 3 + [Crash]
        assert [getattr(each, "child", None) for each in causes] == ["outer", "inner", "a", None]


async def test_below_an_actor_that_is_no_supervisor_that_actor_fails() -> None:
    script = Script()
    spec = SupervisorSpec([child(script, "a")], intensity=0)

    async with new_system(clock=ManualClock(), hold_limit=None) as system:
        events = Events(system)
        above = system.spawn(Puppet, name="above")
        ref = await within(
            above.request(Do(lambda actor: actor.context.spawn(Props(Supervisor, spec), name="s")))
        )
        await within(ref.started())
        worker = system.lookup("/above/s/a")
        assert worker is not None
        crash(worker)

        failure = await events.first(ActorFailed, "/above")
        assert isinstance(failure.error, RestartLimitReached)
