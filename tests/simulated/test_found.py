"""What the simulation has found in the runtime, each shown without it."""

import asyncio

import pytest

from dramaturg.actors import Actor, ActorSystem, ManualClock, Props, StartFailed, handler
from dramaturg.supervision import ChildSpec, Supervisor, SupervisorSpec
from tests.actors.kit import within
from tests.actors.messaging_kit import turns


class Listener(Actor):
    """Sets a receive timeout as the first thing that it does."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.context.set_receive_timeout(1.0, "quiet")

    @handler
    def hear(self, message: str) -> None:
        self.heard.append(message)


async def test_a_message_restarts_a_receive_timeout_that_a_supervised_actor_set_first() -> None:
    clock = ManualClock()
    async with ActorSystem(clock=clock) as system:
        spec = SupervisorSpec([ChildSpec("listener", Listener)])
        sup = system.spawn(Props(Supervisor, spec), name="sup")
        await within(sup.started())
        ref = system.lookup("/sup/listener")
        assert ref is not None
        actor = ref.cell.actor
        assert isinstance(actor, Listener)
        clock.advance(0.5)
        await within(ref.request("heard"))
        clock.advance(0.7)
        await turns()

        assert actor.heard == ["heard"]


class Slow(Actor):
    """Starts when it is let to."""

    def __init__(self, go: asyncio.Event) -> None:
        self.go = go

    async def on_start(self) -> None:
        await self.go.wait()


class Impatient(Supervisor):
    """Gives its children no time to start."""

    async def on_start(self) -> None:
        async with asyncio.timeout(0):
            await super().on_start()


async def test_no_child_outlives_a_supervisor_whose_start_was_cut_short() -> None:
    go = asyncio.Event()
    system = ActorSystem()
    async with system:
        sup = system.spawn(Props(Impatient, SupervisorSpec([ChildSpec("slow", Props(Slow, go))])))
        outcome = sup.started()
        await turns()
        assert sup.is_alive(), "it waits for its child"
        go.set()
        with pytest.raises(StartFailed):
            await within(outcome)
        await turns()

        assert system.actors_alive == 0
        # Nobody decided about it, at the top of the tree.
        system._failure = None
