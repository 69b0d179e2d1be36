"""What the actors of the workflows are asked. None of it leaves the process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from dramaturg.actors import PlainRequest

if TYPE_CHECKING:
    from dramaturg.actors import Future
    from dramaturg.protocols.workflows._family import Family
    from dramaturg.protocols.workflows._records import Ended

__all__ = [
    "Advance",
    "Cancel",
    "Find",
    "GetHistory",
    "GetStatus",
    "MayGo",
    "Migrate",
    "Over",
    "Ready",
    "Release",
    "Resolve",
    "Resume",
    "Signal",
    "Start",
    "Stays",
    "Stored",
    "Ticked",
    "Trouble",
]


@dataclass(frozen=True, slots=True)
class _About:
    """A request about one instance."""

    family: Family
    instance: str


@dataclass(frozen=True, slots=True)
class Start(_About, PlainRequest[Any]):
    """Begin an instance, or attach to it."""

    input: Any
    over: Future[Ended] | None
    """Completed when it has ended."""
    is_patient: bool = False
    """Whether its end is waited for as long as it has a result, and something is stuck; and until
    another process has let go of it."""


@dataclass(frozen=True, slots=True)
class Find(_About, PlainRequest[Any]):
    """Attach to an instance that was begun."""

    over: Future[Ended]


@dataclass(frozen=True, slots=True)
class GetStatus(_About, PlainRequest[Any]):
    """Ask how far it is."""


@dataclass(frozen=True, slots=True)
class GetHistory(_About, PlainRequest[Any]):
    """Ask what has happened."""


@dataclass(frozen=True, slots=True)
class Signal(_About, PlainRequest[Any]):
    """Something has happened outside; True if it was not known yet."""

    event: str
    value: Any
    signal: str | None


@dataclass(frozen=True, slots=True)
class Cancel(_About, PlainRequest[Any]):
    """End it; True if that ends it."""

    reason: str
    is_last: bool = False
    """Whether the workflow around it goes on without it."""


@dataclass(frozen=True, slots=True)
class Resolve(_About, PlainRequest[Any]):
    """An operator deals with a compensation that is stuck."""

    address: str
    how: Literal["done", "retry"]
    by: str


@dataclass(frozen=True, slots=True)
class Migrate(_About, PlainRequest[Any]):
    """Go on under the newest definition."""


@dataclass(frozen=True, slots=True)
class Resume(PlainRequest[Any]):
    """Bring back all instances in flight; the ids of those that come."""

    family: Family
    came: Future[tuple[str, ...]]
    """Completed when each has come or not, with the ids of those that have."""


@dataclass(frozen=True, slots=True)
class Stored(PlainRequest[Any]):
    """Ask what is stored, if an instance has ended; for one whose coordinator does not start."""

    request: Any
    error: Exception
    """What is answered otherwise."""


@dataclass(frozen=True, slots=True)
class Advance:
    """A coordinator tells itself that there is something to take in."""


@dataclass(frozen=True, slots=True)
class Ticked:
    """A coordinator's timer has come."""

    address: str
    what: str
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Over:
    """A coordinator tells that its instance has ended; ``quiet``: and that nothing is left."""

    persistence_id: str
    ended: Ended
    quiet: bool


@dataclass(frozen=True, slots=True)
class Ready:
    """A coordinator has come back; ``held``: and does nothing yet."""

    persistence_id: str
    family: Family
    held: bool


@dataclass(frozen=True, slots=True)
class MayGo:
    """The engine sends a coordinator nothing more, until it hears that it stays."""


@dataclass(frozen=True, slots=True)
class Release:
    """The engine tells a coordinator that was held that all its participants are there."""


@dataclass(frozen=True, slots=True)
class Stays:
    """A coordinator has something to do again."""

    persistence_id: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """A coordinator has failed; it may be restarted."""

    persistence_id: str
    error: BaseException
