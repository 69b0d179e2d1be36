"""The runtime's side of one actor, and the path that every message takes.

Theory of operation
===================

*The door.* ``cell.put`` is the one way into an actor. For an open, unbounded
mailbox it is the bare ``append`` of a list; for other mailboxes the ``put`` of
their queue; for a traced system a wrapper; once the actor has closed,
:meth:`Cell.refuse`, which makes dead letters. Senders load the door anew for each message, so that
exchanging it is all it takes to close, bound, trace or simulate an actor.

*Idle.* A sender puts, then looks at ``cell.idle`` and, if it is set, schedules
the cell on its dispatcher. Whoever runs the cell sets ``idle`` when it leaves
and then looks at the mailbox again. So either the sender sees ``idle`` or the
leaving turn sees the message: nothing is stranded, and no lock is taken. Two
senders may both see ``idle`` and schedule twice; the second turn finds nothing,
or is passed over while the first one waits in an ``async def`` handler.

*Closing is atomic with draining.* A stopped cell stays ``idle`` for ever. A
sender whose put came too late therefore always lands in the dispatcher's
``schedule``, which sees that the cell has stopped and flushes what it finds into
the dead letters, under a lock, so that each message goes to one flusher: it is
handled or dead-lettered, never both, never neither. This leans on two facts of
CPython: single operations on a list (append, copy of a slice, deletion of a
slice) are atomic, and loads and stores of attributes are seen by all threads in
program order.

*A turn* takes a lone message off the list, or all that are there at once: a
list is a fifth of a ``deque`` in memory, and iterating it faster than popping.
What a turn leaves over waits in ``cell.batch`` for the next; nobody but the
cell's own turn touches that while the actor lives. A turn handles up to
``throughput`` messages without looking up. ``attention`` is the one flag it
checks between messages; it is set for everything unusual: a signal in the
control lane, a stop, a gate (the actor is starting, failed or waits for its
children). So signals overtake messages, and none of this costs anything while
nothing unusual happens.

*Who runs turns.* :meth:`Cell.turn` is for actors whose methods are all ``def``,
on the loop; a blocking actor's thread has one of its own, in ``_thread``, since
a thread may be given up. :meth:`Cell.turn_async` is for actors with an ``async
def`` method, inside a worker task. :meth:`Cell.run_one` is the short cut of a
request to an idle actor. The dispatcher guarantees that never two of them run
for one cell at the same time.

*Handlers* are looked up by the exact class of the message. A miss goes to
:func:`dramaturg.actors._resolve.resolve`, which knows base classes, timers'
ticks, pykka's messages and ``on_receive``.
"""

from __future__ import annotations

from contextvars import ContextVar
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from dramaturg.actors import (
    _crash as crashing,
    _letters as letters,
    _lifecycle as lifecycle,
)
from dramaturg.actors._envelope import Envelope
from dramaturg.actors._errors import InternalError
from dramaturg.actors._extra import Extra
from dramaturg.actors._props import Props
from dramaturg.actors._resolve import resolve
from dramaturg.actors._state import RUNNING, STOPPED, State

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from dramaturg.actors._actor import Actor
    from dramaturg.actors._context import ActorContext
    from dramaturg.actors._dispatcher import Dispatcher
    from dramaturg.actors._errors import MailboxFull
    from dramaturg.actors._future import Future
    from dramaturg.actors._ref import ActorRef
    from dramaturg.actors._signals import Internal, Signal
    from dramaturg.actors._system import ActorSystem

__all__ = ["Cell", "current_cell"]

current_cell: ContextVar[Cell | None] = ContextVar("dramaturg.current_cell", default=None)
"""The cell whose handler runs in this context; set where a handler may wait."""


