"""What a simulation does not control is named, unless it is allowed."""

import asyncio
import random
import socket
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from dramaturg.actors import Actor, ActorCrashed, ThreadActor, handler
from dramaturg.protocols.testing import (
    EscapeError,
    Simulation,
    explore_system,
)
from tests.protocols.testing.shop import Get, careful

# By name and when it is called: the functions of the modules are exchanged meanwhile.
ESCAPES: dict[str, Callable[[], object]] = {
    "clock": lambda: time.time(),  # noqa: PLW0108
    "sleep": lambda: time.sleep(0),
    "random": lambda: random.random(),  # noqa: PLW0108
    "ids": lambda: uuid.uuid4(),  # noqa: PLW0108
    "thread": lambda: threading.Thread(target=print).start(),
    "socket": lambda: socket.socket().bind(("", 0)),
}


class Escaping(Actor):
    @handler
    def go(self, message: str) -> None:
        ESCAPES[message]()

    @handler
    async def to_thread(self, message: Get) -> None:
        await asyncio.to_thread(print)


async def escaped(sim: Simulation, message: Any) -> None:
    with pytest.raises(ActorCrashed) as raised:
        await sim.system.spawn(Escaping, name="e").request(message)
    cause = raised.value.__cause__
    assert isinstance(cause, EscapeError), cause


@pytest.mark.parametrize("what", [*ESCAPES, Get()], ids=str)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_what_reaches_outside_is_named(what: Any) -> None:
    async def scenario(sim: Simulation) -> None:
        await escaped(sim, what)
        # Seen already, where it was raised.
        sim.system._failure = None

    explore_system(scenario, schedules=1).check()


def test_what_is_allowed_may_be_used() -> None:
    async def scenario(sim: Simulation) -> None:
        await sim.system.spawn(Escaping, name="e").request("clock")

    assert explore_system(scenario, schedules=1, allow=("clock",)).passed
    clock = time.time
    explore_system(careful, schedules=1)
    assert time.time is clock


def test_a_blocking_actor_is_no_part_of_a_simulation() -> None:
    class Blocking(ThreadActor):
        @handler
        def get(self, message: Get) -> None: ...

    async def scenario(sim: Simulation) -> None:
        with pytest.raises(EscapeError):
            sim.system.spawn(Blocking)

    explore_system(scenario, schedules=1).check()
