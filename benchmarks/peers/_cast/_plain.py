"""`def` handlers, plain objects as messages."""

from __future__ import annotations

from asyncio import Future
from typing import Any, Final

from benchmarks.peers._cast._base import Cast, Tell
from benchmarks.peers._cast._messages import AskOther, Echo, Hit, Item, Link, Produce, Token, Total
from dramaturg.actors import Actor, ActorRef, handler

Ref = ActorRef[Any]


class Counter(Actor):
    def __init__(self) -> None:
        self.count = 0

    @handler
    def hit(self, message: Hit) -> None:
        self.count += 1

    @handler
    def total(self, message: Total) -> int:
        return self.count


class Quota(Actor):
    """Count hits, and report when all of them are there."""

    def __init__(self, expected: int, done: Future[int]) -> None:
        self.count = 0
        self.expected = expected
        self.done = done

    @handler
    def hit(self, message: Hit) -> None:
        self.count += 1
        if self.count == self.expected:
            self.done.set_result(self.count)


class Node(Actor):
    def __init__(self, done: Future[int]) -> None:
        self.count = 0
        self.done = done
        self.following: Ref | None = None

    @handler
    def link(self, message: Link) -> None:
        self.following = message.following

    @handler
    def token(self, message: Token) -> None:
        self.count += 1
        if message.left and self.following is not None:
            self.following.tell(Token(message.left - 1))
        else:
            self.done.set_result(message.left)

    @handler
    def total(self, message: Total) -> int:
        return self.count


class Producer(Actor):
    def __init__(self, target: Ref) -> None:
        self.target = target

    @handler
    def produce(self, message: Produce) -> int:
        hits(self.target.tell, message.times)
        return message.times


class Stage(Actor):
    def __init__(self, following: Ref) -> None:
        self.following = following

    @handler
    def item(self, message: Item) -> None:
        self.following.tell(message)


class Sink(Actor):
    def __init__(self, expected: int, done: Future[int]) -> None:
        self.count = 0
        self.total = 0
        self.expected = expected
        self.done = done

    @handler
    def item(self, message: Item) -> None:
        self.count += 1
        self.total += message.value
        if self.count == self.expected:
            self.done.set_result(self.total)


class Echoer(Actor):
    @handler
    def echo(self, message: Echo) -> int:
        return message.value


class Asker(Actor):
    """Its handler awaits, so it is `async def` in every flavour."""

    def __init__(self, other: Ref) -> None:
        self.other = other

    @handler
    async def ask_other(self, message: AskOther) -> int:
        request = self.other.request
        total = 0
        for value in range(message.times):
            total += await request(Echo(value))
        return total


def hits(tell: Tell, times: int) -> None:
    hit = Hit()
    for _ in range(times):
        tell(hit)


PLAIN: Final = Cast(
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
