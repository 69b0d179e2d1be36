"""Blackboards: what was acknowledged stands there, and followers go on without a gap."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from dramaturg.actors import Actor, ActorSystem, Props, handler
from dramaturg.protocols import (
    At,
    Blackboard,
    BoardChanged,
    BoardContents,
    Delete,
    Follow,
    Get,
    GetAll,
    GetFollowers,
    History,
    Put,
    PutAll,
)
from tests.crash.life import until

if TYPE_CHECKING:
    from dramaturg.actors import ActorRef
    from tests.crash.effects import Notes
    from tests.crash.life import Life

__all__ = ["Boards"]

TIMES = 6


class Counts(Blackboard):
    """Some counts."""

    values: ClassVar[Any] = ()
    snapshot_every: ClassVar[int | None] = 5


class Copyist(Actor):
    """Writes down each change."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    @handler
    def begin(self, message: BoardContents) -> None:
        raise AssertionError("it follows from a version, so it is told of changes only")

    @handler
    def change(self, message: BoardChanged) -> None:
        changes = [[each.key, getattr(each, "value", None)] for each in message.changes]
        self._notes.add("copied", message.version, changes)


class Boards:
    """Three who count, and one who follows."""

    commits = 24
    withstands = False

    async def live(self, life: Life) -> None:
        """Count to the end, and compare the copy."""
        async with ActorSystem("crash", journal=life.journal()) as system:
            board = system.spawn(Counts, name="board")
            copyist = system.spawn(Props(Copyist, life.acknowledged), name="copyist")
            copied = life.acknowledged.about("copied")
            last = copied[-1][0] if copied else 0
            await board.request(Follow(copyist, from_version=last))
            await self._check_told(life, board)
            await asyncio.gather(
                self._count(life, board, "one"),
                self._count(life, board, "two"),
                self._pairs(life, board),
            )
            view = await board.request(GetAll())

            async def is_told() -> bool:
                return (await board.request(GetFollowers()))[0].seen == view.version

            await until(is_told)
            await copyist.drain(block=False)
            await self._check_copy(life, board, view)

    async def _count(self, life: Life, board: ActorRef[Any], key: str) -> None:
        entry = await board.request(Get(key))
        for number in range(0 if entry is None else entry.value + 1, TIMES):
            version = 0 if entry is None else entry.version
            entry = await board.request(Put(key, number, expected_version=version))
            life.acknowledged.add("told", key, number, entry.version)

    async def _pairs(self, life: Life, board: ActorRef[Any]) -> None:
        left = await board.request(Get("left"))
        for number in range(0 if left is None else left.value + 1, TIMES):
            await board.request(PutAll(Put("left", number), Put("right", number)))
            if number % 3 == 1:
                await board.request(Delete("passing"))
                gone = await board.request(Get("passing"))
                assert gone is None
            else:
                await board.request(Put("passing", number))

    async def _check_told(self, life: Life, board: ActorRef[Any]) -> None:
        for key, number, version in life.acknowledged.about("told"):
            entry = await board.request(Get(key))
            assert entry is not None
            assert entry.value >= number
            history = await board.request(History(key))
            written = [getattr(each, "value", None) for each in history if each.version == version]
            assert written == [number]
        left, right = await board.request(Get("left")), await board.request(Get("right"))
        assert (left is None) == (right is None)
        assert getattr(left, "value", None) == getattr(right, "value", None)

    async def _check_copy(self, life: Life, board: ActorRef[Any], view: Any) -> None:
        copy: dict[str, Any] = {}
        versions: list[int] = []
        for version, changes in life.acknowledged.about("copied"):
            versions.append(version)
            copy.update(changes)
            then = await board.request(At(version=version))
            held = {each.key: each.value for each in then.entries}
            assert held == {key: value for key, value in copy.items() if value is not None}
        assert versions == [*range(1, view.version + 1)]
