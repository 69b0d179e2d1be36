"""One child of a supervisor: its spec, its cell, and what is done to it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast, final

from dramaturg.actors import (
    ExitReason,
    Ignore,
    Props,
    StartFailed,
    _circles as circles,
    _endings as endings,
    _kill as killing,
    _standing_in as standing_in,
)
from dramaturg.actors._begin import begin, usable
from dramaturg.actors._errors import said
from dramaturg.actors._exit_reason import KILLED, SHUTDOWN
from dramaturg.actors._health import Degradation
from dramaturg.actors._incarnation import release
from dramaturg.actors._lifecycle import Stop, order_stop
from dramaturg.actors._spawn import lay_down, resolved
from dramaturg.actors._state import DOWN, RUNNING
from dramaturg.actors._waiting import ended_within, within
from dramaturg.supervision._errors import StartTimeout
from dramaturg.supervision._events import ShutdownFailed
from dramaturg.supervision._spec import child_props
from dramaturg.supervision._strategy import ChildView

if TYPE_CHECKING:
    from collections.abc import Generator
    from datetime import datetime

    from dramaturg.actors import ActorRef
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._clock import TimerHandle
    from dramaturg.supervision._probe import Probe
    from dramaturg.supervision._spec import ChildSpec

__all__ = ["Child", "cut_short", "is_ignored", "start_error"]

_SHUT_DOWN = Stop(SHUTDOWN)


@final
class Child:
    """A child as its supervisor knows it; used in the supervisor's own turns only.

    ``alive`` is what the supervisor knows: that the actor has died meanwhile it
    learns from its mailbox, in order.

    ``cell`` is where the actor runs. On a lower rung of its ladder that is the
    fallback's, and ``front`` the one whose ref everybody holds.
    """

    __slots__ = (
        "alive",
        "announced",
        "before",
        "cell",
        "failures",
        "front",
        "id",
        "incarnation",
        "info",
        "probe",
        "props",
        "reason",
        "restarting",
        "rung",
        "since",
        "since_time",
        "spec",
        "timer",
        "up_since",
    )

    def __init__(self, spec: ChildSpec, props: Props[Any], id_: str) -> None:
        self.spec = spec
        self.props = props
        self.id = id_
        self.cell: Cell | None = None
        self.alive = False
        self.incarnation = 0
        self.restarting = False
        self.failures = -1
        """How many restarts in a row there were, for the back-off, less one."""
        self.up_since = 0.0
        self.info: Any = None
        self.timer: TimerHandle | None = None
        self.rung = 0
        """Which fallback serves; 0 is the original."""
        self.front: Cell | None = None
        self.before: Cell | None = None
        """The fallback of the rung before."""
        self.announced = 0
        """Which rung the world has been told of."""
        self.reason = ""
        """Why it is degraded."""
        self.since = 0.0
        self.since_time: datetime
        self.probe: Probe | None = None

    @property
    def ref(self) -> ActorRef[Any] | None:
        """The child's ref, if the supervisor believes that it lives."""
        cell = self.cell if self.front is None else self.front
        return cell.ref if self.alive and cell is not None else None

    @property
    def name(self) -> str:
        """The name of the actor that runs."""
        return f"{self.id}~{self.rung}" if self.rung else self.id

    @property
    def runs(self) -> bool:
        """Tell whether there is an actor to stop.

        Also one whose start was cut short together with its supervisor's turn.
        """
        return self.alive or (self.cell is not None and self.cell.state < DOWN)

    def is_active(self, *, of_pool: bool) -> bool:
        """Tell whether there is an actor; for a pool, as in OTP, what the supervisor believes."""
        return self.alive and (of_pool or (self.cell is not None and self.cell.state < DOWN))

    def view(self) -> ChildView:
        """Show what strategies look at."""
        spec = self.spec
        return ChildView(self.id, spec.restart, self.alive, spec.significant, self.restarting)

    # -- start

    def begin(self, parent: Cell, cause: BaseException | None = None) -> BaseException | None:
        """Make the next incarnation; return the error if its ``__init__`` raised.

        If it returns None and the child is not ``alive`` its hooks still run: await :meth:`up`.

        :param cause: the failure that the new instance's ``on_restart`` is to see.
        """
        self.forget_restart()
        cell = self.cell
        try:
            self.cell = cell = self._find_cell(parent) if cell is None else usable(cell)
            begin(cell, cause)
        except StartFailed as error:
            return error.__cause__ or error
        except Exception as error:  # noqa: BLE001 - a taken name, no more threads
            return error
        if cell.state is RUNNING:
            self.note_up()
        return None

    async def up(self) -> BaseException | None:
        """Wait until the hooks of the start have run; return the error if the child is not up."""
        cell = cast("Cell", self.cell)
        future = endings.start_outcome(cell)
        limit = self.spec.start_timeout
        in_time = True
        if not future.is_done():
            with _waiting_for(cell):
                in_time = await within(cell.system, future, limit)
        if not in_time:
            error = StartTimeout(path=cell.path, timeout=cast("float", limit))
            await cut_short(cell, ExitReason("killed", error=error))
            return error
        failed = start_error(future)
        if failed is None:
            self.note_up()
        return failed

    def note_up(self) -> None:
        """The actor runs."""
        cell = cast("Cell", self.cell)
        self.alive = True
        self.incarnation = cell.incarnation
        self.up_since = cell.system.now()
        self.info = None if cell.extra is None else cell.extra.start_info

    def _find_cell(self, parent: Cell) -> Cell:
        """Take over what an earlier incarnation of the supervisor left, so that refs stay."""
        cell = (parent.children or {}).get(self.name)
        if cell is not None and cell.state is DOWN:
            props, cls = resolved(self.props)
            if cell.actor_class._kind == cls._kind:
                cell = usable(cell)
                cell.props = props
                if cell.extra is not None and cell.extra.stand_in is not None:
                    standing_in.take_back(cell, cell.extra.stand_in)
                return cell
            release(cell)
        return lay_down(parent, self.props, self.name)

    # -- stop

    def tell_to_stop(self) -> bool:
        """Give the order to stop, or kill at once; tell whether it has ended already."""
        cell = cast("Cell", self.cell)
        # From now on its end is expected.
        self.alive = False
        if self.spec.shutdown == "brutal_kill":
            killing.kill(cell)
        elif cell.state < DOWN:
            order_stop(cell, _SHUT_DOWN, here=True)
        return cell.state >= DOWN

    async def stopped(self, until: float | None = None) -> None:
        """Wait for the end that was ordered; kill what takes too long, abandon what survives that.

        :param until: the moment when time is over, instead of the spec's own limit.
        """
        cell = cast("Cell", self.cell)
        shutdown = self.spec.shutdown
        if shutdown == "brutal_kill":
            if not await ended_within(cell, killing.patience_for(cell)):
                killing.abandon(cell, for_good=False)
            return
        limit = None if shutdown == "infinity" else cast("float", shutdown)
        if until is not None:
            limit = max(0.0, until - cell.system.now())
        with _waiting_for(cell):
            in_time = await ended_within(cell, limit)
        if not in_time:
            await cut_short(cell)
        self.report_stop()

    def report_stop(self) -> None:
        """Report an end that is not as ordered."""
        cell = cast("Cell", self.cell)
        reason = SHUTDOWN if cell.extra is None else cell.extra.exit_reason
        clean = reason.kind == "shutdown" or (reason.is_clean and self.spec.restart != "permanent")
        expected = reason is KILLED and self.spec.shutdown == "brutal_kill"
        if not clean and not expected and cell.system.events.wants(ShutdownFailed):
            time = cell.system.clock.time()
            cell.system.events.publish(ShutdownFailed(path=cell.path, time=time, reason=reason))

    def release(self) -> None:
        """Let it have ended for good: watchers are told, what is queued becomes dead letters."""
        self.climb_back()
        if self.cell is not None and self.cell.state is DOWN:
            release(self.cell)

    def forget_restart(self) -> None:
        """No restart is due any more."""
        self.restarting = False
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    # -- the ladder

    def step_down(self, cause: BaseException | None) -> None:
        """Let the next rung be what is started from now on."""
        if self.front is None:
            self.front = cell = cast("Cell", self.cell)
            self.since = cell.system.now()
            self.since_time = cell.system.clock.time()
        else:
            self.before = self.cell
        self.rung += 1
        self.reason = "it ended" if cause is None else said(cause)
        self.cell = None
        self.props = child_props(self.spec.fallbacks[self.rung - 1])

    def serve(self) -> bool:
        """Let the fallback, which is up, serve under the child's ref; tell whether that is news."""
        front, cell = cast("Cell", self.front), cast("Cell", self.cell)
        if front.more().stand_in is not cell:
            standing_in.serve_for(front, cell, self.before)
        if self.before is not None:
            release(self.before)
            self.before = None
        is_news, self.announced = self.announced != self.rung, self.rung
        return is_news

    def degradation(self) -> Degradation:
        """Say how far down the child is."""
        return Degradation(
            rung=self.props.actor_class.__qualname__,
            reason=self.reason,
            since=self.since,
            since_time=self.since_time,
            rungs_left=len(self.spec.fallbacks) - self.rung,
        )

    def climb_back(self) -> Cell | None:
        """Let the original be what runs again; it and the fallback are DOWN. Return the latter."""
        front, stand_in = self.front, self.cell
        if front is None:
            return None
        self.climb()
        if self.before is not None:
            standing_in.take_back(front, self.before)
            release(self.before)
            self.before = None
        elif stand_in is not None and front.more().stand_in is not None:
            standing_in.take_back(front, stand_in)
        if stand_in is not None:
            release(stand_in)
        return stand_in

    def climb(self) -> None:
        """Note that the original is what runs."""
        self.cell, self.front = self.front, None
        self.rung = self.announced = 0
        self.props = child_props(self.spec.start, keep_mailbox=self.spec.keep_mailbox)


@contextmanager
def _waiting_for(cell: Cell) -> Generator[None]:
    """Let a request of the child to its supervisor, who waits for it, fail at once."""
    parent = cast("Cell", cell.parent)
    edge = circles.note_wait(parent, cell)
    try:
        yield
    finally:
        circles.end_wait(parent, edge)


def start_error(future: Any) -> BaseException | None:
    """Return what a start failed with; None if the actor is up."""
    try:
        future.get()
    except StartFailed as error:
        return error.__cause__ or error
    return None


def is_ignored(error: BaseException | None) -> bool:
    """Tell whether a start did not fail but was not wanted."""
    return isinstance(error, Ignore)


async def cut_short(cell: Cell, reason: ExitReason = KILLED) -> None:
    """Kill an actor; if it does not come to its end, abandon it."""
    patience = killing.patience_for(cell)
    killing.kill(cell, reason)
    if not await ended_within(cell, patience):
        killing.abandon(cell, for_good=False)
