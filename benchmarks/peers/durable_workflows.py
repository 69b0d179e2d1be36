"""dramaturg's workflows on its SQLite journal, which is on the disk before anybody goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks._durable_sample import DurableRun, DurableSample, DurableSuite, Watch
from benchmarks._sample import expect, resident_bytes
from dramaturg.actors import ActorSystem, Refused, SqliteJournal
from dramaturg.protocols.workflows import (
    Outcomes,
    Workflow,
    WorkflowFailed,
    fan_out,
    saga,
    sequence,
    step,
)

BRANCHES: Final = 1_000
ENGINE_ALONE: Final = 1
"""The actors that are left when all instances have ended."""
TENTHS: Final = 10

Once = Callable[[ActorSystem, int], Awaitable[int]]


async def _next(value: int) -> int:
    return value + 1


_THREE_STEPS: Final = Workflow(
    "three-steps", sequence(step("a", _next), step("b", _next), step("c", _next)), takes=int
)
_FAN_OUT: Final = Workflow(
    "fan-out", fan_out({f"b{i}": step(f"b{i}", _next) for i in range(BRANCHES)}), takes=int
)


async def _three_steps(system: ActorSystem, number: int) -> int:
    result: int = await _THREE_STEPS.run(system, number, id=f"order-{number}")
    return result - number


async def _fan(system: ActorSystem, number: int) -> int:
    outcomes: Outcomes = await _FAN_OUT.run(system, number, id=f"order-{number}")
    results: list[int] = [*outcomes.values.values()]
    return sum(results) - BRANCHES * number


class _Shop:
    """Two steps that are undone, since the third is refused."""

    def __init__(self) -> None:
        self.undone = 0
        self.workflow = Workflow(
            "shop",
            saga(
                step("reserve", _next, compensate=self._undo),
                step("charge", _next, compensate=self._undo),
                step("ship", self._ship),
            ),
            takes=int,
        )

    async def _ship(self, value: int) -> int:
        raise Refused("sold out")

    async def _undo(self, value: int) -> None:
        self.undone += 1

    async def order(self, system: ActorSystem, number: int) -> int:
        try:
            await self.workflow.run(system, number, id=f"order-{number}")
        except WorkflowFailed as failed:
            return 1 if failed.status == "compensated" else 0
        return 0


async def at_once(system: ActorSystem, once: Once, numbers: Iterator[int], concurrent: int) -> int:
    """Let so many clients take the next number as soon as their last instance has ended."""

    async def client() -> int:
        total = 0
        for number in numbers:
            # Another client adds meanwhile: the old total is not to be read before the await.
            gained = await once(system, number)
            total += gained
        return total

    return sum(await asyncio.gather(*[client() for _ in range(concurrent)]))


async def _measured(
    once: Once, concurrent: int, gain: int, n: int, directory: Path
) -> DurableSample:
    journal = SqliteJournal(directory / "journal.db")
    async with ActorSystem("bench", journal=journal) as system:
        # The first ones pay for what is made once.
        await at_once(system, once, iter(range(n, n + concurrent)), concurrent)
        before = journal.commits
        with Watch() as watch:
            total = await at_once(system, once, iter(range(n)), concurrent)
        commits = journal.commits - before
    expect(gain * n, total)
    return DurableSample(n, watch.seconds, watch.cpu, figures={"commits": commits})


def _workflows(concurrent: int) -> DurableRun:
    def run(n: int, directory: Path) -> DurableSample:
        return asyncio.run(_measured(_three_steps, concurrent, 3, n, directory))

    return run


def _branches(n: int, directory: Path) -> DurableSample:
    sample = asyncio.run(_measured(_fan, 1, BRANCHES, max(1, n // BRANCHES), directory))
    return sample._replace(operations=sample.operations * BRANCHES)


def _sagas(concurrent: int, n: int, directory: Path) -> DurableSample:
    shop = _Shop()
    sample = asyncio.run(_measured(shop.order, concurrent, 1, n, directory))
    expect(2 * (n + concurrent), shop.undone)
    return sample


async def _population(n: int, directory: Path) -> DurableSample:
    """Let n instances pass through, and look at the memory after each tenth of them."""
    journal = SqliteJournal(directory / "journal.db")
    resident: dict[str, float] = {}
    tenth = n // TENTHS
    async with ActorSystem("bench", journal=journal) as system:
        with Watch() as watch:
            for part in range(TENTHS):
                numbers = iter(range(part * tenth, (part + 1) * tenth))
                total = await at_once(system, _three_steps, numbers, 100)
                expect(3 * tenth, total)
                while system.statistics().actors > ENGINE_ALONE:  # noqa: ASYNC110 - they tell nobody
                    await asyncio.sleep(0.01)
                resident[f"resident bytes after {(part + 1) * tenth}"] = resident_bytes()
    sizes = [*resident.values()]
    growth = sizes[-1] - sizes[1]
    figures = {**resident, "growth from the second tenth on": growth}
    return DurableSample(tenth * TENTHS, watch.seconds, watch.cpu, figures=figures)


def _populated(n: int, directory: Path) -> DurableSample:
    return asyncio.run(_population(n, directory))


SUITE: Final[DurableSuite] = {
    **{f"workflows-{size}": _workflows(size) for size in (1, 10, 100)},
    "fan-out-1000": _branches,
    **{f"saga-{size}": partial(_sagas, size) for size in (1, 100)},
    "population": _populated,
}
CONTENDERS: Final[Mapping[str, DurableSuite]] = {"dramaturg": SUITE}
