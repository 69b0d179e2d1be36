"""The actor system: owner of loop, clock, ids, random source, tree, dead letters and events."""

from __future__ import annotations

import asyncio
import contextlib
import random as random_module
import threading
from threading import get_ident
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast, overload

import pykka

from dramaturg.actors import _shutdown as shutting_down
from dramaturg.actors._actor import Actor
from dramaturg.actors._cell import Cell
from dramaturg.actors._clock import SystemClock
from dramaturg.actors._codec import Codec
from dramaturg.actors._dead_letters import DeadLetters
from dramaturg.actors._dispatcher import LoopDispatcher
from dramaturg.actors._errors import (
    BlockingCallError,
    DeadlineExceeded,
    OptionError,
    SystemStateError,
)
from dramaturg.actors._event_stream import EventStream
from dramaturg.actors._events import LateReply
from dramaturg.actors._future import Future, first_of
from dramaturg.actors._health_recorder import HealthRecorder
from dramaturg.actors._ids import random_ids, seeded_ids
from dramaturg.actors._interrupts import raise_error
from dramaturg.actors._log import default_log, log_events
from dramaturg.actors._loop import LoopHost
from dramaturg.actors._paths import check_name, split_path
from dramaturg.actors._ref import ActorRef
from dramaturg.actors._spawn import spawn
from dramaturg.actors._statistics import SystemStatistics
from dramaturg.actors._timers import check_seconds
from dramaturg.actors._trace import enveloped, make_headers, traced_door
from dramaturg.actors._tree import make_actor
from dramaturg.actors._tree_text import render
from dramaturg.actors._watchdog import Watchdog
from dramaturg.actors._workers import TaskDispatcher
from dramaturg.actors.journal._journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from dramaturg.actors._clock import Clock
    from dramaturg.actors._envelope import Headers
    from dramaturg.actors._health import SystemHealth
    from dramaturg.actors._ids import IdSource
    from dramaturg.actors._log import Log
    from dramaturg.actors._props import Props
    from dramaturg.actors._registry import TypeRegistry
    from dramaturg.actors._reply import Reply
    from dramaturg.actors._tap import Tap
    from dramaturg.actors._tree_text import TextForm

__all__ = ["ActorSystem"]

A = TypeVar("A", bound="Actor | pykka.Actor")


class Root(Actor):
    """The root of the tree; it only has children."""


