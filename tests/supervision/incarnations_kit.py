"""Actors to watch, watchers, and a crash that one waits for."""

from typing import Any

from dramaturg.actors import Actor, ActorRef, Props, Terminated, handler
from tests.actors.kit import Crash, Do, Fail, within
from tests.supervision.fault_world import World
from tests.supervision.faults import birth


async def crash(ref: ActorRef[Any]) -> None:
    """Let the child crash, and wait until the next instance serves."""
    before = await within(ref.request(Do(birth)))
    ref.tell(Fail(Crash()))
    assert await within(ref.request(Do(birth))) == before + 1


class Mortal(Actor):
    """Somebody to watch."""


class Watcher(Actor):
    def __init__(self, ref: ActorRef[Any], log: list[Any]) -> None:
        self.ref = ref
        self.log = log

    def on_start(self) -> None:
        self.context.watch(self.ref)

    @handler
    def terminated(self, message: Terminated) -> None:
        self.log.append(message)

    @handler
    def do(self, message: Do) -> Any:
        return message.what(self)


async def watch(it: World, ref: ActorRef[Any]) -> tuple[list[Any], ActorRef[Any]]:
    log: list[Any] = []
    watcher = it.system.spawn(Props(Watcher, ref, log))
    await within(watcher.started())
    return log, watcher
