"""Ending a system: in order, in bounded time, whatever its actors do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dramaturg.actors import _endings as endings, _kill as killing, _lifecycle as lifecycle
from dramaturg.actors._events import ShutdownTimedOut, SystemEnded
from dramaturg.actors._exit_reason import SHUTDOWN
from dramaturg.actors._report import task_stack
from dramaturg.actors._thread import stack_of
from dramaturg.actors._waiting import within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dramaturg.actors._cell import Cell
    from dramaturg.actors._system import ActorSystem

__all__ = ["abandon", "close", "shut_down"]


async def shut_down(system: ActorSystem, timeout: float) -> None:
    """Stop all actors on the system's loop; see :meth:`ActorSystem.shutdown`."""
    ended = endings.ended(system.root)
    system.root.signal(lifecycle.Stop(SHUTDOWN))
    if not await within(system, ended, timeout):
        _report(system, timeout)
        await _kill_all(system)
    await system.tasks.close(killing.PATIENCE)
    await system.dead_letters.finish()
    if system.journal is not None:
        await system.journal.close()
    _finish(system)


async def _kill_all(system: ActorSystem) -> None:
    """Cut short what hangs; let the others stop, children first; abandon what does neither."""
    cells = [*_descendants(system.root)]
    stuck = {cell for cell in cells if killing.is_stuck(cell)}
    for cell in cells:
        if cell in stuck or system.tasks.suspended_in(cell) is not None:
            killing.kill(cell)
        else:
            # One that hangs may never have told its children.
            cell.signal(lifecycle.Stop(SHUTDOWN))
    until = system.now() + killing.PATIENCE
    for cell in [*cells, system.root]:
        left = until - system.now()
        if cell in stuck or not await within(system, endings.ended(cell), left):
            killing.abandon(cell)
    for cell in [*_descendants(system.root), system.root]:
        killing.abandon(cell)


def close(system: ActorSystem, timeout: float) -> None:
    """Stop the system from another thread; see :meth:`ActorSystem.close`."""
    if not system.host.ident:
        return
    loop = system.host.loop
    if loop.is_closed():
        abandon(system, "the event loop was closed under the system")
        return
    if not system.comes_first_to_close():
        system.await_end(timeout + 3 * killing.PATIENCE)
    elif not system.stopped:
        future = asyncio.run_coroutine_threadsafe(system.shutdown(timeout), loop)
        try:
            # Its own end, that of what it kills, and that of their tasks.
            future.result(timeout + 3 * killing.PATIENCE)
        except TimeoutError:
            _report(system, timeout)
            abandon(system, "a handler holds the event loop")
            return
    system.host.stop_thread(killing.PATIENCE)


def abandon(system: ActorSystem, why: str) -> None:
    """Declare everything stopped although nothing can run any more; any thread."""
    with system.lock:
        if system.stopped:
            return
        system.stopped = True
    system.log.warning("system_abandoned", why=why)
    for cell in [*_descendants(system.root), system.root]:
        killing.abandon(cell)
    _finish(system)
    # Should the loop ever get to run again, it ends.
    system.host.stop_thread(0.0)


def _finish(system: ActorSystem) -> None:
    with system.lock:
        if system.ended:
            return
        system.ended = system.stopped = True
    system.watchdog.stop()
    if system.journal is not None:
        system.journal.close_now()
    system.events.publish(SystemEnded(path="/", time=system.clock.time()))
    system.note_ended()


def _descendants(cell: Cell) -> Iterator[Cell]:
    """All below a cell, children before their parents."""
    found: list[Cell] = []
    below = [cell]
    while below:
        children = tuple((below.pop().children or {}).values())
        found += children
        below += children
    yield from reversed(found)


def _report(system: ActorSystem, timeout: float) -> None:
    # Those in a handler or in a hook; not those that only wait for their children.
    late = [cell for cell in _descendants(system.root) if not cell.idle]
    system.events.publish(
        ShutdownTimedOut(
            path="/",
            time=system.clock.time(),
            timeout=timeout,
            actors=tuple(cell.path for cell in late),
            stacks=tuple(_stack(system, cell) for cell in late),
        )
    )


def _stack(system: ActorSystem, cell: Cell) -> str:
    extra = cell.extra
    if extra is not None and extra.thread is not None:
        return stack_of(extra.thread.thread.ident)
    if system.direct.current is cell:
        return stack_of(system.direct.owner)
    return task_stack(system.tasks.suspended_in(cell))
