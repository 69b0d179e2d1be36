"""Taking the picture of how a system fares.

It is taken from outside, on the calling thread, while the actors go on: no lock is
taken, no actor is asked by message, and nothing is changed. So it is no state that the
whole system was ever in; each actor is shown as it was when it was looked at, and one
that ends meanwhile is left out with all below it. Single operations on lists and
dictionaries are atomic in CPython, which ``_cell`` leans on too.

First all actors are found, parents before children, and supervisors asked; then the
values are made from the leaves up. Nothing recurses, and a path is put together when it
is read: a tree may be 10,000 deep, and all paths in it would be 100 MB and more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast, final

from dramaturg.actors._errors import InternalError, SystemStateError
from dramaturg.actors._health import (
    ActorHealth,
    HealthNote,
    HealthTotals,
    Kind,
    Place,
    StateName,
    Status,
    SystemHealth,
)
from dramaturg.actors._mailbox_age import First, MailboxAges
from dramaturg.actors._state import DOWN, RUNNING, STOPPED, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors._cell import Cell
    from dramaturg.actors._health import Degradation
    from dramaturg.actors._system import ActorSystem

__all__ = ["HealthRecorder"]

REPORT_ATTEMPTS = 3
"""How often a supervisor that raises is asked: it may have been changing just then."""
LONGEST_REASON = 300
"""Characters that are shown of an error."""

_RANKS: dict[Status, int] = {"healthy": 0, "degraded": 1, "failing": 2}


@final
class HealthRecorder:
    """Takes the pictures of one system, and remembers from each what stood first in mailboxes."""

    __slots__ = ("_seen", "_system")

    def __init__(self, system: ActorSystem) -> None:
        self._system = system
        self._seen: dict[int, First] = {}

    def picture(self) -> SystemHealth:
        """See :meth:`ActorSystem.health`. Any thread, also several at once.

        :raises SystemStateError: if the system has not started.
        """
        system = self._system
        if not hasattr(system, "watchdog"):  # the last thing that a start makes
            raise SystemStateError(system=system.name, state="not started", call="health")
        drafts = _dig(system.root)
        now = system.now()
        ages = MailboxAges(self._seen, now)
        tree = _develop(drafts, ages)
        # In one step: other threads may be here too, and the last picture counts.
        self._seen = ages.first
        actors = [*tree.walk()]
        return SystemHealth(
            system=system.name,
            status=max((actor.status for actor in actors), key=_RANKS.__getitem__),
            time=system.clock.time(),
            monotonic=now,
            totals=HealthTotals(
                actors=sum(actor.state != "stopped" for actor in actors[1:]),
                queued=sum(actor.mailbox_depth for actor in actors),
                dead_letters=system.dead_letters.total,
                restarts=sum(actor.restarts for actor in actors),
            ),
            degraded=tuple(actor for actor in actors if actor.reason is not None),
            tree=tree,
        )


# -- finding the actors -----------------------------------------------------------------


@final
class _Draft:
    """An actor that was found and not looked at yet; without a cell: one that is missed."""

    __slots__ = ("above", "cell", "children", "degraded", "flaw", "note", "place")

    def __init__(
        self,
        above: _Draft | None,
        cell: Cell | None,
        name: str,
        degraded: Degradation | None = None,
    ) -> None:
        self.above = above
        self.cell = cell
        self.place: Place = Place(None if above is None else above.place, name)
        self.degraded = degraded
        self.note: HealthNote | None = None
        self.flaw: str | None = None
        self.children: list[ActorHealth] | None = None
        """The youngest first; none for most."""

    def add(self, child: ActorHealth) -> None:
        """Add a child that is older than those before it."""
        if self.children is None:
            self.children = []
        self.children.append(child)


def _dig(root: Cell) -> list[_Draft]:
    """Find all actors, parents before children."""
    drafts = [_Draft(None, root, "")]
    for draft in drafts:  # the list grows while it is gone through
        cell = draft.cell
        if cell is None:
            continue
        draft.note, missing, draft.flaw = _ask(cell)
        # Copied in one step, since actors come and go.
        children = list(cell.children.values()) if cell.children else ()
        drafts += [
            _Draft(draft, each, each.name, missing.pop(each.name, None)) for each in children
        ]
        drafts += [_Draft(draft, None, name, degraded) for name, degraded in missing.items()]
    return drafts


def _ask(cell: Cell) -> tuple[HealthNote | None, dict[str, Degradation], str | None]:
    """Ask the actor for its note; return also the degradations in it, or what went wrong."""
    actor = cell.actor
    report: Callable[[Any], Any] | None = getattr(type(actor), "_report_health", None)
    if report is None:
        return None, {}, None
    flaw = ""
    for _ in range(REPORT_ATTEMPTS):
        try:
            note = report(actor)
            if note is None:
                return None, {}, None
            if isinstance(note, HealthNote):
                return note, dict(note.degraded), None
            flaw = f"it returned a {type(note).__qualname__}"
        except Exception as error:  # noqa: BLE001 - the actor's own method
            flaw = _said(error)
    if cell.actor is not actor:  # it has ended or restarted meanwhile: no wonder
        return None, {}, None
    return None, {}, f"its health report failed: {flaw}"


# -- making the values ------------------------------------------------------------------


def _develop(drafts: list[_Draft], ages: MailboxAges) -> ActorHealth:
    """Make the values, children before parents; return the root's."""
    for draft in reversed(drafts):
        cell, above = draft.cell, draft.above
        if cell is None:
            health = _missing(draft)
        elif (state := cell.state) is STOPPED and above is not None:
            # It has ended meanwhile, and so have those below it.
            continue
        else:
            health = _present(draft, cell, state, ages)
        if above is None:
            return health
        above.add(health)
    raise InternalError("no draft is the root's")  # pragma: no cover - the first one is


