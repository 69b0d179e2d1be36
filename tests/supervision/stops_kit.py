"""What becomes of a child that ended, by its restart type."""

from typing import Any

import pytest

from dramaturg.actors import ActorRef
from dramaturg.supervision import Supervisor, WhichChildren
from tests.actors.kit import Do, within
from tests.supervision.fault_world import World
from tests.supervision.faults import AsyncChild, Kind, Script, birth

RESTART_TYPES = ["permanent", "transient", "temporary"]
each_restart_type = pytest.mark.parametrize("restart", RESTART_TYPES)


async def states(sup: ActorRef[Supervisor]) -> list[tuple[str, str]]:
    """Return id and state of each child."""
    infos = await within(sup.request(WhichChildren()))
    return [(info.id, info.state) for info in infos]


async def comes_to(it: World, restart: str, script: Script) -> None:
    """Check what became of a child that ended abnormally, by its restart type."""
    if restart == "temporary":
        await it.events.until(lambda: it.gone("/sup/it") == 1)
        assert await states(it.ref("/sup")) == []
        assert script.births == 1
        assert it.actors == 1
    else:
        assert await within(it.ref().request(Do(birth))) == 2
        assert await states(it.ref("/sup")) == [("it", "running")]


def is_async(kind: Kind) -> bool:
    return kind is AsyncChild


def stop_self(actor: Any) -> None:
    actor.stop()
