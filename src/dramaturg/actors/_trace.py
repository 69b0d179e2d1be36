"""Causation: which message led to which, for systems that trace."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Any

from dramaturg.actors._cell import current_cell
from dramaturg.actors._envelope import Envelope, Headers
from dramaturg.actors._signals import Internal

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors._cell import Cell
    from dramaturg.actors._system import ActorSystem

__all__ = ["enveloped", "make_headers", "running_cell", "traced_door"]


def make_headers(system: ActorSystem, asker: Cell | None) -> Headers:
    """Make the headers of a message that the asker's current handler sends."""
    message_id = system.ids()
    item: Any = asker.message if asker is not None else None
    cause = item.headers if item.__class__ is Envelope else None
    if cause is None:
        return Headers(message_id, message_id, None, 1)
    return Headers(message_id, cause.correlation_id, cause.message_id, 1)


def running_cell(system: ActorSystem) -> Cell | None:
    """Return the cell whose handler or hook makes this call, if one does."""
    direct = system.direct
    # Plain def handlers set no context variable, since that takes time.
    return direct.current if direct.owner == get_ident() else current_cell.get()


def enveloped(system: ActorSystem, item: Any) -> Any:
    """Give a message that has no envelope one with headers."""
    if item.__class__ is Envelope or isinstance(item, Internal):
        return item
    asker = running_cell(system)
    sender = None if asker is None else asker.ref
    return Envelope(item, None, sender, None, make_headers(system, asker))


def traced_door(system: ActorSystem, append: Callable[[Any], None]) -> Callable[[Any], None]:
    """Make a door that gives every message an envelope with headers."""

    def put(item: Any) -> None:
        append(enveloped(system, item))

    return put
