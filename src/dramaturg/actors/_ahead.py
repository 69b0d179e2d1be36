"""What waits in an actor's mailbox next, for an actor that does several messages' work at once."""

from __future__ import annotations

import copy
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dramaturg.actors._cell import Cell

__all__ = ["waiting"]


def waiting(cell: Cell, most: int) -> Iterator[Any]:
    """Go through the items that come next, without taking them; within a handler.

    None where the order is not that of a list: a priority mailbox may change its mind.
    """
    mailbox: Any = cell.mailbox
    if mailbox.__class__ is not list:
        return iter(())
    batch: Any = () if cell.batch is None else copy.copy(cell.batch)
    return islice(chain(batch, mailbox[:most]), most)
