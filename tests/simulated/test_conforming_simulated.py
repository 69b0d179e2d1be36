"""What blackboards and delegators do in their scenarios is what their protocols declare."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dramaturg.protocols import (
    Blackboard,
    Delegator,
    Protocol,
    Seen,
    board_written,
    by_request,
    delegated,
)
from dramaturg.protocols.testing import Simulation, conforms
from tests.simulated.blackboard_kit import Writer
from tests.simulated.cases import CASES
from tests.simulated.delegator_kit import Caller, Steady, Task

SCHEDULES = 25


class ByTask:
    """All requests for one task, and their answers: a caller has several tasks."""

    def __init__(self) -> None:
        self.numbers: dict[Any, int] = {}

    def __call__(self, seen: Seen) -> int | None:
        """Return its number."""
        if isinstance(seen.message, Task):
            self.numbers[seen.message_id] = seen.message.number
        return self.numbers.get(seen.message_id)


WRITTEN = (board_written(), {"writer": Writer, "board": Blackboard}, lambda: by_request)
DELEGATED = (
    delegated(Task, str),
    {"client": Caller, "delegator": Delegator, "agent": Steady},
    ByTask,
)

Declared = tuple[Protocol, dict[str, type], Callable[[], Any]]
FOLLOWED: dict[str, Declared] = {
    "blackboard/crashed": WRITTEN,
    "blackboard/followed": WRITTEN,
    "blackboard/write 3 kept": WRITTEN,
    "blackboard/write 3 lost": WRITTEN,
    "delegator/crashed": DELEGATED,
    "delegator/done": DELEGATED,
    "delegator/handed up": DELEGATED,
}


@pytest.mark.parametrize("name", sorted(FOLLOWED))
def test_a_scenario_conforms(name: str) -> None:
    case, (protocol, roles, key) = CASES[name], FOLLOWED[name]

    async def scenario(sim: Simulation) -> None:
        players: Any = dict(roles)
        conforms(sim, protocol, players, key=key(), may_crash=protocol.roles, finishes=False)
        await case.scenario(sim)

    replace(case, scenario=scenario, schedules=SCHEDULES).check()
