"""Ctrl-C: the process's business, and no actor's failure."""

import asyncio
import contextlib
import functools
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dramaturg.actors import ActorFailed, ActorSystem
from dramaturg.actors._interrupts import is_from_signal
from tests.actors.kit import LIMIT, Do, Events, Fail, Puppet, ended, nothing

PRELUDE = """
    import asyncio, signal, sys, threading, time
    from dramaturg.actors import Actor, ActorSystem, ThreadActor, handler

    class Def(Actor):
        @handler
        def do(self, message: str) -> str:
            return act(message)
        def on_stop(self):
            print("stopped", flush=True)

    class Async(Actor):
        @handler
        async def do(self, message: str) -> str:
            return act(message)
        async def on_stop(self):
            print("stopped", flush=True)

    class Thread(ThreadActor):
        @handler
        def do(self, message: str) -> str:
            return act(message)
        def on_stop(self):
            print("stopped", flush=True)

    def act(message):
        if message == "interrupt":
            signal.raise_signal(signal.SIGINT)
        elif message == "spin":
            print("ready", flush=True)
            end = time.monotonic() + 30
            while time.monotonic() < end:
                pass
        elif message == "spin once":
            print("ready", flush=True)
            seen = []
            while not seen:
                seen = [t for t in asyncio.all_tasks() if t.cancelling()]
        return "done"
"""


class Child:
    """A Python process that runs a script and can be interrupted."""

    def __init__(self, script: str) -> None:
        source = textwrap.dedent(PRELUDE) + textwrap.dedent(script)
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", source],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> None:
        """Wait until the script says so."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def interrupt(self) -> None:
        """Do what Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)

    def interrupt_until_it_ends(self, every: float) -> None:
        """Press it again and again, as people do."""
        for _ in range(100):
            self.interrupt()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(every)
                return

    def ends_interrupted(self, printed: str = "") -> str:
        """Wait for the end, which is that of every Python process upon Ctrl-C."""
        out, err = self.process.communicate(timeout=LIMIT * 3)
        assert self.process.returncode == -signal.SIGINT, err
        assert err.rstrip().endswith("KeyboardInterrupt"), err
        assert out == printed
        return err


@pytest.fixture
def run() -> Iterator[Callable[[str], Child]]:
    children: list[Child] = []

    def start(script: str) -> Child:
        children.append(Child(script))
        return children[-1]

    yield start
    for child in children:
        child.process.kill()
        child.process.communicate(timeout=LIMIT)


KINDS = ["Def", "Async", "Thread"]


@pytest.mark.parametrize("kind", KINDS)
def test_it_ends_a_plain_block_that_waits(run: Callable[[str], Child], kind: str) -> None:
    child = run(f"""
        with ActorSystem() as system:
            system.spawn({kind}).ask("hello")
            print("ready", flush=True)
            system.join()
    """)
    child.ready()
    child.interrupt()

    child.ends_interrupted("stopped\n")


@pytest.mark.parametrize("kind", KINDS)
def test_it_ends_an_async_block_that_waits(run: Callable[[str], Child], kind: str) -> None:
    child = run(f"""
        async def main():
            async with ActorSystem() as system:
                await system.spawn({kind}).request("hello")
                print("ready", flush=True)
                await system.wait()
        asyncio.run(main())
    """)
    child.ready()
    child.interrupt()

    child.ends_interrupted("stopped\n")


def test_it_is_raised_where_the_main_thread_runs_a_handler_itself(
    run: Callable[[str], Child],
) -> None:
    child = run("""
        with ActorSystem() as system:
            ref = system.spawn(Def)
            ref.ask("hello")
            ref.ask("interrupt")
            print("not reached")
    """)

    child.ends_interrupted()


