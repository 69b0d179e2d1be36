"""The children of an actor that restarts end before its next incarnation is made."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import (
    ActorEnded,
    ActorFailed,
    ActorRestarted,
    ActorStopped,
    ActorSystem,
    Props,
)
from dramaturg.actors._lifecycle import ChildrenGone
from tests.actors.kit import (
    KINDS,
    AsyncPuppet,
    Crash,
    Do,
    Events,
    Fail,
    Kind,
    Puppet,
    incarnation,
    restarted,
    settled,
    within,
)


class Lingering(AsyncPuppet):
    """Ends only once it may."""

    def __init__(self, go_on: asyncio.Event) -> None:
        super().__init__()
        self.go_on = go_on

    async def on_stop(self) -> None:
        await self.go_on.wait()


class Waiting(Puppet):
    """Has a child that it must wait for before it restarts."""

    def __init__(self, go_on: asyncio.Event, log: list[Any] | None = None) -> None:
        super().__init__(log)
        self.go_on = go_on

    def on_start(self) -> None:
        self.context.spawn(Props(Lingering, self.go_on))
        self.log.append("on_start")


@pytest.mark.parametrize("kind", KINDS)
async def test_children_have_ended_before_the_new_incarnation_is_made(kind: Kind) -> None:
    class Parent(Puppet):
        def __init__(self, log: list[Any]) -> None:
            super().__init__(log)
            log.append(f"parent {self.context.incarnation}")
            self.children = [self.context.spawn(Props(kind, log), name=name) for name in "abc"]

        def on_start(self) -> None:
            pass

    log: list[Any] = []
    async with ActorSystem() as system:
        events = Events(system)
        ref = system.spawn(restarted(Parent, log), name="it")
        for child in await within(ref.request(Do(lambda actor: actor.children))):
            await settled(child)
        ref.tell(Fail(Crash()))
        second = await within(ref.request(Do(lambda actor: actor.children)))

        assert log[:4] == ["parent 1", "on_start", "on_start", "on_start"]
        assert log[4:9] == ["on_failure", "on_stop", "on_stop", "on_stop", "parent 2"]
        gone = {event.path for event in events.of(ActorEnded)}
        assert gone == {"/it/a", "/it/b", "/it/c"}
        assert all(child.is_alive() for child in second)


async def test_a_stop_while_the_children_are_stopping_wins_over_the_restart() -> None:
    go_on = asyncio.Event()
    log: list[Any] = []
    async with ActorSystem() as system:
        events = Events(system)
        ref = system.spawn(restarted(Waiting, go_on, log))
        ref.tell(Fail(Crash()))
        await events.first(ActorFailed)
        stopping = ref.stop(block=False)
        go_on.set()

        assert await within(stopping)
        assert log == ["on_start", "on_failure"]
        assert events.of(ActorRestarted) == []


async def test_nobody_can_spawn_below_an_actor_that_restarts() -> None:
    go_on = asyncio.Event()
    async with ActorSystem() as system:
        events = Events(system)
        ref = system.spawn(restarted(Waiting, go_on))
        context = await within(ref.request(Do(lambda actor: actor.context)))
        ref.tell(Fail(Crash()))
        await events.first(ActorFailed)

        with pytest.raises(ActorStopped, match="is restarting"):
            context.spawn(Puppet)
        go_on.set()
        await settled(ref)


async def test_a_late_notice_that_the_old_children_are_gone_changes_nothing() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(restarted(Puppet))
        child = await within(ref.request(Do(lambda actor: actor.context.spawn(Puppet))))
        ref.cell.signal(ChildrenGone())

        assert await within(ref.request(Do(incarnation))) == 1
        assert child.is_alive()
