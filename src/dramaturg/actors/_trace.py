"""Causation: which message led to which, for systems that trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.actors._cell import current_cell
from dramaturg.actors._envelope import Envelope, Headers
from dramaturg.actors._signals import Internal

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors._cell import Cell
    from dramaturg.actors._system import ActorSystem

__all__ = ["make_headers", "traced_door"]


def make_headers(system: ActorSystem, asker: Cell | None) -> Headers:
    """Make the headers of a message that the asker's current handler sends."""
    message_id = system.ids()
    item: Any = asker.message if asker is not None else None
    cause = item.headers if item.__class__ is Envelope else None
    if cause is None:
        return Headers(message_id, message_id, None, 1)
    return Headers(message_id, cause.correlation_id, cause.message_id, 1)


def traced_door(system: ActorSystem, append: Callable[[Any], None]) -> Callable[[Any], None]:
    """Make a door that gives every message an envelope with headers."""

    def put(item: Any) -> None:
        if item.__class__ is not Envelope and not isinstance(item, Internal):
            asker = current_cell.get()
            sender = None if asker is None else asker.ref
            item = Envelope(item, None, sender, None, make_headers(system, asker))
        append(item)

    return put