@pytest.mark.parametrize("kind", ["Async", "Thread"])
def test_it_is_raised_where_the_main_thread_waits_for_another(
    run: Callable[[str], Child], kind: str
) -> None:
    child = run(f"""
        with ActorSystem(shutdown_timeout=0.1) as system:
            {kind}.use_daemon_thread = True
            system.spawn({kind}).ask("spin", timeout=30)
            print("not reached")
    """)
    child.ready()
    # One may come in the very moment before Python waits for a lock, and go unnoticed.
    child.interrupt_until_it_ends(every=4.0)

    child.ends_interrupted()


@pytest.mark.parametrize("kind", ["Def", "Async"])
def test_a_handler_on_the_main_threads_loop_finishes_and_then_the_program_ends(
    run: Callable[[str], Child], kind: str
) -> None:
    child = run(f"""
        async def main():
            async with ActorSystem() as system:
                system.spawn({kind}).tell("spin once")
                await system.wait()
        asyncio.run(main())
    """)
    child.ready()
    child.interrupt()

    child.ends_interrupted("stopped\n")


@pytest.mark.parametrize("kind", ["Def", "Async"])
def test_a_second_one_ends_a_handler_that_does_not(run: Callable[[str], Child], kind: str) -> None:
    child = run(f"""
        async def main():
            async with ActorSystem() as system:
                system.spawn({kind}).tell("spin")
                await system.wait()
        asyncio.run(main())
    """)
    child.ready()
    child.interrupt_until_it_ends(every=0.1)

    assert child.process.returncode == -signal.SIGINT


@pytest.mark.parametrize("kind", ["Def", "Async"])
def test_without_asyncio_run_it_ends_the_loop_from_within_a_handler(
    run: Callable[[str], Child], kind: str
) -> None:
    child = run(f"""
        loop = asyncio.new_event_loop()
        async def main():
            async with ActorSystem() as system:
                system.spawn({kind}).tell("interrupt")
                await system.wait()
        task = loop.create_task(main())
        try:
            loop.run_until_complete(task)
        finally:
            task.cancel()
            loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
            loop.close()
    """)

    child.ends_interrupted()


# -- telling one from the other


def test_a_keyboard_interrupt_that_code_raised_is_not_from_a_signal() -> None:
    def deep() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        deep()

    assert not is_from_signal(caught.value)
    assert not is_from_signal(KeyboardInterrupt())
    assert not is_from_signal(ValueError())


def test_a_keyboard_interrupt_of_a_signal_is_known_also_when_it_was_raised_again() -> None:
    def deep() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            nothing(None)
            raise

    with pytest.raises(KeyboardInterrupt) as caught:
        deep()

    assert is_from_signal(caught.value)


@pytest.mark.parametrize("wrapped", [True, False])
def test_one_that_the_processs_own_signal_handler_raises_is_from_a_signal(wrapped: bool) -> None:
    def interrupt(*_args: Any, **_options: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(
        signal.SIGINT, functools.partial(interrupt, option=1) if wrapped else interrupt
    )
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            signal.raise_signal(signal.SIGINT)
        assert is_from_signal(caught.value)
    finally:
        signal.signal(signal.SIGINT, before)


async def test_signals_work_as_ever_after_an_actor_raised_a_keyboard_interrupt() -> None:
    handler = signal.getsignal(signal.SIGINT)
    async with ActorSystem() as system:
        events = Events(system, ActorFailed)
        ref = system.spawn(Puppet)
        ref.tell(Fail(KeyboardInterrupt()))
        await ended(ref)

        assert [type(event.error) for event in events.of(ActorFailed)] == [KeyboardInterrupt]
        assert signal.getsignal(signal.SIGINT) is handler
        await asyncio.sleep(0)  # nothing comes after


def test_a_plain_block_asks_on_after_an_actor_raised_a_keyboard_interrupt() -> None:
    with ActorSystem() as system:
        other = system.spawn(Puppet)
        system.spawn(Puppet).tell(Fail(KeyboardInterrupt()))

        assert other.ask(Do(lambda _: "alive")) == "alive"