class ActorSystem:
    """A tree of actors, and everything that they share.

    ``async with ActorSystem("shop") as system`` runs the actors on the caller's
    event loop; ``with ActorSystem("shop") as system`` runs them on a loop in a
    thread of its own. Leaving the block shuts the system down. Several systems may
    live in one process; they share nothing.

    :param name: for logs and thread names.
    :param clock: the source of time; default the machine's.
    :param ids: makes ids; default random ones, or from ``seed``.
    :param seed: fixes the random source, and the ids unless ``ids`` is given.
    :param default_timeout: seconds until the deadline of a request that names none.
    :param shutdown_timeout: seconds that actors get to stop when the block is left.
    :param hold_limit: seconds that a ``def`` handler may hold the loop before
        ``LoopHeld`` is reported; None looks at nothing.
    :param trace: let every message carry its sender, message, correlation and
        causation ids (else only requests carry their sender).
    :param logger: a structlog logger; default see ``dramaturg.actors`` on logging.
    :param dead_letters: the store for dead letters; default 100,000 in memory. One in the
        journal: ``DurableDeadLetters``.
    :param journal: where event-sourced actors keep their events; opened when the system
        starts, and closed when its last actor has ended.
    :raises OptionError: for a value that cannot be.
    """

    signals_take_turns = False
    """Whether a turn that has seen to a signal handles no message; where each is chosen it must."""

    def __init__(
        self,
        name: str = "default",
        *,
        clock: Clock | None = None,
        ids: IdSource | None = None,
        seed: int | None = None,
        default_timeout: float = 5.0,
        shutdown_timeout: float = 10.0,
        hold_limit: float | None = 0.5,
        trace: bool = False,
        logger: Log | None = None,
        dead_letters: DeadLetters | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.name = check_name(name)
        self.default_timeout = check_seconds("default_timeout", default_timeout)
        self.shutdown_timeout = check_seconds("shutdown_timeout", shutdown_timeout)
        if hold_limit is not None and not check_seconds("hold_limit", hold_limit):
            raise OptionError(option="hold_limit", value=hold_limit, expected="above 0, or None")
        self.clock: Clock = clock if clock is not None else SystemClock()
        self.now: Callable[[], float] = self.clock.monotonic
        self.random = random_module.Random(seed)
        self.ids: IdSource = ids or (random_ids if seed is None else seeded_ids(self.random))
        self.traces = trace
        self.taps: tuple[Tap, ...] = ()
        self.log: Log = (logger if logger is not None else default_log()).bind(system=name)
        self.events = EventStream(self.log)
        if not isinstance(cast("object", journal), Journal | None):
            raise OptionError(option="journal", value=journal, expected="a Journal, or None")
        self.journal = journal
        self.dead_letters = dead_letters if dead_letters is not None else DeadLetters()
        self.dead_letters.attach(self)
        self._journal_codecs: dict[TypeRegistry, Codec] = {}
        log_events(self.events, self.dead_letters, self.log, quiet=self._is_ending)
        # Reentrant, since it guards small steps that use each other.
        self.lock = threading.RLock()
        self.waits_for: dict[Cell, list[tuple[int, Reply]]] = {}
        self.stopped = False
        """Nothing is accepted any more."""
        self.ended = False
        """The last event has been published."""
        self.host = LoopHost(self._loop_lost)
        self._health = HealthRecorder(self)
        self._hold_limit = hold_limit
        self._late_replies = 0
        self.actors_alive = 0
        self._actors_at_peak = 0
        self._names = 0
        self._failure: BaseException | None = None
        self._ended: Future[None] = Future()
        self._failed: Future[None] = Future()
        self._closing: asyncio.Task[None] | None = None
        self._closer = threading.Lock()

    def __repr__(self) -> str:
        state = "stopped" if self.stopped else "running" if self.host.ident else "not started"
        return f"<ActorSystem {self.name} {state}>"

    # -- the block -----------------------------------------------------------------

    def __enter__(self) -> Self:
        self.open_in_thread(daemon=True)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        self._check_unused()
        self._open_journal()
        self.host.adopt(asyncio.get_running_loop())
        self._open(helping=False)
        if self.dead_letters.is_durable:
            try:
                await self.dead_letters.begin()
            except BaseException:
                await self.shutdown()
                raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.shutdown()

    def open_in_thread(self, *, daemon: bool) -> None:
        """Start the system on a loop in a thread of its own; ``with`` does so."""
        self._check_unused()
        self._open_journal()
        try:
            self.host.start_thread(
                f"dramaturg-{self.name}", asyncio.new_event_loop(), daemon=daemon
            )
        except BaseException:
            if self.journal is not None:
                self.journal.close_now()
            raise
        self._open(helping=True)
        if self.dead_letters.is_durable:
            begun = asyncio.run_coroutine_threadsafe(self.dead_letters.begin(), self.host.loop)
            begun.result()

    def reopen(self) -> None:
        """Take note that the host's loop runs, for the first time or again."""
        if not hasattr(self, "root"):
            self._open(helping=True)

    def _is_ending(self) -> bool:
        return self.stopped or self._closing is not None

    def _check_unused(self) -> None:
        if self.host.ident:
            state = "stopped" if self.stopped else "running"
            raise SystemStateError(system=self.name, state=state, call="start")

    def _open_journal(self) -> None:
        # First: a system whose journal does not open has not started, and may try again.
        if self.journal is not None:
            self.journal.open(user=self.name)

    def _open(self, *, helping: bool) -> None:
        self.clock.attach(self.host)
        self.direct, self.tasks = self.make_dispatchers(helping=helping)
        self.root = Cell(self, None, "", Root)
        self.root.dispatcher = self.direct
        self.root.throughput = 1
        self.root.ref = ActorRef(self.root)
        make_actor(self.root)
        self.root.idle = True
        self.watchdog = Watchdog(self, self._hold_limit)
        self.watchdog.start()

    def make_dispatchers(self, *, helping: bool) -> tuple[LoopDispatcher, TaskDispatcher]:
        """Make what runs ``def`` and ``async def`` actors; a simulation's choose the order."""
        return LoopDispatcher(self.host, helping=helping), TaskDispatcher(self.host)

    # -- actors ------------------------------------------------------------------------

    @overload
    def spawn(self, actor: Props[A], *, name: str | None = None) -> ActorRef[A]: ...
    @overload
    def spawn(self, actor: type[A], *, name: str | None = None) -> ActorRef[A]: ...
    def spawn(self, actor: Props[A] | type[A], *, name: str | None = None) -> ActorRef[A]:
        """Make an actor at the top of the tree; any thread.

        ``__init__`` runs here and now; ``on_start`` runs as the actor's first
        turn, before any message (``await ref.started()`` waits for it). A plain
        ``pykka.ThreadingActor`` subclass may be spawned too: it gets a thread
        and is supervised like every other actor.

        :param actor: a class, if its ``__init__`` needs no arguments, or :class:`Props`.
        :param name: unique among its siblings; default class name and number.
        :raises StartFailed: if ``__init__`` raised, with that as cause. Nothing remains.
        :raises InvalidNameError: for a name that no path can hold.
        :raises DuplicateNameError: if a living sibling has the name.
        :raises SystemStopped: if the system has stopped or is stopping.
        :raises SystemStateError: if the system has not started.
        :raises OptionError: if it is no actor class.
        """
        return self.spawn_under(None, actor, name)

    def spawn_under(
        self, parent: Cell | None, actor: Props[A] | type[A], name: str | None
    ) -> ActorRef[A]:
        """Make an actor below a cell; for the runtime's own use."""
        if not self.host.ident:
            raise SystemStateError(system=self.name, state="not started", call="spawn")
        return spawn(self, self.root if parent is None else parent, actor, name)

    def lookup(self, path: str) -> ActorRef[Any] | None:
        """Find the living actor at a path such as "/shop/pricing"; None if there is none."""
        names = split_path(path)
        cell: Cell | None = self.root if names and self.host.ident else None
        for name in names or ():
            if cell is None:
                return None
            cell = (cell.children or {}).get(name)
        return None if cell is None else cell.ref

    def codec(self, registry: TypeRegistry) -> Codec:
        """Make a codec for messages that may hold refs: a ref travels as its path.

        Decoding looks the path up here; where no actor lives there it raises :class:`DecodeError`.
        """
        return Codec(registry, ref_type=ActorRef, load_ref=self._living)

    def journal_codec(self, registry: TypeRegistry) -> Codec:
        """Return the codec for what is stored; made once for each registry."""
        codec = self._journal_codecs.get(registry)
        if codec is None:
            codec = self._journal_codecs[registry] = self.codec(registry)
        return codec

    def _living(self, path: str) -> ActorRef[Any]:
        ref = self.lookup(path)
        if ref is None:
            raise LookupError(f"no actor lives at {path}")
        return ref

    @property
    def actors(self) -> tuple[ActorRef[Any], ...]:
        """The living actors at the top of the tree, the eldest first."""
        return tuple(cell.ref for cell in tuple((self.root.children or {}).values()))

    # -- what it looks like ------------------------------------------------------------

    def health(self) -> SystemHealth:
        """Take a picture of the tree: states, restarts, queues, what is degraded and why.

        Any thread; no actor is waited for, and all go on meanwhile. Some 20 us for each actor.

        :raises SystemStateError: if the system has not started.
        """
        return self._health.picture()

    @overload
    def tree(self, *, form: TextForm = "text", limit: int = 20) -> str: ...
    @overload
    def tree(self, *, form: Literal["rich"], limit: int = 20) -> Any: ...
    def tree(self, *, form: TextForm | Literal["rich"] = "text", limit: int = 20) -> Any:
        """Draw the picture of :meth:`health`.

        :param form: "text"; "mermaid", a flowchart; "json"; "rich", a renderable of
            that library (the extra ``rich``).
        :param limit: how many children of one actor are drawn, those in trouble
            first; JSON has them all.
        :raises OptionError: for another form, or a limit below 1.
        :raises MissingExtraError: for "rich" without the extra.
        :raises SystemStateError: if the system has not started.
        """
        return render(self.health(), form=form, limit=limit)

    def next_name(self, cls: type) -> str:
        """Make a name for an actor that was given none."""
        self._names += 1
        return f"{cls.__name__}-{self._names}"

    # -- the end -------------------------------------------------------------------------

    async def shutdown(self, timeout: float | None = None) -> None:
        """Stop all actors, children before parents, and then the system.

        On any loop; threads without one use :meth:`close`. Actors that have not
        stopped after the timeout are killed: an ``async def`` handler is cancelled, a
        blocking actor's thread abandoned; both are reported (``ShutdownTimedOut``).
        Stopping twice is harmless.

        :param timeout: seconds; default the system's ``shutdown_timeout``.
        :raises BlockingCallError: in a handler: it would wait for its own end.
        """
        if self.stopped or not self.host.ident:
            return
        if self.tasks.is_worker():
            raise BlockingCallError(
                call="await system.shutdown() in a handler",
                instead="start it as a task of its own: `asyncio.create_task(system.shutdown())`",
            )
        if self.host.loop is not asyncio.get_running_loop():
            await asyncio.to_thread(self.close, timeout)
            return
        if self._closing is None:
            limit = self.shutdown_timeout if timeout is None else check_seconds("timeout", timeout)
            self._closing = asyncio.ensure_future(shutting_down.shut_down(self, limit))
            # Should somebody cancel it: threads must not wait for what never comes.
            why = "its shutdown was cut short"
            self._closing.add_done_callback(lambda _: shutting_down.abandon(self, why))
        await asyncio.shield(self._closing)

    def close(self, timeout: float | None = None) -> None:
        """Do what :meth:`shutdown` does, blocking, from any thread but the loop's.

        Returns within the timeout and some three seconds even if a ``def`` handler holds
        the loop for ever; its thread is then abandoned and reported.

        :raises BlockingCallError: on the loop's thread.
        """
        self.check_may_block("system.close()", "use `await system.shutdown()`")
        limit = self.shutdown_timeout if timeout is None else check_seconds("timeout", timeout)
        shutting_down.close(self, limit)

    async def wait(self) -> None:
        """Wait until the system has stopped, or a failure has reached its root.

        That failure is raised: one of an actor at the top of the tree about
        which no policy decided anything, or one that was escalated to the root.
        """
        await first_of(self._ended, self._failed)
        if self._failure is not None:
            raise self._failure

    def join(self, timeout: float | None = None) -> None:
        """Do what :meth:`wait` does, blocking, in a thread.

        :raises DeadlineExceeded: after ``timeout`` seconds.
        :raises BlockingCallError: on the loop's thread.
        """
        self.check_may_block("system.join()", "use `await system.wait()`")
        done: Future[None] = Future()
        self._ended.add_done_callback(lambda: done.complete(None, None))
        self._failed.add_done_callback(lambda: done.complete(None, None))
        done.get(timeout=timeout)
        if self._failure is not None:
            raise self._failure

    def note_failure(self, error: BaseException) -> None:
        """Remember a failure that reached the root; the first one counts."""
        if self._failure is None:
            self._failure = error
            self._failed.complete(None, None)

    def comes_first_to_close(self) -> bool:
        """Tell the first thread that closes the system from the others, which only wait."""
        return self._closer.acquire(blocking=False)

    def await_end(self, timeout: float) -> None:
        """Block until the system has ended, or the time is over."""
        with contextlib.suppress(DeadlineExceeded):
            self._ended.get(timeout=timeout)

    def note_ended(self) -> None:
        """Let ``wait`` return."""
        self._ended.complete(None, None)

    # -- for the runtime ---------------------------------------------------------------------

    @property
    def late_replies(self) -> int:
        """How many replies came after their requests had ended, and were dropped."""
        return self._late_replies

    def statistics(self) -> SystemStatistics:
        """Count what there is and was; any thread."""
        return SystemStatistics(
            actors=self.actors_alive,
            actors_at_peak=self._actors_at_peak,
            dead_letters=self.dead_letters.total,
            late_replies=self._late_replies,
        )

    def count_one_more(self) -> None:
        """Count a new actor; under the lock."""
        self.actors_alive += 1
        self._actors_at_peak = max(self._actors_at_peak, self.actors_alive)

    def note_late_reply(self, cell: Cell) -> None:
        """Count a late reply of a cell."""
        with self.lock:
            self._late_replies += 1
        if self.events.wants(LateReply):
            self.events.publish(LateReply(path=cell.path, time=self.clock.time()))

    def runs_here(self) -> bool:
        """Tell whether the calling thread is running this system's actors."""
        ident = get_ident()
        if self.stopped or not self.host.ident:
            return False
        return self.host.is_running_here() or self.direct.owner == ident

    def check_may_block(self, call: str, instead: str) -> None:
        """Check that the calling thread may wait for actors.

        :raises BlockingCallError: if it runs them.
        """
        if self.runs_here():
            raise BlockingCallError(call=call, instead=instead)

    def door(self, append: Callable[[Any], None]) -> Callable[[Any], None]:
        """Make the door of a mailbox: what senders call."""
        return traced_door(self, append) if self.traces else append

    def enveloped(self, item: Any) -> Any:
        """Give a message headers, in a system that traces."""
        return enveloped(self, item)

    def headers(self, asker: Cell | None) -> Headers:
        """Make the headers of a message sent from the asker's current handler."""
        return make_headers(self, asker)

    def interrupted(self, error: BaseException) -> None:
        """Pass a Ctrl-C that hit a handler on to the top of the loop."""
        if self.host.is_current():
            self.host.call_soon(raise_error, error)

    def _loop_lost(self) -> None:
        """Somebody closed the loop under us: nothing can run any more."""
        if not self.stopped:
            shutting_down.abandon(self, "the event loop was closed under the system")
