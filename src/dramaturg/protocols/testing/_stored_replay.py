"""What a journal held, given to the actor or workflow that wrote it, in a simulation.

The journal is one in memory that holds those events and nothing else, and the clock begins when the
last of them was written, so that what is due then is due now. Recovery is the real one.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast, final

from dramaturg.actors import ActorFailed, ActorRef, EventSourced, MemoryJournal, MemoryStore
from dramaturg.actors.journal import Snapshot, StoredEvent
from dramaturg.protocols._borders import TEXT, Kind, at_least, optional
from dramaturg.protocols.testing._borders import check_given, check_kinds, takes
from dramaturg.protocols.testing._diagram import mermaid, sequence_diagram
from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._run import Calm, Run, run
from dramaturg.protocols.testing._simulation import Simulation
from dramaturg.protocols.workflows import Workflow, WorkflowFailed

if TYPE_CHECKING:
    from dramaturg.actors import Codec
    from dramaturg.protocols.testing._kernel import Kernel
    from dramaturg.protocols.workflows import StepError

__all__ = [
    "OWNER",
    "Happened",
    "StoredOwner",
    "StoredRun",
    "registry_of",
    "replay_stored",
    "stored_id",
]

StoredOwner: TypeAlias = "type[EventSourced[Any]] | Workflow"
"""Who wrote to a journal: a class of actors, or a workflow."""
Setup: TypeAlias = "Callable[[Simulation], Awaitable[object] | object]"
MOST = 10_000
"""Events of the simulation."""


class Happened(NamedTuple):
    """One event that was stored.

    :param at: when, in seconds since 1970.
    :param event: itself; or its bytes, as they are stored.
    """

    at: float
    event: Any


@final
@dataclass(frozen=True, slots=True)
class StoredRun:
    """What came of events that were stored.

    :param state: of the actor in the end; None if it does not live.
    :param answers: what it has answered to each message, or the error.
    :param status: of the workflow's instance; "running" if it has not ended.
    :param value: its result.
    :param error: why it has none; the exception if it cannot go on at all.
    """

    run: Run
    failures: tuple[ActorFailed, ...]
    state: Any = None
    answers: tuple[Any, ...] = ()
    status: str | None = None
    value: Any = None
    error: StepError | Exception | None = None

    @property
    def errors(self) -> tuple[str, ...]:
        """The names of the errors that actors have failed with, and of those it has answered."""
        found = [each.error for each in self.failures]
        found += [each for each in self.answers if isinstance(each, Exception)]
        found += [self.error] if isinstance(self.error, Exception) else []
        return tuple(dict.fromkeys(type(each).__name__ for each in found))

    def diagram(self) -> str:
        """Draw the run as text."""
        return sequence_diagram(self.run.actors, self.run.steps)

    def mermaid(self) -> str:
        """Draw the run for Mermaid."""
        return mermaid(self.run.actors, self.run.steps)

    def __str__(self) -> str:
        lines = [f"{each.path} failed with {each.error!r}" for each in self.failures]
        if self.status is None:
            lines.append(f"state: {self.state!r}")
            lines += [f"answer: {each!r}" for each in self.answers]
        else:
            what = self.value if self.error is None else self.error
            lines.append(f"{self.status}: {what}")
        if self.run.broken is not None:
            lines.append(": ".join(each for each in self.run.broken if each))
        return "\n".join([*lines, "", self.diagram()]).rstrip()


def _is_owner(value: object) -> bool:
    is_actor = isinstance(value, type) and issubclass(value, EventSourced)
    return is_actor or isinstance(value, Workflow)


def _is_setup(value: object) -> bool:
    return callable(value) and takes(value, 1)


OWNER = Kind(_is_owner, "a class of event-sourced actors, or a workflow")
SETUP = optional(Kind(_is_setup, "a function of the Simulation"))


def registry_of(owner: StoredOwner) -> Any:
    """Return the types that are stored."""
    return owner._family.registry if isinstance(owner, Workflow) else owner.types


def stored_id(owner: StoredOwner, name: str) -> str:
    """Return the persistence id: of a workflow the name is that of the instance."""
    return owner._family.persistence_id(name) if isinstance(owner, Workflow) else name


def replay_stored(
    owner: StoredOwner,
    name: str,
    events: Sequence[Happened | tuple[float, Any]],
    *,
    state: Any = None,
    after: int = 0,
    asks: Sequence[Any] = (),
    setup: Setup | None = None,
    allow: Collection[str] = (),
    horizon: float = 3_600.0,
) -> StoredRun:
    """Recover an actor or an instance from events, and let it go on, in a simulation.

    ::

        replayed = replay_stored(Account, "account-ann", EVENTS, asks=[Withdraw(cents=30)])
        assert replayed.state.cents >= 0, str(replayed)

    :param name: the persistence id; of a workflow the id of the instance.
    :param events: the oldest first.
    :param state: a snapshot of the state before these, or its bytes; with ``after``.
    :param after: the sequence number of the event before these.
    :param asks: what the actor is sent then, one after the other.
    :param setup: spawns all actors that are needed, the one with this id among them; default that
        one alone, made without arguments.
    :param allow: see :class:`Simulation`; ``horizon`` too.
    :raises ScenarioError: for an owner that is none, options that cannot be, messages to a
        workflow, or if nobody of the setup has this id.
    :raises EncodeError: for an event that cannot be stored.
    """
    check_given(allow=allow, horizon=horizon)
    check_kinds(owner=(owner, OWNER), name=(name, TEXT), setup=(setup, SETUP))
    check_kinds(after=(after, at_least(0)))
    if isinstance(owner, Workflow) and asks:
        problem, expected = "is sent messages", "no asks: it is told by signals"
        raise ScenarioError(thing=f"workflow {owner.name}", problem=problem, expected=expected)
    known = [Happened(*each) for each in events]
    replay = _Replay(owner, name, _Past(known, state, after), asks, setup)

    def make() -> Simulation:
        return Simulation(replay.main, allow=allow, horizon=horizon)

    ran = run(make, Calm(), most=MOST, look=replay.look)
    if replay.problem is not None:
        raise replay.problem
    return replay.outcome(ran)


class _Past(NamedTuple):
    events: list[Happened]
    state: Any
    after: int

    def store(self, persistence_id: str, codec: Codec) -> MemoryStore:
        """Return a store that holds it."""
        store = MemoryStore()
        shelf = store.shelf(persistence_id)
        shelf.deleted = self.after
        for number, (at, event) in enumerate(self.events, self.after + 1):
            payload = event if isinstance(event, bytes) else codec.encode(event)
            shelf.events.append(StoredEvent(persistence_id, number, payload, at))
        if self.after:
            kept = self.state if isinstance(self.state, bytes) else codec.encode_value(self.state)
            shelf.snapshots.append(Snapshot(persistence_id, self.after, kept, self.began))
        return store

    @property
    def began(self) -> float:
        return self.events[0].at if self.events else 0.0

    @property
    def ended(self) -> float:
        return self.events[-1].at if self.events else 0.0


class _Replay:
    """The scenario of one replay."""

    def __init__(
        self,
        owner: StoredOwner,
        name: str,
        past: _Past,
        asks: Sequence[Any],
        setup: Setup | None,
    ) -> None:
        self._owner = owner
        self._name = name
        self._past = past
        self._asks = asks
        self._setup = setup
        self._ref: ActorRef[Any] | None = None
        self._task: asyncio.Task[None] | None = None
        self._state: Any = None
        self._seen: tuple[dict[str, Any], tuple[Any, ...], tuple[ActorFailed, ...]] = {}, (), ()
        self.problem: Exception | None = None
        self.failures: list[ActorFailed] = []
        self.answers: list[Any] = []
        self.ends: dict[str, Any] = {}

    async def main(self, sim: Simulation) -> None:
        """Fill the journal, and let everything begin."""
        system, owner = sim.system, self._owner
        clock: Any = system.clock
        clock.begin_at(datetime.fromtimestamp(self._past.ended, UTC))
        persistence_id = stored_id(owner, self._name)
        try:
            store = self._past.store(persistence_id, system.journal_codec(registry_of(owner)))
        except Exception as error:  # noqa: BLE001 - told to whoever called
            self.problem = error
            return
        system.journal = MemoryJournal(store)
        system.journal.open()
        system.events.subscribe(self.failures.append, ActorFailed)
        if self._setup is not None:
            made = self._setup(sim)
            if inspect.isawaitable(made):
                await made
        if isinstance(owner, Workflow):
            self._task = asyncio.ensure_future(self._follow(owner, sim))
            return
        self._ref = self._found(sim, persistence_id)
        if self._ref is not None:
            self._task = asyncio.ensure_future(self._ask(self._ref))

    def _found(self, sim: Simulation, persistence_id: str) -> ActorRef[Any] | None:
        if self._setup is None:
            owner = cast("type[EventSourced[Any]]", self._owner)
            last = persistence_id.rpartition("/")[2]
            name = last if persistence_id == f"/{last}" else None
            return sim.system.spawn(owner, name=name)
        for cell in sim.living():
            actor: Any = cell.actor
            if isinstance(actor, EventSourced) and actor.persistence_id() == persistence_id:
                return cell.ref
        self.problem = ScenarioError(
            thing=repr(self._setup),
            problem=f"spawns nobody with the persistence id {persistence_id!r}",
            expected="the actor that the events are of",
        )
        return None

    async def _ask(self, ref: ActorRef[Any]) -> None:
        try:
            await ref.started()
        except Exception as error:  # noqa: BLE001 - it is the outcome
            self.ends["error"] = error.__cause__ or error
            return
        for each in self._asks:
            try:
                self.answers.append(await ref.request(each))
            except Exception as error:  # noqa: BLE001 - an answer, too
                self.answers.append(error)

    async def _follow(self, workflow: Workflow, sim: Simulation) -> None:
        try:
            self.ends["value"] = await workflow.result(sim.system, self._name)
            self.ends["status"] = "completed"
        except WorkflowFailed as failed:
            self.ends.update(status=failed.status, error=failed.error)
        except Exception as error:  # noqa: BLE001 - it is the outcome
            self.ends["error"] = error.__cause__ or error

    def look(self, _: Kernel) -> None:
        """Take note of how things stand: what ends with the simulation is no outcome."""
        actor: Any = None if self._ref is None else self._ref.cell.actor
        self._state = None if actor is None or not hasattr(actor, "_state") else actor.state
        self._seen = dict(self.ends), tuple(self.answers), tuple(self.failures)

    def outcome(self, ran: Run) -> StoredRun:
        """Say what came of it."""
        ends, answers, failures = self._seen
        if isinstance(self._owner, Workflow):
            ends.setdefault("status", "running")
        return StoredRun(run=ran, failures=failures, state=self._state, answers=answers, **ends)
