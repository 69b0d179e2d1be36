"""Blocking actors: a thread of their own, and the same rules as everybody."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorRef,
    ActorSystem,
    HandlerDefinitionError,
    Message,
    Props,
    Request,
    RequestCycleError,
    ThreadActor,
    handler,
)
from tests.actors.kit import (
    AsyncPuppet,
    Crash,
    Do,
    Fail,
    Latch,
    Note,
    Puppet,
    ThreadPuppet,
    ended,
    in_threads,
    settled,
    stop,
    within,
)


class Where(Request[threading.Thread]):
    """Answered with the thread that handles it."""


class Hold(Message):
    """Block until the latch opens."""


class Blocking(ThreadActor):
    """Blocks its thread."""

    def __init__(self, running: Latch, go_on: Latch) -> None:
        self.running = running
        self.go_on = go_on

    @handler
    def where(self, message: Where) -> threading.Thread:
        return threading.current_thread()

    @handler
    def hold(self, message: Hold) -> None:
        self.running.open()
        self.go_on.wait()


def here(_actor: Any) -> threading.Thread:
    return threading.current_thread()


async def test_each_has_a_thread_of_its_own_named_after_it() -> None:
    async with ActorSystem() as system:
        refs = [system.spawn(ThreadPuppet) for _ in range(3)]
        threads = [await within(ref.request(Do(here))) for ref in refs]

        assert len(set(threads)) == 3
        assert threading.current_thread() not in threads
        assert [thread.name for thread in threads] == [
            "ThreadPuppet-1",
            "ThreadPuppet-2",
            "ThreadPuppet-3",
        ]
        assert not any(thread.daemon for thread in threads)


async def test_a_class_may_ask_for_a_daemon_thread() -> None:
    class Daemon(ThreadPuppet):
        use_daemon_thread = True

    async with ActorSystem() as system:
        thread = await within(system.spawn(Daemon).request(Do(here)))

        assert thread.daemon


async def test_init_runs_in_the_spawning_thread_and_the_rest_in_its_own() -> None:
    class Curious(ThreadPuppet):
        def __init__(self, seen: dict[str, threading.Thread]) -> None:
            super().__init__()
            self.seen = seen
            seen["__init__"] = threading.current_thread()

        def on_start(self) -> None:
            self.seen["on_start"] = threading.current_thread()

        def on_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:
            self.seen["on_failure"] = threading.current_thread()

    seen: dict[str, threading.Thread] = {}
    async with ActorSystem() as system:
        ref = system.spawn(Props(Curious, seen))
        own = await within(ref.request(Do(here)))
        ref.tell(Fail(Crash()))
        await ended(ref)

    assert seen == {"__init__": threading.current_thread(), "on_start": own, "on_failure": own}


async def test_a_blocking_handler_does_not_hold_the_loop() -> None:
    running, go_on = Latch(), Latch()
    async with ActorSystem() as system:
        ref = system.spawn(Props(Blocking, running, go_on))
        ref.tell(Hold())
        await running.reached()

        for kind in (Puppet, AsyncPuppet, ThreadPuppet):
            assert await within(system.spawn(kind).request(Do(lambda _: "alive"))) == "alive"
        go_on.open()
        thread = await within(ref.request(Where()))

    thread.join(5)


async def test_its_thread_ends_with_it() -> None:
    async with ActorSystem() as system:
        stopped, failed = system.spawn(ThreadPuppet), system.spawn(ThreadPuppet)
        threads = [await within(ref.request(Do(here))) for ref in (stopped, failed)]
        await stop(stopped)
        failed.tell(Fail(Crash()))
        await ended(failed)
        for thread in threads:
            await within(asyncio.to_thread(thread.join))


async def test_a_thousand_messages_from_many_threads_are_handled_one_at_a_time() -> None:
    busy = threading.Lock()
    handled: list[int] = []

    class Exclusive(ThreadActor):
        @handler
        def count(self, message: int) -> None:
            assert busy.acquire(blocking=False)
            handled.append(message)
            busy.release()

        @handler
        def do(self, message: Do) -> Any:
            return message.what(self)

    async with ActorSystem() as system:
        ref = system.spawn(Exclusive)

        def send() -> None:
            for number in range(125):
                ref.tell(number)

        await in_threads(8, send)
        await settled(ref)

    assert sorted(handled) == sorted([*range(125)] * 8)


# -- asking


def ask(target: ActorRef[Any], what: Callable[[Any], Any]) -> Do:
    return Do(lambda _: target.ask(Do(what), timeout=10))


async def test_thread_actors_may_ask_loop_actors_and_each_other() -> None:
    async with ActorSystem() as system:
        first, second = system.spawn(ThreadPuppet), system.spawn(ThreadPuppet)
        loop, task = system.spawn(Puppet), system.spawn(AsyncPuppet)

        for target in (second, loop, task):
            assert await within(first.request(ask(target, lambda _: "answer"))) == "answer"
        chain = ask(second, lambda _: task.ask(Do(lambda _: "deep"), timeout=10))
        assert await within(first.request(chain)) == "deep"


def test_thread_actors_ask_in_a_system_with_a_thread_too() -> None:
    with ActorSystem() as system:
        first, second = system.spawn(ThreadPuppet), system.spawn(ThreadPuppet)
        loop, task = system.spawn(Puppet), system.spawn(AsyncPuppet)

        for target in (second, loop, task):
            assert first.ask(ask(target, lambda _: "answer"), timeout=10) == "answer"


async def test_async_actors_may_request_thread_actors() -> None:
    async with ActorSystem() as system:
        task, thread = system.spawn(AsyncPuppet), system.spawn(ThreadPuppet)

        own = await within(task.request(Do(lambda _: thread.request(Do(here)))))
        assert own.name == thread.name


async def test_thread_actors_that_ask_each_other_in_a_circle_are_told_at_once() -> None:
    async with ActorSystem() as system:
        first, second = system.spawn(ThreadPuppet), system.spawn(ThreadPuppet)

        def back(_actor: Any) -> Any:
            try:
                return first.ask(Do(here), timeout=10)
            except RequestCycleError as error:
                return error.path

        path = await within(first.request(Do(lambda _: second.ask(Do(back), timeout=10))))
        assert path == (second.path, first.path, second.path)


async def test_a_crash_reaches_the_blocking_asker() -> None:
    async with ActorSystem() as system:
        first, second = system.spawn(ThreadPuppet), system.spawn(ThreadPuppet)

        def ask(_actor: Any) -> str:
            try:
                return str(second.ask(Fail(Crash("oh")), timeout=10))
            except ActorCrashed as error:
                return error.cause

        assert await within(first.request(Do(ask))) == "Crash: oh"


async def test_a_thread_actor_may_spawn_and_stop_children_of_all_kinds() -> None:
    async with ActorSystem() as system:
        parent = system.spawn(ThreadPuppet)

        def breed(actor: Any) -> list[ActorRef[Any]]:
            return [actor.context.spawn(kind) for kind in (Puppet, AsyncPuppet, ThreadPuppet)]

        children = await within(parent.request(Do(breed)))
        for child in children:
            assert await within(child.request(Do(lambda _: "alive"))) == "alive"
        await within(parent.request(Do(lambda _: children[0].stop(timeout=10))))
        await stop(parent)

        assert [child.is_alive() for child in children] == [False] * 3


async def test_a_thread_actor_may_wait_for_its_childs_start() -> None:
    class Slow(AsyncPuppet):
        async def on_start(self) -> None:
            await asyncio.sleep(0)
            self.log.append("up")

    async with ActorSystem() as system:
        parent = system.spawn(ThreadPuppet)

        def breed(actor: Any) -> list[Any]:
            log: list[Any] = []
            actor.context.spawn(Props(Slow, log)).started().get(timeout=10)
            return log

        assert await within(parent.request(Do(breed))) == ["up"]


# -- definition


@pytest.mark.parametrize("name", ["handler", "on_start", "on_stop", "helper"])
def test_async_methods_are_refused_when_the_class_is_defined(name: str) -> None:
    async def method(self: Any, message: Note) -> None: ...

    members = {name: handler(method) if name == "handler" else method}

    with pytest.raises(HandlerDefinitionError) as caught:
        type("Wrong", (ThreadActor,), members)

    assert (caught.value.owner, caught.value.method) == ("Wrong", name)


def test_an_async_method_of_a_base_class_is_refused_too() -> None:
    class Async(Actor):
        async def on_stop(self) -> None: ...

    with pytest.raises(HandlerDefinitionError, match="on_stop"):
        type("Wrong", (Async, ThreadActor), {})
