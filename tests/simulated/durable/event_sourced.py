"""An event-sourced actor on a node: what it acknowledges is there, its effects come after."""

import contextlib
from typing import Any

from dramaturg.actors import (
    Directive,
    EventSourced,
    JournalError,
    Message,
    Props,
    Request,
    handler,
)
from dramaturg.protocols import by_request, request_response
from dramaturg.protocols.testing import Node, Simulation, SystemScenario, conforms
from tests.simulated.durable.client import answered, head_of

NUMBERS = 3


class Added(Message, name="durable.Added"):
    number: int


class Numbers(Message, name="durable.Numbers"):
    all: tuple[int, ...] = ()


class Add(Request[int]):
    number: int


class Get(Request[tuple[int, ...]]):
    pass


class Counter(EventSourced[Numbers]):
    """Prints what it has stored, which is its effect."""

    initial = Numbers()
    snapshot_every = 2
    delete_events = True

    def __init__(self, printed: list[int]) -> None:
        self.printed = printed

    def apply(self, state: Numbers, event: Added) -> Numbers:
        return Numbers(all=(*state.all, event.number))

    @handler
    async def add(self, command: Add) -> int:
        if command.number not in self.state.all:
            await self.persist(Added(number=command.number))
            self.printed.append(command.number)
        return command.number

    @handler
    def get(self, command: Get) -> tuple[int, ...]:
        return self.state.all


class Eager(Counter):
    """Prints before it is stored."""

    @handler
    async def add(self, command: Add) -> int:
        if command.number not in self.state.all:
            self.printed.append(command.number)
            await self.persist(Added(number=command.number))
        return command.number


class Careless(Counter):
    """Says yes whatever the journal says."""

    @handler
    async def add(self, command: Add) -> int:
        if command.number not in self.state.all:
            with contextlib.suppress(JournalError):
                await self.persist(Added(number=command.number))
            self._stream.failure = None
        return command.number


class Hasty(Counter):
    """Answers before it is stored."""

    @handler
    async def add(self, command: Add) -> int:
        if command.number not in self.state.all:
            assert self.context.sender is None
            self._cell.message.reply.complete(command.number, None)
            await self.persist(Added(number=command.number))
        return command.number


def counting(kind: type[Counter]) -> SystemScenario:
    """Let a client add numbers, each until that is acknowledged."""

    async def scenario(sim: Simulation) -> None:
        printed: list[int] = []
        stored: list[tuple[int, ...]] = []
        acknowledged: list[int] = []

        def start(node: Node) -> None:
            props = Props(kind, printed).using(policy=Directive.RESTART)
            node.system.spawn(props, name="counter")

        counter: Any = sim.ref("shop/counter")
        roles = {"client": None, "server": counter}
        conforms(
            sim,
            request_response(Add, int, Exception),
            roles,
            key=by_request,
            may_crash=["server"],
            finishes=False,
        )
        await sim.node("shop", start)
        sim.at_rest(
            lambda view: stored == [(*acknowledged,)] == [tuple(range(NUMBERS))],
            "what was acknowledged is there, once",
        )
        sim.always(lambda view: len({*printed}) == len(printed), "an effect comes once at most")
        sim.always(
            lambda view: len(printed) <= head_of(sim, "shop", "/counter"),
            "an effect comes after its event",
        )

        for number in range(NUMBERS):
            acknowledged.append(await answered(counter, Add(number=number)))
            there = await answered(counter, Get())
            stored[:] = [there]

    return scenario
