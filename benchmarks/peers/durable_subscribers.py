"""One who writes, and 100 who are told: a blackboard, a durable topic, a plain one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks._durable_sample import DurableSample, DurableSuite, Watch
from benchmarks._sample import expect
from dramaturg.actors import Actor, ActorRef, ActorSystem, Message, Props, SqliteJournal, handler
from dramaturg.protocols import (
    Blackboard,
    BoardChanged,
    Delivery,
    DurableTopic,
    Follow,
    Publish,
    PublishDurably,
    Put,
    Subscribe,
    SubscribeDurably,
    Topic,
)

SUBSCRIBERS: Final = 100
_KEYS: Final = 100
_WINDOW: Final = 100
_BURST: Final = 100


class Placed(Message, name="bench.Placed"):
    """What is published."""

    number: int


class _Orders(DurableTopic):
    messages = (Placed,)


class _Count:
    """How often any of them was told, and when that was often enough."""

    def __init__(self, wanted: int) -> None:
        self.told = 0
        self.wanted = wanted
        self.reached = asyncio.Event()

    def one(self) -> None:
        self.told += 1
        if self.told == self.wanted:
            self.reached.set()


class _Follower(Actor):
    def __init__(self, count: _Count) -> None:
        self._count = count

    @handler
    def changed(self, message: BoardChanged) -> None:
        self._count.one()

    @handler
    def other(self, message: Any) -> None:
        """Take what the board holds at the beginning."""


class _Subscriber(Actor):
    def __init__(self, count: _Count) -> None:
        self._count = count

    @handler
    def delivered(self, message: Delivery | Placed) -> None:
        self._count.one()


def _all(system: ActorSystem, cls: type[Actor], count: _Count) -> list[ActorRef[Any]]:
    return [system.spawn(Props(cls, count)) for _ in range(SUBSCRIBERS)]


async def _board(system: ActorSystem, n: int) -> Watch:
    board, count = system.spawn(Blackboard, name="board"), _Count(SUBSCRIBERS * n)
    for ref in _all(system, _Follower, count):
        await board.request(Follow(ref))
    with Watch() as watch:
        for number in range(n):
            await board.request(Put(f"customer/{number % _KEYS}", number))
        await count.reached.wait()
    expect(SUBSCRIBERS * n, count.told)
    return watch


async def _durable(system: ActorSystem, n: int) -> Watch:
    orders, count = system.spawn(_Orders, name="orders"), _Count(SUBSCRIBERS * n)
    for index, ref in enumerate(_all(system, _Subscriber, count)):
        await orders.request(SubscribeDurably(f"s{index}", ref, window=_WINDOW))
    with Watch() as watch:
        for number in range(n):
            await orders.request(PublishDurably(Placed(number=number)))
        await count.reached.wait()
    expect(SUBSCRIBERS * n, count.told)
    return watch


async def _plain(system: ActorSystem, n: int) -> Watch:
    orders, count = system.spawn(Topic, name="orders"), _Count(SUBSCRIBERS * n)
    for ref in _all(system, _Subscriber, count):
        await orders.request(Subscribe(ref, Placed))
    with Watch() as watch:
        for number in range(n):
            orders.tell(Publish(Placed(number=number)))
            if number % _BURST == 0:
                await asyncio.sleep(0)
        await count.reached.wait()
    expect(SUBSCRIBERS * n, count.told)
    return watch


async def _in_a_system(work: Any, n: int, directory: Path) -> DurableSample:
    journal = SqliteJournal(directory / "journal.db")
    async with ActorSystem("bench", journal=journal) as system:
        watch: Watch = await work(system, n)
        figures = {"commits": journal.commits}
    return DurableSample(n, watch.seconds, watch.cpu, figures=figures)


def _run(work: Any) -> Any:
    def run(n: int, directory: Path) -> DurableSample:
        return asyncio.run(_in_a_system(work, n, directory))

    return run


SUITE: Final[DurableSuite] = {
    "board-100": _run(_board),
    "durable-topic-100": _run(_durable),
    "topic-100": _run(_plain),
}
CONTENDERS: Final[Mapping[str, DurableSuite]] = {"dramaturg": SUITE}
