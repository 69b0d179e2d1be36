"""What a running actor may do."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar, cast, final, overload

import pykka

from dramaturg.actors import _watch as watching
from dramaturg.actors._circles import forwarded
from dramaturg.actors._envelope import Envelope
from dramaturg.actors._errors import OptionError, OutsideActorError, StashOverflowError
from dramaturg.actors._exit_reason import NORMAL, ExitReason
from dramaturg.actors._lifecycle import Stop
from dramaturg.actors._state import State
from dramaturg.actors._timers import ReceiveTimeout, Timer, check_seconds

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from dramaturg.actors._actor import Actor
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._clock import Clock
    from dramaturg.actors._log import Log
    from dramaturg.actors._props import Props
    from dramaturg.actors._ref import ActorRef
    from dramaturg.actors._system import ActorSystem

__all__ = ["ActorContext"]

A = TypeVar("A", bound="Actor | pykka.Actor")
R = TypeVar("R")


@final
class ActorContext:
    """An actor's access to the runtime, as ``self.context``.

    Only for the actor's own handlers and hooks, in the thread that runs them.
    """

    __slots__ = ("_cell",)

    def __init__(self, cell: Cell) -> None:
        self._cell = cell

    def __repr__(self) -> str:
        return f"<ActorContext of {self._cell!r}>"

    # -- who and where

    @property
    def ref(self) -> ActorRef[Any]:
        """The actor's own ref."""
        return self._cell.ref

    @property
    def path(self) -> str:
        """The actor's path, such as "/shop/pricing"."""
        return self._cell.path

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self._cell.name

    @property
    def incarnation(self) -> int:
        """1, and one more with each restart."""
        return self._cell.incarnation

    @property
    def system(self) -> ActorSystem:
        """The system that the actor lives in."""
        return self._cell.system

    @property
    def parent(self) -> ActorRef[Any] | None:
        """The parent's ref; None at the top of the tree."""
        parent = self._cell.parent
        return None if parent is None or parent.parent is None else parent.ref

    @property
    def children(self) -> tuple[ActorRef[Any], ...]:
        """The living children, the eldest first."""
        return tuple(child.ref for child in tuple((self._cell.children or {}).values()))

    def lookup(self, path: str) -> ActorRef[Any] | None:
        """Find the living actor at a path; None if there is none.

        "/shop/pricing" counts from the top; "../pricing" is a sibling, "till" a child.
        """
        if path.startswith("/"):
            return self._cell.system.lookup(path)
        cell: Cell | None = self._cell
        for name in path.split("/"):
            if cell is None:
                return None
            cell = cell.parent if name == ".." else (cell.children or {}).get(name)
        return None if cell is None or cell.parent is None else cell.ref

    # -- the current message

    @property
    def message(self) -> Any:
        """The message that is being handled; None in hooks."""
        item = self._cell.message
        return item.message if item.__class__ is Envelope else item

    @property
    def sender(self) -> ActorRef[Any] | None:
        """The actor that sent the current message.

        None if none did, and for a plain ``tell`` of a system without ``trace=True``.
        """
        item = self._cell.message
        return item.sender if item.__class__ is Envelope else None

    @property
    def deadline(self) -> float | None:
        """When the current request has to be answered, in the clock's monotonic seconds."""
        item = self._cell.message
        return item.deadline if item.__class__ is Envelope else None

    @property
    def log(self) -> Log:
        """A structlog logger, bound to path, incarnation and the current message's type and ids."""
        cell = self._cell
        bound: dict[str, Any] = {"path": cell.path, "incarnation": cell.incarnation}
        item: Any = cell.message
        if item is not None:
            bound["message_type"] = type(self.message).__qualname__
        if isinstance(item, Envelope) and item.headers is not None:
            bound["message_id"] = str(item.headers.message_id)
            bound["correlation_id"] = str(item.headers.correlation_id)
            bound["causation_id"] = item.headers.causation_id and str(item.headers.causation_id)
        return cell.system.log.bind(**bound)

    # -- the system's seams

    @property
    def clock(self) -> Clock:
        """The system's clock: the only time an actor should read."""
        return self._cell.system.clock

    @property
    def random(self) -> Random:
        """The system's random source."""
        return self._cell.system.random

    # -- children

    @overload
    def spawn(self, actor: Props[A], *, name: str | None = None) -> ActorRef[A]: ...
    @overload
    def spawn(self, actor: type[A], *, name: str | None = None) -> ActorRef[A]: ...
    def spawn(self, actor: Props[A] | type[A], *, name: str | None = None) -> ActorRef[A]:
        """Make a child; see :meth:`ActorSystem.spawn`. It never outlives this incarnation.

        :raises OptionError: in a supervisor, whose children are those of its specs.
        """
        if self._cell.actor_class._supervises:
            expected = "a ChildSpec: send the supervisor StartChild(spec)"
            raise OptionError(option="actor", value=actor, expected=expected)
        return self._cell.system.spawn_under(self._cell, actor, name)

    def stop(self, child: ActorRef[Any]) -> None:
        """Stop an own child after its current message; returns at once.

        :raises OptionError: if it is not a child of this actor.
        """
        if child.cell.parent is not self._cell:
            raise OptionError(option="child", value=child, expected=f"a child of {self.path}")
        child.request_stop()

    def stop_self(self, reason: ExitReason = NORMAL) -> None:
        """Stop this actor after the current message; what is queued becomes dead letters.

        In ``on_stop`` it changes the reason with which the actor ends.

        :param reason: what its supervisor sees; a permanent child of a
            supervisor is restarted whatever the reason, and then keeps its mailbox.
        :raises OptionError: if it is no :class:`ExitReason`.
        """
        cell = self._cell
        if not isinstance(cast("object", reason), ExitReason):
            raise OptionError(option="reason", value=reason, expected="an ExitReason")
        if cell.state is State.STOPPING:
            cell.more().exit_reason = reason
        elif cell.pykka_contract:
            cell.ref.request_stop()
        else:
            cell.signal(Stop(reason))

    @property
    def exit_reason(self) -> ExitReason | None:
        """Why the actor stops, in ``on_stop``; None while it does not."""
        cell = self._cell
        stopping = cell.state is State.STOPPING
        return (NORMAL if cell.extra is None else cell.extra.exit_reason) if stopping else None

    # -- death watch

    def watch(self, ref: ActorRef[Any], message: Any = None) -> None:
        """Be told when the actor has ended for good, also if it has already.

        The notice is :class:`Terminated`, or the given message, and comes
        behind what is in the mailbox. A restart is no end. Watches end with the
        incarnation that made them. Akka's rules.
        """
        watching.watch(self._cell, ref.cell, message)

    def unwatch(self, ref: ActorRef[Any]) -> None:
        """Take a watch back: no notice is handled any more, not even one that is queued."""
        watching.unwatch(self._cell, ref.cell)

    # -- timers

    def start_timer(
        self,
        key: Any,
        message: Any,
        *,
        after: float | None = None,
        every: float | None = None,
        fixed_rate: bool = False,
    ) -> None:
        """Send a message to oneself, once ``after`` or again and again ``every`` so many seconds.

        A timer of the same key is replaced; no tick of a replaced, cancelled or
        earlier incarnation's timer is ever handled, not even one that is
        queued. With ``every=2.0`` the first tick comes after 2.0 s (or after
        ``after``), the next 2.0 s after the last was *handled*; with
        ``fixed_rate=True`` the ticks are due at 2.0, 4.0, 6.0 and catch up after a pause.

        :raises OptionError: for a negative or infinite time, ``every=0``, or neither given.
        """
        if after is None and every is None:
            raise OptionError(option="after", value=None, expected="after or every, in seconds")
        if every is not None and not check_seconds("every", every):
            raise OptionError(option="every", value=every, expected="more than 0 seconds")
        first = check_seconds("after", after if after is not None else every or 0.0)
        hash(key)  # one that cannot be a key fails here, before anything is done
        self.cancel_timer(key)
        self._cell.more().timers[key] = Timer(
            self._cell, key, message, after=first, period=every, fixed_rate=fixed_rate
        )

    def cancel_timer(self, key: Any) -> bool:
        """Cancel a timer; tell whether there was one of that key."""
        extra = self._cell.extra
        timer = extra.timers.pop(key, None) if extra is not None else None
        if timer is not None:
            timer.cancel()
        return timer is not None

    def set_receive_timeout(self, seconds: float | None, message: Any = None) -> None:
        """Send the message to oneself whenever no other comes for so many seconds; None ends it.

        Each message starts the period anew, the timeout's own included.
        """
        if seconds is not None and not check_seconds("seconds", seconds):
            raise OptionError(option="seconds", value=seconds, expected="more than 0 seconds")
        extra = self._cell.more()
        if extra.receive_timeout is not None:
            extra.receive_timeout.cancel()
            extra.receive_timeout = None
        if seconds is not None:
            extra.receive_timeout = ReceiveTimeout(self._cell, seconds, message)
            self._cell.attention = True

    # -- behaviour

    def become(self, receive: Callable[[Any], Any]) -> None:
        """Let ``receive`` handle all messages from the next one on, until :meth:`unbecome`.

        Behaviours stack. A restart returns to the handlers of the class.
        """
        if not callable(receive):
            raise OptionError(option="receive", value=receive, expected="a method or a function")
        self._cell.more().behaviours.append(receive)
        self._cell.handlers = {}
        self._cell.renew_turn()

    def unbecome(self) -> None:
        """Return to the behaviour before; without one nothing happens."""
        cell = self._cell
        behaviours = cell.more().behaviours
        if behaviours:
            behaviours.pop()
        if not behaviours and cell.actor is not None:
            cell.handlers = type(cell.actor)._handlers
            cell.renew_turn()

    def _current(self) -> Any:
        item = self._cell.message
        if item is None:
            raise OutsideActorError(what="a current message", who=f"{self.path} in a hook")
        return item

    # -- passing on

    # What these two return is not sent, so a handler of any reply type may return it.

    def forward(self, ref: ActorRef[Any]) -> R:  # type: ignore[type-var]  # pyright: ignore[reportInvalidTypeVarUse]
        """Pass the current message on to another actor as if it had been sent there.

        With its sender, deadline and reply slot: the other actor answers the
        request. ``return self.context.forward(ref)`` fits a handler of any reply
        type. A message can be forwarded or stashed once.

        :raises OutsideActorError: if no message is being handled, or it was passed on before.
        :raises MailboxFull: see :meth:`ActorRef.tell`.
        """
        cell = self._cell
        item = self._current()
        if forwarded(item, ref.cell):
            ref.cell.post(item)
        # Taking the message away tells the cell not to answer its request.
        cell.message = None
        return cast("R", None)

    # -- stash

    def stash(self) -> R:  # type: ignore[type-var]  # pyright: ignore[reportInvalidTypeVarUse]
        """Put the current message aside, its request unanswered, until :meth:`unstash_all`.

        ``return self.context.stash()`` fits a handler of any reply type: what the
        handler returns is not sent.

        :raises StashOverflowError: if the stash holds 1,000 messages already.
        :raises OutsideActorError: if no message is being handled.
        """
        cell = self._cell
        item = self._current()
        extra = cell.more()
        if extra.stash is None:
            extra.stash = deque()
        if len(extra.stash) >= extra.stash_capacity:
            raise StashOverflowError(path=self.path, capacity=extra.stash_capacity)
        extra.stash.append(item)
        # Taking the message away tells the cell not to answer its request.
        cell.message = None
        return cast("R", None)

    def unstash_all(self) -> int:
        """Put the stashed messages back in front of the mailbox, in order; return how many.

        They come before anything that is queued. What is stashed meanwhile
        waits for the next call. If the actor stops they become dead letters;
        a restart puts them back.
        """
        cell = self._cell
        extra = cell.extra
        if extra is None or not extra.stash:
            return 0
        stash, extra.stash = extra.stash, None
        cell.put_back(stash)
        return len(stash)
