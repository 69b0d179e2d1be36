"""Playing a scenario from its first step to its end."""

import asyncio
import math
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from dramaturg.actors import ActorSystem, Clock
from dramaturg.supervision import WhichChildren
from tests.supervision.otp._calls import ask
from tests.supervision.otp._clock import WatchedClock
from tests.supervision.otp._settle import Loop, Settling
from tests.supervision.otp._stage import Attempt, Stage
from tests.supervision.otp._steps import Steps
from tests.supervision.otp._trace import write_trace
from tests.supervision.otp.compare import Json

SEED = 25


def play(scenario: Json, clock: Clock) -> list[Json]:
    """Play a scenario on a loop of its own; return the trace."""
    loop = Loop()
    return loop.run(_play(scenario, loop, WatchedClock(clock)))


async def _play(scenario: Json, loop: Loop, clock: WatchedClock) -> list[Json]:
    async with ActorSystem("otp", clock=clock, seed=SEED, hold_limit=None) as system:
        return await play_on(system, scenario, Stage(clock), Settling(loop, clock))


async def play_on(
    system: ActorSystem, scenario: Json, stage: Stage, settling: "Settles"
) -> list[Json]:
    """Play a scenario on a system; return the trace."""
    write_trace(system, stage)
    play = _Play(stage, settling, Steps(system, stage, scenario["root"]))
    try:
        await play.steps([{"op": "start_root"}, *scenario["steps"]])
        await play.end()
    finally:
        await play.bring_down()
    return play.trace


class Settles(Protocol):
    """Whoever can tell when nothing moves any more."""

    async def until(self, condition: Callable[[], bool]) -> None: ...

    async def rest(self) -> None: ...

    async def soon(self) -> None: ...


class _Play:
    def __init__(self, stage: Stage, settling: Settles, steps: Steps) -> None:
        self.trace: list[Json] = []
        self._stage = stage
        self._settling = settling
        self._steps = steps
        self._open: dict[int, asyncio.Task[Any]] = {}
        """The steps whose results are not in the trace."""

    async def steps(self, steps: Iterable[Json]) -> None:
        """Play the steps, one after the other."""
        for number, step in enumerate(steps):
            await self._step(number, step)

    async def _step(self, number: int, step: Json) -> None:
        now = self._stage.clock.monotonic
        begun = now()
        self.trace.append({"ev": "step", "i": number, "op": step["op"]})
        doing = self._open[number] = asyncio.ensure_future(self._steps.do(step))
        if step.get("settle", True):
            await self._settling.rest()
            self._write_events()
            self._write_results([*self._open])
            self._write_timing(number, step, (now() - begun) * 1_000)
            return
        if step.get("async", False):
            await self._settling.soon()
        else:
            await self._settling.until(doing.done)
        self._write_results([number])

    def _write_events(self) -> None:
        self.trace += self._stage.take_events()

    def _write_results(self, numbers: Iterable[int]) -> None:
        """Write the results that are there, of these steps."""
        for number in numbers:
            if self._open[number].done():
                value = self._open.pop(number).result()
                self.trace.append({"ev": "result", "i": number, "value": value})

    def _write_timing(self, number: int, step: Json, took: float) -> None:
        if "min_ms" in step or "max_ms" in step:
            in_time = step.get("min_ms", 0) <= took <= step.get("max_ms", math.inf)
            self.trace.append({"ev": "timing", "i": number, "ok": in_time})

    # -- the end -------------------------------------------------------------------

    async def end(self) -> None:
        """Write what there is at the end."""
        await self._settling.rest()
        self._write_events()
        self._write_results([*self._open])
        self.trace += [{"ev": "unanswered", "i": number} for number in self._open]
        self.trace.append({"ev": "final"} | await self._final())

    async def _final(self) -> Json:
        if self._steps.refused is not None:
            return {"root": "not_started", "reason": self._steps.refused}
        root = self._stage.at("root")
        if root is None:
            return {"root": "dead", "reason": self._stage.ends["root"]}
        return {"root": "alive", "children": await self._tree(root)}

    async def _tree(self, supervisor: Attempt) -> list[Json]:
        """List the children of a supervisor, and theirs."""
        asking = asyncio.ensure_future(ask(self._stage, supervisor, WhichChildren()))
        await self._settling.until(asking.done)
        if not asking.done():  # it is still busy
            asking.cancel()
            return []
        tree: list[Json] = []
        for name, process, kind in asking.result():
            node: Json = {"id": name, "child": process, "type": kind}
            child = self._stage.at(str(process).partition("#")[0])
            if child is not None and child.is_supervisor:
                node["children"] = await self._tree(child)
            tree.append(node)
        return tree

    async def bring_down(self) -> None:
        """End everybody, whatever they do; supervisors first, so that nobody starts again."""
        while alive := self._stage.alive():
            for attempt in alive:
                attempt.ref.kill()
            await self._settling.rest()
            if alive == self._stage.alive():
                raise RuntimeError(f"cannot be killed: {[attempt.who for attempt in alive]}")
        for doing in self._open.values():
            doing.cancel()
        await asyncio.gather(*self._open.values(), return_exceptions=True)
