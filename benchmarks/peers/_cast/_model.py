"""`def` handlers, and a new `Message` (a pydantic model, checked) for every message."""

from __future__ import annotations

from asyncio import Future
from typing import Any, Final

from benchmarks.peers._cast._base import Cast, Tell
from benchmarks.peers._cast._messages import (
    AskOther,
    EchoModel,
    HitModel,
    ItemModel,
    Link,
    Produce,
    TokenModel,
    Total,
)
from dramaturg.actors import Actor, ActorRef, handler

Ref = ActorRef[Any]


class Counter(Actor):
    def __init__(self) -> None:
        self.count = 0

    @handler
    def hit(self, message: HitModel) -> None:
        self.count += message.weight

    @handler
    def total(self, message: Total) -> int:
        return self.count


class Node(Actor):
    def __init__(self, done: Future[int]) -> None:
        self.count = 0
        self.done = done
        self.following: Ref | None = None

    @handler
    def link(self, message: Link) -> None:
        self.following = message.following

    @handler
    def token(self, message: TokenModel) -> None:
        self.count += 1
        if message.left and self.following is not None:
            self.following.tell(TokenModel(left=message.left - 1))
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
        _hits(self.target.tell, message.times)
        return message.times


class Stage(Actor):
    def __init__(self, following: Ref) -> None:
        self.following = following

    @handler
    def item(self, message: ItemModel) -> None:
        self.following.tell(message)


class Sink(Actor):
    def __init__(self, expected: int, done: Future[int]) -> None:
        self.count = 0
        self.total = 0
        self.expected = expected
        self.done = done

    @handler
    def item(self, message: ItemModel) -> None:
        self.count += 1
        self.total += message.value
        if self.count == self.expected:
            self.done.set_result(self.total)


class Echoer(Actor):
    @handler
    def echo(self, message: EchoModel) -> int:
        return message.value


class Asker(Actor):
    def __init__(self, other: Ref) -> None:
        self.other = other

    @handler
    async def ask_other(self, message: AskOther) -> int:
        request = self.other.request
        total = 0
        for value in range(message.times):
            total += await request(EchoModel(value=value))
        return total


def _hits(tell: Tell, times: int) -> None:
    for _ in range(times):
        tell(HitModel(weight=1))


def _token(left: int) -> TokenModel:
    return TokenModel(left=left)


def _item(value: int) -> ItemModel:
    return ItemModel(value=value)


def _say(value: int) -> EchoModel:
    return EchoModel(value=value)


MODEL: Final = Cast(
    counter=Counter,
    node=Node,
    producer=Producer,
    stage=Stage,
    sink=Sink,
    echo=Echoer,
    asker=Asker,
    hits=_hits,
    token=_token,
    item=_item,
    say=_say,
)
