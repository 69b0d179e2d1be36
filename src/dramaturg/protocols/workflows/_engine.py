"""The actor above all instances: it begins them, brings them back, and knows who waits for them."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dramaturg.actors import (
    Actor,
    ActorStopped,
    ConcurrentWriter,
    Directive,
    DramaturgError,
    JournalError,
    JournalUnavailable,
    Props,
    RecoveryFailed,
    StashOverflowError,
    Terminated,
    _endings as endings,
    handler,
)
from dramaturg.protocols.workflows._coordinator import Coordinator
from dramaturg.protocols.workflows._errors import UnknownWorkflowInstance, WorkflowChanged
from dramaturg.protocols.workflows._messages import (
    Cancel,
    Find,
    GetHistory,
    GetStatus,
    MayGo,
    Migrate,
    Over,
    Release,
    Resolve,
    Resume,
    Signal,
    Start,
    Stays,
    Trouble,
)
from dramaturg.protocols.workflows._participant import Ask, UnknownParticipantError
from dramaturg.protocols.workflows._records import Begun, Migrated
from dramaturg.protocols.workflows._step import Action
from dramaturg.supervision import Backoff, LimitedRestart, OnError

if TYPE_CHECKING:
    from types import TracebackType

    from dramaturg.actors import ActorRef, Future
    from dramaturg.protocols.workflows._family import Family
    from dramaturg.protocols.workflows._records import Ended

__all__ = ["NAME", "Engine"]

NAME = "workflows"
"""Its name at the top of the tree."""

POLICY = OnError(
    {
        JournalUnavailable: LimitedRestart(None, backoff=Backoff(0.1, 5.0, jitter=0.2)),
        RecoveryFailed: Directive.STOP,
        ConcurrentWriter: Directive.STOP,
        WorkflowChanged: Directive.STOP,
    },
    otherwise=LimitedRestart(5, within=60.0, backoff=Backoff(0.1, 5.0, jitter=0.2)),
)
_LONGEST = 200


class Engine(Actor):
    """One of each system, at "/workflows"."""

    policy = LimitedRestart(5, within=60.0)

    def __init__(self) -> None:
        self._families: dict[str, Family] = {}
        self._coordinators: dict[str, ActorRef[Any]] = {}
        self._ids: dict[str, str] = {}
        self._ending: set[str] = set()
        self._later: set[str] = set()
        """Those for whose next coordinator something is stashed."""
        self._waiting: defaultdict[str, list[Future[Ended]]] = defaultdict(list)
        self._trouble: dict[str, BaseException] = {}
        self._held: dict[str, Family] = {}

    def on_start(self) -> None:
        """See to those who wait also if it is killed, which runs no hook."""
        endings.ended(self.actor_ref.cell).add_done_callback(self._give_up)

    # -- requests --------------------------------------------------------------------------

    @handler
    async def begin(self, request: Start) -> Any:
        """Begin an instance, or attach to it."""
        family = request.family
        problem = self._missing(family) or await self._known(family)
        if problem is not None:
            return problem
        return self._pass_on(request, request.over)

    @handler
    async def find(self, request: Find) -> Any:
        """Attach to an instance."""
        return await self._known(request.family) or self._pass_on(request, request.over)

    @handler
    async def about(
        self, request: GetStatus | GetHistory | Signal | Cancel | Resolve | Migrate
    ) -> Any:
        """Let an instance answer."""
        return await self._known(request.family) or self._pass_on(request, None)

    @handler
    async def resume(self, request: Resume) -> tuple[str, ...] | Exception:
        """Bring back all instances in flight."""
        family = request.family
        problem = self._missing(family) or await self._known(family)
        if problem is not None:
            return problem
        found = [key for key in self._coordinators if key.startswith(family.persistence_id(""))]
        prefix = len(family.persistence_id(""))
        return tuple(sorted(each[prefix:] for each in found if each not in self._ending))

    def _pass_on(self, request: Any, over: Future[Ended] | None) -> Any:
        key = request.family.persistence_id(request.instance)
        if key in self._ending:
            # The one that is leaving takes nothing more; the next one begins when it is gone.
            self._later.add(key)
            try:
                nothing: None = self.context.stash()
            except StashOverflowError:
                nothing = self.context.forward(self.actor_ref)
            return nothing
        if over is not None:
            self._wait(key, over)
        coordinator = self._coordinator(request.family, request.instance)
        passed_on: None = self.context.forward(coordinator)
        return passed_on

    def _wait(self, key: str, over: Future[Ended]) -> None:
        waiting = self._waiting[key]
        waiting.append(over)
        if len(waiting).bit_count() == 1:
            # Now and then those are let go who wait no more.
            waiting[:] = [each for each in waiting if not each.is_done()]

    def _coordinator(self, family: Family, instance: str) -> ActorRef[Any]:
        key = family.persistence_id(instance)
        ref = self._coordinators.get(key)
        if ref is None:
            me: ActorRef[Any] = self.actor_ref
            held = self._missing(family) is not None
            props = Props(Coordinator, family, instance, me, held=held).using(policy=POLICY)
            ref = self.context.spawn(props, name=_name_of(family.name, instance))
            self._coordinators[key] = ref
            if held:
                self._held[key] = family
            self._ids[ref.path] = key
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
        waiting, self._waiting = self._waiting, defaultdict(list)
        for key, futures in waiting.items():
            for future in futures:
                future.give_up(ActorStopped(path=f"/{NAME}", detail=f"stopped; {key} waits"))

    # -- definitions -----------------------------------------------------------------------

    async def _known(self, family: Family) -> Exception | None:
        """Take note of a workflow, and of those that are its steps.

        The first time the instances in flight are brought back.
        """
        for each in (*family.within, family):
            problem = await self._take_note(each)
            if problem is not None:
                return problem
        return None

    async def _take_note(self, family: Family) -> Exception | None:
        known = self._families.get(family.name)
        if known is family or (known is not None and known.resembles(family)):
            return None
        journal = self.context.system.journal
        if journal is None:
            return None  # the coordinator says what is missing
        try:
            labels = (family.label("running"), family.busy_and_stuck)
            running = [each for label in labels async for each in journal.labelled(label)]
            changed = [each for each in running if not await self._fits(family, each)]
        except JournalError as error:
            return error
        prefix = len(family.persistence_id(""))
        if changed:
            names = tuple(each[prefix:] for each in changed)
            return WorkflowChanged(
                workflow=family.name, version=family.newest.version, instances=names
            )
        self._families[family.name] = family
        for each in running:
            self._coordinator(family, each[prefix:])
        return None

    async def _fits(self, family: Family, persistence_id: str) -> bool:
        """Tell whether the definition is known with which an instance goes on."""
        system = self.context.system
        journal = system.journal
        assert journal is not None  # noqa: S101 - its caller has looked
        codec = system.journal_codec(family.registry)
        begun: Any = None
        try:
            for first in await journal.page(persistence_id, 0, 1):
                begun = codec.decode(first.payload, object)
            if not isinstance(begun, Begun) or _is_known(family, begun):
                return True
            records = [
                codec.decode(each.payload, object) async for each in journal.read(persistence_id)
            ]
        except JournalError:
            raise
        except DramaturgError:
            # It cannot be read: its own coordinator will say so, and all others go on.
            return True
        moved = [each for each in records if isinstance(each, Migrated)]
        return bool(moved) and _is_known(family, moved[-1])

    # -- from coordinators -------------------------------------------------------------------

    @handler
    async def over(self, news: Over) -> None:
        """An instance has ended; its coordinator may go when nothing is left of it."""
        key = news.persistence_id
        for future in self._waiting.pop(key, ()):
            future.complete(news.ended, None)
        if news.quiet:
            self._let_go(key)

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
        key = self._ids.pop(news.ref.path, "")
        self._coordinators.pop(key, None)
        self._held.pop(key, None)
        self._ending.discard(key)
        error = self._trouble.pop(key, None)
        if self._unstash(key):
            return
        for future in self._waiting.pop(key, ()):
            gone = ActorStopped(path=news.ref.path, detail="has stopped with its instance running")
            if error is not None:
                gone.__cause__ = error
            future.give_up(gone)


def _is_known(family: Family, mark: Begun | Migrated) -> bool:
    found = family.versions.get(mark.definition)
    return found is not None and found.fingerprint == mark.fingerprint


def _name_of(workflow: str, instance: str) -> str:
    """Return the name of the actor for an instance."""
    name = f"{quote(workflow, safe='')}:{quote(instance, safe='')}"
    if len(name) > _LONGEST:
        digest = hashlib.sha256(name.encode()).hexdigest()[:16]
        name = f"{name[: _LONGEST - 20]}...{digest}"
    return name
