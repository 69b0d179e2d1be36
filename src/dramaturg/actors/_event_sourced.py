"""Actors whose state is what their stored events lead to.

The rules are those of Akka Persistence. A command handler decides and persists; only ``apply``
changes the state, live and in recovery alike, and the new state is seen when its events are
stored. What a handler does behind its ``await self.persist(...)`` happens after the commit, at
most once, and never in recovery. Since a handler holds its actor until it returns, no other
command comes between an event and what follows from it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from dramaturg.actors._actor import Actor
from dramaturg.actors._crash import crash
from dramaturg.actors._envelope import Envelope
from dramaturg.actors._errors import HandlerDefinitionError, OptionError, said
from dramaturg.actors._event_types import registry_of
from dramaturg.actors._handler import is_async
from dramaturg.actors._state import State as CellState
from dramaturg.actors.journal._stored import check_text
from dramaturg.actors.journal._stream import Stream

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable, Sequence

    from dramaturg.actors._cell import Cell
    from dramaturg.actors._codec import Codec
    from dramaturg.actors._registry import TypeRegistry
    from dramaturg.actors._upcaster import Upcaster

__all__ = ["EventSourced"]

State = TypeVar("State")
_Run = Callable[[Any, Any], Any]


class EventSourced(Actor, Generic[State]):
    """An actor whose state is a fold over its stored events.

    ::

        class Account(EventSourced[Balance]):
            initial = Balance(cents=0)

            def apply(self, state: Balance, event: Deposited | Withdrawn) -> Balance:
                ...

            @handler
            async def withdraw(self, command: Withdraw) -> Balance:
                if command.cents > self.state.cents:
                    raise Refused("not enough")
                await self.persist(Withdrawn(cents=command.cents))
                return self.state

    The system needs a journal. Before the first message the actor recovers: from the newest
    snapshot and the events behind it; then :meth:`on_recovered` runs, also where there was
    nothing. Messages wait meanwhile. A restarted incarnation recovers in the same way.

    When the journal fails, nobody knows whether the events are there, so the actor fails, even
    if its handler goes on; a policy or a supervisor may restart it, and then it recovers what is
    there. A recovery that fails is a failed start.

    :raises HandlerDefinitionError: when a subclass is defined whose ``apply`` does not name
        the types of its events; that overrides ``on_start``; or that has an impossible option.
    """

    initial: ClassVar[Any] = None
    """The state before the first event; or override :meth:`initial_state`."""
    upcasters: ClassVar[tuple[Upcaster, ...]] = ()
    """How old versions of its events are read."""
    types: ClassVar[TypeRegistry]
    """What it stores: the events that ``apply`` names and the state. Set it to add to these."""
    snapshot_every: ClassVar[int | None] = None
    """A snapshot of the state is kept after every so many events. The state has to be storable."""
    keep_snapshots: ClassVar[int] = 2
    """So many snapshots are kept."""
    delete_events: ClassVar[bool] = False
    """Whether events go that are older than every kept snapshot."""

    _stream: Stream
    _state: State

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if inspect.isabstract(cls):
            return
        _check_class(cls)
        if "types" not in vars(cls):
            cls.types = registry_of(cls)
        cls._handlers = {each: _guarded(run) for each, run in cls._handlers.items()}

    # -- what a subclass says --------------------------------------------------------------

    def apply(self, state: Any, event: Any) -> Any:
        """Return the state after an event. Pure: no effects, no clock, nothing but these two.

        Its annotations say which events there are and what the state is.
        """
        raise NotImplementedError

    def initial_state(self) -> State:
        """Return the state before the first event; default ``initial``."""
        return cast("State", self.initial)

    def persistence_id(self) -> str:
        """Return the id under which its events are stored; default the actor's path.

        It has to be the same in every run of the program, and the actor's own.
        """
        return self.context.path

    def tags(self, event: Any) -> Iterable[str]:  # noqa: ARG002 - for subclasses
        """Return the tags under which an event can be found, too; default none."""
        return ()

    def on_recovered(self) -> Any:
        """Run when the state is there, before the first message; ``def`` or ``async def``."""

    # -- what it can do --------------------------------------------------------------------

    @property
    def state(self) -> State:
        """What the stored events have led to. Only events change it."""
        return self._state

    @property
    def sequence(self) -> int:
        """How many events were ever stored."""
        return self._stream.sequence

    @property
    def oldest(self) -> int:
        """The number of the oldest event that is kept, or was not ordered to go."""
        return self._stream.deleted + 1

    async def persist(self, *events: Any) -> None:
        """Store events, all or none, and apply them in order; returns when they are durable.

        In a handler or in :meth:`on_recovered`, one at a time. Without events nothing happens. An
        event that ``apply`` or ``tags`` raises upon is not stored. A snapshot that is due is
        ordered, and nobody waits for it.

        :raises UnregisteredTypeError: if ``apply`` does not name the type of an event; nothing
            is stored, and the actor may go on.
        :raises EncodeError: if an event would not come back the same; likewise.
        :raises OptionError: if a tag is no printable text; likewise.
        :raises PersistOverlap: if another persist of this actor is under way; likewise.
        :raises ConcurrentWriter: if another process writes under this id. Behind this and those
            below the actor fails, also if it catches them.
        :raises JournalUnavailable: if the storage refuses.
        :raises JournalDamaged: if the storage is damaged.
        """
        if not events:
            return
        stream = self._stream
        tags = tuple([_checked_tags(self.tags(event)) for event in events])
        order = stream.order(events, tags if any(tags) else (), cause=self._cause())
        state = self._state
        for event in events:
            state = self.apply(state, event)
        before = stream.sequence
        await stream.write(order)
        self._state = state
        every = self.snapshot_every
        if every is not None and stream.sequence // every > before // every:
            self._snapshot()

    def let_go(self, up_to: int) -> None:
        """Have the events up to a number deleted; the present state is kept in their place.

        Recovery begins with that state, and applies the events behind the number to it, which
        it contains already. So this is for actors whose ``apply`` returns the state as it is if
        that contains the event, as where events carry their numbers. It is ordered, and nobody
        waits for it; should the process end before, or the journal refuse, all is as it was.

        :param up_to: not more than ``sequence``; what is gone already is let go again in vain.
        :raises OptionError: for a number that cannot be.
        """
        if type(up_to) is not int or not 0 <= up_to <= self.sequence:
            expected = f"a whole number up to {self.sequence}"
            raise OptionError(option="up_to", value=up_to, expected=expected)
        if up_to >= self.oldest:
            self._order_snapshot(lambda: self._stream.let_go(self._state, up_to))

    async def _store(self, events: Sequence[Any], label: str | None) -> None:
        """Store events that were applied already: by a coordinator, whose state nobody else sees.

        Its progress decides about the next event, and all of them are to be one commit.
        """
        stream = self._stream
        await stream.append(events, cause=self._cause(), label=label)

    def _snapshot(self) -> None:
        keep, delete = self.keep_snapshots, self.delete_events
        self._order_snapshot(
            lambda: self._stream.save(self._state, keep=keep, delete_events=delete)
        )

    def _order_snapshot(self, order: Callable[[], asyncio.Future[None]]) -> None:
        try:
            saved = order()
        except Exception as error:  # noqa: BLE001 - events suffice to recover (Akka's rule)
            self._snapshot_failed(error)
        else:
            saved.add_done_callback(self._look_at_snapshot)

    def _look_at_snapshot(self, saved: asyncio.Future[None]) -> None:
        error = None if saved.cancelled() else saved.exception()
        if error is not None:
            self._snapshot_failed(error)

    def _snapshot_failed(self, error: BaseException) -> None:
        stream = self._stream
        self._cell.system.log.warning(
            "snapshot_failed",
            actor=self._cell.path,
            persistence_id=stream.persistence_id,
            error=said(error),
        )

    def _cause(self) -> str | None:
        item = self._cell.message
        if item.__class__ is Envelope and item.headers is not None:
            return str(item.headers.message_id)
        return None

    # -- life ------------------------------------------------------------------------------

    async def on_start(self) -> None:
        """Recover. Subclasses have :meth:`on_recovered` instead."""
        system = self.context.system
        if system.journal is None:
            expected = f"a journal, since {type(self).__qualname__} is event-sourced"
            raise OptionError(option="journal", value=None, expected=expected)
        persistence_id = check_text("persistence_id", self.persistence_id())
        codec: Codec = system.journal_codec(self.types)
        self._stream = Stream(system.journal, persistence_id, codec, self._cell, _have_it_fail)
        self._state = await self._stream.recover(self.initial_state(), self.apply)
        recovered = self.on_recovered()
        if inspect.isawaitable(recovered):
            await recovered
        self._stream.check()


def _guarded(run: _Run) -> _Run:
    """Let an actor fail whose journal has failed, even if its handler goes on."""
    if getattr(run, "__dramaturg_guarded__", False):
        return run

    @functools.wraps(run)
    async def guarded(self: EventSourced[Any], message: Any) -> Any:
        stream = self._stream
        # A policy that resumes the actor does not make its state good again.
        stream.check()
        try:
            result = run(self, message)
            if inspect.isawaitable(result):
                result = await result
        except Exception as error:
            if stream.failure is None:
                raise
            stream.is_told = True
            if error is stream.failure:
                raise
            raise stream.failure from error
        stream.is_told = True
        stream.check()
        stream.is_told = False
        return result

    guarded.__dramaturg_guarded__ = True  # type: ignore[attr-defined]
    return guarded


class _JournalFailed:
    """Fail as the journal did: what is no handler, such as a behaviour, may have caught it."""

    __slots__ = ("_stream",)

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def apply(self, cell: Cell) -> None:
        stream = self._stream
        lives = cell.state is CellState.RUNNING and cell.incarnation == stream.incarnation
        if lives and stream.failure is not None and not stream.is_told:
            stream.is_told = True
            # As a failure that came from elsewhere: no message is at hand, and it has started.
            await crash(cell, stream.failure, phase="child")


def _have_it_fail(stream: Stream) -> None:
    stream.cell.signal(_JournalFailed(stream))


def _checked_tags(found: Any) -> tuple[str, ...]:
    if isinstance(found, str):
        expected = "several texts: a list or a tuple"
        raise OptionError(option="tags", value=found, expected=expected)
    return tuple(dict.fromkeys(check_text("tag", each) for each in found))


def _check_class(cls: type[EventSourced[Any]]) -> None:
    def wrong(method: str, problem: str) -> HandlerDefinitionError:
        return HandlerDefinitionError(owner=cls.__qualname__, method=method, problem=problem)

    if cast("Any", cls).on_start is not cast("Any", EventSourced).on_start:
        raise wrong("on_start", "is how it recovers: write on_recovered instead")
    for name in ("apply", "initial_state", "persistence_id", "tags"):
        if not inspect.isfunction(inspect.getattr_static(cls, name)):
            raise wrong(name, "has to be a plain method")
        if is_async(getattr(cls, name)):
            raise wrong(name, "has to be `def`: it waits for nothing")
    every = cast("object", cls.snapshot_every)
    if every is not None and (type(every) is not int or every < 1):
        raise wrong("snapshot_every", f"is {every!r}: expected None, or an int of at least 1")
    keep = cast("object", cls.keep_snapshots)
    if type(keep) is not int or keep < 1:
        raise wrong("keep_snapshots", f"is {keep!r}: expected an int of at least 1")
