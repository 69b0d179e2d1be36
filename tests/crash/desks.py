"""Delegators: a task that is given once more, under its key, is done once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from dramaturg.actors import (
    ActorSystem,
    Directive,
    EventSourced,
    Message,
    Props,
    Refused,
    Request,
    handler,
)
from dramaturg.protocols import Delegator, InOrder, Route
from dramaturg.protocols.workflows import Retry
from dramaturg.supervision import Backoff

if TYPE_CHECKING:
    from tests.crash.effects import Effects
    from tests.crash.life import Life

__all__ = ["Desks"]

TASKS = 8
SOON = Retry(attempts=2, backoff=Backoff(0.001, 0.002))


class Print(Request[int]):
    """A task; answered with its number in the book of whoever did it."""

    page: int
    key: str


class Printed(Message, name="crash.Printed"):
    """It was done."""

    key: str


class Book(Message, name="crash.Book"):
    """What was done, by key."""

    keys: tuple[str, ...] = ()


class Printer(EventSourced[Book]):
    """Does each task once; on some it fails at first, before or after it has done them."""

    initial = Book()

    def __init__(self, effects: Effects) -> None:
        self._effects = effects

    def apply(self, state: Book, event: Printed) -> Book:
        return Book(keys=(*state.keys, event.key))

    @handler
    async def do(self, task: Print) -> int:
        self._effects.note(f"{self.context.path} asked for {task.page}", task.key)
        calls = self._effects.calls(task.key)
        if task.page % 4 == 3:
            raise Refused("no paper")
        if task.page % 4 == 1 and calls == 1:
            raise ConnectionError("before")
        if task.key not in self.state.keys:
            await self.persist(Printed(key=task.key))
        if task.page % 4 == 2 and calls == 1:
            raise ConnectionError("after")
        return self.state.keys.index(task.key)


class Desks:
    """Tasks for two printers, the second one in reserve."""

    commits = 12
    withstands = False

    async def live(self, life: Life) -> None:
        """Give each task until somebody has heard its answer."""
        async with ActorSystem("crash", journal=life.journal()) as system:
            recipe = Props(Printer, life.effects).using(policy=Directive.RESTART)
            printers = [system.spawn(recipe, name=name) for name in ("first", "second")]
            route = Route(Print, agents=printers, choose=InOrder(), retry=SOON)
            desk = system.spawn(Delegator.of(route, tasks=[Print]), name="desk")
            await asyncio.gather(*(self._give(life, desk, page) for page in range(TASKS)))
        for what, keys in life.effects.keys_of().items():
            assert len(keys) == 1, f"{what} was asked under {sorted(keys)}"
        await self._check_books(life)

    async def _give(self, life: Life, desk: Any, page: int) -> None:
        known = life.acknowledged.about(page)
        if {each[0] for each in life.acknowledged.all} >= {*range(TASKS)}:
            return
        try:
            answer = await desk.request(Print(page=page, key=f"page {page}"))
        except Refused:
            answer = None
        assert (answer is None) == (page % 4 == 3)
        for (before,) in known:
            assert before == answer, f"page {page} was done twice"
        life.acknowledged.add(page, answer)

    async def _check_books(self, life: Life) -> None:
        async with life.journal() as journal:
            first = [each.payload async for each in journal.read("/first")]
            second = [each.payload async for each in journal.read("/second")]
        assert len(first) == len(set(first)) == TASKS * 3 // 4
        assert not second, "the first has always had its second attempt"
