"""Playing a scenario in a simulation: whoever may go next is chosen."""

import asyncio
import math
from collections.abc import Callable

from dramaturg.protocols.testing import Simulation
from tests.supervision.otp._clock import A_WHILE
from tests.supervision.otp._play import play_on
from tests.supervision.otp._stage import Stage
from tests.supervision.otp.compare import Json


async def play_in(sim: Simulation, scenario: Json) -> list[Json]:
    """Play a scenario on the system of a simulation; return the trace."""
    clock = _Clock(sim)
    return await play_on(sim.system, scenario, Stage(clock), _Settling(sim))


class _Clock:
    def __init__(self, sim: Simulation) -> None:
        self._sim = sim

    def monotonic(self) -> float:
        return self._sim.system.clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Settling:
    def __init__(self, sim: Simulation) -> None:
        self._sim = sim

    async def until(self, condition: Callable[[], bool]) -> None:
        while True:
            left = await self._sim.idle()
            if left is None or left >= A_WHILE or condition():
                return
            # All that is due then comes first; and some time has to pass.
            await asyncio.sleep(left + math.ulp(1.0))

    async def rest(self) -> None:
        await self.until(lambda: False)

    async def soon(self) -> None:
        await self._sim.idle()
