"""Actors that cannot be made: what is raised, and that nothing is left of them."""

import threading
from typing import Any

import pytest

from dramaturg.actors import Actor, ActorSystem, DeadLetterReason, ManualClock, Props, StartFailed
from tests.actors.kit import (
    KINDS,
    AsyncPuppet,
    Crash,
    Do,
    Events,
    Kind,
    Note,
    Puppet,
    ThreadPuppet,
    deaf,
    ended,
    reasons,
    settled,
    within,
)
from tests.ids import stable


@pytest.mark.parametrize("kind", KINDS)
async def test_a_failing_init_raises_start_failed_with_its_cause(kind: Kind) -> None:
    class Broken(kind):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            raise Crash("no way")

    async with ActorSystem() as system:
        with pytest.raises(StartFailed) as caught:
            system.spawn(Broken, name="it")

        assert isinstance(caught.value.__cause__, Crash)
        assert (caught.value.path, caught.value.cause) == ("/it", "Crash: no way")


async def test_nothing_remains_of_an_actor_whose_init_failed_and_its_name_is_free() -> None:
    async with ActorSystem() as system:
        events = Events(system)

        with pytest.raises(StartFailed):
            system.spawn(Props(Puppet, *range(7)), name="it")  # pyright: ignore[reportArgumentType]

        assert system.actors == ()
        assert system.lookup("/it") is None
        assert events.all == []
        assert await system.spawn(Puppet, name="it").request(Do(lambda _: 1)) == 1


async def test_wrong_arguments_are_a_failure_to_start() -> None:
    async with ActorSystem() as system:
        with pytest.raises(StartFailed, match="TypeError"):
            system.spawn(Props(Puppet, nonsense=1))  # type: ignore[call-arg]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()], ids=stable)
async def test_what_is_no_exception_leaves_init_as_it_is_and_nothing_remains(
    error: BaseException,
) -> None:
    class Broken(Actor):
        def __init__(self) -> None:
            raise error

    async with ActorSystem() as system:
        with pytest.raises(type(error)) as caught:
            system.spawn(Broken, name="it")

        assert caught.value is error
        assert system.actors == ()


@pytest.mark.parametrize("kind", KINDS)
async def test_children_of_a_failed_init_are_stopped_before_the_system_is(kind: Kind) -> None:
    children: list[Any] = []

    class Broken(Actor):
        def __init__(self) -> None:
            children.append(self.context.spawn(kind, name="child"))
            raise Crash

    async with ActorSystem() as system:
        with pytest.raises(StartFailed):
            system.spawn(Broken, name="it")

        await ended(children[0])
        assert system.lookup("/it") is None


async def test_a_stubborn_child_of_a_failed_init_ends_with_the_system_at_the_latest() -> None:
    children: list[Any] = []

    class Broken(Actor):
        def __init__(self) -> None:
            child = self.context.spawn(AsyncPuppet, name="child")
            child.tell(Do(deaf))
            children.append(child)
            raise Crash

    async with ActorSystem(shutdown_timeout=0.01) as system:
        await settled(system.spawn(AsyncPuppet))
        with pytest.raises(StartFailed):
            system.spawn(Broken)

    assert not children[0].is_alive()


async def test_a_timer_of_a_failed_init_never_rings() -> None:
    clock = ManualClock()

    class Broken(Actor):
        def __init__(self) -> None:
            self.context.start_timer("tick", Note("tick"), every=1.0, fixed_rate=True)
            raise Crash

    async with ActorSystem(clock=clock) as system:
        with pytest.raises(StartFailed):
            system.spawn(Broken)

        assert clock.pending == 0


async def test_a_stop_asked_for_before_init_failed_is_done() -> None:
    futures: list[Any] = []

    class Broken(Actor):
        def __init__(self) -> None:
            futures.append(self.actor_ref.stop(block=False))
            raise Crash

    async with ActorSystem() as system:
        with pytest.raises(StartFailed):
            system.spawn(Broken)

        assert await within(futures[0])


async def test_messages_sent_to_itself_by_a_failing_init_are_dead_letters() -> None:
    class Broken(Actor):
        def __init__(self) -> None:
            self.actor_ref.tell(Note(1))
            raise Crash

    async with ActorSystem() as system:
        with pytest.raises(StartFailed):
            system.spawn(Broken)

        assert reasons(system) == [(Note(1), DeadLetterReason.STOPPED)]


async def test_an_actor_whose_thread_cannot_start_is_undone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async with ActorSystem() as system:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", start)
            with pytest.raises(RuntimeError, match="can't start"):
                system.spawn(ThreadPuppet, name="it")

        assert system.actors == ()
        assert await system.spawn(ThreadPuppet, name="it").request(Do(lambda _: 1)) == 1