def _present(draft: _Draft, cell: Cell, state: State, ages: MailboxAges) -> ActorHealth:
    extra, note = cell.extra, draft.note
    depth, age = ages.look(cell)
    status, reason = _condition(draft, cell, state)
    # In its place, but not made yet.
    coming = cell.actor is None and state is RUNNING
    return ActorHealth(
        place=draft.place,
        actor_class=cell.actor_class.__qualname__,
        kind=_kind(cell),
        state="starting" if coming else cast("StateName", state.name.lower()),
        incarnation=cell.incarnation,
        restarts=0 if extra is None else extra.restarts,
        mailbox_depth=depth,
        oldest_age=age,
        status=status,
        reason=reason,
        degraded=draft.degraded,
        restarts_in_window=None if note is None else note.restarts_in_window,
        intensity=None if note is None else note.intensity,
        period=None if note is None else note.period,
        children=tuple(reversed(draft.children or ())),
    )


def _missing(draft: _Draft) -> ActorHealth:
    """Show a child that its supervisor does without."""
    return ActorHealth(
        place=draft.place,
        actor_class="",
        kind="loop",
        state="stopped",
        incarnation=0,
        restarts=0,
        mailbox_depth=0,
        oldest_age=None,
        status="degraded",
        reason=None if draft.degraded is None else draft.degraded.reason,
        degraded=draft.degraded,
        restarts_in_window=None,
        intensity=None,
        period=None,
        children=(),
    )


def _kind(cell: Cell) -> Kind:
    if cell.extra is not None and cell.extra.thread is not None:
        return "thread"
    # What really runs it: a class may ask for tasks though all its methods are `def`.
    return "task" if cell.dispatcher is cell.system.tasks else "loop"


def _condition(draft: _Draft, cell: Cell, state: State) -> tuple[Status, str | None]:
    """Say how an actor fares, and why not well."""
    failing = _suspension(cell) if state is State.SUSPENDED else []
    degraded = [] if draft.flaw is None else [draft.flaw]
    if draft.degraded is not None:
        degraded.append(draft.degraded.reason)
    if state is DOWN and cell.extra is not None and not cell.extra.exit_reason.is_clean:
        reason = cell.extra.exit_reason
        degraded.append(f"down: {reason.kind if reason.error is None else _said(reason.error)}")
    if cell.parent is None:
        failing += _failure_of(cell.system)
        if state >= State.STOPPING:
            degraded.append(f"the system {'has stopped' if state is STOPPED else 'is stopping'}")
    if not failing and not degraded:
        return "healthy", None
    return "failing" if failing else "degraded", "; ".join([*failing, *degraded])


def _suspension(cell: Cell) -> list[str]:
    failure = None if cell.extra is None else cell.extra.failure
    return ["suspended" if failure is None else f"suspended: {_said(failure)}"]


def _failure_of(system: ActorSystem) -> list[str]:
    failure = system._failure
    return [] if failure is None else [f"a failure has reached the root: {_said(failure)}"]


def _said(error: BaseException) -> str:
    """Render an error, whatever its ``__str__`` does."""
    try:
        return _line(f"{type(error).__name__}: {error}")
    except Exception:  # noqa: BLE001 - the user's method
        return type(error).__name__


def _line(text: str) -> str:
    """Make one line of bounded length of a text."""
    line = " ".join(text.split()).removesuffix(":")
    return line if len(line) <= LONGEST_REASON else f"{line[:LONGEST_REASON]}..."
