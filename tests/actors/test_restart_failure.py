"""An actor that fails again while it restarts stops, and who waits for it is told."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import ActorEnded, ActorFailed, ActorStopped, ActorSystem, StartFailed
from tests.actors.kit import (
    KINDS,
    AsyncPuppet,
    Crash,
    Events,
    Fail,
    Kind,
    Note,
    Puppet,
    ended,
    restarted,
    within,
)


@pytest.mark.parametrize("phase", ["__init__", "on_restart", "on_start"])
@pytest.mark.parametrize("kind", KINDS)
async def test_an_actor_that_fails_again_while_it_restarts_stops(kind: Kind, phase: str) -> None:
    class Broken(kind):  # type: ignore[misc, valid-type]
        def __init__(self, log: list[Any]) -> None:
            super().__init__(log)
            if phase == "__init__" and self.context.incarnation > 1:
                raise Crash("again")

        def on_restart(self, cause: BaseException) -> None:
            if phase == "on_restart":
                raise Crash("again")

        if kind is not AsyncPuppet:

            def on_start(self) -> None:  # pyright: ignore[reportRedeclaration]
                if phase == "on_start" and self.context.incarnation > 1:
                    raise Crash("again")
        else:

            async def on_start(self) -> None:  # type: ignore[misc]
                await asyncio.sleep(0)
                if phase == "on_start" and self.context.incarnation > 1:
                    raise Crash("again")

    log: list[Any] = []
    async with ActorSystem() as system:
        events = Events(system)
        ref = system.spawn(restarted(Broken, log), name="it")
        ref.tell(Fail(Crash("first")))
        waiting = asyncio.ensure_future(ref.request(Note("never")))
        await ended(ref)

        reports = [
            (f.phase, f.decision, str(f.error), f.incarnation) for f in events.of(ActorFailed)
        ]
        assert reports == [
            ("message", "restart", "first", 1),
            (phase, "stop", "again", 2),
        ]
        assert log.count("on_stop") == 0
        assert log.count("on_failure") == (1 if phase == "__init__" else 2)
        assert events.of(ActorEnded)[0].reason == "failed"
        with pytest.raises(ActorStopped):
            await within(waiting)
        ref.started().get(timeout=0)  # it came up once


async def test_who_waits_for_the_restart_is_told_when_it_fails() -> None:
    go_on = asyncio.Event()

    class Broken(AsyncPuppet):
        async def on_restart(self, cause: BaseException) -> None:
            await go_on.wait()
            raise Crash("again")

    async with ActorSystem() as system:
        events = Events(system)
        ref = system.spawn(restarted(Broken))
        ref.tell(Fail(Crash()))
        await events.first(ActorFailed)
        up = ref.started()
        go_on.set()

        with pytest.raises(StartFailed, match="again"):
            await within(up)


async def test_children_that_a_failing_restart_had_spawned_are_stopped() -> None:
    children: list[Any] = []

    class Broken(Puppet):
        def __init__(self) -> None:
            super().__init__()
            children.append(self.context.spawn(AsyncPuppet))
            if self.context.incarnation > 1:
                raise Crash

    async with ActorSystem() as system:
        ref = system.spawn(restarted(Broken))
        ref.tell(Fail(Crash()))
        await ended(ref)

        assert [child.is_alive() for child in children] == [False, False]
