"""Supervisors below supervisors."""

import asyncio
from typing import Any

from dramaturg.actors import ActorRef, Props, handler
from dramaturg.supervision import ChildSpec, Supervisor, SupervisorSpec, WhichChildren
from tests.actors.kit import Do, Fail, within
from tests.supervision.faults import MANY


class Fallible(Supervisor):
    """A supervisor with a handler of its own that fails."""

    @handler
    def fail(self, message: Fail) -> None:
        raise message.error

    @handler
    async def do(self, message: Do) -> Any:
        result = message.what(self)
        return await result if asyncio.iscoroutine(result) else result


def subtree(*children: ChildSpec, id: str = "sub", **flags: Any) -> ChildSpec:  # noqa: A002
    """Make the spec of a fallible supervisor as a child."""
    flags = {"intensity": MANY} | flags
    options = {key: flags.pop(key) for key in ("restart", "shutdown") if key in flags}
    return ChildSpec(id, Props(Fallible, SupervisorSpec(children, **flags)), **options)


async def names(sup: ActorRef[Any]) -> list[str]:
    return [info.id for info in await within(sup.request(WhichChildren()))]


def nested(depth: int, leaf: ChildSpec, intensity: int = 0) -> ChildSpec:
    """Put the leaf below so many supervisors, each of which gives up at its next restart."""
    spec = leaf
    for level in range(depth, 0, -1):
        spec = subtree(spec, id=f"s{level}", intensity=intensity)
    return spec
