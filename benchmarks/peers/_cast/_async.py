"""`async def` handlers that do not suspend, plain objects as messages."""

from __future__ import annotations

from asyncio import Future
from typing import Any, Final

from benchmarks.peers._cast._base import Cast
from benchmarks.peers._cast._messages import Echo, Hit, Item, Link, Produce, Token, Total
from benchmarks.peers._cast._plain import Asker, hits
from dramaturg.actors import Actor, ActorRef, handler

Ref = ActorRef[Any]


class Counter(Actor):
    def __init__(self) -> None:
        self.count = 0

    @handler
    async def hit(self, message: Hit) -> None:
        self.count += 1

    @handler
    async def total(self, message: Total) -> int:
        return self.count


class Node(Actor):
    def __init__(self, done: Future[int]) -> None:
        self.count = 0
        self.done = done
        self.following: Ref | None = None

    @handler
    async def link(self, message: Link) -> None:
        self.following = message.following

    @handler
    async def token(self, message: Token) -> None:
        self.count += 1
        if message.left and self.following is not None:
            self.following.tell(Token(message.left - 1))
        else:
            self.done.set_result(message.left)

    @handler
    async def total(self, message: Total) -> int:
        return self.count


class Producer(Actor):
    def __init__(self, target: Ref) -> None:
        self.target = target

    @handler
    async def produce(self, message: Produce) -> int:
        hits(self.target.tell, message.times)
        return message.times


class Stage(Actor):
    def __init__(self, following: Ref) -> None:
        self.following = following

    @handler
    async def item(self, message: Item) -> None:
        self.following.tell(message)


class Sink(Actor):
    def __init__(self, expected: int, done: Future[int]) -> None:
        self.count = 0
        self.total = 0
        self.expected = expected
        self.done = done

    @handler
    async def item(self, message: Item) -> None:
        self.count += 1
        self.total += message.value
        if self.count == self.expected:
            self.done.set_result(self.total)


class Echoer(Actor):
    @handler
    async def echo(self, message: Echo) -> int:
        return message.value


ASYNC: Final = Cast(
    counter=Counter,
    node=Node,
    producer=Producer,
    stage=Stage,
    sink=Sink,
    echo=Echoer,
    asker=Asker,
    hits=hits,
    token=Token,
    item=Item,
    say=Echo,
)
