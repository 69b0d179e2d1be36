"""One task in the hands of a delegator, the answer that it waits for, and all of them together.

Theory of operation
===================

A job keeps the envelope that the task came in: its reply slot is completed when the job ends, and
only then, so the caller is answered once. The task goes on to an agent in an envelope of its own,
whose slot reports back to the delegator. A slot is closed by whoever comes first: the runtime,
which completes each slot once, whatever becomes of the message; or the clock, at the deadline of
the attempt. Both may happen at once, in different threads. What comes after the clock is a late
answer.

So the delegator waits for nobody, and the jobs outlive its restarts: what agents answer
meanwhile waits in its mailbox.
"""

from __future__ import annotations

from _thread import allocate_lock
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from dramaturg.actors import DeadLetterReason, DeadlineExceeded, Refused
from dramaturg.actors._envelope import Envelope
from dramaturg.actors._letters import bury, stopped_error
from dramaturg.actors._resolve import invoke
from dramaturg.actors._signals import Internal
from dramaturg.protocols._delegator_figures import AgentRecord
from dramaturg.protocols._outlasting import Outlasting

if TYPE_CHECKING:
    from dramaturg.actors import ActorRef
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._clock import TimerHandle
    from dramaturg.protocols._delegator_messages import Attempt
    from dramaturg.protocols._delegator_route import Route

__all__ = ["Answered", "AttemptSlot", "DelegatorMemory", "Job"]


@final
class Job:
    """One task, and how far it is; used in the delegator's turn only."""

    __slots__ = (
        "agents",
        "asks_handler",
        "attempts",
        "item",
        "number",
        "pauses",
        "place",
        "route",
        "since",
        "slot",
        "task",
        "tries",
    )

    def __init__(self, number: int, route: Route, task: Any, item: Any, agents: list[str]) -> None:
        self.number = number
        self.route = route
        self.task = task
        self.item = item
        """What it came as: bare, or in an envelope."""
        self.agents = agents
        """Who is asked, one after the other; paths."""
        self.place = 0
        self.asks_handler = False
        """Whether the last of them is the route's handler."""
        self.tries = 0
        """How often the present agent was asked."""
        self.since = 0.0
        """When it was asked first."""
        self.attempts: list[Attempt] = []
        self.slot: AttemptSlot | None = None
        self.pauses = False
        """Whether it waits for the next attempt."""

    @property
    def deadline(self) -> float | None:
        """When the caller stops waiting."""
        item = self.item
        return item.deadline if item.__class__ is Envelope else None


@final
@dataclass(frozen=True, slots=True)
class Answered:
    """Tells a delegator what became of an attempt."""

    slot: AttemptSlot
    value: Any
    error: BaseException | None
    is_late: bool = False


@final
class AttemptSlot:
    """The reply slot of one attempt."""

    __slots__ = ("_delegator", "_once", "agent", "began", "job", "timer")

    def __init__(self, delegator: ActorRef[Any], job: Job, agent: ActorRef[Any] | None) -> None:
        self._delegator = delegator
        self._once = allocate_lock()
        self.job = job
        self.agent = agent
        self.began = delegator.cell.system.now()
        self.timer: TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<AttemptSlot of job {self.job.number} with {self.agent}>"

    def complete(self, value: Any, error: BaseException | None) -> None:
        """Report the answer. Any thread."""
        if self._once.acquire(blocking=False):
            if self.timer is not None:
                self.timer.cancel()
            self._report(Answered(self, value, error))
        # That the actor failed or stopped, or the message expired, is no answer of its.
        elif error is None or isinstance(error, Refused):
            self._report(Answered(self, value, error, is_late=True))

    def expire(self, timeout: float | None) -> None:
        """Report that no answer has come in time."""
        if self._once.acquire(blocking=False):
            path = "nobody" if self.agent is None else self.agent.path
            error = DeadlineExceeded(waiting_for=path, timeout=timeout)
            self._report(Answered(self, None, error))

    def _report(self, answered: Answered) -> None:
        self._delegator.cell.post_internal(_Report(answered))


@final
class _Report(Internal):
    __slots__ = ("_answered",)

    def __init__(self, answered: Answered) -> None:
        self._answered = answered

    def handle(self, cell: Cell) -> Any:
        cell.message = self._answered
        return invoke(cell, self._answered)


@final
class DelegatorMemory(Outlasting):
    """The jobs of one delegator, and its counts."""

    def __init__(self, owner: ActorRef[Any]) -> None:
        super().__init__(owner)
        self.jobs: dict[int, Job] = {}
        self.records: dict[str, AgentRecord] = {}
        self.turns: dict[int, int] = {}
        """How many tasks each route has had, by its place."""
        self.accepted = 0
        self.answered = 0
        self.handed_up = 0
        self.expired = 0
        self.turned_away = 0

    def record(self, agent: str) -> AgentRecord:
        """Return the counts of an agent."""
        found = self.records.get(agent)
        if found is None:
            found = self.records[agent] = AgentRecord(agent)
        return found

    def ended(self) -> None:
        """Tell all who wait that nobody sees to their tasks any more."""
        jobs, self.jobs = self.jobs, {}
        error = stopped_error(self.owner.cell, "stopped before the task was done")
        for job in jobs.values():
            bury(self.owner.cell, job.item, DeadLetterReason.STOPPED, error)
