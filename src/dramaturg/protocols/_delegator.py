"""Delegators: one ref in front of specialists, each task to one who can do it.

Which route a task takes is found in ``_delegator_route``; in which order its agents are asked in
``_delegator_choice``; a task on its way is a job (``_delegator_job``, theory of operation there).
Here is what the actor does with its messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, cast, final

from pydantic import BaseModel

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorStopped,
    DeadLetterReason,
    DeadlineExceeded,
    OptionError,
    Props,
    RoutingState,
    handler,
)
from dramaturg.actors._circles import forwarded
from dramaturg.actors._envelope import Envelope, Headers
from dramaturg.actors._errors import said
from dramaturg.actors._letters import bury, expired
from dramaturg.actors._lifecycle import DrainEnd
from dramaturg.protocols._delegator_choice import AgentLogic
from dramaturg.protocols._delegator_job import Answered, AttemptSlot, DelegatorMemory, Job
from dramaturg.protocols._delegator_messages import (
    Attempt,
    Delegate,
    DelegationFailed,
    DelegatorFigures,
    DelegatorFull,
    FailedTask,
    GetFigures,
    NoRouteError,
    RouteError,
)
from dramaturg.protocols._delegator_route import AGENTS, Route, Routes, path_of
from dramaturg.protocols._outlasting import remembered
from dramaturg.supervision import Supervisor, SupervisorSpec

__all__ = ["Delegator"]


@final
@dataclass(frozen=True, slots=True)
class _Again:
    """The pause before the next attempt at a job is over."""

    number: int


@final
class Delegator(Actor):
    """An actor that has each task done by an agent that can do it; made by :meth:`of`.

    ::

        desk = system.spawn(
            Delegator.of(
                Route(Translate, agents=[Translator, "/pool"], retry=Retry(attempts=2)),
                Route(Summarise, agents=[summariser], fallback="/humans"),
                tasks=[Translate, Summarise],
            ),
            name="desk",
        )
        text = await desk.request(Translate(text="Guten Tag"))

    Whatever it is told or asked is a task, but for :class:`GetFigures`; :class:`Delegate` names a
    capability. It goes to the route that fits (:class:`Route`) and there to one agent, as a
    request; the agent's answer is the caller's. An agent that fails, or does not answer in time, is
    asked again as ``retry`` says; then the next one is asked, then the fallback, then the route's
    handler. When nobody is left the failure goes up: the caller gets :class:`DelegationFailed` with
    all attempts, and a task that was only told is a dead letter (``UNROUTABLE``).

    The delegator waits for nobody: up to ``in_flight`` tasks are on their way at a time, and one
    more is refused (:class:`DelegatorFull`). Each caller is answered exactly once, before its
    deadline, which the attempts inherit. An answer that comes after its attempt is over is dropped
    and counted.

    Attempts may do a task twice. A task with an empty field ``key`` gets one; so all attempts at it
    have the same key, by which agents can tell.

    Tasks in flight and figures outlive its restarts, and end with its end for good: who waits is
    told so (:class:`ActorStopped`). Drained, it first sees all of them through. Its own
    agents are supervised (one_for_one), and it fails when their supervisor gives up.
    """

    @staticmethod
    def of(
        *routes: Route,
        tasks: Sequence[type] = (),
        in_flight: int = 1_000,
        intensity: int = 3,
        period: float = 5.0,
    ) -> Props[Delegator]:
        """Make the recipe of a delegator, with its routes checked.

        Spawning it raises :class:`StartFailed` if an agent of its own does not start, or none
        lives at a path that a route names.

        :param tasks: every type of task that is to come; then each must have a route, and each
            route for a type must be one that some of them takes.
        :param in_flight: so many tasks at a time.
        :param intensity: how many restarts of its own agents ``period`` seconds may see.
        :raises RouteError: for routes that do not fit together.
        :raises OptionError: for a limit below 1.
        """
        count: object = in_flight
        if type(count) is not int or count < 1:
            raise OptionError(option="in_flight", value=count, expected="an int of at least 1")
        checked = Routes(routes, tasks)
        spec = SupervisorSpec(list(checked.children.values()), intensity=intensity, period=period)
        return Props(Delegator, checked, spec, in_flight)

    def __init__(self, routes: Routes, children: SupervisorSpec, in_flight: int) -> None:
        self._routes = routes
        self._children = children
        self._in_flight = in_flight
        self._states = [RoutingState(self.context.random) for _ in routes.all]
        self._routees: dict[int, tuple[ActorRef[Any], ...]] = {}
        self._given: dict[str, ActorRef[Any]] = routes.given
        self._memory = remembered(self._cell, DelegatorMemory)
        self._drain: DrainEnd | None = None
        for agent in self._agents():
            self._memory.record(agent)

    async def on_start(self) -> None:
        """Start the agents of its own, look for the others, and go on with what is in flight."""
        if self._children.children:
            ref = self.context.spawn(Props(Supervisor, self._children), name=AGENTS)
            await ref.started()
        for path in self._agents():
            if self._find(path) is None:
                raise RouteError(
                    route=self.context.path,
                    problem=f"has an agent at {path}, where no actor lives",
                    expected="agents that live when it starts",
                )
        for job in tuple(self._memory.jobs.values()):
            if job.pauses:  # the timer went with the instance that set it
                self._try(job)

    def _agents(self) -> list[str]:
        """Return the paths of all agents, in the order of the routes."""
        found: dict[str, None] = {}
        for route in self._routes.all:
            found |= dict.fromkeys(self._paths(route))
            if route.handler is not None:
                found[path_of(route.handler, self.context.path)] = None
        return list(found)

    def _paths(self, route: Route) -> list[str]:
        given = [*route.agents, *([] if route.fallback is None else [route.fallback])]
        return [path_of(each, self.context.path) for each in given]

    # -- tasks

    @handler
    def take_task(self, message: Any) -> Any:
        """Have a task done."""
        self._take(message, None)

    @handler
    def take_capability(self, message: Delegate) -> Any:
        """Have a task done by who has a capability."""
        self._take(message.task, message.capability)

    def _take(self, task: Any, capability: str | None) -> None:
        memory = self._memory
        memory.turned_away += 1
        if len(memory.jobs) >= self._in_flight:
            raise DelegatorFull(path=self.context.path, in_flight=len(memory.jobs))
        route, agents = self._chosen(task, capability)
        memory.turned_away -= 1
        memory.accepted += 1
        job = Job(memory.accepted, route, self._keyed(task), self._cell.message, agents)
        memory.jobs[job.number] = job
        # Taking the message away tells the cell that somebody else answers.
        self._cell.message = None
        self._try(job)

    def _chosen(self, task: Any, capability: str | None) -> tuple[Route, list[str]]:
        """Find the route for a task, and in which order its agents are asked.

        :raises NoRouteError: if there is none, or a function of the route fails.
        """
        problem = "no route is for it"
        try:
            route = self._routes.find(task, capability)
            if route is not None:
                ranked = self._ranked(route, task)
                if ranked:
                    fallback = self._paths(route)[len(route.agents) :]
                    return route, [*ranked, *fallback]
                problem = f"{route} has chosen nobody"
        except Exception as error:
            problem = f"its route fails: {said(error)}"
            raise self._no_route(task, problem) from error
        raise self._no_route(task, problem)

    def _no_route(self, task: Any, problem: str) -> NoRouteError:
        return NoRouteError(path=self.context.path, task=type(task).__qualname__, problem=problem)

    def _ranked(self, route: Route, task: Any) -> list[str]:
        memory, number = self._memory, self._routes.all.index(route)
        paths = self._paths(route)[: len(route.agents)]
        turn = memory.turns.get(number, 0)
        memory.turns[number] = turn + 1
        choose: Any = route.choose
        if isinstance(choose, AgentLogic):
            figures = tuple(memory.record(path).figures() for path in paths)
            return [each.agent for each in choose.rank(figures, task, turn)]
        refs = tuple(ref for ref in map(self._find, paths) if ref is not None)
        if not refs:
            return paths
        state = self._states[number]
        state.routed = turn
        if self._routees.get(number) != refs:
            self._routees[number], state.memo = refs, None
        first = [ref.path for ref in choose.choose(refs, task, state)]
        return [*first, *(path for path in paths if path not in first)]

    def _find(self, path: str) -> ActorRef[Any] | None:
        """Return the living agent at a path."""
        ref = self._given.get(path)
        if ref is not None and ref.is_alive():
            return ref
        return self.context.system.lookup(path)

    def _keyed(self, task: Any) -> Any:
        """Give a task a key if it has room for one: every attempt at it has the same then."""
        if getattr(task, "key", "given") not in (None, ""):
            return task
        key = str(self.context.system.ids())
        if isinstance(task, BaseModel) and "key" in type(task).model_fields:
            return task.model_copy(update={"key": key})
        if is_dataclass(task) and any(each.name == "key" for each in fields(task)):
            return replace(cast("Any", task), key=key)
        return task

    # -- attempts

    def _try(self, job: Job) -> None:
        """Ask the present agent."""
        system = self.context.system
        job.pauses = False
        if job.deadline is not None and system.now() >= job.deadline:
            self._expire(job)
            return
        path = job.agents[job.place]
        ref = self._find(path)
        job.tries += 1
        slot = job.slot = AttemptSlot(self.actor_ref, job, ref)
        if job.tries == 1:
            job.since = slot.began
        if ref is not None and not forwarded(job.item, ref.cell):
            # Who asks would wait for itself, and has been told so.
            self._memory.handed_up += 1
            self._close(job)
            return
        self._memory.record(path).given()
        if ref is None:
            slot.complete(None, ActorStopped(path=path))
        else:
            self._send(job, slot, ref)

    def _send(self, job: Job, slot: AttemptSlot, ref: ActorRef[Any]) -> None:
        system = self.context.system
        timeout = system.default_timeout if job.deadline is None else job.deadline - slot.began
        if job.route.timeout is not None and not job.asks_handler:
            timeout = min(timeout, job.route.timeout)
        deadline = slot.began + timeout
        slot.timer = system.clock.call_at(deadline, slot.expire, timeout)
        message = FailedTask(job.task, tuple(job.attempts)) if job.asks_handler else job.task
        try:
            ref.cell.post(Envelope(message, slot, self.actor_ref, deadline, self._headers(job)))
        except Exception as error:  # noqa: BLE001 - a priority's key is the user's function
            slot.complete(None, error)

    def _headers(self, job: Job) -> Headers | None:
        item = job.item
        if item.__class__ is not Envelope or item.headers is None:
            return None
        came = item.headers
        number = len(job.attempts) + 1
        return Headers(self.context.system.ids(), came.correlation_id, came.message_id, number)

    @handler
    def answered(self, message: Answered) -> None:
        """See what an attempt has brought."""
        slot, error = message.slot, message.error
        job = slot.job
        if message.is_late:
            if slot.agent is not None:
                self._memory.record(slot.agent.path).late += 1
                self.context.system.note_late_reply(slot.agent.cell)
            return
        if job.slot is not slot or job.number not in self._memory.jobs:
            return
        job.slot = None
        record = self._memory.record(job.agents[job.place])
        seconds = self.context.system.now() - slot.began
        if error is None:
            record.succeeded(seconds)
            self._answer(job, message.value, None)
        elif isinstance(error, job.route.final) and not isinstance(error, DeadlineExceeded):
            record.refused(seconds)
            self._answer(job, None, error)
        else:
            record.failed(in_time=not isinstance(error, DeadlineExceeded))
            job.attempts.append(Attempt(record.agent, job.tries, seconds, error))
            self._go_on(job, error)

    def _go_on(self, job: Job, error: BaseException) -> None:
        """Try again, or ask the next one, or give up."""
        now = self.context.system.now()
        if job.deadline is not None and now >= job.deadline:
            self._expire(job)
            return
        pause = self._pause(job, error, now)
        if pause is not None:
            job.pauses = True
            self.context.start_timer(("again", job.number), _Again(job.number), after=pause)
            return
        job.place += 1
        job.tries = 0
        if job.place == len(job.agents) and job.route.handler is not None and not job.asks_handler:
            job.asks_handler = True
            job.agents.append(path_of(job.route.handler, self.context.path))
        if job.place < len(job.agents):
            self._try(job)
        else:
            self._give_up(job, error)

    def _pause(self, job: Job, error: BaseException, now: float) -> float | None:
        """Return how long to wait before the present agent is asked again; None: it is not."""
        if job.asks_handler or self._find(job.agents[job.place]) is None:
            return None
        pause = job.route.retry.again(
            error, attempt=job.tries, spent=now - job.since, random=self.context.random
        )
        comes_too_late = pause is not None and job.deadline is not None
        return None if comes_too_late and now + (pause or 0.0) >= (job.deadline or 0.0) else pause

    @handler
    def again(self, message: _Again) -> None:
        """Make the next attempt."""
        job = self._memory.jobs.get(message.number)
        if job is not None and job.pauses:
            self._try(job)

    # -- ends

    def _answer(self, job: Job, value: Any, error: BaseException | None) -> None:
        item = job.item
        self._memory.answered += 1
        if item.__class__ is Envelope and item.reply is not None:
            item.reply.complete(value, error)
        elif error is not None:
            bury(self._cell, item, DeadLetterReason.REFUSED, error)
        self._close(job)

    def _give_up(self, job: Job, cause: BaseException) -> None:
        self._memory.handed_up += 1
        task = type(job.task).__qualname__
        error = DelegationFailed(path=self.context.path, task=task, attempts=tuple(job.attempts))
        error.__cause__ = cause
        item = job.item
        if item.__class__ is Envelope and item.reply is not None:
            item.reply.complete(None, error)
        else:
            bury(self._cell, item, DeadLetterReason.UNROUTABLE, error)
        self._close(job)

    def _expire(self, job: Job) -> None:
        self._memory.expired += 1
        expired(self._cell, job.item)
        self._close(job)

    def _close(self, job: Job) -> None:
        del self._memory.jobs[job.number]
        if self._drain is not None and not self._memory.jobs:
            self._drain.handle(self._cell)

    @handler
    def drained(self, message: DrainEnd) -> None:
        """See all tasks through first."""
        self._drain = message
        if not self._memory.jobs:
            message.handle(self._cell)

    # -- figures

    @handler
    def get_figures(self, message: GetFigures) -> DelegatorFigures:  # noqa: ARG002 - a handler takes its message
        """Answer with the counts."""
        memory = self._memory
        return DelegatorFigures(
            agents=tuple(each.figures() for each in memory.records.values()),
            accepted=memory.accepted,
            in_flight=len(memory.jobs),
            answered=memory.answered,
            handed_up=memory.handed_up,
            expired=memory.expired,
            turned_away=memory.turned_away,
        )
