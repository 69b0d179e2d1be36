"""The classes that users subclass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import pykka

from dramaturg.actors._context import ActorContext
from dramaturg.actors._errors import HandlerDefinitionError, OutsideActorError
from dramaturg.actors._future import Future
from dramaturg.actors._handler import build_table, is_async
from dramaturg.actors._lifecycle import request_stop
from dramaturg.actors._mailbox import UNBOUNDED

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from dramaturg.actors._cell import Cell
    from dramaturg.actors._failure import Policy
    from dramaturg.actors._mailbox import MailboxSpec
    from dramaturg.actors._ref import ActorRef

__all__ = ["Actor", "ThreadActor"]


def _async_methods(cls: type) -> list[str]:
    return [name for base in cls.__mro__ for name, value in vars(base).items() if is_async(value)]


if TYPE_CHECKING:
    # To type checkers Actor is no pykka.Actor: pykka's hooks are declared to return None, which
    # would forbid `async def` ones.
    class _Base:
        def on_receive(self, message: Any) -> Any: ...
else:
    _Base = pykka.Actor


class Actor(_Base):
    """An actor on its system's event loop.

    Subclass it, mark methods with :func:`handler`, and spawn it:
    ``system.spawn(MyActor)`` or ``system.spawn(Props(MyActor, 1, 2))``. One
    message at a time; messages of one sender in the order in which it sent
    them; each at most once. An ``async def`` handler holds the actor until it
    returns, while other actors go on.

    Where methods run: if any method of the class is ``async def``, all run in
    tasks on the loop. If all are ``def``, they run on the loop's thread, or, for
    an ``ask`` to an idle actor of a system with a thread of its own, on the
    asking thread, never two at a time. A class with ``loop_bound = True`` keeps
    to the loop's thread. A ``def`` method that blocks holds up every actor of the
    loop: use :class:`ThreadActor` for those.

    An exception from a handler fails the actor (let it crash): the message
    becomes a dead letter, a request raises :class:`ActorCrashed`, and the
    policy decides (:class:`Directive`). Raise :class:`Refused` to say no and
    live on.

    ``SomeActor.start(...)`` starts it in pykka's way, under pykka's contract.

    :raises HandlerDefinitionError: when a subclass with wrong handlers is defined.
    """

    mailbox: ClassVar[MailboxSpec] = UNBOUNDED
    """The mailbox, unless ``Props.using`` says otherwise."""
    policy: ClassVar[Policy | None] = None
    """What becomes of the actor when it fails. None is ``Directive.STOP``: below a
    supervisor that then follows the child's spec, and at the top of the tree the
    system's ``wait`` raises the failure."""
    throughput: ClassVar[int] = 64
    """How many messages it may handle before other actors get their turn."""
    keep_mailbox: ClassVar[bool] = True
    """Whether queued messages outlive a restart, or else become dead letters."""
    loop_bound: ClassVar[bool] = False
    """Whether all methods have to run on the loop's thread."""

    _handlers: ClassVar[dict[type, Callable[[Any, Any], Any]]] = {}
    _declared: ClassVar[frozenset[type]] = frozenset()
    _kind: ClassVar[Literal["loop", "task", "thread"]] = "loop"
    """Which dispatcher runs it."""
    _starts_plainly: ClassVar[bool] = True
    _restarts_plainly: ClassVar[bool] = True
    _fails_plainly: ClassVar[bool] = True
    _stops_plainly: ClassVar[bool] = True
    _supervises: ClassVar[bool] = False
    """Whether it decides what follows the end of a child; see ``_incarnation.Guardian``."""
    _cell: Cell

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._handlers = build_table(cls)
        cls._starts_plainly = cls.on_start is Actor.on_start
        cls._restarts_plainly = cls.on_restart is Actor.on_restart
        cls._fails_plainly = cls.on_failure is Actor.on_failure
        cls._stops_plainly = cls.on_stop is Actor.on_stop
        cls._declared = frozenset(cls._handlers)
        cls._kind = "task" if _async_methods(cls) else "loop"

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        """Need not be called by subclasses.

        The runtime is there already when ``__init__`` runs, so that
        ``self.context`` may be used in it.
        """
        # pykka's own __init__ would make a queue, an event and a ref for each actor.

    @classmethod
    def start(cls, *args: Any, **kwargs: Any) -> ActorRef[Self]:
        """Start the actor in pykka's way, on the process's default system.

        pykka's contract holds: ``__init__`` runs in the calling thread, a
        failing ask returns the exception and the actor lives, a failing tell
        stops it, a stop queues behind the messages, telling the dead raises.
        """
        from dramaturg.actors._default_system import default_system  # noqa: PLC0415 - it needs us

        return default_system().start(cls, args, kwargs)

    @property
    def context(self) -> ActorContext:
        """What a running actor may do: spawn, watch, timers, stash, log...

        :raises OutsideActorError: on an instance that no system made.
        """
        cell = self._living_cell("context")
        if cell.context is None:
            cell.context = ActorContext(cell)
        return cell.context

    @property
    def actor_ref(
        self,
    ) -> ActorRef[Self]:
        """The actor's own ref."""
        return self._living_cell("actor_ref").ref

    @property
    def actor_urn(self) -> str:
        """A uuid4-based name that is unique everywhere, as in pykka."""
        cell: Cell | None = self.__dict__.get("_cell")
        if cell is not None:
            return cell.ref.actor_urn
        return f"unstarted:{id(self):x}"

    @property
    def actor_inbox(self) -> Any:
        """The mailbox, in pykka's shape."""
        return self.actor_ref.actor_inbox

    @property
    def actor_stopped(self) -> threading.Event:
        """An event that is set once the actor has stopped, as in pykka."""
        return self.actor_ref.actor_stopped

    def stop(self) -> None:
        """Stop this actor: after the current message (pykka's way: after those queued)."""
        request_stop(self._living_cell("stop"))

    def on_start(self) -> Any:
        """Run before the first message; ``def`` or ``async def``. Raising fails the actor.

        What it returns, if anything, ``started()`` and a supervisor's ``ChildStarted`` tell.
        """

    def on_stop(self) -> Any:
        """Run as the last, after the children have ended; not after a failure."""

    def on_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> Any:
        """Run on the failed instance, before anything is decided about it."""

    def on_restart(self, cause: BaseException) -> Any:
        """Run on the *new* instance after a failure, between ``__init__`` and ``on_start``."""

    def on_recover(self) -> Any:
        """Run when the actor serves again after a fallback did, before the first message.

        It has been up for a while already, on trial; see ``ChildSpec.fallbacks``. What the
        fallback did meanwhile this actor has not seen. Raising fails the actor.
        """

    def __str__(self) -> str:
        return f"{type(self).__name__} ({self.actor_urn})"

    def _living_cell(self, what: str) -> Cell:
        cell: Cell | None = self.__dict__.get("_cell")
        if cell is None:
            raise OutsideActorError(what=what, who=f"an unstarted {type(self).__name__}")
        return cell

    # pykka's seams for kinds of actors; this kind has its own inbox and loop.

    @staticmethod
    def _create_actor_inbox() -> Any:
        raise OutsideActorError(what="an inbox", who="an actor without a system")

    @staticmethod
    def _create_future() -> Future[Any]:
        return Future()

    def _start_actor_loop(self) -> None:
        raise OutsideActorError(what="an actor loop", who="an actor without a system")


class ThreadActor(Actor):
    """An actor with a thread of its own: its handlers may block.

    Everything else is as for :class:`Actor`; in the same tree, with the same
    stop and failure semantics. ``__init__`` runs in the spawning thread, the rest
    in the actor's. A thread cannot be killed: an actor that does not come back
    in time is declared stopped and its thread abandoned (``ThreadLeaked``).

    Handlers have to be ``def``.
    """

    _kind: ClassVar[Literal["loop", "task", "thread"]] = "thread"
    use_daemon_thread: ClassVar[bool] = False
    """Whether the process may end although the thread runs; as in pykka."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for method in _async_methods(cls):
            raise HandlerDefinitionError(
                owner=cls.__qualname__,
                method=method,
                problem="a ThreadActor blocks and cannot await: use def, or Actor",
            )
        cls._kind = "thread"
