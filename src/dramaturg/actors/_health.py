"""How a system fares at one moment: frozen values; ``_health_recorder`` takes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, final

from dramaturg.actors._paths import split_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

__all__ = [
    "ActorHealth",
    "Degradation",
    "HealthNote",
    "HealthTotals",
    "Kind",
    "Place",
    "StateName",
    "Status",
    "SystemHealth",
]


Status: TypeAlias = Literal["healthy", "degraded", "failing"]
Kind: TypeAlias = Literal["loop", "task", "thread"]
StateName: TypeAlias = Literal[
    "running", "starting", "suspended", "restarting", "stopping", "down", "stopped"
]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Degradation:
    """A child does less than it should, for its supervisor gave up on more.

    :param rung: what it has come down to.
    :param reason: why, for people.
    :param since: when it came down to it, in the clock's monotonic seconds.
    :param since_time: the same as wall time.
    :param rungs_left: how many rungs are below this one.
    """

    rung: str
    reason: str
    since: float
    since_time: datetime
    rungs_left: int

    def to_dict(self) -> dict[str, Any]:
        """Return it in types that JSON has."""
        return {
            "rung": self.rung,
            "reason": self.reason,
            "since": self.since,
            "since_time": self.since_time.isoformat(),
            "rungs_left": self.rungs_left,
        }


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class HealthNote:
    """What a supervisor contributes to the picture.

    An actor class that defines ``_report_health(self) -> HealthNote | None`` is asked
    for it on the thread that takes the picture, while the actor goes on, and possibly
    before its ``__init__`` has ended. It may only read. If it raises, it is asked again
    a few times, and then shown as degraded for that.

    :param restarts_in_window: how many restarts count just now.
    :param intensity: how many may count.
    :param period: seconds for which a restart counts.
    :param degraded: by child's name. A child that is not there is shown as "stopped".
    """

    restarts_in_window: int
    intensity: int
    period: float
    degraded: Mapping[str, Degradation]


class Place(NamedTuple):
    """Where an actor stands: its name below its parent's place; the root has none above."""

    above: Place | None
    name: str

    @property
    def path(self) -> str:
        """The names from the root down, each after a slash; "/" for the root."""
        names: list[str] = []
        place = self
        while place.above is not None:
            names.append(place.name)
            place = place.above
        return "/" + "/".join(reversed(names))


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ActorHealth:
    """One actor as it was when it was looked at.

    ``state`` is "down" while a supervisor may still bring the actor back, and "stopped" for
    the root of a system that has ended and for a child that its supervisor does without;
    the class of such a child is not known and "".

    ``oldest_age`` is for how many seconds the message that stands first is known to have
    waited: 0.0 if no earlier picture has seen it there, so that it takes regular pictures
    to be of use. None if nothing waits, or where a queue of the user's own cannot be
    looked into.

    Compared by identity, since trees may be deeper than Python recurses.

    :param place: its own name, and the way up.
    :param actor_class: the qualified name.
    :param kind: what runs it: the loop, a task on it, or a thread of its own.
    :param restarts: how often it was restarted, ever.
    :param mailbox_depth: how many messages wait; the one at hand does not.
    :param status: its own; its children have theirs.
    :param reason: why it is not healthy; None if it is.
    :param degraded: what its supervisor has reduced it to.
    :param restarts_in_window: as the next two for supervisors only, see :class:`HealthNote`.
    :param children: the eldest first.
    """

    place: Place
    actor_class: str
    kind: Kind
    state: StateName
    incarnation: int
    restarts: int
    mailbox_depth: int
    oldest_age: float | None
    status: Status
    reason: str | None
    degraded: Degradation | None
    restarts_in_window: int | None
    intensity: int | None
    period: float | None
    children: tuple[ActorHealth, ...]

    @property
    def name(self) -> str:
        """The last part of the path; "" for the root."""
        return self.place.name

    @property
    def path(self) -> str:
        """The actor's path, such as "/shop/pricing"."""
        return self.place.path

    def walk(self) -> Iterator[ActorHealth]:
        """Yield it and all below it, parents before children, the eldest first."""
        left: list[ActorHealth] = [self]
        while left:
            actor = left.pop()
            yield actor
            left.extend(reversed(actor.children))

    def to_dict(self) -> dict[str, Any]:
        """Return it in types that JSON has, without the children."""
        return {
            "path": self.path,
            "name": self.name,
            "actor_class": self.actor_class,
            "kind": self.kind,
            "state": self.state,
            "status": self.status,
            "reason": self.reason,
            "incarnation": self.incarnation,
            "restarts": self.restarts,
            "restarts_in_window": self.restarts_in_window,
            "intensity": self.intensity,
            "period": self.period,
            "mailbox_depth": self.mailbox_depth,
            "oldest_age": self.oldest_age,
            "degraded": None if self.degraded is None else self.degraded.to_dict(),
        }

    def __repr__(self) -> str:
        return (
            f"<ActorHealth {self.path} {self.state} {self.status} incarnation={self.incarnation}"
            f" queued={self.mailbox_depth} children={len(self.children)}>"
        )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class HealthTotals:
    """The sums over a picture.

    ``actors``, ``queued`` and ``restarts`` are those of the living actors in it;
    ``dead_letters`` counts all that there ever were.
    """

    actors: int
    queued: int
    dead_letters: int
    restarts: int

    def to_dict(self) -> dict[str, Any]:
        """Return it in types that JSON has."""
        return {
            "actors": self.actors,
            "queued": self.queued,
            "dead_letters": self.dead_letters,
            "restarts": self.restarts,
        }


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SystemHealth:
    """How a system fares at one moment, or nearly: actors go on while the picture is taken.

    Each is shown as it was when it was looked at; one that ended meanwhile is left out.

    "failing": a failure has reached the root, or an actor has failed and waits for the
    decision about it. "degraded": a child has failed and is down, or its supervisor has
    reduced it; a supervisor could not be asked; the system is stopping or has stopped.

    :param system: the name of the system.
    :param status: the worst of all in it.
    :param time: when the picture was taken.
    :param monotonic: the same in the clock's monotonic seconds.
    :param degraded: the parts that are not healthy, in the order of the tree.
    :param tree: the root, whose path is "/".
    """

    system: str
    status: Status
    time: datetime
    monotonic: float
    totals: HealthTotals
    degraded: tuple[ActorHealth, ...]
    tree: ActorHealth

    def find(self, path: str) -> ActorHealth | None:
        """Find the actor at a path such as "/shop/pricing"; None if there is none."""
        names = split_path(path)
        if names is None:
            return None
        actor: ActorHealth | None = self.tree
        for name in names:
            if actor is None:
                return None
            actor = next((each for each in actor.children if each.name == name), None)
        return actor

    def to_dict(self) -> dict[str, Any]:
        """Return it in types that JSON has.

        "actors" is flat, parents before children and the root first; the paths tell who
        is below whom. Nested it could be deeper than readers of JSON go.
        """
        return {
            "system": self.system,
            "status": self.status,
            "time": self.time.isoformat(),
            "monotonic": self.monotonic,
            "totals": self.totals.to_dict(),
            "degraded": [
                {"path": part.path, "status": part.status, "reason": part.reason}
                for part in self.degraded
            ],
            "actors": [actor.to_dict() for actor in self.tree.walk()],
        }

    def to_json(self) -> str:
        """Return :meth:`to_dict` as JSON."""
        return json.dumps(self.to_dict())

    def __repr__(self) -> str:
        return (
            f"<SystemHealth {self.system} {self.status} actors={self.totals.actors}"
            f" queued={self.totals.queued} degraded={len(self.degraded)}>"
        )
