"""`on_failure` and `on_stop`: when they run, how they may fail, and how long they may take."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import (
    ActorCrashed,
    ActorFailed,
    ActorRef,
    ActorSystem,
    Directive,
    Failure,
    Props,
)
from tests.actors.kit import (
    KINDS,
    AsyncPuppet,
    Crash,
    Events,
    Fail,
    Kind,
    Note,
    Puppet,
    Unusual,
    ended,
    settled,
    within,
)
from tests.ids import stable


@pytest.mark.parametrize("error", [Crash(), SystemExit(), Unusual()], ids=stable)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_failing_on_failure_is_reported_and_changes_nothing(
    kind: Kind, error: BaseException
) -> None:
    class Broken(kind):  # type: ignore[misc, valid-type]
        def on_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:
            raise error

    async with ActorSystem() as system:
        events = Events(system)
        ref = system.spawn(Props(Broken).using(policy=Directive.RESUME))
        ref.tell(Fail(Crash()))
        await settled(ref)

        reports = [(failed.phase, failed.decision) for failed in events.of(ActorFailed)]
        assert reports == [("on_failure", "none"), ("message", "resume")]


@pytest.mark.parametrize("error", [Crash(), SystemExit(), Unusual()], ids=stable)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_failing_on_stop_is_reported_and_the_actor_ends(
    kind: Kind, error: BaseException
) -> None:
    class Broken(kind):  # type: ignore[misc, valid-type]
        def on_stop(self) -> None:
            raise error

    async with ActorSystem() as system:
        events = Events(system)
        ref = system.spawn(Broken)
        assert await within(ref.stop(block=False))

        reports = [(failed.phase, failed.decision) for failed in events.of(ActorFailed)]
        assert reports == [("on_stop", "none")]


async def test_on_failure_gets_the_error_before_anything_is_decided() -> None:
    seen: list[Any] = []

    class Curious(Puppet):
        def on_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:
            seen.append((exception_type, exception_value, traceback is not None))

    def decide(failure: Failure) -> Directive:
        seen.append("decided")
        return Directive.STOP

    error = Crash()
    async with ActorSystem() as system:
        ref = system.spawn(Props(Curious).using(policy=decide))
        ref.tell(Fail(error))
        await ended(ref)

    assert seen == [(Crash, error, True), "decided"]


async def test_on_failure_may_wait_and_messages_wait_with_it() -> None:
    go_on = asyncio.Event()

    class Slow(AsyncPuppet):
        async def on_failure(
            self, exception_type: Any, exception_value: Any, traceback: Any
        ) -> None:
            await go_on.wait()
            self.log.append("on_failure")

    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(Slow, log).using(policy=Directive.RESUME))
        await within(ref.started())
        with pytest.raises(ActorCrashed):  # who does not wait for it
            await within(ref.request(Fail(Crash())))
        ref.tell(Note("message"))
        up = ref.started()
        await settled(system.spawn(AsyncPuppet))
        assert log == ["on_start"]

        go_on.set()
        await within(up)
        await settled(ref)
        assert log == ["on_start", "on_failure", "message"]


@pytest.mark.parametrize("hook", ["on_failure", "on_stop", "on_start"])
async def test_a_hanging_hook_is_cut_short_by_the_shutdown(hook: str) -> None:
    async def hang(self: Any, *args: Any) -> None:
        await asyncio.get_running_loop().create_future()

    hanging = type("Hanging", (AsyncPuppet,), {hook: hang})
    async with ActorSystem(shutdown_timeout=0.01) as system:
        ref: ActorRef[Any] = system.spawn(hanging)
        if hook == "on_failure":
            ref.tell(Fail(Crash()))
        await settled(system.spawn(AsyncPuppet))
        assert ref.is_alive()

    assert not ref.is_alive()
