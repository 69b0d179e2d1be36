"""A workflow: a value to run in any system that has a journal."""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Any, Literal, final

from dramaturg.actors import (
    Future,
)
from dramaturg.protocols.workflows._asking import ask_engine, no_journal
from dramaturg.protocols.workflows._blocking import BlockingWorkflow
from dramaturg.protocols.workflows._conversation import conversation
from dramaturg.protocols.workflows._definition import Definition
from dramaturg.protocols.workflows._errors import (
    UnknownWorkflowInstance,
    WorkflowDefinitionError,
    WorkflowFailed,
)
from dramaturg.protocols.workflows._family import Family
from dramaturg.protocols.workflows._flowchart import flowchart
from dramaturg.protocols.workflows._instance import Instance
from dramaturg.protocols.workflows._messages import (
    Cancel,
    Find,
    GetHistory,
    GetStatus,
    Migrate,
    Resolve,
    Resume,
    Signal,
    Start,
)
from dramaturg.protocols.workflows._undo_within import UndoWithin
from dramaturg.protocols.workflows._workflow_checks import (
    LONGEST_ID,
    check_declared,
    check_event,
    check_input,
    check_instance,
    check_resolver,
    check_statuses,
    check_storable,
    check_system,
    listed,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from dramaturg.actors import ActorSystem, Upcaster
    from dramaturg.protocols._protocol import Protocol
    from dramaturg.protocols.workflows._history import History
    from dramaturg.protocols.workflows._participant import Call
    from dramaturg.protocols.workflows._records import Ended
    from dramaturg.protocols.workflows._step import Step
    from dramaturg.protocols.workflows._view import InstanceStatus

__all__ = ["Instance", "Workflow"]


@final
class Workflow:
    """A step with a name, that instances can be run of, each under an id of its own.

    An instance goes on until it has ended, whatever becomes of the process: its progress is in
    the system's journal, and nothing that is stored there is done again. A step whose attempt
    was under way when the process ended is tried again under the same idempotency key.

    Methods are for coroutines, on any loop; threads call :meth:`blocking`.

    :param name: of its own in the journal.
    :param root: what to do.
    :param takes: the type of the input; None: anything that can be stored.
    :param version: give a changed definition a higher one.
    :param earlier: definitions of lower versions, for instances in flight that were begun with
        them.
    :param types: more types that results are made of, beside those that functions are annotated
        to return and requests promise.
    :param upcasters: how old versions of stored types are read.
    :raises WorkflowDefinitionError: for anything that cannot be.
    """

    def __init__(
        self,
        name: str,
        root: Step,
        *,
        takes: type | None = None,
        version: int = 1,
        earlier: Sequence[Workflow] = (),
        types: Iterable[type] = (),
        upcasters: Sequence[Upcaster] = (),
    ) -> None:
        check_declared(name, root, takes, version)
        types = listed(name, "types", types)
        upcasters = listed(name, "upcasters", upcasters)
        earlier = listed(name, "earlier", earlier)
        definition = Definition(name, root, takes=takes, version=version, types_=types)
        before: list[Definition] = []
        for each in earlier:
            if each.name != name or each.version >= version:
                raise WorkflowDefinitionError(
                    thing=f"workflow {name!r}",
                    problem=f"has {each!r} as an earlier one",
                    expected=f"workflows called {name!r} of a version below {version}",
                )
            before += each._family.versions.values()
        self._family: Family = Family(definition, before, upcasters)

    def __repr__(self) -> str:
        return f"<Workflow {self.name} v{self.version}>"

    @property
    def name(self) -> str:
        """Its name."""
        return self._family.name

    @property
    def version(self) -> int:
        """The version of its newest definition."""
        return self._family.newest.version

    @property
    def root(self) -> Step:
        """What it does."""
        return self._family.newest.root

    def to_mermaid(self) -> str:
        """Draw it: a Mermaid flowchart."""
        return flowchart(self.root)

    def protocol(self, *, ordered: bool = True) -> Protocol:
        """Declare what an instance asks the actors among its participants, and is answered.

        :param ordered: in the order of its steps, unless it is cancelled or its process ends;
            False: in any order, which always holds.
        :raises ProtocolError: if no step asks an actor, or its order cannot be declared.
        """
        return conversation(self.name, self.root, ordered=ordered)

    # -- running ---------------------------------------------------------------------------

    async def run(self, system: ActorSystem, input: Any = None, *, id: str | None = None) -> Any:  # noqa: A002
        """Start an instance, or attach to it, and return its result.

        Cancelling this call leaves the instance running.

        :param id: its name for ever; default a new one.
        :raises WorkflowInputError: if the input is of another type, or cannot be stored.
        :raises WorkflowIdConflict: if that id was started with another input.
        :raises WorkflowChanged: if instances in flight know another definition.
        :raises UnknownParticipantError: if no actor lives at a path that a step names.
        :raises WorkflowFailed: if it ended without a result.
        :raises SystemStateError: if the system has not started.
        :raises OptionError: if the system has no journal.
        :raises JournalError: if the journal refuses to work. Whether it was started is known
            when the same is tried again, under the same id.
        """
        over: Future[Ended] = Future()
        with _waiting(over):
            instance = await self._start(system, input, id, over)
            return _result(self.name, instance, await over)

    async def start(
        self,
        system: ActorSystem,
        input: Any = None,  # noqa: A002
        *,
        id: str | None = None,  # noqa: A002
    ) -> Instance:
        """Start an instance, or attach to it; returns when that it was started is stored.

        Raises what :meth:`run` raises before the first step.
        """
        instance = await self._start(system, input, id, None)
        return Instance(self, system, instance)

    async def _start(
        self,
        system: ActorSystem,
        value: Any,
        instance: str | None,
        over: Future[Ended] | None,
        *,
        is_patient: bool = False,
    ) -> str:
        check_system(system)
        if instance is None:
            instance = str(system.ids())
        check_instance(self.name, instance)
        check_input(self._family, system, value)
        await self._ask(system, Start(self._family, instance, value, over, is_patient))
        return instance

    async def resume(self, system: ActorSystem) -> tuple[str, ...]:
        """Bring back all instances in flight, as the first use of the workflow does; their ids.

        Those that another process has are not among them. They are tried again with back-off
        until that has ended; calling this once more tries at once, and finds also what other
        processes have begun meanwhile.

        Raises what :meth:`run` raises before the first step, but for input and id.

        :raises JournalUnavailable: if the journal is read-only.
        """
        came: Future[tuple[str, ...]] = Future()
        with _waiting(came):
            await self._ask(system, Resume(self._family, came))
            return await came

    # -- one instance ------------------------------------------------------------------------

    def attach(self, system: ActorSystem, id: str) -> Instance:  # noqa: A002
        """Return an instance; whether it exists is found when something is asked of it."""
        check_system(system)
        check_instance(self.name, id)
        return Instance(self, system, id)

    async def result(self, system: ActorSystem, id: str) -> Any:  # noqa: A002
        """Wait for the result of an instance, now or long ago.

        :raises UnknownWorkflowInstance: if it was never started.
        :raises WorkflowFailed: if it ended without a result.
        """
        over: Future[Ended] = Future()
        with _waiting(over):
            await self._ask(system, Find(self._family, id, over))
            return _result(self.name, id, await over)

    async def status(self, system: ActorSystem, id: str) -> InstanceStatus:  # noqa: A002
        """Tell how far an instance is.

        :raises UnknownWorkflowInstance: if it was never started.
        """
        found: InstanceStatus = await self._ask(system, GetStatus(self._family, id))
        return found

    async def history(self, system: ActorSystem, id: str) -> History:  # noqa: A002
        """Tell what has happened in an instance, when, and caused by which message.

        :raises UnknownWorkflowInstance: if it was never started.
        """
        found: History = await self._ask(system, GetHistory(self._family, id))
        return found

    async def signal(
        self,
        system: ActorSystem,
        id: str,  # noqa: A002
        event: str,
        value: Any = None,
        *,
        signal: str | None = None,
    ) -> bool:
        """Tell an instance that something has happened; returns when that is stored.

        It is kept until the instance waits for it.

        :param signal: an id of its own; the same one counts once, however often it is told.
        :returns: whether it was taken: not if the signal was known, or the instance has ended.
        :raises WorkflowInputError: if no step waits for such an event, or for such a value.
        :raises UnknownWorkflowInstance: if it was never started.
        """
        check_system(system)
        check_event(self._family, event, value)
        check_storable(self._family, system, f"the value of {event!r}", value)
        taken: bool = await self._ask(system, Signal(self._family, id, event, value, signal))
        return taken

    async def cancel(self, system: ActorSystem, id: str, *, reason: str = "cancelled") -> bool:  # noqa: A002
        """End an instance: what is under way is cut short, what was done is undone.

        :returns: whether that ends it: not if its last step had ended, with or without success,
            and only something has yet to be undone.
        :raises UnknownWorkflowInstance: if it was never started.
        """
        was_running: bool = await self._ask(system, Cancel(self._family, id, reason))
        return was_running

    async def resolve(
        self,
        system: ActorSystem,
        id: str,  # noqa: A002
        step: str,
        how: Literal["done", "retry"],
        *,
        by: str,
    ) -> bool:
        """Deal with a compensation that is stuck: say that it is done, or have it tried again.

        :param step: its address, as in ``InstanceStatus.stuck``.
        :param by: who says so; it stands in the history.
        :returns: whether it was stuck.
        :raises OptionError: for another ``how``, or if nobody says so.
        :raises WorkflowInputError: if that is the address of no compensation.
        :raises UnknownWorkflowInstance: if it was never started.
        """
        check_resolver(how, by)
        was_stuck: bool = await self._ask(system, Resolve(self._family, id, step, how, by))
        return was_stuck

    async def migrate(self, system: ActorSystem, id: str) -> bool:  # noqa: A002
        """Let an instance go on under the newest definition.

        :returns: whether it was running under another one.
        :raises WorkflowChanged: if what has happened has no place in the newest definition.
        :raises UnknownWorkflowInstance: if it was never started.
        """
        moved: bool = await self._ask(system, Migrate(self._family, id))
        return moved

    async def ids(
        self, system: ActorSystem, status: str = "running", *others: str
    ) -> tuple[str, ...]:
        """List the instances with a status, or with one of several.

        :param status: "running" (those that compensate, too), "completed", "compensated",
            "failed", "cancelled" or "stuck".
        :raises OptionError: for another status, or if the system has no journal.
        """
        check_system(system)
        check_statuses((status, *others))
        journal = system.journal
        if journal is None:
            raise no_journal()
        family = self._family
        prefix = len(family.persistence_id(""))
        labels = dict.fromkeys(map(family.label, (status, *others)))
        if "stuck" in (status, *others):
            labels[family.busy_and_stuck] = None
        found = [each[prefix:] for label in labels async for each in journal.labelled(label)]
        return tuple(found if len(labels) == 1 else sorted(found))

    def blocking(self, system: ActorSystem, *, timeout: float | None = None) -> BlockingWorkflow:
        """Return what threads without an event loop call.

        :param timeout: seconds that each call blocks at most; None: no limit.
        :raises OptionError: if that is no system.
        """
        check_system(system)
        return BlockingWorkflow(self, system, timeout)

    # -- as a participant of another ---------------------------------------------------------

    @property
    def label(self) -> str:
        """What it is called in diagrams of workflows that it is a step of."""
        return f"workflow {self.name}"

    @property
    def gives(self) -> Any:
        """What it returns is not annotated; its types are those of its own steps."""
        return None

    async def act(self, system: ActorSystem, value: Any, call: Call, timeout: float | None) -> Any:  # noqa: ARG002
        """Be a step of another workflow: run an instance whose id is the step's key.

        One that has a result, and is stuck, is waited for: it is not known to be good until
        somebody has resolved it, and what it has done must not be left behind.
        """
        over: Future[Ended] = Future()
        with _waiting(over):
            instance = await self._start(system, value, _id_of(call.key), over, is_patient=True)
            return _result(self.name, instance, await over)

    @property
    def undo(self) -> UndoWithin | None:
        """What undoes it where it is a step; None if it has nothing that could be undone."""
        return UndoWithin(self) if self._family.newest.compensates else None

    async def cut_short(self, system: ActorSystem, call: Call) -> None:
        """End the instance of a step that was cut short, if it was begun; returns at once.

        One that has ended meanwhile undoes what it has done: nobody has taken its result.
        """
        with contextlib.suppress(UnknownWorkflowInstance):
            await self._end(system, _id_of(call.key), "the workflow around it was cut short")

    async def give_up(self, system: ActorSystem, key: str) -> None:
        """Have the instance of a step undo what it has done, and wait for that."""
        await self._end(system, _id_of(key), "the workflow around it is undone")
        await self.result(system, _id_of(key))

    async def _end(self, system: ActorSystem, instance: str, reason: str) -> None:
        await self._ask(system, Cancel(self._family, instance, reason, is_last=True))

    async def over(self, system: ActorSystem, call: Call) -> None:
        """Wait until the instance of such a step has ended."""
        with contextlib.suppress(UnknownWorkflowInstance, WorkflowFailed):
            await self.result(system, _id_of(call.key))

    async def _ask(self, system: ActorSystem, request: Any) -> Any:
        check_system(system)
        if not isinstance(request, Resume):
            check_instance(self.name, request.instance)
        return await ask_engine(system, request)


@contextlib.contextmanager
def _waiting(over: Future[Any]) -> Generator[None]:
    """Let whoever would complete the future see that nobody waits any more."""
    try:
        yield
    finally:
        over.give_up(TimeoutError("nobody waits any more"))


def _id_of(key: str) -> str:
    """Return the id of an instance that is a step of another: its key, if that is not too long."""
    if len(key) <= LONGEST_ID:
        return key
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f"{key[: LONGEST_ID - len(digest) - 3]}...{digest}"


def _result(workflow: str, instance: str, ended: Ended) -> Any:
    if ended.status == "completed":
        return ended.value
    raise WorkflowFailed(
        workflow=workflow,
        instance=instance,
        status=ended.status,
        error=ended.error,
        stuck=ended.stuck,
    )
