"""Bugs in delegators: callers who wait for ever, tasks done twice, and figures that lie."""

from typing import Any

from dramaturg.actors import ActorRef
from dramaturg.actors._lifecycle import DrainEnd
from dramaturg.protocols import Delegator
from dramaturg.protocols._delegator_figures import AgentRecord
from dramaturg.protocols._delegator_job import Answered, AttemptSlot, DelegatorMemory, Job
from dramaturg.protocols._outlasting import Outlasting, remembered
from tests.simulated.planted.plant import Bug, function, handling, method


def _forgets_its_tasks(found: Any) -> Any:
    def buggy(cell: Any, kind: type[Outlasting]) -> Outlasting:
        ref: ActorRef[Any] = cell.ref
        return kind(ref)

    return buggy


def _leaves_them_waiting(ended: Any) -> Any:
    def buggy(self: DelegatorMemory) -> None:
        self.jobs = {}

    return buggy


def _stops_at_once(drained: Any) -> Any:
    def buggy(desk: Delegator, message: DrainEnd) -> None:
        message.handle(desk._cell)

    return buggy


def _forgets_the_drain(close: Any) -> Any:
    def buggy(self: Delegator, job: Job) -> None:
        del self._memory.jobs[job.number]

    return buggy


def _never_times_out(expire: Any) -> Any:
    def buggy(self: AttemptSlot, timeout: float | None) -> None:
        """Wait on."""

    return buggy


def _answers_with_the_failure(go_on: Any) -> Any:
    def buggy(self: Delegator, job: Job, error: BaseException) -> None:
        self._give_up(job, error)

    return buggy


def _never_tries_again(pause: Any) -> Any:
    def buggy(self: Delegator, job: Job, error: BaseException, now: float) -> None:
        """Ask the next one."""

    return buggy


def _gives_each_attempt_a_key(send: Any) -> Any:
    def buggy(self: Delegator, job: Job, slot: AttemptSlot, ref: Any) -> None:
        job.task = self._keyed(type(job.task)(job.task.number))
        send(self, job, slot, ref)

    return buggy


def _asks_the_first_one_only(ranked: Any) -> Any:
    def buggy(self: Delegator, route: Any, task: Any) -> Any:
        return self._paths(route)[: len(route.agents)]

    return buggy


def _counts_failures_as_open(failed: Any) -> Any:
    def buggy(self: AgentRecord, *, in_time: bool) -> None:
        failed(self, in_time=in_time)
        self.in_flight += 1

    return buggy


def _counts_no_late_answers(handle: Any) -> Any:
    def buggy(desk: Delegator, message: Answered) -> None:
        if not message.is_late:
            handle(desk, message)

    return buggy


DONE, BACK, UP = "delegator/done", "delegator/fallen back", "delegator/handed up"
BUGS = (
    Bug("delegator/a restart forgets its tasks", "delegator/crashed",
        function(remembered, _forgets_its_tasks)),
    Bug("delegator/its end leaves callers waiting", "delegator/stopped",
        method(DelegatorMemory, "ended", _leaves_them_waiting)),
    Bug("delegator/a drain is a stop", "delegator/drained",
        handling(Delegator, DrainEnd, _stops_at_once)),
    Bug("delegator/a drain never ends", "delegator/drained",
        method(Delegator, "_close", _forgets_the_drain)),
    Bug("delegator/no attempt times out", BACK, method(AttemptSlot, "expire", _never_times_out)),
    Bug("delegator/nobody else is asked", BACK,
        method(Delegator, "_go_on", _answers_with_the_failure)),
    Bug("delegator/nobody is asked again", BACK, method(Delegator, "_pause", _never_tries_again)),
    Bug("delegator/each attempt has a key of its own", BACK,
        method(Delegator, "_send", _gives_each_attempt_a_key)),
    Bug("delegator/it is always the first one's turn", DONE,
        method(Delegator, "_ranked", _asks_the_first_one_only)),
    Bug("delegator/failures stay in flight", UP,
        method(AgentRecord, "failed", _counts_failures_as_open)),
    Bug("delegator/late answers are not counted", BACK,
        handling(Delegator, Answered, _counts_no_late_answers)),
)  # fmt: skip
