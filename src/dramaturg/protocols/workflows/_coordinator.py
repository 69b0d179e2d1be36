"""The actor that runs one instance; its progress is its journal.

Facts (results of attempts, timers, requests) are taken in together: the coordinator applies what
follows from all that has come, stores it as one list of records, and only then acts on it: new
attempts begin, superfluous ones are cut short, whoever waits is told. Until that is stored
nobody has seen anything of it, and if it cannot be stored this incarnation is thrown away.

Attempts are tasks of the coordinator; it takes in requests while they run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.actors import (
    DramaturgError,
    EventSourced,
    JournalUnavailable,
    RecoveryFailed,
    handler,
)
from dramaturg.actors._errors import said
from dramaturg.protocols.workflows._archive import Archive, differ, end_of, read_history
from dramaturg.protocols.workflows._attempts import Attempts, copied, undeclared
from dramaturg.protocols.workflows._errors import (
    UnknownWorkflowInstance,
    WorkflowChanged,
    WorkflowError,
    WorkflowIdConflict,
)
from dramaturg.protocols.workflows._history import History, entry_of
from dramaturg.protocols.workflows._live import Outside
from dramaturg.protocols.workflows._messages import (
    Advance,
    Cancel,
    Find,
    GetHistory,
    GetStatus,
    MayGo,
    Migrate,
    Over,
    Ready,
    Release,
    Resolve,
    Signal,
    Start,
    Stays,
    Ticked,
    Trouble,
)
from dramaturg.protocols.workflows._records import (
    RECORDS,
    Begun,
    CancelRequested,
    Decided,
    Ended,
    Migrated,
    Record,
    Resolved,
    Settled,
    Signalled,
    TimerFired,
)
from dramaturg.protocols.workflows._run import Run
from dramaturg.protocols.workflows._view import InstanceStatus, not_stuck, status_of

if TYPE_CHECKING:
    from types import TracebackType

    from dramaturg.actors import ActorRef
    from dramaturg.protocols.workflows._definition import Definition
    from dramaturg.protocols.workflows._family import Family
    from dramaturg.protocols.workflows._history import HistoryEntry

__all__ = ["Coordinator"]


class Coordinator(EventSourced[list[Any]]):
    """One instance of a workflow."""

    types = RECORDS

    def __init__(self, family: Family, instance: str, engine: ActorRef[Any], *, held: bool) -> None:
        self.types = family.registry  # type: ignore[misc]
        self._family = family
        self._instance = instance
        self._engine = engine
        self._is_held = held
        """It answers, and does nothing: not all of its participants are there."""
        self._id = family.persistence_id(instance)
        self._run = Run(family.newest, instance)
        self._facts: list[Record] = []
        self._is_told = False
        self._is_leaving = False
        self._codec = self.context.system.journal_codec(self.types)
        self._attempts = Attempts(
            self.context, self._codec, self._id, note=self._note, drained=self._drained
        )
        self._timers: dict[tuple[str, str], float] = {}
        self._label = ""
        self._has_told: tuple[str, bool] | None = None

    # -- recovery --------------------------------------------------------------------------

    def persistence_id(self) -> str:
        return self._id

    def initial_state(self) -> list[Any]:
        return []

    def apply(self, state: list[Any], event: Record) -> list[Any]:
        state.append(event)
        return state

    async def on_recovered(self) -> None:
        """Find the definition that the records belong to, and go on."""
        records = self.state
        if not records:
            if self.context.incarnation > 1:
                self._engine.tell(Ready(self._id, self._family, self._is_held))
            return
        definition = self._definition_of(records)
        if definition is None:
            self._be_an_archive(records)
            return
        try:
            self._run = self._replayed(records, definition)
        except Exception as error:
            raise RecoveryFailed(
                persistence_id=self._id, sequence=self.sequence, what="event", cause=said(error)
            ) from error
        self._attempts.were_made_before(self._run)
        records.clear()
        await self._catch_up()
        self._engine.tell(Ready(self._id, self._family, self._is_held))

    def _be_an_archive(self, records: list[Any]) -> None:
        """Tell what is stored: the definition is gone, and nothing is left to do.

        :raises WorkflowChanged: if something is.
        """
        ended = end_of(records)
        if ended is None:
            version = self._family.newest.version
            raise WorkflowChanged(
                workflow=self._family.name, version=version, instances=(self._instance,)
            )
        archive = Archive(self._family, self._instance, tuple(records), ended)
        records.clear()

        async def answer(message: Any) -> Any:
            if isinstance(message, MayGo):
                self.stop()
                return None
            journal = self.context.system.journal
            assert journal is not None  # noqa: S101 - it has recovered from it
            self._engine.tell(Over(self._id, ended, quiet=True))
            return await archive.answer(message, journal, self._codec)

        self.context.become(answer)

    def _definition_of(self, records: list[Any]) -> Definition | None:
        """Return the definition under which an instance was last; None if that is gone."""
        marks = [each for each in records if isinstance(each, Begun | Migrated)]
        last = marks[-1]
        found = self._family.versions.get(last.definition)
        return found if found is not None and found.fingerprint == last.fingerprint else None

    def _replayed(self, records: list[Any], definition: Definition) -> Run:
        run = Run(definition, self._instance)
        for record in records:
            run.apply(record)
        return run

    # -- requests --------------------------------------------------------------------------

    @handler
    async def take_start(self, request: Start) -> Any:
        """Begin, or find that it has begun with the same input."""
        begun = self._run.begun
        if begun is not None:
            self._tell_end(again=True)
            if differ(self._codec, begun.input, request.input):
                return WorkflowIdConflict(workflow=self._family.name, instance=self._instance)
            return self._never_ends() or self._instance
        definition = self._run.definition
        begin = Begun(
            workflow=definition.name,
            definition=definition.version,
            fingerprint=definition.fingerprint,
            instance=self._instance,
            input=copied(self._codec, request.input),
        )
        await self._go_on([begin])
        return self._instance

    def _unknown(self) -> WorkflowError | None:
        if self._run.begun is not None:
            return None
        error = UnknownWorkflowInstance(workflow=self._family.name, instance=self._instance)
        self._engine.tell(Trouble(self._id, error))
        return error

    @handler
    async def take_find(self, request: Find) -> Any:  # noqa: ARG002 - the engine has seen to `over`
        """Tell whether it was begun."""
        unknown = self._unknown()
        if unknown is None:
            self._tell_end(again=True)
        return unknown or self._never_ends() or self._instance

    def _never_ends(self) -> JournalUnavailable | None:
        """Say so if whoever waits for its end would wait for ever."""
        journal = self.context.system.journal
        if self._run.ended is not None or journal is None or not journal.is_read_only:
            return None
        detail = "what is in flight does not go on here"
        return JournalUnavailable(journal=journal.name, problem="read-only", detail=detail)

    @handler
    async def get_status(self, request: GetStatus) -> InstanceStatus | Exception:  # noqa: ARG002
        """Tell how far it is."""
        unknown = self._unknown()
        self._tell_end(again=True)
        return unknown or status_of(self._run)

    @handler
    async def get_history(self, request: GetHistory) -> History | Exception:  # noqa: ARG002
        """Tell what has happened."""
        unknown = self._unknown()
        if unknown is not None:
            return unknown
        journal = self.context.system.journal
        assert journal is not None  # noqa: S101 - it has recovered from it
        self._tell_end(again=True)
        labels = self._run.definition.labels()
        return await read_history(journal, self._codec, self._family, self._instance, labels)

    @handler
    async def take_signal(self, request: Signal) -> bool | Exception:
        """Take note of an event from outside."""
        unknown = self._unknown()
        if unknown is not None:
            return unknown
        run = self._run
        known = request.signal is not None and request.signal in run.seen_signals
        if known or (run.ended is not None and request.event not in run.waits):
            self._tell_end(again=True)
            return False
        value = copied(self._codec, request.value)
        record = Signalled(event=request.event, value=value, signal=request.signal)
        await self._go_on([record])
        return True

    @handler
    async def take_cancel(self, request: Cancel) -> bool | Exception:
        """End it, and undo what it has done."""
        unknown = self._unknown()
        if unknown is not None:
            return unknown
        run = self._run
        if run.has_outcome and not (request.is_last and run.gives_up_result):
            self._tell_end(again=True)
            return False
        await self._go_on([CancelRequested(reason=request.reason, is_last=request.is_last)])
        return True

    @handler
    async def take_resolve(self, request: Resolve) -> bool | Exception:
        """Deal with what is stuck."""
        unknown = self._unknown()
        if unknown is not None:
            return unknown
        if request.address not in self._run.stuck:
            self._tell_end(again=True)
            return not_stuck(self._run, request.address) or False
        await self._go_on([Resolved(address=request.address, how=request.how, by=request.by)])
        return True

    @handler
    async def take_migrate(self, request: Migrate) -> bool | Exception:  # noqa: ARG002
        """Go on under the newest definition, if its records fit that."""
        unknown = self._unknown()
        if unknown is not None:
            return unknown
        newest, run = self._family.newest, self._run
        if run.definition is newest or run.ended is not None:
            self._tell_end(again=True)
            return False
        journal, codec = self.context.system.journal, self._codec
        assert journal is not None  # noqa: S101
        moved = Run(newest, self._instance)
        async for stored in journal.read(self._id):
            record: Any = codec.decode(stored.payload, object)
            try:
                moved.apply(record)
            except Exception:  # noqa: BLE001 - it has no place in the new definition
                return self._has_no_place(entry_of(0, stored.time, record, None))
        self._run = moved
        await self._go_on([Migrated(definition=newest.version, fingerprint=newest.fingerprint)])
        return True

    def _has_no_place(self, entry: HistoryEntry) -> WorkflowChanged:
        family = self._family
        return WorkflowChanged(
            workflow=family.name,
            version=family.newest.version,
            instances=(self._instance,),
            record=f"{entry.address}: {entry.what}" if entry.address else entry.what,
            stays_under=self._run.definition.version,
        )

    # -- progress --------------------------------------------------------------------------

    async def _go_on(self, records: list[Record]) -> None:
        """Take records in with all that follows, store that, and then act on it."""
        for record in records:
            self._run.apply(record)
        await self._follow(records)

    async def _follow(self, applied: list[Record]) -> None:
        batch = list(applied)
        run, system = self._run, self.context.system
        outside = Outside(system.clock.time().timestamp(), system.random)
        while (record := run.decide(outside)) is not None:
            record = self._storable(record)
            run.apply(record)
            batch.append(record)
        if batch:
            await self._store(batch, self._changed_label())
        self._act()

    def _storable(self, record: Record) -> Record:
        """Let a step fail, or the whole, that has found something that cannot be stored."""
        if not isinstance(record, Decided | Ended):
            return record
        try:
            self._codec.encode(record)
        except DramaturgError as error:
            return undeclared(getattr(record, "address", ""), error, 1)
        return record

    def _changed_label(self) -> str | None:
        run = self._run
        if run.status == "stuck" and not run.is_quiet:
            label = self._family.busy_and_stuck
        else:
            label = self._family.label(run.status if run.is_quiet else "running")
        if label == self._label:
            return None
        self._label = label
        return label

    def _act(self) -> None:
        self._attempts.cut_superfluous(self._run)
        if not self._is_held:
            self._attempts.begin_all(self._run)
            self._set_timers()
        self._tell_end()

    @handler
    async def release(self, _: Release) -> None:
        """Begin to do something."""
        self._is_held = False
        await self._catch_up()

    def _note(self, record: Record) -> None:
        self._facts.append(record)
        if not self._is_told:
            self._is_told = True
            self.actor_ref.tell(Advance())

    @handler
    async def advance(self, _: Advance) -> None:
        """Take in what has come."""
        self._is_told = False
        facts, self._facts = self._facts, []
        run = self._run
        fresh: list[Record] = []
        for fact in facts:
            address: str = getattr(fact, "address", "")
            # One fact may have made the next superfluous.
            if isinstance(fact, Settled) and address in run.owed:
                fresh.append(fact)
                run.apply(fact)
                self._attempts.within.settled(address)
            elif not isinstance(fact, Settled) and address in run.open:
                fresh.append(fact)
                run.apply(fact)
                self._attempts.forget(address)
        await self._follow(fresh)

    # -- time ------------------------------------------------------------------------------

    async def _catch_up(self) -> None:
        """Take in what became due while nobody was there, before anything is begun.

        What was under way is not made once more if the time around it is over; else that it is
        stands in the records first.
        """
        if self._only_looks:
            self._tell_end()
            return
        now = self.context.clock.time().timestamp()
        fired: list[Record] = []
        run = self._run
        while not self._is_held and run.timers:
            (address, what), due = min(run.timers.items(), key=lambda each: each[1])
            if due > now:
                break
            record = TimerFired(address=address, what=what)
            run.apply(record)
            fired.append(record)
        for again in () if self._is_held else self._attempts.made_again(run):
            run.apply(again)
            fired.append(again)
        await self._follow(fired)

    @property
    def _only_looks(self) -> bool:
        journal = self.context.system.journal
        return journal is not None and journal.is_read_only

    def _set_timers(self) -> None:
        due = self._run.timers
        now = self.context.clock.time().timestamp()
        for key in self._run.touched:
            at = due.get(key)
            if at == self._timers.get(key):
                continue
            if at is None:
                del self._timers[key]
                self.context.cancel_timer(key)
            else:
                self._timers[key] = at
                self.context.start_timer(key, Ticked(*key), after=max(0.0, at - now))
        self._run.touched.clear()

    @handler
    async def ticked(self, tick: Ticked) -> None:
        """Go on when a time is over."""
        if tick.what == "attempt":
            self._attempts.time_is_up(self._run, tick)
            return
        if tick.what == "grace":
            self._attempts.ending.time_is_up(tick.attempt)
            return
        if tick.what == "within":
            self._attempts.within.again(self._run, tick.address)
            return
        key = (tick.address, tick.what)
        if self._timers.pop(key, None) is not None and key in self._run.timers:
            await self._go_on([TimerFired(address=tick.address, what=tick.what)])

    # -- its end -----------------------------------------------------------------------------

    def _tell_end(self, *, again: bool = False) -> None:
        run = self._run
        if run.ended is None:
            self._has_told = None
            return
        told = (run.ended.status, run.is_quiet)
        if again or told != self._has_told:
            self._has_told = told
            self._engine.tell(Over(self._id, run.ended, run.is_quiet))

    @handler
    async def may_go(self, _: MayGo) -> None:
        """Stop, unless something came meanwhile."""
        is_quiet = self._run.begun is None or self._run.is_quiet
        if is_quiet and not self._attempts.ending:
            self.stop()
            return
        self._has_told = None
        self._is_leaving = is_quiet
        self._engine.tell(Stays(self._id))

    def on_failure(
        self,
        exception_type: type[BaseException] | None,  # noqa: ARG002
        exception_value: BaseException | None,
        traceback: TracebackType | None,  # noqa: ARG002
    ) -> None:
        self._attempts.stop()
        if exception_value is not None:
            self._engine.tell(Trouble(self._id, exception_value))

    def on_stop(self) -> None:
        self._attempts.stop()

    def _drained(self) -> None:
        if self._is_leaving:
            self._is_leaving = False
            self.actor_ref.tell(Advance())
