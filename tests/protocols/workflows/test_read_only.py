"""A system that only reads tells how far instances are, and lets nobody wait for ever."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from dramaturg.actors import ActorSystem, JournalUnavailable, SqliteJournal
from dramaturg.protocols.workflows import Workflow, sequence, step, wait_for
from tests.protocols.workflows.kit import LIMIT

if TYPE_CHECKING:
    from pathlib import Path

FLOW = Workflow("waits", sequence(wait_for("go", int), step("b", lambda value: value)))


async def test_what_is_in_flight_is_told_of_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with ActorSystem("writes", journal=SqliteJournal(path)) as system:
        await FLOW.start(system, 1, id="over")
        await FLOW.signal(system, "over", "go", 7)
        assert await FLOW.result(system, "over") == 7
        await FLOW.start(system, 1, id="on")

    async with ActorSystem("reads", journal=SqliteJournal(path, read_only=True)) as system:
        assert (await FLOW.status(system, "on")).waiting == ("go",)
        for call in (
            FLOW.run(system, 1, id="on"),
            FLOW.result(system, "on"),
            FLOW.start(system, 1, id="new"),
            FLOW.signal(system, "on", "go", 1),
            FLOW.cancel(system, "on"),
            FLOW.resume(system),
        ):
            with pytest.raises(JournalUnavailable) as refused:
                await asyncio.wait_for(call, LIMIT)
            assert refused.value.problem == "read-only"
        assert await asyncio.wait_for(FLOW.run(system, 1, id="over"), LIMIT) == 7
        assert await asyncio.wait_for(FLOW.result(system, "over"), LIMIT) == 7
