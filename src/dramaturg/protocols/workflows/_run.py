"""One instance: its records, applied; and what is to be done next.

``apply`` and ``decide`` are the two halves of `_live`'s theory of operation. Everything here is
plain data and runs in the coordinator's turn.
"""

from __future__ import annotations

import inspect
from collections import deque
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from dramaturg.protocols.workflows._live import LiveAction
from dramaturg.protocols.workflows._live_steps import live_class
from dramaturg.protocols.workflows._outcome import StepError, error_of
from dramaturg.protocols.workflows._participant import Call, takes
from dramaturg.protocols.workflows._records import (
    Begun,
    CancelRequested,
    Decided,
    Ended,
    Failed,
    Intended,
    MadeAgain,
    Migrated,
    Resolved,
    Settled,
    Signalled,
    Succeeded,
    TimerFired,
)
from dramaturg.protocols.workflows._scope import LiveUndo, Scope, Stuck

if TYPE_CHECKING:
    from dramaturg.protocols.workflows._definition import Definition
    from dramaturg.protocols.workflows._live import Live, Outside, Parent
    from dramaturg.protocols.workflows._records import Record, Status
    from dramaturg.protocols.workflows._step import Function, Step

__all__ = ["Run"]

END = ("", "end")


class Run(Scope):
    """The progress of one instance; the root of its live steps, and their outermost scope."""

    def __init__(self, definition: Definition, instance: str) -> None:
        self.definition = definition
        self.instance = instance
        self.begun: Begun | None = None
        self.ended: Ended | None = None
        self.live: dict[str, Live] = {}
        self.late: dict[str, Live] = {}
        self.needs: dict[tuple[str, str], None] = {}
        self._asked: dict[str, list[str]] = {}
        """What each step has asked for, so that it is taken back without looking at all others."""
        self.timers: dict[tuple[str, str], float] = {}
        self.touched: dict[tuple[str, str], None] = {}
        """The timers that may have changed since somebody has last looked."""
        self.open: dict[str, int] = {}
        """The attempt under way at each address."""
        self.opened: dict[str, None] = {}
        self.closed: dict[str, None] = {}
        """Where attempts were begun, or cut short, since somebody has last looked."""
        self.owed: dict[str, LiveAction] = {}
        """The actions that may have left a workflow within running."""
        self.waits: dict[str, list[Any]] = {}
        self._arrived: dict[str, None] = {}
        """The events of which one is kept, and for which somebody may wait."""
        self.signals: dict[str, deque[Any]] = {}
        self.seen_signals: set[str] = set()
        self.results: dict[str, Any] = {}
        self.stuck: dict[str, Stuck] = {}
        self.compensating = 0
        self.retrying = 0
        """So many compensations that were stuck are tried again."""
        self.run = self
        self.begin_noting()
        self.cancelled: str | None = None
        self._outcome: tuple[bool, Any] | None = None
        self._is_over = False
        """Whether its outcome is there, and what belongs to that is undone."""
        self._number = 0

    @property
    def workflow(self) -> str:
        """The name of the workflow."""
        return self.definition.name

    @property
    def status(self) -> Status:
        """How far it is."""
        if self.ended is not None:
            return self.ended.status
        return "compensating" if self.compensating else "running"

    @property
    def has_outcome(self) -> bool:
        """Whether it is known how it ends, though something may yet have to be undone."""
        return self._outcome is not None or any(each.is_the_end for each in self.live.values())

    @property
    def gives_up_result(self) -> bool:
        """Whether it has a result, and no end that an operator is needed for."""
        return self._is_ok and (
            self.ended is None or self.ended.completes or self.ended.status == "completed"
        )

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is to be done any more."""
        busy = self.open or self.timers or self.needs or self.waits or self.owed
        return self.ended is not None and not busy

    # -- for live steps --------------------------------------------------------------------

    def make(self, spec: Step, parent: Parent, prefix: str, scope: Scope) -> Live:
        """Make a step of this instance."""
        live: Live = live_class(spec)(spec, parent, self, prefix, scope)
        return live

    def need(self, live: Live, what: str) -> None:
        """Ask for a decision."""
        self.needs[live.address, what] = None
        self._asked.setdefault(live.address, []).append(what)

    def set_timer(self, live: Live, what: str, due: float) -> None:
        """Ask to be told when a time has come."""
        self.timers[live.address, what] = due
        self.touched[live.address, what] = None
        self._asked.setdefault(live.address, []).append(what)

    def owe(self, action: LiveAction) -> None:
        """Note that what an action has begun within has to be ended."""
        if action.ends_within and hasattr(action.spec.participant, "over"):
            self.owed[action.address] = action

    def wait(self, live: Any, event: str) -> None:
        """Let a step wait for an event, which may be there."""
        self.waits.setdefault(event, []).append(live)
        if event in self.signals:
            self._arrived[event] = None

    def need_end(self) -> None:
        """Ask for the end, if it is; it is told once more when it is another one."""
        if not self._is_over or self.is_undoing or self.retrying:
            return
        end, ended = self._end(), self.ended
        known = None if ended is None else (ended.status, ended.stuck, ended.completes)
        if known != (end.status, end.stuck, end.completes):
            self.needs[END] = None

    def abandon_late(self, scope: Scope) -> None:
        """Cut those short that came late and belong to what is undone."""
        for late in tuple(self.late.values()):
            if late.scope.now is scope:
                late.abandon()

    def quieten(self, address: str) -> None:
        """Take back what a step has asked for."""
        for what in self._asked.pop(address, ()):
            self.needs.pop((address, what), None)
            if self.timers.pop((address, what), None) is not None:
                self.touched[address, what] = None
        if self.open.pop(address, None) is not None:
            self.closed[address] = None

    def forget(self, live: Live) -> None:
        """Take a step out that is there no more."""
        self.quieten(live.address)
        if self.live.get(live.address) is live:
            del self.live[live.address]

    def next_number(self) -> int:
        """Count what is done."""
        self._number += 1
        return self._number

    def asked(self, live: Live, function: Function | None, value: Any) -> Any:
        """Ask a function of the user's."""
        if function is None:
            return None
        ask: Any = function
        wants_call = takes("a function", function) > 1
        found = ask(value, self.call(live)) if wants_call else ask(value)
        if inspect.iscoroutine(found):
            found.close()
            raise TypeError("it is asked by a coroutine; expected a plain function")
        return found

    def key(self, address: str) -> str:
        """Return the idempotency key of a step, which no other step of any instance has."""
        instance = self.instance.replace("%", "%25").replace("/", "%2F")
        return f"{self.workflow}/{instance}/{address}"

    def call(self, live: Live) -> Call:
        """Make what a function may want to know."""
        action = live if isinstance(live, LiveAction) else None
        undo = live if isinstance(live, LiveUndo) else None
        return Call(
            instance=self.instance,
            address=live.address,
            key=self.key(live.address),
            attempt=1 if action is None else action.attempt,
            input=None if self.begun is None else self.begun.input,
            results=MappingProxyType(self.results),
            undoes=None if undo is None else undo.action.key,
            undone=None if undo is None else undo.action.result,
            restarts=0 if action is None else action.restarts,
        )

    # -- its end ---------------------------------------------------------------------------

    def child_ok(self, child: Live, value: Any) -> None:  # noqa: ARG002 - there is one
        self._outcome = True, value
        self._undo_everything()

    def child_failed(self, child: Live, error: StepError) -> None:  # noqa: ARG002
        self._outcome = False, error
        self._undo_everything()

    def _undo_everything(self) -> None:
        if not self._is_ok:
            self.abandon_late(self)
        self.compensating += 1
        self.undo_all()

    @property
    def _is_ok(self) -> bool:
        return self._outcome is not None and self._outcome[0]

    def next_to_undo(self) -> LiveAction | None:
        if not self._is_ok:
            return super().next_to_undo()
        for index in reversed(range(len(self.done))):
            if self.done[index][1].is_cut:
                return self.done.pop(index)[1]
        return None

    def undo_cut(self) -> None:
        # Those that come late may leave something to undo when all else is over.
        if self._is_over and self._is_ok and not self.is_undoing:
            self._undo_everything()

    def undone(self) -> None:
        self.compensating -= 1
        self._is_over = True
        self.need_end()

    def _end(self) -> Ended:
        ok, value = self._outcome or (False, None)
        if self.stuck:
            first = next(iter(self.stuck.values())).error
            why, stuck = first if ok else value, tuple(self.stuck)
            return Ended(status="stuck", error=why, stuck=stuck, completes=ok)
        if ok:
            return Ended(status="completed", value=value)
        status: Status = "failed" if self.cancelled is None else "cancelled"
        if self.definition.compensates:
            status = "compensated"
        return Ended(status=status, error=value)

    # -- decisions -------------------------------------------------------------------------

    def decide(self, outside: Outside) -> Record | None:
        """Answer the first thing that is asked for; None if nothing is."""
        for address, what in self.needs:
            if (address, what) == END:
                return self._end()
            live = self.live[address]
            try:
                return live.decide(what, outside)
            except Exception as error:  # noqa: BLE001 - the user's function
                return Failed(address=address, error=error_of(address, error, 1))
        return None

    # -- records ---------------------------------------------------------------------------

    def apply(self, record: Record) -> None:
        """Take note of what is written, and go on as far as that leads."""
        _APPLY[type(record)](self, record)
        # Not where a step begins to wait: a thousand of them would be a tower of calls.
        while self._arrived:
            event = next(iter(self._arrived))
            del self._arrived[event]
            self._hand_out(event)

    def _hand_out(self, event: str) -> None:
        """Give what was kept to those who wait for it, the first to the first."""
        kept = self.signals.get(event)
        while kept and self.waits.get(event):
            self.waits[event][0].signalled(kept.popleft())
        if kept is not None and not kept:
            del self.signals[event]

    def _begun(self, record: Begun) -> None:
        self.begun = record
        root = self.definition.root
        self.make(root, self, "", self).enter(record.input)

    def _intended(self, record: Intended) -> None:
        self.needs.pop((record.address, "attempt"), None)
        live = self.live[record.address]
        assert isinstance(live, LiveAction)  # noqa: S101 - only actions ask for attempts
        live.on_intended(record)

    def _made_again(self, record: MadeAgain) -> None:
        live = self.live[record.address]
        assert isinstance(live, LiveAction)  # noqa: S101
        live.restarts = record.restarts

    def _succeeded(self, record: Succeeded) -> None:
        self.open.pop(record.address, None)
        live = self.live[record.address]
        assert isinstance(live, LiveAction)  # noqa: S101
        live.on_succeeded(record.value)

    def _failed(self, record: Failed) -> None:
        if not record.address:
            self._give_up_result(record.error)
            return
        live = self.live[record.address]
        if record.retry_at is None:
            self.quieten(record.address)
        live.on_failed(record)

    def _give_up_result(self, error: StepError) -> None:
        """Fail behind the last step: each result could be stored, and all of them cannot."""
        del self.needs[END]
        self._is_over = False
        root = self.definition.root.name
        self._outcome = False, error.model_copy(update={"step": root})
        self._undo_everything()

    def _decided(self, record: Decided) -> None:
        self.needs.pop((record.address, record.what), None)
        self.live[record.address].on_decided(record.what, record.choice)

    def _timer_fired(self, record: TimerFired) -> None:
        self.timers.pop((record.address, record.what), None)
        self.touched[record.address, record.what] = None
        self.live[record.address].on_timer(record.what)

    def _signalled(self, record: Signalled) -> None:
        if record.signal is not None:
            self.seen_signals.add(record.signal)
        self.signals.setdefault(record.event, deque()).append(record.value)
        self._arrived[record.event] = None

    def _cancel_requested(self, record: CancelRequested) -> None:
        gives_up = record.is_last and self.gives_up_result
        self.cancelled = record.reason
        if self._outcome is not None and not gives_up:
            return
        self._outcome = (
            False,
            StepError(step="", kind="cancelled", type="Cancelled", text=record.reason),
        )
        if gives_up:
            self._give_up_end()
            return
        root = self.live.get(self.definition.root.name)
        if root is not None:
            root.abandon()
        self._undo_everything()

    def _give_up_end(self) -> None:
        """Undo all that was done, behind the last step."""
        self.ended = None
        self._is_over = False
        self.needs.pop(END, None)
        if self.is_undoing:  # only what was cut short: now it goes on with the rest
            self.abandon_late(self)
        else:
            self._undo_everything()

    def _resolved(self, record: Resolved) -> None:
        stuck = self.stuck.pop(record.address)
        self.ended = None
        if record.how == "retry":
            stuck.again()
        else:
            self.need_end()

    def _settled(self, record: Settled) -> None:
        self.owed.pop(record.address, None)

    def _migrated(self, record: Migrated) -> None:
        pass

    def _ended(self, record: Ended) -> None:
        self.needs.pop(END, None)
        self.ended = record


_APPLY: dict[type[Record], Any] = {
    Begun: Run._begun,
    CancelRequested: Run._cancel_requested,
    Decided: Run._decided,
    Ended: Run._ended,
    Failed: Run._failed,
    Intended: Run._intended,
    MadeAgain: Run._made_again,
    Migrated: Run._migrated,
    Resolved: Run._resolved,
    Settled: Run._settled,
    Signalled: Run._signalled,
    Succeeded: Run._succeeded,
    TimerFired: Run._timer_fired,
}
