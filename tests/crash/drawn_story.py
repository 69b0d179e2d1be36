"""Drawn workflows as a story: several of them, some instances each, some cancelled."""

from __future__ import annotations

import asyncio
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from dramaturg.actors import ActorSystem, JournalUnavailable
from dramaturg.protocols.workflows import WorkflowFailed
from dramaturg.protocols.workflows._records import Begun, Intended, Succeeded
from tests.crash.drawn import plan_of
from tests.crash.drawn_check import check_instance
from tests.crash.drawn_steps import Cast, Helper
from tests.crash.drawn_told import outcome_of_plan
from tests.crash.life import PAUSE, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dramaturg.protocols.workflows import Workflow
    from tests.crash.drawn import Node, Plan
    from tests.crash.life import Life

__all__ = ["Drawn"]

T = TypeVar("T")
WORKFLOWS = 3


class Drawn:
    """The workflows of one seed."""

    commits = 40
    withstands = True

    def __init__(self, seed: int) -> None:
        random = Random(seed)
        self.plans = [plan_of(random) for _ in range(WORKFLOWS)]

    async def live(self, life: Life) -> None:
        """Run an instance of each, and check all of them and those within."""
        life.acknowledged.add("lives", life.attempts)
        casts = [Cast(life.effects) for _ in self.plans]
        flows = [
            cast.workflow(f"drawn{index}", plan.root)
            for index, (cast, plan) in enumerate(zip(casts, self.plans, strict=True))
        ]
        async with ActorSystem("crash", journal=life.journal()) as system:
            system.spawn(Helper, name="helper")
            every = [
                each
                for flow, cast in zip(flows, casts, strict=True)
                for each in (flow, *cast.inner.values())
            ]
            await self._look_back(life, system, every)
            playing = [
                _Playing(life, system, flow, plan)
                for flow, plan in zip(flows, self.plans, strict=True)
            ]
            within = [each for cast in casts for each in cast.inner.values()]
            operating = asyncio.ensure_future(_operate(system, within))
            await asyncio.gather(*(each.play() for each in playing))
            operating.cancel()
            for flow, cast, plan in zip(flows, casts, self.plans, strict=True):
                for inner in cast.inner.values():
                    await _settled(system, inner)
                await self._check(life, system, flow, plan.root)
                for name, inner in cast.inner.items():
                    await self._check(life, system, inner, _found(plan.root, name).inner[0])
        for count, keys in life.acknowledged.about("results"):
            again = {each.key for each in life.effects.read()[count:]} & {*keys}
            assert not again, f"{sorted(again)} had results, and were called again"

    async def _look_back(self, life: Life, system: ActorSystem, flows: list[Workflow]) -> None:
        """Check that all that was called is intended; remember what need not be called again."""
        called = {each.key for each in life.effects.read()}
        with_results: list[str] = []
        for flow in flows:
            found = await _records(system, flow)
            assert found or not life.acknowledged.about("begun", flow.name), "it was forgotten"
            for records in found.values():
                over = {each.address for each in records if isinstance(each, Succeeded)}
                intended = [each for each in records if isinstance(each, Intended)]
                with_results += {each.key for each in intended if each.address in over}
                called -= {each.key for each in intended}
        assert not called, f"{sorted(called)} were called before that was stored"
        life.acknowledged.add("results", len(life.effects.read()), with_results)

    async def _check(self, life: Life, system: ActorSystem, flow: Workflow, root: Node) -> None:
        lives = sum(each[0] for each in life.acknowledged.about("lives"))
        for instance, records in (await _records(system, flow)).items():
            try:
                check_instance(root, records, life.effects, lives)
            except AssertionError as error:
                history = await flow.history(system, instance)
                raise AssertionError(f"{flow.name}: {error}\n{history}") from error


