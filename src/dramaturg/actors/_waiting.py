"""Waiting for a future up to a limit, on the system's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.actors import _endings as endings
from dramaturg.actors._future import waker

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._system import ActorSystem

__all__ = ["ended_within", "within"]


async def within(system: ActorSystem, future: Any, timeout: float | None) -> bool:
    """Wait for the future on the system's loop; tell whether it came. None waits for ever."""
    if future.is_done():
        return True
    done, wake = waker()
    future.add_done_callback(wake)
    if timeout is None:
        await done
        return True
    timer = system.clock.call_at(system.now() + timeout, wake)
    try:
        await done
    finally:
        timer.cancel()
    return bool(future.is_done())


async def ended_within(cell: Cell, timeout: float | None) -> bool:
    """Wait for the end of the cell's incarnation; tell whether it came in time."""
    return await within(cell.system, endings.incarnation_ended(cell), timeout)
