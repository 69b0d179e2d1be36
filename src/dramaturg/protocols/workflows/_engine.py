"""The actor above all instances: it begins them, brings them back, and knows who waits for them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from dramaturg.actors import (
    Actor,
    ActorStopped,
    ConcurrentWriter,
    Directive,
    DramaturgError,
    JournalDamaged,
    JournalError,
    JournalUnavailable,
    Props,
    RecoveryFailed,
    StashOverflowError,
    Terminated,
    _endings as endings,
    handler,
)
from dramaturg.protocols.workflows._archive import Archive
from dramaturg.protocols.workflows._coordinator import Coordinator
from dramaturg.protocols.workflows._elsewhere import Elsewhere, LookAgain, in_flight
from dramaturg.protocols.workflows._errors import (
    UnknownWorkflowInstance,
    WorkflowChanged,
    WorkflowError,
)
from dramaturg.protocols.workflows._known import fits, name_of
from dramaturg.protocols.workflows._messages import (
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
    Resume,
    Signal,
    Start,
    Stays,
    Stored,
    Trouble,
)
from dramaturg.protocols.workflows._participant import Ask, UnknownParticipantError
from dramaturg.protocols.workflows._step import Action
from dramaturg.supervision import Backoff, LimitedRestart, OnError

if TYPE_CHECKING:
    from types import TracebackType

    from dramaturg.actors import ActorRef, Codec, Future
    from dramaturg.actors.journal import Journal
    from dramaturg.protocols.workflows._family import Family
    from dramaturg.protocols.workflows._records import Ended

__all__ = ["NAME", "Engine"]

NAME = "workflows"
"""Its name at the top of the tree."""

POLICY = OnError(
    {
        JournalUnavailable: LimitedRestart(None, backoff=Backoff(0.1, 5.0, jitter=0.2)),
        JournalDamaged: Directive.STOP,
        RecoveryFailed: Directive.STOP,
        ConcurrentWriter: Directive.STOP,
        WorkflowChanged: Directive.STOP,
    },
    otherwise=LimitedRestart(5, within=60.0, backoff=Backoff(0.1, 5.0, jitter=0.2)),
)


class Engine(Actor):
    """One of each system, at "/workflows"."""

    policy = LimitedRestart(5, within=60.0)

    def __init__(self) -> None:
        self._families: dict[str, Family] = {}
        self._coordinators: dict[str, ActorRef[Any]] = {}
        self._ids: dict[str, tuple[Family, str]] = {}
        """The instances, by the paths of their coordinators."""
        self._ending: set[str] = set()
        self._later: set[str] = set()
        """Those for whose next coordinator something is stashed."""
        self._waiting: defaultdict[str, list[Future[Ended]]] = defaultdict(list)
        self._patient: defaultdict[str, list[Future[Ended]]] = defaultdict(list)
        """Those who wait on while it is stuck and has a result, or another process has it."""
        self._trouble: dict[str, BaseException] = {}
        self._held: dict[str, Family] = {}
        self._elsewhere = Elsewhere(self.context)
        self._coming: dict[str, None] = {}
        """Those that are brought back, as long as nobody knows whether they come."""
        self._resuming: list[Resume] = []

    def on_start(self) -> None:
        """See to those who wait also if it is killed, which runs no hook."""
        endings.ended(self.actor_ref.cell).add_done_callback(self._give_up)

    # -- requests --------------------------------------------------------------------------

    @handler
    async def begin(self, request: Start) -> Any:
        """Begin an instance, or attach to it."""
        family = request.family
        return self._missing(family) or await self._answered(request)

    @handler
    async def find(self, request: Find) -> Any:
        """Attach to an instance."""
        return await self._answered(request)

    @handler
    async def about(
        self, request: GetStatus | GetHistory | Signal | Cancel | Resolve | Migrate
    ) -> Any:
        """Let an instance answer."""
        return await self._answered(request)

    @handler
    async def resume(self, request: Resume) -> tuple[str, ...] | Exception:
        """Bring back all instances in flight; also those that another process had."""
        family, journal = request.family, self._journal
        if journal is not None and journal.is_read_only:
            detail = "it was opened with read_only=True"
            return JournalUnavailable(journal=journal.name, problem="read-only", detail=detail)
        problem = self._missing(family)
        if problem is None:
            await self._look()
            problem = await self._known(family, again=True)
        if problem is not None:
            return problem
        self._resuming.append(request)
        self._tell_who_resumes()
        return self._here(family)

    def _here(self, family: Family) -> tuple[str, ...]:
        prefix = family.persistence_id("")
        away = self._ending | self._coming.keys()
        found = [each for each in self._coordinators if each.startswith(prefix)]
        return tuple(sorted(each[len(prefix) :] for each in found if each not in away))

    async def _answered(self, request: Any) -> Any:
        """Pass a request on; or say why no coordinator of the instance can answer."""
        family: Family = request.family
        problem = await self._known(family)
        if problem is not None:
            return problem
        journal, key = self._journal, family.persistence_id(request.instance)
        if journal is not None and key in self._elsewhere and key not in self._coordinators:
            try:
                await journal.head(key)
            except JournalError as error:
                return error
        return self._pass_on(request)

    @handler
    async def stored(self, request: Stored) -> Any:
        """Answer what the coordinator of an instance could not."""
        return await self._from_what_is_stored(request.request, request.error)

    async def _from_what_is_stored(self, request: Any, error: Exception) -> Any:
        """Answer from the records of an instance that has ended; else with the error."""
        family: Family = request.family
        over: Future[Ended] | None = getattr(request, "over", None)
        is_patient = isinstance(request, Start) and request.is_patient
        archive = await self._archive(family, request.instance)
        goes_on = archive is None or archive.ended.completes
        if isinstance(error, ConcurrentWriter) and is_patient and over is not None and goes_on:
            self._elsewhere.add(family, request.instance, error)
            self._wait(self._patient[family.persistence_id(request.instance)], over)
            return request.instance
        if archive is None:
            return error
        if over is not None:
            over.complete(archive.ended, None)
        journal = self._journal
        assert journal is not None  # noqa: S101 - the archive comes from it
        return await archive.answer(request, journal, self._codec(family))

    async def _archive(self, family: Family, instance: str) -> Archive | None:
        """Read an instance that has ended; None also if it cannot be read."""
        journal = self._journal
        if journal is None:
            return None
        try:
            return await Archive.read(journal, self._codec(family), family, instance)
        except DramaturgError:
            return None

    @property
    def _journal(self) -> Journal | None:
        return self.context.system.journal

    def _codec(self, family: Family) -> Codec:
        return self.context.system.journal_codec(family.registry)

    def _pass_on(self, request: Any) -> Any:
        key = request.family.persistence_id(request.instance)
        if key in self._ending:
            # The one that is leaving takes nothing more; the next one begins when it is gone.
            self._later.add(key)
            try:
                nothing: None = self.context.stash()
            except StashOverflowError:
                nothing = self.context.forward(self.actor_ref)
            return nothing
        over: Future[Ended] | None = getattr(request, "over", None)
        if over is not None:
            is_patient = isinstance(request, Start) and request.is_patient
            self._wait((self._patient if is_patient else self._waiting)[key], over)
        coordinator = self._coordinator(request.family, request.instance)
        passed_on: None = self.context.forward(coordinator)
        return passed_on

    def _wait(self, waiting: list[Future[Ended]], over: Future[Ended]) -> None:
        waiting.append(over)
        if len(waiting).bit_count() == 1:
            # Now and then those are let go who wait no more.
            waiting[:] = [each for each in waiting if not each.is_done()]

    def _coordinator(self, family: Family, instance: str) -> ActorRef[Any]:
        key = family.persistence_id(instance)
        ref = self._coordinators.get(key)
        if ref is None:
            me: ActorRef[Any] = self.actor_ref
            missing = self._missing(family) is not None
            held = missing or (self._journal is not None and self._journal.is_read_only)
            props = Props(Coordinator, family, instance, me, held=held).using(policy=POLICY)
            ref = self.context.spawn(props, name=name_of(family.name, instance))
            self._coordinators[key] = ref
            self._elsewhere.discard(key)
            if missing:
                self._held[key] = family
            self._ids[ref.path] = family, instance
            self.context.watch(ref)
        return ref

    def _missing(self, family: Family) -> Exception | None:
        """Look whether all actors are there that the newest definition names by their paths.

        If they are, those instances go on that were held since they were not: to ask how far an
        instance is must not let it fail where nobody is there to do its steps.
        """
        families = (*family.within, family)
        for step in [step for each in families for step in each.newest.steps]:
            if isinstance(step, Action) and isinstance(step.participant, Ask):
                try:
                    step.participant.find(self.context.system)
                except UnknownParticipantError as error:
                    return error
        names = {each.name for each in families}
        for key in [key for key, held in self._held.items() if held.name in names]:
            del self._held[key]
            self._coordinators[key].tell(Release())
        return None

    def on_failure(
        self,
        exception_type: type[BaseException] | None,  # noqa: ARG002
        exception_value: BaseException | None,  # noqa: ARG002
        traceback: TracebackType | None,  # noqa: ARG002
    ) -> None:
        self._give_up()

    def _give_up(self) -> None:
        """Let nobody wait for ever; the instances go on when they are brought back."""
        for waiting in (self._waiting, self._patient):
            for key, futures in waiting.items():
                for future in futures:
                    future.give_up(ActorStopped(path=f"/{NAME}", detail=f"stopped; {key} waits"))
            waiting.clear()
        for each in self._resuming:
            each.came.give_up(ActorStopped(path=f"/{NAME}", detail="stopped; it brings back"))
        self._resuming.clear()

    # -- definitions -----------------------------------------------------------------------

    async def _known(self, family: Family, *, again: bool = False) -> Exception | None:
        """Take note of a workflow, and of those that are its steps.

        The first time the instances in flight are brought back.
        """
        for each in (*family.within, family):
            problem = await self._take_note(each, again=again)
            if problem is not None:
                return problem
        return None

    async def _take_note(self, family: Family, *, again: bool) -> Exception | None:
        known = self._families.get(family.name)
        is_known = known is family or (known is not None and known.resembles(family))
        journal = self._journal
        if journal is None or (is_known and not again):
            return None  # without a journal the coordinator says what is missing
        try:
            running = await in_flight(journal, family)
            changed = [
                each
                for each in running
                if not await fits(journal, self._codec(family), family, each)
            ]
        except JournalError as error:
            return error
        prefix = len(family.persistence_id(""))
        if changed:
            names = tuple(each[prefix:] for each in changed)
            return WorkflowChanged(
                workflow=family.name, version=family.newest.version, instances=names
            )
        self._families[family.name] = family
        for each in () if journal.is_read_only else running:
            await self._bring_back(journal, family, each[prefix:])
        return None

    async def _bring_back(self, journal: Journal, family: Family, instance: str) -> None:
        key = family.persistence_id(instance)
        if key in self._coordinators or key in self._elsewhere:
            return
        try:
            await journal.head(key)
        except ConcurrentWriter as error:
            self._elsewhere.add(family, instance, error)
            return
        except JournalError:
            pass  # its coordinator says so, and tries again
        self._coming[key] = None
        self._coordinator(family, instance)

    async def _look(self) -> None:
        """Bring those back that another process had and has no more."""
        journal = self._journal
        if journal is None:
            return
        for key in [each for each in self._patient if each in self._elsewhere]:
            family, instance = self._elsewhere.who(key)
            archive = await self._archive(family, instance)
            if archive is not None:
                self._complete(key, archive.ended)
        wanted = {
            key
            for key, futures in self._patient.items()
            if any(not each.is_done() for each in futures)
        }
        for family, instance in await self._elsewhere.look(journal, wanted):
            key = family.persistence_id(instance)
            if key not in self._coordinators:
                self.context.log.info("workflow_taken_over", instance=key)
                self._coming[key] = None
                self._coordinator(family, instance)

    @handler
    async def look_again(self, _: LookAgain) -> None:
        """See whether those are still elsewhere that were."""
        await self._look()

    # -- from coordinators -------------------------------------------------------------------

    @handler
    async def over(self, news: Over) -> None:
        """An instance has ended; its coordinator may go when nothing is left of it."""
        self._complete(news.persistence_id, news.ended)
        if news.quiet:
            self._let_go(news.persistence_id)

    def _complete(self, key: str, ended: Ended) -> None:
        """Tell those who wait for the end of an instance."""
        told = self._waiting.pop(key, [])
        if not ended.completes:
            told += self._patient.pop(key, [])
        elif key in self._patient:
            self.context.log.warning("workflow_within_stuck", instance=key, stuck=ended.stuck)
        for future in told:
            future.complete(ended, None)

    @handler
    async def ready(self, news: Ready) -> None:
        """A coordinator is back."""
        key = news.persistence_id
        self._trouble.pop(key, None)
        journal = self._journal
        if news.held and key in self._coordinators and not (journal and journal.is_read_only):
            self._held[key] = news.family
            self._missing(news.family)
        self._has_come(key)

    def _has_come(self, key: str) -> None:
        """Note that it is known whether one that was brought back has come."""
        if self._coming.pop(key, self) is None:
            self._tell_who_resumes()

    def _tell_who_resumes(self) -> None:
        for request in tuple(self._resuming):
            prefix = request.family.persistence_id("")
            if not any(each.startswith(prefix) for each in self._coming):
                self._resuming.remove(request)
                request.came.complete(self._here(request.family), None)

    @handler
    async def stays(self, news: Stays) -> None:
        """A coordinator was asked for something before it was told that it may go."""
        self._ending.discard(news.persistence_id)
        self._unstash(news.persistence_id)

    @handler
    async def trouble(self, news: Trouble) -> None:
        """Remember why a coordinator has failed, should it not come back."""
        key = news.persistence_id
        if isinstance(news.error, UnknownWorkflowInstance):
            # Unless it is begun meanwhile it goes, and nobody waits any more.
            self._let_go(key)
        else:
            self._trouble[key] = news.error
            if isinstance(news.error, JournalUnavailable):
                # It is here, and tries again as long as the journal refuses.
                self._has_come(key)

    def _unstash(self, key: str) -> bool:
        is_wanted = key in self._later
        if is_wanted:
            self._later.clear()
            self.context.unstash_all()
        return is_wanted

    def _let_go(self, key: str) -> None:
        ref = self._coordinators.get(key)
        if ref is not None and key not in self._ending:
            self._ending.add(key)
            ref.tell(MayGo())

    @handler
    async def ended(self, news: Terminated) -> None:
        """A coordinator is gone."""
        found = self._ids.pop(news.ref.path, None)
        if found is None:
            return
        family, instance = found
        key = family.persistence_id(instance)
        self._coordinators.pop(key, None)
        self._held.pop(key, None)
        self._ending.discard(key)
        error = self._trouble.pop(key, None)
        if isinstance(error, ConcurrentWriter):
            self._elsewhere.add(family, instance, error)
            archive = await self._archive(family, instance)
            if archive is not None:
                self._complete(key, archive.ended)
        self._has_come(key)
        is_wanted = self._unstash(key)
        if error is not None or not is_wanted:
            self._tell_that_it_is_gone(news.ref.path, key, error)

    def _tell_that_it_is_gone(self, path: str, key: str, error: BaseException | None) -> None:
        gone: BaseException = ActorStopped(
            path=path, detail="has stopped with its instance running"
        )
        if isinstance(error, JournalError | WorkflowError):
            gone = error
        else:
            gone.__cause__ = error
        left = self._waiting.pop(key, [])
        if error is not None and not isinstance(error, ConcurrentWriter):
            # Who waits for what is stuck waits on: its coordinator has nothing to do.
            left += self._patient.pop(key, [])
        for future in left:
            future.give_up(gone)