class Cell:
    """One actor's mailbox, life cycle, incarnation, children and watchers."""

    __slots__ = (
        "actor",
        "attention",
        "batch",
        "children",
        "context",
        "control",
        "dispatcher",
        "extra",
        "handlers",
        "idle",
        "incarnation",
        "mailbox",
        "message",
        "name",
        "parent",
        "props",
        "put",
        "ref",
        "serial",
        "state",
        "system",
        "throughput",
        "waiters",
        "where",
    )

    actor: Actor | None
    handlers: dict[type, Callable[[Any, Any], Any]]
    put: Callable[[Any], None]
    batch: Any
    mailbox: Any
    throughput: int
    control: list[Signal] | None
    children: dict[str, Cell] | None
    ref: ActorRef[Any]
    context: ActorContext | None
    extra: Extra | None
    dispatcher: Dispatcher

    def __init__(
        self, system: ActorSystem, parent: Cell | None, name: str, props: Props[Any] | type[Actor]
    ) -> None:
        self.system = system
        self.parent = parent
        self.name = name
        self.props = props
        self.actor = None
        self.attention = False
        self.children = None
        self.context = None
        self.control = None
        self.extra = None
        # Not before it is fully made may anybody run it.
        self.idle = False
        self.incarnation = 1
        self.batch = None
        mailbox: list[Any] = []
        self.mailbox = mailbox
        self.message: Any = None
        # Which message an async actor is at; see _requests on circles.
        self.serial = 0
        self.put = system.door(mailbox.append) if system.traces else mailbox.append
        self.state = State.RUNNING
        self.waiters: list[Future[bool]] | None = None
        self.where: str | None = None

    # -- turns ---------------------------------------------------------------

    def turn(self) -> None:
        """Handle signals, then up to ``throughput`` messages; ``def`` methods only."""
        if self.attention and not self.attend():
            self.leave()
            return
        mailbox = self.mailbox
        try:
            # A lone message is the common case; it is worth a path of its own.
            if len(mailbox) == 1 and self.batch is None:
                self.message = message = mailbox.pop(0)
                cls = message.__class__
                if cls is Envelope:
                    self.deliver(message)
                else:
                    try:
                        handle = self.handlers[cls]
                    except KeyError:
                        handle = resolve(self, cls)
                    handle(self.actor, message)
            else:
                self.handle_many(mailbox)
        except BaseException as error:  # noqa: BLE001 - an actor may fail with anything
            self.fail(error)
        self.message = None
        # As in leave(), which would be a call for each hop. A signal sets attention.
        self.idle = True
        if (mailbox or self.attention or self.batch) and self.idle:
            self.leave()

    def handle_many(self, mailbox: Any) -> None:
        """Handle up to ``throughput`` messages, the rest of the last batch first."""
        actor = self.actor
        handlers = self.handlers
        batch = self.batch
        left = self.throughput
        while mailbox or batch is not None:
            if batch is None:
                batch = self.take(mailbox)
            for message in batch:
                self.message = message
                cls = message.__class__
                if cls is Envelope:
                    self.deliver(message)
                else:
                    try:
                        handle = handlers[cls]
                    except KeyError:
                        handle = resolve(self, cls)
                    handle(actor, message)
                left -= 1
                if left <= 0 or self.attention:
                    return
            self.batch = batch = None

    async def turn_async(self) -> None:
        """Do what :meth:`turn` does, for an actor with ``async def`` methods."""
        current_cell.set(self)
        if self.attention and not await lifecycle.attend(self):
            self.leave()
            return
        left = self.throughput
        actor = self.actor
        handlers = self.handlers
        mailbox = self.mailbox
        batch = self.batch
        try:
            while mailbox or batch is not None:
                if batch is None:
                    batch = (mailbox.pop(0),) if len(mailbox) == 1 else self.take(mailbox)
                for message in batch:
                    self.message = message
                    cls = message.__class__
                    left -= 1
                    self.serial += 1
                    if cls is Envelope:
                        await self.deliver_async(message)
                    else:
                        try:
                            handle = handlers[cls]
                        except KeyError:
                            handle = resolve(self, cls)
                        result = handle(actor, message)
                        if result.__class__ is CoroutineType:
                            await result
                    if left <= 0 or self.attention:
                        break
                else:
                    self.batch = batch = None
                    continue
                break
        except BaseException as error:  # noqa: BLE001 - an actor may fail with anything
            await self.fail_async(error)
        self.message = None
        self.leave()

    def run_one(self, envelope: Envelope) -> None:
        """Handle one fresh request at once.

        The caller has made sure that nobody else runs the cell.
        """
        self.message = envelope
        message = envelope.message
        try:
            try:
                handle = self.handlers[message.__class__]
            except KeyError:
                handle = resolve(self, message.__class__)
            result = handle(self.actor, message)
            # A handler that stashed the message has taken it over: the reply comes later.
            if self.message is envelope and envelope.reply is not None:
                envelope.reply.complete(result, None)
        except BaseException as error:  # noqa: BLE001 - an actor may fail with anything
            self.fail(error)
        self.message = None
        self.idle = True
        if (self.mailbox or self.attention or self.batch) and self.idle:
            self.leave()

    def post(self, item: Any) -> None:
        """Put an item through the door and let the cell run; what ``tell`` does. Any thread."""
        self.put(item)
        if self.idle:
            self.dispatcher.schedule(self)

    def leave(self) -> None:
        """End a turn: become idle, or ready again if something came meanwhile.

        A stopped cell looks, too: a sender that loaded its door in time may have
        put something in while a late turn kept the cell from being idle.
        """
        self.idle = True
        if self.control or (
            (self.mailbox or self.batch is not None) and self.state in (RUNNING, STOPPED)
        ):
            self.dispatcher.schedule(self)

    def take(self, mailbox: Any) -> Iterable[Any]:
        """Take all of a list, or one item of another queue."""
        if mailbox.__class__ is not list:
            return (mailbox.pop(0),)
        items = mailbox[:]
        # Appends may come in between: they stand behind what is deleted here.
        del mailbox[: len(items)]
        self.batch = batch = iter(items)
        return batch

    def take_rest(self) -> list[Any]:
        """Take everything that waits; each item is given to one caller only. Any thread."""
        with self.system.lock:
            items = [] if self.batch is None else [*self.batch]
            self.batch = None
            mailbox = self.mailbox
            if mailbox.__class__ is list:
                waiting = mailbox[:]
                del mailbox[: len(waiting)]
                items += waiting
            else:
                while mailbox:
                    items.append(mailbox.pop(0))
        return items

    @property
    def depth(self) -> int:
        """How many messages wait."""
        batch = self.batch
        return len(self.mailbox) + (0 if batch is None else batch.__length_hint__())

    # -- one enveloped message -------------------------------------------------

    def deliver(self, envelope: Envelope) -> None:
        """Handle an enveloped message and answer its request."""
        deadline = envelope.deadline
        if deadline is not None and self.system.now() > deadline:
            letters.expired(self, envelope)
            return
        message = envelope.message
        try:
            handle = self.handlers[message.__class__]
        except KeyError:
            handle = resolve(self, message.__class__)
        if envelope.headers is not None:
            # This may run within the call, and so in the context, of the sender.
            token = current_cell.set(self)
            try:
                result = handle(self.actor, message)
            finally:
                current_cell.reset(token)
        else:
            result = handle(self.actor, message)
        # A handler that stashed the message has taken it over: the reply comes later.
        if envelope.reply is not None and self.message is envelope:
            envelope.reply.complete(result, None)

    async def deliver_async(self, envelope: Envelope) -> None:
        """Do what :meth:`deliver` does, awaiting an ``async def`` handler."""
        deadline = envelope.deadline
        if deadline is not None and self.system.now() > deadline:
            letters.expired(self, envelope)
            return
        message = envelope.message
        try:
            handle = self.handlers[message.__class__]
        except KeyError:
            handle = resolve(self, message.__class__)
        result = handle(self.actor, message)
        if result.__class__ is CoroutineType:
            result = await result
            if result.__class__ is CoroutineType:  # `return ref.request(...)` without await
                result = await result
        if envelope.reply is not None and self.message is envelope:
            envelope.reply.complete(result, None)

    # -- the unusual -------------------------------------------------------------

    def attend(self) -> bool:
        """See to the control lane; tell whether messages may be handled now."""
        if self.extra is None and lifecycle.stop_plainly(self):
            return False
        return bool(run_now(lifecycle.attend(self)))

    def fail(self, error: BaseException) -> None:
        """See to an exception that escaped from a handler."""
        if not letters.settled(self, error) and not crashing.restart_plainly(self, error):
            run_now(crashing.crash(self, error))

    async def fail_async(self, error: BaseException) -> None:
        """Do what :meth:`fail` does, awaiting ``async def`` hooks."""
        if not letters.settled(self, error):
            await crashing.crash(self, error)

    def post_internal(self, item: Internal) -> None:
        """Put one of the runtime's own messages behind what waits; any thread.

        Past the door, since it must not fail: no bound, no priority and no
        closed actor turns it away. An actor that has stopped drops it.
        """
        self.mailbox.append(item)
        if self.idle:
            self.dispatcher.schedule(self)

    def signal(self, signal: Signal, *, here: bool = False) -> None:
        """Put a signal into the control lane; any thread, never blocks.

        :param here: let this thread see to it at once if the actor is idle and may run here.
        """
        control = self.control
        if control is None:
            with self.system.lock:
                control = self.control
                if control is None:
                    control = self.control = []
        control.append(signal)
        self.attention = True
        if self.idle and not (here and self.dispatcher.run_here(self)):
            self.dispatcher.schedule(self)

    def more(self) -> Extra:
        """Return the cell's rarely needed state, made now if need be."""
        extra = self.extra
        if extra is None:
            with self.system.lock:
                extra = self.extra
                if extra is None:
                    extra = self.extra = Extra()
        return extra

    def renew_turn(self) -> None:
        """Let the next message be handled in a new turn: the handlers have changed."""
        self.attention = True

    def put_back(self, items: Iterable[Any]) -> None:
        """Put items back in front of everything that waits; inside the cell's own turn."""
        rest = () if self.batch is None else self.batch
        self.batch = iter([*items, *rest])
        # The turn that runs now holds the old batch.
        self.attention = True

    # -- the door ------------------------------------------------------------------

    def open(self) -> None:
        """Open the door (again)."""
        mailbox = self.mailbox
        put = mailbox.append if mailbox.__class__ is list else mailbox.put
        self.put = self.system.door(put)

    def refuse(self, item: Any) -> None:
        """Stand in the door of a closed actor: everything becomes a dead letter."""
        system = self.system
        letters.undeliverable(self, system.enveloped(item) if system.traces else item)

    def flush(self) -> None:
        """Make dead letters of what came in after the actor had stopped.

        If another cell has taken over the mailbox, let that one see to it.
        """
        letters.flush(self)
        successor = self.ref.cell
        if successor is not self and successor.idle:
            successor.dispatcher.schedule(successor)

    def overflowed(self, item: Any, error: MailboxFull) -> None:
        """Make a dead letter of what a full mailbox would not hold."""
        letters.overflowed(self, item, error)

    def may_block(self) -> bool:
        """Check that the calling thread may wait for room in this mailbox.

        :raises BlockingCallError: if the thread runs actors.
        """
        self.system.check_may_block("tell to a full mailbox", "use `await ref.send(message)`")
        return True

    @property
    def pykka_contract(self) -> bool:
        """Tell whether the actor was started in pykka's way and keeps pykka's contract."""
        return self.extra is not None and self.extra.pykka

    # -- who and where -----------------------------------------------------------------

    @property
    def actor_class(self) -> type[Any]:
        """The class of the actor."""
        props = self.props
        return props.actor_class if isinstance(props, Props) else props

    @property
    def path(self) -> str:
        """The names from the root down, each after a slash; "/" for the root."""
        if self.where is None:
            names: list[str] = []
            cell = self
            while cell.parent is not None:
                names.append(cell.name)
                cell = cell.parent
            self.where = "/" + "/".join(reversed(names))
        return self.where

    def __repr__(self) -> str:
        return (
            f"<Cell {self.path} {self.state.name.lower()} incarnation={self.incarnation}"
            f" queued={self.depth}>"
        )


def run_now(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run to its end a coroutine that has nothing to wait for.

    The life cycle is written once, as coroutines; for actors without ``async
    def`` methods no await in it ever waits.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    coroutine.close()
    raise InternalError("the life cycle of an actor without async methods had to wait")