class _Playing:
    """One instance, and what happens to it from outside."""

    def __init__(self, life: Life, system: ActorSystem, flow: Workflow, plan: Plan) -> None:
        self._life = life
        self._system = system
        self._flow = flow
        self._plan = plan
        self._over = False

    async def play(self) -> None:
        """Start it, or go on with it, until nothing is to be done any more."""
        flow, system, known = self._flow, self._system, self._life.acknowledged
        await _insisted(lambda: flow.start(system, 0, id="1"))
        known.add("begun", flow.name)
        canceller = asyncio.ensure_future(self._cancel())
        for event, times in self._plan.events.items():
            for number in range(times):
                signal = partial(
                    flow.signal, system, "1", event, number, signal=f"{event} {number}"
                )
                await _insisted(signal)
        status = await self._end()
        self._over = True
        await canceller
        before = {str(each[0]) for each in known.about("ended", flow.name)}
        assert before <= {status}, f"it has ended as {before}, and now {status}"
        known.add("ended", flow.name, status)
        await _settled(system, flow)
        if known.about("cancelled", flow.name):
            assert status in ("compensated", "cancelled"), await flow.history(system, "1")
        elif self._plan.cancel_after is None:
            wanted = outcome_of_plan(self._plan.root) == "ok"
            assert (status == "completed") == wanted, await flow.history(system, "1")

    async def _end(self) -> str:
        flow, system = self._flow, self._system
        while True:
            try:
                await _insisted(lambda: flow.result(system, "1"))
            except WorkflowFailed as failed:
                if failed.status != "stuck":
                    return str(failed.status)
                for each in failed.stuck:
                    await _insisted(partial(flow.resolve, system, "1", each, "retry", by="ann"))
            else:
                return "completed"

    async def _cancel(self) -> None:
        after, flow = self._plan.cancel_after, self._flow
        if after is None:
            return
        await until(lambda: self._over or len(self._life.effects.read()) >= after)
        if await _insisted(lambda: flow.cancel(self._system, "1")):
            self._life.acknowledged.add("cancelled", flow.name)


async def _settled(system: ActorSystem, flow: Workflow) -> None:
    """Wait until none of its instances has anything to do; try again what is stuck."""

    async def is_settled() -> bool:
        await flow.resume(system)
        # In this order: what runs may become stuck between the two.
        running = await flow.ids(system)
        return not await _resolved(system, flow) and not running

    await until(lambda: _insisted(is_settled))


async def _operate(system: ActorSystem, within: list[Workflow]) -> None:
    """See to what is stuck within others: their steps wait for it."""
    while True:
        for flow in within:
            await _insisted(partial(_resolved, system, flow))
        await asyncio.sleep(PAUSE)


async def _resolved(system: ActorSystem, flow: Workflow) -> tuple[str, ...]:
    """Try again what is stuck, and return in which instances something was."""
    stuck = await flow.ids(system, "stuck")
    for each in stuck:
        for address in (await flow.status(system, each)).stuck:
            await flow.resolve(system, each, address, "retry", by="ann")
    return stuck


async def _insisted(call: Callable[[], Awaitable[T]]) -> T:
    """Call again what the journal had no room for."""
    while True:
        try:
            return await call()
        except JournalUnavailable:
            await asyncio.sleep(PAUSE)


async def _records(system: ActorSystem, flow: Workflow) -> dict[str, list[Any]]:
    journal, codec = system.journal, system.journal_codec(flow._family.registry)
    assert journal is not None
    found: dict[str, list[Any]] = {}
    async for name in journal.persistence_ids(flow._family.persistence_id("")):
        records: list[Any] = [
            codec.decode(each.payload, object) async for each in journal.read(name)
        ]
        assert isinstance(records[0], Begun)
        found[records[0].instance] = records
    return found


def _found(root: Node, name: str) -> Node:
    aside = (each for each in (root.on_error, root.late) if not isinstance(each, str))
    for each in (root, *root.inner, *aside):
        if each is None:
            continue
        if each.name == name:
            return each
        if each is not root:
            try:
                return _found(each, name)
            except LookupError:
                continue
    raise LookupError(name)
