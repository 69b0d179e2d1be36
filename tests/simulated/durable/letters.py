"""Durable dead letters of a node: none is lost, and none is sent twice unless somebody says so."""

import asyncio
from typing import Any

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorSystem,
    DurableDeadLetters,
    JournalError,
    Message,
    Props,
    TypeRegistry,
    handler,
)
from dramaturg.protocols import by_request, letter_replayed
from dramaturg.protocols.testing import Node, Simulation, conforms

NUMBERS = 2


class Item(Message, name="durable.Letter"):
    number: int


class Till(Actor):
    def __init__(self, handled: list[int]) -> None:
        self.handled = handled

    @handler
    def item(self, message: Item) -> None:
        self.handled.append(message.number)


class Sender(Actor):
    """Sends what the till is too late for."""

    def __init__(self, till: ActorRef[Any]) -> None:
        self.till = till

    def on_start(self) -> None:
        for number in range(NUMBERS):
            self.till.tell(Item(number=number))


async def burying(sim: Simulation) -> None:
    """Bury letters until they are stored; then, in this life or the next, send them again."""
    handled: list[int] = []
    stored: list[int] = []
    settled: list[int] = []
    works: list[asyncio.Task[None]] = []

    async def start(node: Node) -> None:
        letters = DurableDeadLetters(TypeRegistry(Item))
        letters.attach(node.system)
        node.system.dead_letters = letters
        await letters.begin()
        # A task of its own: a node that still starts does not crash.
        works.append(asyncio.create_task(work(node.system, letters)))

    async def work(system: ActorSystem, letters: DurableDeadLetters) -> None:
        till = system.spawn(Props(Till, handled), name="till")
        if not stored and not numbers(letters):
            await till.stop(block=False)
            await system.spawn(Props(Sender, till), name="sender").stop(block=False)
            await _stored(letters)
            system.spawn(Props(Till, handled), name="till")
        stored[:] = stored or numbers(letters)
        letters.replay()
        for _ in range(3):  # marked, sent again, and settled
            await _stored(letters)
            await asyncio.sleep(1.0)
        settled.extend({*handled} - {*numbers(letters)})

    roles: Any = {"store": None, "target": Till}
    conforms(
        sim,
        letter_replayed(Item),
        roles,
        key=by_request,
        may_crash=["target"],
        finishes=False,
    )
    sim.always(lambda view: len({*handled}) == len(handled), "sent once at most")
    sim.at_rest(
        lambda view: not {*settled} & {*numbers(sim.node_named("shop").system.dead_letters)},
        "what was handled is no letter any more",
    )
    sim.at_rest(lambda view: _all_there(sim, handled, stored), "handled, or a dead letter")
    await sim.node("shop", start)


def numbers(letters: Any) -> list[int]:
    """Return what is in the letters."""
    return [each.message.number for each in letters.list(message_type=Item)]


async def _stored(letters: DurableDeadLetters) -> None:
    while True:
        try:
            await letters.stored()
        except JournalError:
            await asyncio.sleep(0.5)
            continue
        return


def _all_there(sim: Simulation, handled: list[int], stored: list[int]) -> bool:
    letters: Any = sim.node_named("shop").system.dead_letters
    assert letters.failure is None, letters.failure
    found = {*handled, *numbers(letters)}
    return found == {*stored} == {*range(NUMBERS)}
