"""A client outside of the node, which asks until it is answered."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from dramaturg.actors import ActorRef, DramaturgError, Refused
from dramaturg.protocols.testing import Simulation

PATIENCE = 30
SOON = 5.0


async def insist(ask: Callable[[], Awaitable[Any]]) -> Any:
    """Call something until it gives an answer; a declared no is one."""
    for _ in range(PATIENCE):
        try:
            return await ask()
        except Refused:
            raise
        except DramaturgError:
            await asyncio.sleep(0.5)
    raise AssertionError("never answered")


async def answered(ref: ActorRef[Any], request: Any) -> Any:
    """Send a request until it is answered."""
    return await insist(lambda: ref.request(request, timeout=SOON))


def head_of(sim: Simulation, node: str, persistence_id: str) -> int:
    """Tell how many events the journal of a node has acknowledged under an id."""
    journal: Any = sim.node_named(node).system.journal
    shelf = journal.store.shelves.get(persistence_id)
    return 0 if shelf is None else shelf.head
