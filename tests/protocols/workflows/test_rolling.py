"""Two processes on one journal, restarted by turns: no instance is lost, none forks."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from dramaturg.actors import ActorSystem, SqliteJournal
from dramaturg.protocols.workflows import Workflow
from dramaturg.protocols.workflows._records import Ended, Failed, Intended, MadeAgain
from tests.protocols.workflows.rolling_program import COUNT, OUTER, WITHIN

ROOT = Path(__file__).parents[3]
PROCESSES = 4


def process(directory: Path, number: int) -> subprocess.Popen[str]:
    """Start one, and wait until it has started its instances."""
    paths = [str(directory / "journal.db"), str(directory / "effects")]
    command = [sys.executable, "-m", "tests.protocols.workflows.rolling_program"]
    errors = directory / f"errors-{number}"
    with errors.open("w") as file:
        started = subprocess.Popen(
            [*command, *paths, str(number)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
        )
    assert said(started) == "started", errors.read_text()
    return started


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_instances_outlive_a_rolling_restart_back_and_forth(tmp_path: Path) -> None:
    alive = [process(tmp_path, 0), process(tmp_path, 1)]
    for number in range(2, PROCESSES):
        gone = alive.pop(0)
        gone.kill()
        gone.communicate()
        alive.append(process(tmp_path, number))
    for each in alive:
        assert said(each) == "over"
        each.communicate()
        assert each.returncode == 0
    asyncio.run(check(tmp_path))


async def check(directory: Path) -> None:
    """Look whether each instance has come to its end, and what was called was intended."""
    called = Counter((directory / "effects").read_text().split())
    async with ActorSystem("check", journal=SqliteJournal(directory / "journal.db")) as system:
        journal: Any = system.journal
        await journal.verify()
        for flow in (OUTER, WITHIN):
            assert len(await flow.ids(system, "completed")) == PROCESSES * COUNT
            for instance in await flow.ids(system, "completed"):
                await check_one(flow, system, instance, called)
    assert not called.total(), f"{called} were called, and not intended"


async def check_one(
    flow: Workflow, system: ActorSystem, instance: str, called: Counter[str]
) -> None:
    history = await flow.history(system, instance)
    records = [each.record for each in history.entries]
    assert sum(isinstance(each, Ended) for each in records) == 1, history
    assert not any(isinstance(each, Failed) for each in records), history
    made = Counter(e.address for e in records if isinstance(e, Intended | MadeAgain))
    for each in records:
        if isinstance(each, Intended):
            assert called.pop(each.key, 0) <= made[each.address], history
