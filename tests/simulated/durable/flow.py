"""A workflow that asks actors of its own node, under its own protocol."""

import asyncio
from dataclasses import replace
from typing import Any

from dramaturg.actors import (
    Actor,
    Directive,
    DramaturgError,
    Message,
    Props,
    Refused,
    Request,
    handler,
)
from dramaturg.protocols import by_request
from dramaturg.protocols.testing import Node, Simulation, conforms
from dramaturg.protocols.workflows import (
    Call,
    Retry,
    Workflow,
    WorkflowFailed,
    ask,
    by_instance,
    coordinators_of,
    saga,
    step,
    wait_for,
    workflow_asked,
)
from dramaturg.protocols.workflows._coordinator import Coordinator
from dramaturg.supervision import Backoff

TWICE = Retry(attempts=2, backoff=Backoff(0.1, 0.1))
LIMIT = 5


class Goods(Message, name="durable.Goods"):
    count: int


class Reserve(Request[str]):
    key: str


class Release(Request[None]):
    key: str
    undoes: str


class Charge(Request[int]):
    key: str
    count: int


def reserve(goods: Goods, call: Call) -> Reserve:
    """Ask for a reservation."""
    return Reserve(key=call.key)


def release(goods: Goods, call: Call) -> Release:
    """Ask for its end."""
    return Release(key=call.key, undoes=str(call.undoes))


def charge(_: Any, call: Call) -> Charge:
    """Ask for the money."""
    return Charge(key=call.key, count=call.input.count)


class Stock(Actor):
    """Has an effect once for each key."""

    policy = Directive.RESTART

    def __init__(self, held: dict[str, bool]) -> None:
        self.held = held

    @handler
    async def reserve(self, request: Reserve) -> str:
        self.held.setdefault(request.key, True)
        await asyncio.sleep(0.1)
        return request.key

    @handler
    async def release(self, request: Release) -> None:
        self.held[request.undoes] = False
        await asyncio.sleep(0.1)


class Bank(Actor):
    """Says no to what is too much."""

    policy = Directive.RESTART

    def __init__(self, paid: dict[str, int]) -> None:
        self.paid = paid

    @handler
    async def charge(self, request: Charge) -> int:
        if request.count > LIMIT:
            raise Refused("too much")
        self.paid[request.key] = request.count
        await asyncio.sleep(0.1)
        return request.count


FLOW = Workflow(
    "durable",
    saga(
        step("reserve", ask("/stock", reserve), compensate=ask("/stock", release), retry=TWICE),
        wait_for("go", str),
        step("charge", ask("/bank", charge)),
    ),
    takes=Goods,
)


async def buying(sim: Simulation, count: int) -> None:
    """Run one instance, in this life or the next, and tell it to go on."""
    held: dict[str, bool] = {}
    paid: dict[str, int] = {}
    ends: list[Any] = []
    works: list[asyncio.Task[None]] = []

    def start(node: Node) -> None:
        node.system.spawn(Props(Stock, held), name="stock")
        node.system.spawn(Props(Bank, paid), name="bank")
        works.append(asyncio.create_task(work(node)))

    async def work(node: Node) -> None:
        system = node.system
        while True:
            try:
                instance = await FLOW.start(system, Goods(count=count), id="1")
                await instance.signal("go", "now", signal="once")
                ends.append(await instance.result())
            except WorkflowFailed as failed:
                ends.append(failed.status)
            except DramaturgError:
                await asyncio.sleep(0.5)
                continue
            return

    crashing: Any = {"finishes": False}
    asked: Any = {"client": None, "engine": sim.ref("shop/workflows"), "coordinator": Coordinator}
    roles = ["client", "engine", "coordinator"]
    conforms(sim, workflow_asked(), asked, key=by_request, may_crash=roles, **crashing)
    cast: Any = {"stock": sim.ref("shop/stock"), "bank": sim.ref("shop/bank")}
    cast["coordinator"] = coordinators_of(FLOW)
    ordered = FLOW.protocol()
    conforms(sim, ordered, cast, key=by_instance, may_crash=ordered.roles, **crashing)
    at_all = replace(FLOW.protocol(ordered=False), name="durable_at_all")
    conforms(sim, at_all, cast, key=by_instance, **crashing)
    sim.at_rest(lambda view: _is_over(count, held, paid, ends), "done once, or undone")
    await sim.node("shop", start)
    await asyncio.sleep(60)


def _is_over(count: int, held: dict[str, bool], paid: dict[str, int], ends: list[Any]) -> bool:
    if count > LIMIT:
        return {*ends} == {"compensated"} and [*held.values()] == [False] and not paid
    return {*ends} == {count} and [*held.values()] == [True] and [*paid.values()] == [count]
