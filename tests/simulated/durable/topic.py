"""A durable topic on a node: what is published is handled, in order, also by later lives."""

import asyncio
from typing import Any

from dramaturg.actors import (
    Actor,
    ActorRef,
    Directive,
    GoneError,
    Message,
    Props,
    handler,
)
from dramaturg.protocols import (
    Delivery,
    DurableTopic,
    PublishDurably,
    Seen,
    SubscribeDurably,
    by_request,
    durable_delivery,
    durable_publish,
    durable_subscription,
)
from dramaturg.protocols._durable_cursor import Cursor
from dramaturg.protocols.testing import Node, Simulation, conforms
from tests.simulated.durable.client import answered, insist

NUMBERS = 3


class Item(Message, name="durable.Item"):
    number: int


class Items(DurableTopic):
    messages = (Item,)
    policy = Directive.RESTART


class Reader(Actor):
    """Subscribes when it starts, and takes its time to handle each number."""

    def __init__(self, topic: ActorRef[Any], handled: list[int]) -> None:
        self.topic = topic
        self.handled = handled

    async def on_start(self) -> None:
        wish = SubscribeDurably("reader", self.actor_ref)
        await insist(lambda: self.topic.request(wish, timeout=60))

    @handler
    async def delivered(self, message: Delivery) -> None:
        await asyncio.sleep(0.1)
        self.handled.append(message.message.number)


async def publishing(sim: Simulation) -> None:
    """Let a client publish numbers, each under a key until that is acknowledged."""
    handled: list[int] = []
    offsets: list[int] = []

    def start(node: Node) -> None:
        topic = node.system.spawn(Items, name="items")
        node.system.spawn(Props(Reader, topic, handled), name="reader")

    topic: Any = sim.ref("shop/items")
    crashing: Any = {"key": by_request, "finishes": False}
    conforms(
        sim, durable_publish(), {"client": None, "server": topic}, may_crash=["server"], **crashing
    )
    said: Any = {"client": Reader, "topic": topic, "subscription": Cursor}
    every = ["topic", "subscription", "client"]
    crashing["key"] = Asked()
    conforms(sim, durable_subscription(), said, may_crash=every, **crashing)
    crashing["key"] = _delivered
    told: Any = {"subscription": Cursor, "subscriber": Reader}
    conforms(sim, durable_delivery(), told, may_crash=["subscription", "subscriber"], **crashing)
    sim.always(lambda view: in_order(handled), "none is left out")
    sim.at_rest(
        lambda view: {*handled} == {*range(NUMBERS)} and offsets == sorted({*offsets}),
        "what was acknowledged is handled, and has its own offset",
    )
    await sim.node("shop", start)
    for number in range(NUMBERS):
        stored = await answered(topic, PublishDurably(Item(number=number), key=f"{number}"))
        offsets.append(stored.offset)


class Asked:
    """Tells conversations apart that somebody has begun by a request to the topic.

    A topic that was restarted tells its subscriptions itself who has them. And what was queued at a
    subscription that is stopped was never received there.
    """

    def __init__(self) -> None:
        self.begun: set[Any] = set()

    def __call__(self, seen: Seen) -> Any:
        """Return the request's id."""
        if seen.receiver == "shop/items":
            self.begun.add(seen.message_id)
        return None if seen.message_id not in self.begun else _delivered(seen)


def _delivered(seen: Seen) -> Any:
    return None if isinstance(seen.message, GoneError) else by_request(seen)


def in_order(handled: list[int]) -> bool:
    """Tell whether each number comes when all before it have come."""
    return all(each <= len({*handled[:at]}) for at, each in enumerate(handled))
