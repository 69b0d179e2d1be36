"""Plain pykka actors as children: adopted, supervised, and none the wiser."""

import threading
from typing import Any

import pykka
import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorEnded,
    ActorFailed,
    ActorStopped,
    ActorSystem,
    Directive,
    HandlerDefinitionError,
    OptionError,
    Props,
    StartFailed,
    Terminated,
)
from tests.actors.kit import Crash, Do, Events, Puppet, ended, settled, stop, within


class Counter(pykka.ThreadingActor):
    """An actor as pykka's users write them."""

    def __init__(self, start: int = 0, log: list[str] | None = None) -> None:
        super().__init__()
        self.count = start
        self.log: list[str] = [] if log is None else log

    def on_start(self) -> None:
        self.log.append("on_start")

    def on_stop(self) -> None:
        self.log.append("on_stop")

    def on_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:
        self.log.append("on_failure")

    def on_receive(self, message: Any) -> Any:
        if message == "crash":
            raise Crash
        if message == "stop":
            self.stop()
        if message == "thread":
            return threading.current_thread()
        return message

    def add(self, number: int) -> int:
        self.count += number
        return self.count

    def crash(self) -> None:
        raise Crash


async def test_it_is_spawned_with_a_thread_and_answers() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Counter, name="it")

        assert await within(ref.request("hello")) == "hello"
        thread = await within(ref.request("thread"))
        assert thread is not threading.current_thread()
        assert (ref.path, ref.actor_class.__name__) == ("/it", "Counter")
        assert issubclass(ref.actor_class, Counter)


def test_it_can_be_asked_and_proxied_as_ever() -> None:
    with ActorSystem() as system:
        ref = system.spawn(Props(Counter, 5))
        proxy = ref.proxy()

        def count() -> Any:
            return proxy.count.get(timeout=10)

        assert ref.ask("hello") == "hello"
        assert proxy.add(2).get(timeout=10) == 7
        assert count() == 7
        proxy.count = 1
        assert count() == 1
        proxy.add.defer(1)
        assert count() == 2


async def test_it_lives_below_another_actor() -> None:
    async with ActorSystem() as system:
        parent = system.spawn(Puppet, name="parent")
        child = await within(
            parent.request(Do(lambda actor: actor.context.spawn(Counter, name="child")))
        )

        assert child.path == "/parent/child"
        await stop(parent)
        assert not child.is_alive()


async def test_its_hooks_run() -> None:
    log: list[str] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(Counter, log=log))
        await within(ref.started())
        await stop(ref)

    assert log == ["on_start", "on_stop"]


async def test_a_failure_fails_it_also_in_an_ask() -> None:
    log: list[str] = []
    async with ActorSystem() as system:
        events = Events(system)
        ref = system.spawn(Props(Counter, log=log), name="it")

        with pytest.raises(ActorCrashed) as caught:
            await within(ref.request("crash"))
        await ended(ref)

        assert isinstance(caught.value.__cause__, Crash)
        assert [failed.path for failed in events.of(ActorFailed)] == ["/it"]
        assert log == ["on_start", "on_failure"]


def test_a_failing_proxy_call_fails_it() -> None:
    with ActorSystem() as system:
        ref = system.spawn(Counter)

        with pytest.raises(ActorCrashed, match="Crash"):
            ref.proxy().crash().get(timeout=10)
        assert not ref.actor_stopped.wait(10) or not ref.is_alive()


async def test_it_is_restarted_by_its_policy() -> None:
    log: list[str] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(Counter, 5, log=log).using(policy=Directive.RESTART))
        first = await within(ref.request("thread"))
        ref.tell("crash")

        assert await within(ref.request("alive")) == "alive"
        assert await within(ref.request("thread")) is first
        assert ref.cell.incarnation == 2
        assert log == ["on_start", "on_failure", "on_start"]


async def test_it_may_stop_itself() -> None:
    log: list[str] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(Counter, log=log))
        ref.tell("stop")
        await ended(ref)

        assert log == ["on_start", "on_stop"]
        with pytest.raises(ActorStopped):
            await ref.request("hello")


async def test_it_can_be_watched() -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        watcher, ref = system.spawn(Props(Puppet, log)), system.spawn(Counter)
        await within(watcher.request(Do(lambda actor: actor.context.watch(ref))))
        await stop(ref)
        await settled(watcher)

        assert log == ["on_start", Terminated(ref)]


async def test_a_failing_init_is_a_failure_to_start() -> None:
    class Broken(pykka.ThreadingActor):
        def __init__(self) -> None:
            super().__init__()
            raise Crash

    async with ActorSystem() as system:
        with pytest.raises(StartFailed):
            system.spawn(Broken)

        assert system.actors == ()


async def test_an_actor_without_any_handler_of_its_own_can_be_proxied() -> None:
    class Bare(pykka.ThreadingActor):
        answer = 42

    async with ActorSystem() as system:
        proxy = system.spawn(Bare).proxy()

        assert await within(as_future(proxy.answer)) == 42


async def as_future(future: Any) -> Any:
    return await future


async def test_many_of_one_class_work_side_by_side() -> None:
    async with ActorSystem() as system:
        events = Events(system, ActorEnded)
        refs = [system.spawn(Props(Counter, number)) for number in range(5)]
        assert [await within(ref.request(ref.name)) for ref in refs] == [ref.name for ref in refs]

    assert {event.path for event in events.all} == {*(ref.path for ref in refs), "/"}


async def test_other_kinds_of_pykka_actors_are_refused() -> None:
    class Abstract(pykka.Actor):
        pass

    async with ActorSystem() as system:
        with pytest.raises(OptionError):
            system.spawn(Abstract)  # type: ignore[type-abstract]


async def test_async_methods_are_refused() -> None:
    class Async(pykka.ThreadingActor):
        async def on_receive(self, message: Any) -> None: ...

    async with ActorSystem() as system:
        with pytest.raises(HandlerDefinitionError):
            system.spawn(Async)


async def test_the_class_itself_is_left_as_it_was() -> None:
    async with ActorSystem() as system:
        system.spawn(Counter)

        assert not issubclass(Counter, Actor)
        assert Counter.__bases__ == (pykka.ThreadingActor,)
