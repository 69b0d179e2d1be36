"""What a supervisor does: it starts, restarts and stops its children by OTP's rules.

Theory of operation
===================

*One thing at a time.* A supervisor does everything in its own turns: while a child
starts or stops it handles nothing else (S13). Requests and the ends of children
wait in its mailbox, in order; an order to stop waits in the control lane and is
obeyed before the next message.

*What it believes.* ``Child.alive`` is what the supervisor knows, not what is: a
child may have died, and the news of it wait in the mailbox. Whoever is told to
stop is marked dead first, so that its end, when the news comes, is expected;
news of an incarnation before the one that was started last is stale.

*A restart* is planned by the pure functions of ``_strategy``. Its first attempt
is made at once; if a start fails, the child is ``restarting`` and the supervisor
sends itself :class:`_TryAgain`. What came in meanwhile is handled first, so that
an order to terminate the child, or to stop, wins. Every attempt is counted in
the window before it is made.

*Cells stay.* A child that is restarted keeps its cell, and so ref and mailbox
(see ``actors/_incarnation``). When the supervisor itself is restarted, it finds
the cells of the children of its spec where the incarnation before has left
them. A child that is not to be restarted is *released*: it has ended for good.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, final

from dramaturg.actors import ExitReason
from dramaturg.actors._crash import Escalated
from dramaturg.actors._exit_reason import IGNORED
from dramaturg.actors._health import HealthNote
from dramaturg.actors._incarnation import AT_A_TIME, release, release_gently
from dramaturg.actors._lifecycle import Stop
from dramaturg.actors._signals import Internal
from dramaturg.actors._state import DOWN
from dramaturg.actors._tree import is_supervised
from dramaturg.supervision import _ladder as ladder
from dramaturg.supervision._child import Child, is_ignored
from dramaturg.supervision._errors import FailedToStartChild, RestartLimitReached
from dramaturg.supervision._events import RestartLimitExceeded
from dramaturg.supervision._spec import child_props
from dramaturg.supervision._strategy import after_exit, plan_restart, shuts_down
from dramaturg.supervision._window import RestartWindow

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._clock import TimerHandle
    from dramaturg.actors._incarnation import ChildExit
    from dramaturg.supervision._spec import ChildSpec, SupervisorSpec

__all__ = ["Team"]


@final
class _TryAgain(Internal):
    """A restart failed, or waits for its time: the next attempt is due."""

    __slots__ = ("_cause", "_child", "_team", "timer")

    def __init__(self, team: Team, child: Child, cause: BaseException | None) -> None:
        self._team = team
        self._child = child
        self._cause = cause
        self.timer: TimerHandle | None = None

    def handle(self, cell: Cell) -> Any:  # noqa: ARG002 - it knows its team
        # It may have rung just before another attempt was made, which failed: then a pause
        # has begun anew, and has a timer of its own.
        if self.timer is not self._child.timer:
            return None
        return self._team.try_again(self._child, self._cause)


@final
class Team:
    """The children of one incarnation of a supervisor; used in its own turns only."""

    def __init__(self, cell: Cell, spec: SupervisorSpec) -> None:
        self.cell = cell
        self.spec = spec
        self.is_pool = spec.strategy == "simple_one_for_one"
        self._one_for_one = spec.strategy in {"one_for_one", "simple_one_for_one"}
        self.children: dict[str, Child] = {}
        """In start order."""
        self.by_cell: dict[Cell, Child] = {}
        self._static = frozenset[str]()
        """The ids of the spec's own children: their cells outlive this incarnation."""
        self._window = RestartWindow(spec.intensity, spec.period)

    def health(self) -> HealthNote:
        system = self.cell.system
        degraded = {
            child.id: child.degradation()
            for child in tuple(self.children.values())
            if child.announced
        }
        spec = self.spec
        count = self._window.restarts(system.now())
        return HealthNote(
            restarts_in_window=count,
            intensity=spec.intensity,
            period=spec.period,
            degraded=degraded,
        )

    # -- start ---------------------------------------------------------------------

    async def start_all(self) -> None:
        """Start the children of the spec.

        :raises FailedToStartChild: if one does not come up; those before it have been stopped.
        """
        if not self.is_pool:
            self._static = frozenset(child.id for child in self.spec.children)
            for done, child_spec in enumerate(self.spec.children, 1):
                child = self.add(child_spec)
                error = await self.start(child)
                await _breathe(done)
                if is_ignored(error):
                    self.settle_ignored(child)
                elif error is not None:
                    await self.stop_children()
                    raise FailedToStartChild(path=self.cell.path, child=child.id, error=error)
        self._release_leftovers()

    def add(self, spec: ChildSpec, id_: str | None = None, props: Any = None) -> Child:
        if props is None:
            props = child_props(spec.start, keep_mailbox=spec.keep_mailbox)
        child = Child(spec, props, spec.id if id_ is None else id_)
        self.children[child.id] = child
        return child

    async def start(self, child: Child, cause: BaseException | None = None) -> BaseException | None:
        """Start a child; return the error if it is not up."""
        error = self.begin(child, cause)
        if error is None and not child.alive:
            error = await child.up()
        return error

    def begin(self, child: Child, cause: BaseException | None) -> BaseException | None:
        before = child.cell
        error = child.begin(self.cell, cause)
        if child.cell is not before:
            if before is not None:
                self.by_cell.pop(before, None)
            if child.cell is not None:
                self.by_cell[child.cell] = child
        return error

    def settle_ignored(self, child: Child) -> None:
        """See to a child that asked not to be started."""
        if child.probe is not None:
            child.probe.end()
        if child.spec.restart == "temporary" or self.is_pool:
            self.forget(child)
        else:
            child.release()

    def forget(self, child: Child) -> None:
        child.forget_restart()
        self.children.pop(child.id, None)
        for cell in (child.cell, child.front, child.before):
            if cell is not None:
                self.by_cell.pop(cell, None)
        child.release()

    def _release_leftovers(self) -> None:
        """End for good what the incarnation before has left and this one does not want."""
        for name, cell in tuple((self.cell.children or {}).items()):
            if name not in self.children and cell.state is DOWN:
                release(cell)

    # -- the end of a child ----------------------------------------------------------

    def child_exited(self, exit_: ChildExit) -> Any:
        child = self.by_cell.get(exit_.cell)
        if child is not None and child.front is exit_.cell:
            return ladder.original_exited(child, exit_.incarnation)
        if child is None or not child.alive or child.incarnation > exit_.incarnation:
            # Later than what was started here is an incarnation that the actor's own policy made.
            return None
        child.alive = False
        if exit_.reason is IGNORED:  # a restart at once, which was not wanted
            self.settle_ignored(child)
            return None
        spec = child.spec
        follows = after_exit(spec.restart, clean=exit_.reason.is_clean)
        if follows == "restart":
            return self._restart(child, exit_.reason.error)
        forget = follows == "forget" or self.is_pool
        if child.probe is not None:
            return ladder.retire(self, child, forget=forget)
        self.let_end(child, forget=forget)
        return None

    def restarts_at_once(self, cell: Cell) -> bool:
        """Decide that a failed child begins again, if nothing else is concerned, and count it.

        See :class:`dramaturg.actors._incarnation.Guardian`.
        """
        child = self.by_cell.get(cell)
        if (
            child is None
            or not child.alive
            or child.rung
            or child.spec.backoff is not None
            or child.spec.restart == "temporary"
            or not self._one_for_one
        ):
            return False
        now = cell.system.now()
        window = self._window.add(now)
        if window.exceeded:
            return False
        self._window = window
        child.incarnation = cell.incarnation + 1
        child.up_since = now
        return True

    def let_end(self, child: Child, *, forget: bool) -> None:
        """See to a child that ended by itself and is not restarted."""
        if forget:
            self.forget(child)
        else:
            child.release()
        if child.spec.significant:
            others = (each.view() for each in self.children.values() if each is not child)
            if shuts_down(self.spec.auto_shutdown, child.view(), others):
                self.cell.signal(Stop(ExitReason("shutdown")))

    def _restart(self, child: Child, cause: BaseException | None) -> Any:
        """Make the first attempt, now or after the pause; may return a coroutine."""
        backoff = child.spec.backoff
        if backoff is None:
            return self._attempt(child, cause)
        up_for = self.cell.system.now() - child.up_since
        child.failures = backoff.next_count(child.failures, up_for)
        self._plan_attempt(child, cause)
        return None

    def _plan_attempt(self, child: Child, cause: BaseException | None) -> None:
        """Let the next attempt be made: behind what waits, after the pause of the spec."""
        child.restarting = True
        cell = self.cell
        again = _TryAgain(self, child, cause)
        backoff = child.spec.backoff
        if backoff is None:
            cell.post_internal(again)
        else:
            pause = backoff.delay(max(0, child.failures), cell.system.random)
            when = cell.system.now() + pause
            child.timer = again.timer = cell.system.clock.call_at(when, cell.post_internal, again)

    def try_again(self, child: Child, cause: BaseException | None) -> Any:
        if not child.restarting or self.children.get(child.id) is not child:
            return None
        return self._attempt(child, cause)

    def _attempt(self, child: Child, cause: BaseException | None) -> Any:
        """Count an attempt and make it; may return a coroutine."""
        self._window = self._window.add(self.cell.system.now())
        if self._window.exceeded:
            if child.rung >= len(child.spec.fallbacks):
                return self._give_up(child, cause)
            # The count begins anew, as it would after a restart of the supervisor.
            self._window = RestartWindow(self.spec.intensity, self.spec.period)
            child.step_down(cause)
            cause = None
        return self._make_attempt(child, cause)

    def _make_attempt(self, child: Child, cause: BaseException | None) -> Any:
        if not self._one_for_one:
            return self._restart_group(child, cause)
        # The common case: nobody else is concerned, and nothing has to be waited for.
        error = self.begin(child, cause)
        if error is None and not child.alive:
            return self._finish_attempt(child)
        self._settle_attempt(child, error)
        return None

    async def _finish_attempt(self, child: Child) -> None:
        self._settle_attempt(child, await child.up())

    def _settle_attempt(self, child: Child, error: BaseException | None) -> bool:
        """See to what came of one start; tell whether the group's start goes on."""
        if error is None:
            if child.rung:
                ladder.serve(self, child)
            return True
        if is_ignored(error):
            self.settle_ignored(child)
            return True
        if child.spec.backoff is not None:
            child.failures += 1
        self._plan_attempt(child, error)
        return False

    async def _restart_group(self, child: Child, cause: BaseException | None) -> None:
        views = [each.view() for each in self.children.values()]
        plan = plan_restart(self.spec.strategy, views, child.id)
        for id_ in plan.stop:
            await self.stop(self.children[id_])
        for id_ in plan.forget:
            self.forget(self.children[id_])
        group = [self.children[id_] for id_ in plan.start]
        for member in group:
            member.forget_restart()
        for member in group:
            error = await self.start(member, cause if member is child else None)
            if not self._settle_attempt(member, error):
                return

    async def stop(self, child: Child) -> None:
        """Stop one child by its rule."""
        if child.probe is not None:
            await ladder.end_probe(child)
        if not child.runs:
            return
        if child.tell_to_stop():
            child.report_stop()
        else:
            await child.stopped()

    # -- the end of the supervisor -----------------------------------------------------

    def _give_up(self, child: Child, cause: BaseException | None) -> None:
        cell = self.cell
        spec = self.spec
        child.forget_restart()
        error = RestartLimitReached(
            path=cell.path, child=child.id, intensity=spec.intensity, period=spec.period
        )
        error.__cause__ = cause
        cell.system.events.publish(
            RestartLimitExceeded(
                path=cell.path,
                time=cell.system.clock.time(),
                child=child.id,
                intensity=spec.intensity,
                period=spec.period,
            )
        )
        cell.signal(Stop(ExitReason("shutdown", error=error)))
        parent = cell.parent
        if parent is None or parent.parent is None:
            cell.system.note_failure(error)
        elif not parent.actor_class._supervises:
            parent.signal(Escalated(error, parent.incarnation))

    async def stop_children(self) -> None:
        """Stop all children, the youngest first; those of a pool all at once (S2, S12)."""
        children = list(self.children.values())
        for child in children:
            child.forget_restart()
        if self.is_pool:
            await self._stop_at_once([child for child in children if child.runs])
        else:
            for done, child in enumerate(reversed(children), 1):
                await self.stop(child)
                await _breathe(done)
        for done, child in enumerate(children, 1):
            await self._let_go(child)
            await _breathe(done)

    async def _let_go(self, child: Child) -> None:
        """End a stopped child for good, unless the next incarnation may find it again."""
        comes_back = child.id in self._static and child.spec.restart != "temporary"
        child.climb_back()
        cell = child.cell
        if (
            cell is not None
            and cell.state is DOWN
            and not (comes_back and is_supervised(self.cell))
        ):
            await release_gently(cell)

    def forget_plans(self) -> None:
        """Call off restarts and probes that are still due."""
        for child in self.children.values():
            child.forget_restart()
            if child.probe is not None:
                child.probe.end()

    async def _stop_at_once(self, children: list[Child]) -> None:
        system = self.cell.system
        started = system.now()
        waiting: list[Child] = []
        for child in children:
            await ladder.end_probe(child)
        for done, child in enumerate(children, 1):
            if child.tell_to_stop():
                child.report_stop()
            else:
                waiting.append(child)
            await _breathe(done)
        for child in waiting:
            shutdown = child.spec.shutdown
            until = None if isinstance(shutdown, str | None) else started + shutdown
            await child.stopped(until)


async def _breathe(done: int) -> None:
    """Let others have the loop now and then, in what is done for many children."""
    if done % AT_A_TIME == 0:
        await asyncio.sleep(0)
