"""Why an actor ends: the reasons, how it gives its own, and what ``on_stop`` sees of it."""

from typing import Any

import pytest

from dramaturg.actors import (
    ActorFailed,
    ActorSystem,
    ExitReason,
    Ignore,
    IncarnationEnded,
    OptionError,
    Props,
    StartFailed,
)
from tests.actors.kit import KINDS, Crash, Do, Events, Fail, Kind, Puppet, stop, within

each_kind = pytest.mark.parametrize("kind", KINDS)


def test_normal_and_shutdown_are_clean() -> None:
    assert ExitReason("normal").is_clean
    assert ExitReason("shutdown", tag="moved").is_clean
    assert not ExitReason("killed").is_clean
    assert not ExitReason("failed", error=Crash()).is_clean


def test_a_reason_says_its_kind_and_the_most_telling_detail() -> None:
    assert str(ExitReason("normal")) == "normal"
    assert str(ExitReason("shutdown", tag="moved")) == "shutdown: moved"
    assert str(ExitReason("failed", tag="x", error=Crash("no"))) == "failed: Crash: no"


def test_reasons_are_values() -> None:
    assert ExitReason("shutdown", tag=1) == ExitReason("shutdown", tag=1)
    assert ExitReason("shutdown", tag=1) != ExitReason("shutdown")


def test_a_kind_that_is_none_is_refused() -> None:
    kind: Any = "tired"
    with pytest.raises(OptionError) as caught:
        ExitReason(kind)
    assert caught.value.option == "kind"


class Curious(Puppet):
    """Notes why it stops."""

    def on_stop(self) -> None:
        self.log.append(self.context.exit_reason)


def leave(reason: Any) -> Do:
    return Do(lambda actor: actor.context.stop_self(reason))


@each_kind
async def test_an_actor_that_stops_itself_ends_with_its_reason(kind: Kind) -> None:
    reason = ExitReason("shutdown", tag="moved")
    async with ActorSystem() as system:
        events = Events(system, IncarnationEnded)
        ref = system.spawn(kind, name="it")
        ref.tell(leave(reason))

        assert (await events.first(IncarnationEnded)).reason is reason


async def test_on_stop_sees_why_and_handlers_see_nothing() -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        reason = ExitReason("shutdown", tag=1)
        ref = system.spawn(Props(Curious, log))
        assert await within(ref.request(Do(lambda actor: actor.context.exit_reason))) is None
        await within(ref.request(leave(reason)))
        await stop(ref)
        other = system.spawn(Props(Curious, log))
        await stop(other)

        assert log == ["on_start", reason, "on_start", ExitReason("normal")]


async def test_children_see_that_they_are_shut_down() -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        parent = system.spawn(Puppet)
        await within(parent.request(Do(lambda a: a.context.spawn(Props(Curious, log)).path)))
        await stop(parent)

        assert log[-1] == ExitReason("shutdown")


async def test_on_stop_may_change_the_reason() -> None:
    reason = ExitReason("shutdown", tag="late")

    class Late(Puppet):
        def on_stop(self) -> None:
            self.context.stop_self(reason)

    async with ActorSystem() as system:
        events = Events(system, IncarnationEnded)
        await stop(system.spawn(Late))

        assert events.of(IncarnationEnded)[0].reason is reason


async def test_what_is_no_reason_is_refused_and_the_actor_goes_on() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Puppet)

        def attempt(actor: Any) -> str:
            with pytest.raises(OptionError) as caught:
                actor.context.stop_self("shutdown")
            return caught.value.option

        assert await within(ref.request(Do(attempt))) == "reason"
        assert ref.is_alive()


@each_kind
@pytest.mark.parametrize("hook", ["__init__", "on_start"])
async def test_an_actor_that_asks_to_be_ignored_ends_and_nothing_fails(
    kind: Kind, hook: str
) -> None:
    def ignored(self: Any, *args: Any) -> None:
        raise Ignore

    cls = type("Ignored", (kind,), {hook: ignored})
    async with ActorSystem() as system:
        events = Events(system)
        with pytest.raises(StartFailed) as caught:
            await within(system.spawn(cls, name="it").started())

        assert isinstance(caught.value.__cause__, Ignore)
        assert events.of(ActorFailed) == []
        assert system.lookup("/it") is None
        assert system.statistics().actors == 0


async def test_a_failure_ends_with_its_error() -> None:
    error = Crash("x")

    class Watched(Puppet):
        pass

    async with ActorSystem() as system:
        events = Events(system, IncarnationEnded)
        parent = system.spawn(Puppet)
        ref = await within(parent.request(Do(lambda a: a.context.spawn(Watched))))
        ref.tell(Fail(error))
        assert (await events.first(IncarnationEnded)).reason == ExitReason("failed", error=error)
