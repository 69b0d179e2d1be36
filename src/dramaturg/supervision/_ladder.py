"""Degradation: a fallback serves under a child's ref, and the original is tried at times.

Theory of operation
===================

A child whose restarts are exhausted steps down to the next of its ``fallbacks``,
if it has one, instead of ending its supervisor. The fallback is an actor of its own,
``pricing~1`` beside ``pricing``, restarted by the same rules as the original;
exhausted again, the next one follows. Below the last the supervisor gives up.

The ref stays: the cell of the original, the *front*, is DOWN, and its door leads
to the fallback's (``actors/_standing_in``). Every ``probe_every`` seconds the
original is started there, half-open: it has to come up, and to answer the probe
if there is one, while the fallback goes on serving. If it does, messages wait at
the front until the fallback has handled what it has, and then it serves again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from dramaturg.actors import _kill as killing, _standing_in as standing_in
from dramaturg.actors._incarnation import release
from dramaturg.actors._lifecycle import drain
from dramaturg.actors._state import DOWN
from dramaturg.actors._waiting import ended_within
from dramaturg.supervision._child import cut_short
from dramaturg.supervision._events import ChildDegraded, ChildRecovered
from dramaturg.supervision._probe import Probe

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell
    from dramaturg.supervision._child import Child
    from dramaturg.supervision._team import Team

__all__ = [
    "end_probe",
    "note_front",
    "original_exited",
    "put_down",
    "recover",
    "retire",
    "serve",
]


def serve(team: Team, child: Child) -> None:
    """A fallback is up: it serves under the child's ref, and the original is tried at times."""
    cell = cast("Cell", child.cell)
    if child.probe is None:
        child.probe = Probe(team, child)
    if child.before is not None:
        team.by_cell.pop(child.before, None)
    if not child.serve():
        return
    team.cell.system.events.publish(
        ChildDegraded(
            path=cast("Cell", child.front).path,
            time=cell.system.clock.time(),
            rung=child.rung,
            serving=cell.path,
            reason=child.reason,
        )
    )


def note_front(team: Team, child: Child, front: Cell) -> None:
    """The original is being tried: in a cell that took the front's place, perhaps."""
    if front is not child.front:
        team.by_cell.pop(cast("Cell", child.front), None)
        team.by_cell[front] = child
        child.front = front
        standing_in.serve_for(front, cast("Cell", child.cell))


def original_exited(child: Child, incarnation: int) -> Any:
    """See to the end of an original that is being tried; news of an earlier attempt is stale."""
    probe, front = child.probe, child.front
    is_news = front is not None and front.incarnation == incarnation
    return probe.fail() if probe is not None and probe.trying and is_news else None


async def put_down(child: Child) -> None:
    """Stop an original that was tried in vain."""
    front = child.front
    if front is not None and front.state < DOWN:
        await cut_short(front)


async def end_probe(child: Child) -> None:
    if child.probe is not None:
        child.probe.end()
        await put_down(child)


async def retire(team: Team, child: Child, *, forget: bool) -> None:
    await end_probe(child)
    team.let_end(child, forget=forget)


async def recover(team: Team, child: Child) -> None:
    """The original has answered: it serves again once the fallback has done what it has."""
    front, stand_in = cast("Cell", child.front), child.cell
    child.alive = False
    child.forget_restart()
    standing_in.hold(front)
    if stand_in is not None and stand_in.state < DOWN:
        drain(stand_in)
        shutdown = child.spec.shutdown
        limit = None if isinstance(shutdown, str | None) else float(shutdown)
        if shutdown == "brutal_kill":
            limit = killing.PATIENCE
        if not await ended_within(stand_in, limit):
            await cut_short(stand_in)
    before, child.before = child.before, None
    # What waits at the rung before, which is exhausted, is older.
    for fallback in (stand_in, before):
        if fallback is not None:
            standing_in.hand_back(front, fallback)
            team.by_cell.pop(fallback, None)
            release(fallback)
    child.climb()
    child.note_up()
    standing_in.let_go(front)
    system = front.system
    system.events.publish(
        ChildRecovered(
            path=front.path, time=system.clock.time(), degraded_for=system.now() - child.since
        )
    )
