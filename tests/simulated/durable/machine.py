"""A state machine on a node: it goes on where it was, and each action is done under one key."""

import asyncio
import contextlib
from enum import Enum
from typing import Any

from dramaturg.actors import Directive, Props, Request
from dramaturg.protocols import by_request
from dramaturg.protocols.state_machines import (
    GetHistory,
    GetStatus,
    MachineStatus,
    NoTransition,
    StateMachine,
    Step,
    Timer,
    after,
    entering,
    on,
    transitions,
)
from dramaturg.protocols.testing import Node, Simulation, conforms
from tests.simulated.durable.client import answered, head_of

EXPIRES = 60.0
REMIND = Timer("remind")


class State(Enum):
    NEW = 1
    PAID = 2
    SHIPPED = 3
    EXPIRED = 4


class Pay(Request[MachineStatus[Any, Any]]):
    pass


class Order(StateMachine[State, tuple[str, ...]]):
    """Is paid, then shipped by its own timer."""

    initial, initial_data = State.NEW, ()
    final = (State.SHIPPED, State.EXPIRED)

    def __init__(self, done: dict[str, int], wrong: list[str]) -> None:
        self.done = done
        self.wrong = wrong

    def act(self, step: Step[Any, Any]) -> None:
        """Do something once for each key, when its transition is stored."""
        self.done[step.key] = self.done.get(step.key, 0) + 1
        system: Any = self.context.system
        shelf = system.journal.store.shelves.get("/order")
        if shelf is None or int(step.key.split("/")[2]) > shelf.head:
            self.wrong.append(f"{step.key} is done and not stored")

    table = transitions(
        on(Pay)
        .at(State.NEW)
        .to(State.PAID)
        .updating(lambda data, event: (*data, "paid"))
        .timing(REMIND.start(5.0))
        .do(act),
        on(REMIND).at(State.PAID).to(State.SHIPPED).do(act),
        after(EXPIRES).at(State.NEW).to(State.EXPIRED),
        entering(State.SHIPPED).do(act),
    )


async def shipping(sim: Simulation) -> None:
    """Let a client pay until the order is paid; it is shipped by itself."""
    done: dict[str, int] = {}
    wrong: list[str] = []
    ends: list[Any] = []

    def start(node: Node) -> None:
        props = Props(Order, done, wrong).using(policy=Directive.RESTART)
        node.system.spawn(props, name="order")

    order: Any = sim.ref("shop/order")
    roles: Any = {"client": None, "machine": order}
    conforms(sim, Order.protocol(), roles, key=by_request, may_crash=["machine"], finishes=False)
    sim.always(lambda view: not wrong, "an action comes after its transition")
    sim.at_rest(
        lambda view: ends == [(State.SHIPPED, ("paid",), ["PAID", "SHIPPED"])],
        "it is paid once, and shipped",
    )
    sim.at_rest(lambda view: len(done) == 3, "each action is done, under one key")
    sim.at_rest(lambda view: head_of(sim, "shop", "/order") > 0, "it is in the journal")
    await sim.node("shop", start)
    with contextlib.suppress(NoTransition):  # it was taken, and nobody was told
        await answered(order, Pay())
    await asyncio.sleep(30.0)
    status = await answered(order, GetStatus())
    history = await answered(order, GetHistory())
    ends.append((status.state, status.data, [target for _, _, target in history.transitions]))
