"""The tree: children end before their parents, whatever happens to whom."""

import asyncio
import threading
from collections import Counter
from random import Random
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorEnded,
    ActorRef,
    ActorSystem,
    Directive,
    Props,
    handler,
)
from tests.actors.kit import (
    KINDS,
    AsyncPuppet,
    Crash,
    Do,
    Events,
    Fail,
    Kind,
    Puppet,
    ThreadPuppet,
    ended,
    settled,
    stop,
    within,
)


@pytest.mark.parametrize("kind", KINDS)
async def test_children_end_before_their_parent_whose_on_stop_runs_last(kind: Kind) -> None:
    class Family(kind):  # type: ignore[misc, valid-type]
        def __init__(self, log: list[Any], depth: int) -> None:
            super().__init__(log)
            for name in "ab" if depth else "":
                self.context.spawn(Props(Family, log, depth - 1), name=name)

        if kind is not AsyncPuppet:

            def on_stop(self) -> None:  # pyright: ignore[reportRedeclaration]
                self.log.append(self.context.path)
        else:

            async def on_stop(self) -> None:  # type: ignore[misc]
                await asyncio.sleep(0)
                self.log.append(self.context.path)

    log: list[Any] = []
    async with ActorSystem() as system:
        events = Events(system, ActorEnded)
        await stop(system.spawn(Props(Family, log, 2), name="top"))

    stopped = [each for each in log if each != "on_start"]
    assert stopped[-1] == "/top"
    assert len(stopped) == 7
    for order in (stopped, [event.path for event in events.all]):
        for path in order:
            below = [other for other in order if other.startswith(f"{path}/")]
            assert all(order.index(other) < order.index(path) for other in below)


class Node(Actor):
    """Grows a random tree below itself."""

    def __init__(self, random: Random, size: int, born: list[ActorRef[Any]]) -> None:
        born.append(self.actor_ref)
        size -= 1
        while size > 0:
            part = random.randint(1, size)
            self.context.spawn(Props(KIND_OF_NODE[random.random() < 0.2], random, part, born))
            size -= part

    @handler
    def fail(self, message: Fail) -> None:
        raise message.error


class AsyncNode(Node):
    async def on_stop(self) -> None:
        await asyncio.sleep(0)


KIND_OF_NODE: dict[bool, type[Node]] = {False: Node, True: AsyncNode}


@pytest.mark.parametrize("seed", range(10))
async def test_no_actor_of_a_random_tree_outlives_its_parent(seed: int) -> None:
    random = Random(seed)
    async with ActorSystem() as system:
        order: list[str] = []
        system.events.subscribe(lambda event: order.append(event.path), ActorEnded)
        for _round in range(100):
            order.clear()
            born: list[ActorRef[Any]] = []
            top = system.spawn(Props(Node, random, random.randint(1, 12), born))
            for ref in random.sample(born, random.randint(0, len(born))):
                if random.random() < 0.3:
                    ref.tell(Fail(Crash()))
                elif random.random() < 0.5:
                    ref.drain(block=False)
                else:
                    ref.request_stop()
            top.request_stop()
            await within(top.stop(block=False))

            assert not any(ref.is_alive() for ref in born)
            assert Counter(order) == Counter(ref.path for ref in born)
            ends = {path: number for number, path in enumerate(order)}
            for path, number in ends.items():
                parent = path.rpartition("/")[0]
                assert not parent or number < ends[parent]


async def test_a_tree_of_threads_ends_in_order_too() -> None:
    class Family(ThreadPuppet):
        def __init__(self, depth: int) -> None:
            super().__init__()
            for name in "abc" if depth else "":
                self.context.spawn(Props(Family, depth - 1), name=name)

    before = threading.active_count()
    async with ActorSystem() as system:
        events = Events(system, ActorEnded)
        top = system.spawn(Props(Family, 2), name="top")
        assert threading.active_count() >= before + 13
        await stop(top)

    order = [event.path for event in events.all if event.path != "/"]
    assert len(order) == 13
    for path in order:
        assert all(
            order.index(other) <= order.index(path) for other in order if other.startswith(path)
        )


async def test_context_knows_the_living_children_only() -> None:
    def names(actor: Any) -> list[str]:
        return [child.name for child in actor.context.children]

    async with ActorSystem() as system:
        parent = system.spawn(Puppet)
        children = await within(
            parent.request(Do(lambda actor: [actor.context.spawn(Puppet, name=n) for n in "abc"]))
        )
        await stop(children[1])

        assert await within(parent.request(Do(names))) == ["a", "c"]


async def test_siblings_mind_neither_an_end_nor_a_failure() -> None:
    async with ActorSystem() as system:
        parent = system.spawn(Puppet)
        failing, stopping, staying = await within(
            parent.request(Do(lambda actor: [actor.context.spawn(kind) for kind in KINDS]))
        )
        failing.tell(Fail(Crash()))
        await ended(failing)
        await stop(stopping)

        assert await within(staying.request(Do(lambda _: "alive"))) == "alive"
        assert parent.is_alive()


async def test_the_young_go_first() -> None:
    async with ActorSystem() as system:
        events = Events(system, ActorEnded)
        parent = system.spawn(Puppet, name="it")
        await within(
            parent.request(Do(lambda actor: [actor.context.spawn(Actor, name=n) for n in "abc"]))
        )
        await stop(parent)

        assert [event.path for event in events.all] == ["/it/c", "/it/b", "/it/a", "/it"]


async def test_an_actor_with_a_hundred_children_stops_and_restarts() -> None:
    class Wide(Puppet):
        policy = Directive.RESTART

        def __init__(self) -> None:
            super().__init__()
            for number in range(100):
                self.context.spawn((Puppet, AsyncPuppet)[number % 2])

    async with ActorSystem() as system:
        ref = system.spawn(Wide)
        ref.tell(Fail(Crash()))
        await settled(ref)

        assert len(await within(ref.request(Do(lambda actor: actor.context.children)))) == 100
        assert await stop(ref)
        assert system.actors == ()


async def test_a_deep_tree_stops() -> None:
    class Deep(Puppet):
        def __init__(self, depth: int) -> None:
            super().__init__()
            if depth:
                self.context.spawn(Props(Deep, depth - 1))

    async with ActorSystem() as system:
        events = Events(system, ActorEnded)
        await stop(system.spawn(Props(Deep, 100)))

        assert len(events.all) == 101
