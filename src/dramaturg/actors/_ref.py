"""References to actors: the only thing that others hold."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast, final, overload

import pykka
from pydantic_core import CoreSchema, core_schema

from dramaturg.actors import (
    _endings as endings,
    _kill as killing,
    _lifecycle as lifecycle,
    _requests as requests,
)
from dramaturg.actors._errors import ActorStopped
from dramaturg.actors._future import Future
from dramaturg.actors._state import State

if TYPE_CHECKING:
    import threading
    from collections.abc import Coroutine

    from dramaturg.actors._actor import Actor
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._message import PlainRequest, Request

__all__ = ["TRANSLATE_REFS", "ActorRef"]

TRANSLATE_REFS = "refs"
"""The key in a copy's memo under which a function may stand that is called for each ref."""

A = TypeVar("A", bound="Actor | pykka.Actor")
R = TypeVar("R")


def _path(ref: ActorRef[Any]) -> str:
    return ref.path


@final
class ActorRef(pykka.ActorRef[A]):  # type: ignore[type-var]
    """A reference to an actor: an address that stays the same over restarts.

    Refs are made by the runtime, can be compared and hashed, and may be passed
    around freely, between threads and in messages. All methods are safe from any
    thread. Messages of one sender arrive in the order in which it sent them,
    each at most once.
    """

    __slots__ = ("cell",)

    def __init__(self, cell: Cell) -> None:
        self.cell = cell

    # -- sending

    def tell(self, message: Any) -> None:
        """Send a message and do not wait for anything.

        Never blocks, but for a full mailbox with ``Overflow.BLOCK``. A message
        to an actor that has stopped becomes a dead letter.

        :raises MailboxFull: if a bounded mailbox is full and says so to its senders.
        :raises BlockingCallError: if the mailbox is full, would have this thread
            wait for room, and the thread runs actors.
        :raises ActorStopped: only for actors started in pykka's way.
        """
        cell = self.cell
        cell.put(message)
        if cell.idle:
            cell.dispatcher.schedule(cell)

    async def send(self, message: Any, *, timeout: float | None = None) -> None:
        """Send a message, waiting for room where ``tell`` would block.

        :param timeout: seconds to wait for room; default the mailbox's own.
        :raises MailboxFull: if there was no room in time, or the mailbox never waits.
        """
        await requests.send(self.cell, message, timeout)

    @overload
    def request(
        self, message: Request[R] | PlainRequest[R], *, timeout: float | None = None
    ) -> Coroutine[Any, Any, R]: ...
    @overload
    def request(
        self, message: object, *, timeout: float | None = None
    ) -> Coroutine[Any, Any, Any]: ...
    def request(self, message: Any, *, timeout: float | None = None) -> Coroutine[Any, Any, Any]:
        """Send a message and wait for the reply, in a coroutine on any loop.

        Completed exactly once: with the reply or with one of the errors below.
        An idle actor of ``def`` methods may handle the message at once, within
        this call. A deadline is inherited: a request made while handling
        another never waits longer than that one may.

        :param timeout: seconds until the deadline; default the system's
            ``default_timeout``.
        :raises Refused: the actor said no.
        :raises ActorCrashed: the actor failed on this message.
        :raises ActorStopped: the actor had stopped, or stopped before it came to it.
        :raises DeadlineExceeded: no reply in time; a later one is dropped and counted.
        :raises UnhandledError: the actor has no handler for the message.
        :raises MailboxFull: the actor's bounded mailbox has no room.
        :raises RequestCycleError: the actors would wait for each other in a circle.
        :raises OptionError: for a timeout that is not a number above 0.
        """
        return requests.request(self.cell, message, timeout)

    # Narrower than pykka's for requests alone, which pykka does not know.
    @overload  # type: ignore[override]
    def ask(
        self,
        message: Request[R] | PlainRequest[R],
        *,
        block: Literal[True] = True,
        timeout: float | None = None,
    ) -> R: ...
    @overload
    def ask(
        self,
        message: Request[R] | PlainRequest[R],
        *,
        block: Literal[False],
        timeout: float | None = None,
    ) -> Future[R]: ...
    @overload
    def ask(
        self, message: Any, *, block: Literal[True] = True, timeout: float | None = None
    ) -> Any: ...
    @overload
    def ask(
        self, message: Any, *, block: Literal[False], timeout: float | None = None
    ) -> Future[Any]: ...
    @overload
    def ask(
        self, message: Any, *, block: bool = True, timeout: float | None = None
    ) -> Any | Future[Any]: ...
    def ask(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, message: Any, *, block: bool = True, timeout: float | None = None
    ) -> Any:
        """Send a message and block this thread until the reply is there.

        For threads; coroutines use ``await ref.request(message)``, which also
        lists what may be raised. With ``block=False`` it returns a
        :class:`Future` at once, which can be awaited.

        :param timeout: seconds until the deadline; default the system's
            ``default_timeout`` (for actors started in pykka's way: for ever).
        :raises BlockingCallError: on a thread that runs the system's actors.
        """
        if block:
            return requests.ask(self.cell, message, timeout)
        return requests.ask_later(self.cell, message, timeout)

    # -- life

    @overload
    def stop(self, *, block: Literal[True] = True, timeout: float | None = None) -> bool: ...
    @overload
    def stop(self, *, block: Literal[False], timeout: float | None = None) -> Future[bool]: ...
    @overload
    def stop(self, *, block: bool = True, timeout: float | None = None) -> bool | Future[bool]: ...
    def stop(self, *, block: bool = True, timeout: float | None = None) -> bool | Future[bool]:
        """Stop the actor after its current message; what is queued becomes dead letters.

        Its children stop first, then ``on_stop`` runs. In coroutines: ``await
        ref.stop(block=False)``. An actor started in pykka's way handles what is
        queued first, as :meth:`drain` does.

        :returns: whether the actor was alive.
        :raises DeadlineExceeded: if ``timeout`` seconds were not enough; it stops later.
        :raises BlockingCallError: if it blocks on a thread that runs the system's actors,
            or an actor waits in a handler for its own end or an ancestor's.
        """
        return self._end(lifecycle.request_stop, "ref.stop()", block=block, timeout=timeout)

    @overload
    def drain(self, *, block: Literal[True] = True, timeout: float | None = None) -> bool: ...
    @overload
    def drain(self, *, block: Literal[False], timeout: float | None = None) -> Future[bool]: ...
    @overload
    def drain(self, *, block: bool = True, timeout: float | None = None) -> bool | Future[bool]: ...
    def drain(self, *, block: bool = True, timeout: float | None = None) -> bool | Future[bool]:
        """Stop the actor after it has handled what is queued; it accepts nothing more.

        Messages from now on become dead letters. Otherwise like :meth:`stop`.
        """
        return self._end(lifecycle.drain, "ref.drain()", block=block, timeout=timeout)

    def request_stop(self) -> None:
        """Stop the actor as :meth:`stop` does, and neither wait nor learn of its end."""
        lifecycle.request_stop(lifecycle.serving(self.cell))

    def kill(self) -> None:
        """Cut the actor short: no ``on_stop``, and no waiting for its handler; any thread.

        An ``async def`` handler is cancelled where it waits; a ``def`` handler
        on the loop finishes its message first. A thread cannot be killed: a
        blocking actor counts as ended at once and its thread is abandoned
        (``ThreadLeaked``). The message that was cut short becomes a dead letter.
        Its children are told to stop. Returns at once; ``stop(block=False)``
        gives a future for the end. Below a supervisor "killed" is an abnormal
        end, so that a permanent or transient child is restarted (OTP's rule).
        """
        system = self.cell.system
        system.host.call_soon(killing.kill_ref, self)

    def started(self) -> Future[Any]:
        """Return a future that is done once ``on_start`` has run, with what that returned.

        Await it, or ``get(timeout=...)`` it. It raises :class:`StartFailed`,
        with the actor's own exception as cause, if the actor never came up.
        """
        return endings.started(self.cell)

    def is_alive(self) -> bool:
        """Tell whether the actor has not stopped; it may stop at any moment."""
        cell = self.cell
        extra = cell.extra
        if extra is not None and extra.pykka_stopped is not None:
            return not extra.pykka_stopped.is_set()
        return cell.state is not State.STOPPED

    # -- who

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        # Who copies a message for another system says what its refs become there.
        translate = memo.get(TRANSLATE_REFS)
        return self if translate is None else translate(self)

    @property
    def path(self) -> str:
        """Where the actor is in the tree, such as "/shop/pricing"."""
        return self.cell.path

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.cell.name

    @property
    def actor_class(self) -> type[A]:  # type: ignore[override]
        """The actor's class."""
        return cast("type[A]", self.cell.actor_class)

    def __repr__(self) -> str:
        return f"<ActorRef for {self}>"

    def __str__(self) -> str:
        if self.cell.pykka_contract:
            return f"{self.actor_class.__name__} ({self.actor_urn})"
        return f"{self.actor_class.__name__} {self.path}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        """Let messages have refs as fields: any ref fits, and its JSON is its path."""
        as_path = core_schema.plain_serializer_function_ser_schema(_path, when_used="json")
        return core_schema.is_instance_schema(cls, serialization=as_path)

    # -- pykka's view of a ref

    @property
    def actor_urn(self) -> str:  # type: ignore[override]
        """A uuid4-based name that is unique everywhere; made when first asked for."""
        extra = self.cell.more()
        if extra.urn is None:
            extra.urn = self.cell.system.ids().urn
        return extra.urn

    @property
    def actor_inbox(self) -> Any:  # type: ignore[override]
        """The actor's mailbox."""
        return self.cell.mailbox

    @property
    def actor_stopped(self) -> threading.Event:  # type: ignore[override]
        """An event that is set once the actor has stopped."""
        return endings.stopped_event(self.cell)

    @property
    def _actor_weakref(self) -> Any:  # type: ignore[override]
        actor = self.cell.actor
        return weakref.ref(actor) if actor is not None else lambda: None

    def proxy(self) -> pykka.ActorProxy[A]:  # type: ignore[type-var]
        """Wrap the ref in pykka's proxy: attributes and methods of the actor as futures.

        :raises ActorStopped: if the actor has stopped.
        """
        if self.cell.actor is None:
            raise ActorStopped(path=str(self), detail="not found")
        return pykka.ActorProxy(actor_ref=self)  # type: ignore[type-var]

    def _end(
        self, how: Any, call: str, *, block: bool, timeout: float | None
    ) -> bool | Future[bool]:
        cell = lifecycle.serving(self.cell)
        if block:
            instead = f"use `await {call[:-1]}block=False)`"
            cell.system.check_may_block(call, instead)
            endings.check_not_below(cell, call, instead)
        future = endings.ended(cell)
        if not block and endings.holds_up(cell):
            future.refuse_await("use `self.context.stop_self()`, or do not await it here")
        how(cell)
        return future.get(timeout=timeout) if block else future
