"""What a bulkhead tells when asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from dramaturg.actors._message import Request

__all__ = ["BulkheadStatus", "GetBulkhead"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class BulkheadStatus:
    """A bulkhead at one moment."""

    name: str
    in_flight: int
    waiting: int
    max_in_flight: int
    max_waiting: int


@final
class GetBulkhead(Request[BulkheadStatus], name="dramaturg.get_bulkhead"):
    """Say how many there are; a :class:`BulkheadActor` answers it itself."""
