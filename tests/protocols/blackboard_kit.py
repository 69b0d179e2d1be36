"""What the tests of blackboards share: boards, actors that follow, and a bench."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any

from dramaturg.actors import Actor, ActorRef, ActorSystem, Directive, Message, Props, handler
from dramaturg.actors.journal import Journal, MemoryJournal
from dramaturg.protocols import Blackboard, BoardView, Entry, Follow, Get, GetAll, Put
from tests.actors.kit import within
from tests.actors.messaging_kit import turns


@dataclass(frozen=True)
class Customer:
    name: str
    tags: Any = ()


class Score(Message):
    points: int


class Mood(Enum):
    GOOD = "good"
    BAD = "bad"


class Board(Blackboard):
    policy = Directive.RESTART
    values = (Customer, Score, Mood)


class Listener(Actor):
    """Keeps whatever it is told."""

    def __init__(self, log: list[Any]) -> None:
        self.log = log

    @handler
    def anything(self, message: object) -> None:
        self.log.append(message)


@dataclass
class Bench:
    """A system with a board."""

    system: ActorSystem
    board: ActorRef[Any]

    async def ask(self, message: Any) -> Any:
        return await within(self.board.request(message))

    async def put(self, key: str, value: Any, **options: Any) -> Entry:
        found: Entry = await self.ask(Put(key, value, **options))
        return found

    async def value(self, key: str) -> Any:
        found = await self.ask(Get(key))
        return None if found is None else found.value

    async def view(self, pattern: str = "**") -> dict[str, Any]:
        found: BoardView = await self.ask(GetAll(pattern))
        return {each.key: each.value for each in found.entries}

    def listener(self, name: str | None = None) -> tuple[ActorRef[Any], list[Any]]:
        log: list[Any] = []
        return self.system.spawn(Props(Listener, log), name=name), log

    async def followed(self, *patterns: str, **options: Any) -> list[Any]:
        """Let a listener follow; return what it is told."""
        ref, log = self.listener()
        await self.ask(Follow(ref, *patterns, **options))
        return log


@asynccontextmanager
async def opened(
    board: type[Blackboard] = Board, journal: Journal | None = None, **options: Any
) -> AsyncGenerator[Bench]:
    journal = MemoryJournal() if journal is None else journal
    async with ActorSystem("test", journal=journal, **options) as system:
        yield Bench(system, system.spawn(board, name="board"))


async def open_bench() -> AsyncGenerator[Bench]:
    async with opened() as bench:
        yield bench


async def versions(log: list[Any]) -> list[int]:
    """Return the versions that a listener was told of."""
    await turns()
    return [each.version for each in log]
