"""Trying out the original of a degraded child, half-open, while a fallback serves.

The original is started where it was, in the front's cell, but hears nothing of
what is sent to its ref: that goes on to the fallback. Then it is asked the probe,
if the spec has one. The supervisor does not wait for any of this: each step
comes to it as a message of its own.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast, final

from dramaturg.actors import _endings as endings, _standing_in as standing_in
from dramaturg.actors._begin import begin, usable
from dramaturg.actors._envelope import Envelope
from dramaturg.actors._errors import said
from dramaturg.actors._future import Future
from dramaturg.actors._signals import Internal
from dramaturg.actors._state import RUNNING
from dramaturg.supervision import _ladder as ladder
from dramaturg.supervision._child import start_error
from dramaturg.supervision._events import ProbeFailed

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._clock import TimerHandle
    from dramaturg.supervision._child import Child
    from dramaturg.supervision._team import Team

__all__ = ["Probe"]


@final
class Probe:
    """The attempts to go back to one child's original, one after the other."""

    __slots__ = ("_child", "_future", "_supervisor", "_team", "_timer", "trying")

    def __init__(self, team: Team, child: Child) -> None:
        self._team = team
        self._supervisor = team.cell
        self._child = child
        self._timer: TimerHandle | None = None
        self._future: Future[Any] | None = None
        self.trying = False
        """Whether the original runs, and is being tried."""
        self._plan()

    def _plan(self) -> None:
        self._ring_in(self._child.spec.probe_every, _Step(self, Probe._try))

    def _ring_in(self, seconds: float, step: _Step) -> None:
        if self._timer is not None:
            self._timer.cancel()
        system = self._supervisor.system
        when = system.now() + seconds
        self._timer = system.clock.call_at(when, self._supervisor.post_internal, step)

    def end(self) -> None:
        """Try no more; an original that is being tried runs on."""
        self._child.probe = None
        self.trying = False
        if self._timer is not None:
            self._timer.cancel()

    def _is_current(self) -> bool:
        return self._child.probe is self

    def _try(self) -> Any:
        """Start the original."""
        if not self._is_current():
            return None
        try:
            front = usable(cast("Cell", self._child.front))
            ladder.note_front(self._team, self._child, front)
            begin(front)
        except Exception as error:  # noqa: BLE001 - it is still down
            self._tell(error)
            return self._plan()
        self.trying = True
        self._ring_in(self._child.spec.probe_timeout, _Step(self, Probe.fail))
        return self._await(endings.start_outcome(front), Probe._started)

    def _await(self, future: Future[Any], then: Any) -> None:
        self._future = future
        step = _Step(self, partial(then, future=future))
        future.add_done_callback(lambda: self._supervisor.post_internal(step))

    def _started(self, future: Future[Any]) -> Any:
        if not self._is_current() or self._future is not future or not self.trying:
            return None
        failed = start_error(future)
        if failed is not None:
            return self.fail(failed)
        front = cast("Cell", self._child.front)
        make_probe = self._child.spec.probe
        if make_probe is None:
            return self._succeed()
        answer: Future[Any] = Future()
        try:
            message = make_probe()
        except Exception as error:  # noqa: BLE001 - the user's function
            return self.fail(error)
        until = front.system.now() + self._child.spec.probe_timeout
        standing_in.ask_front(front, Envelope(message, answer, None, until))
        return self._await(answer, Probe._answered)

    def _answered(self, future: Future[Any]) -> Any:
        if not self._is_current() or self._future is not future or not self.trying:
            return None
        try:
            future.get()
        except Exception as error:  # noqa: BLE001 - whatever the original says but an answer
            return self.fail(error)
        return self._succeed()

    def _tell(self, error: BaseException | None) -> None:
        system = self._supervisor.system
        front = cast("Cell", self._child.front)
        time = system.clock.time()
        system.log.warning("probe_failed", path=front.path, error=said(error) if error else None)
        if system.events.wants(ProbeFailed):
            system.events.publish(ProbeFailed(path=front.path, time=time, error=error))

    def _succeed(self) -> Any:
        front = cast("Cell", self._child.front)
        if front.state is not RUNNING:
            return self.fail()
        self.end()
        return ladder.recover(self._team, self._child)

    def fail(self, error: BaseException | None = None) -> Any:
        """Go on with the fallback: the original failed, or took too long."""
        if not self._is_current():
            return None
        was_trying, self.trying = self.trying, False
        if was_trying:
            self._tell(error)
        self._plan()
        if was_trying:
            return ladder.put_down(self._child)
        return None


@final
class _Step(Internal):
    """The next step of a probe, as a message to the supervisor."""

    __slots__ = ("_probe", "_step")

    def __init__(self, probe: Probe, step: Any) -> None:
        self._probe = probe
        self._step = step

    def handle(self, cell: Cell) -> Any:  # noqa: ARG002 - it knows its supervisor
        return self._step(self._probe)
