"""One instance: its records, applied; and what is to be done next.

``apply`` and ``decide`` are the two halves of `_live`'s theory of operation. Everything here is
plain data and runs in the coordinator's turn.
"""

from __future__ import annotations

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
    Migrated,
    Resolved,
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
        self.open: dict[str, int] = {}
        """The attempt under way at each address."""
        self.waits: dict[str, list[Any]] = {}
        self.signals: dict[str, list[Any]] = {}
        self.seen_signals: set[str] = set()
        self.results: dict[str, Any] = {}
        self.stuck: dict[str, Stuck] = {}
        self.compensating = 0
        self.run = self
        self.done: list[tuple[int, LiveAction]] = []
        self.under_way: dict[str, LiveAction] = {}
        self.cancelled: str | None = None
        self._outcome: tuple[bool, Any] | None = None
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
    def is_quiet(self) -> bool:
        """Whether nothing is to be done any more."""
        return self.ended is not None and not (self.open or self.timers or self.needs)

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
        self._asked.setdefault(live.address, []).append(what)

    def need_end(self) -> None:
        """Ask for the end, which is told once more when something that was stuck is not."""
        self.needs[END] = None

    def quieten(self, address: str) -> None:
        """Take back what a step has asked for."""
        for what in self._asked.pop(address, ()):
            self.needs.pop((address, what), None)
            self.timers.pop((address, what), None)
        self.open.pop(address, None)

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
        if takes("a function", function) > 1:
            return ask(value, self.call(live))
        return ask(value)

    def key(self, address: str) -> str:
        """Return the idempotency key of a step."""
        return f"{self.workflow}/{self.instance}/{address}"

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
            results=self.results,
            undoes=None if undo is None else undo.action.key,
            undone=None if undo is None else undo.action.result,
        )

    # -- its end ---------------------------------------------------------------------------

    def child_ok(self, child: Live, value: Any) -> None:  # noqa: ARG002 - there is one
        self._outcome = True, value
        self.done.clear()
        self.need_end()

    def child_failed(self, child: Live, error: StepError) -> None:  # noqa: ARG002
        self._outcome = False, error
        self._undo_everything()

    def _undo_everything(self) -> None:
        for late in tuple(self.late.values()):
            late.abandon()
        self.compensating += 1
        self.undo_all()

    def undoes(self, undo: LiveUndo | None) -> None:
        pass

    def undone(self) -> None:
        self.compensating -= 1
        self.need_end()

    def _end(self) -> Ended:
        ok, value = self._outcome or (False, None)
        if self.stuck:
            first = next(iter(self.stuck.values())).error
            return Ended(status="stuck", error=first if ok else value)
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

    def _begun(self, record: Begun) -> None:
        self.begun = record
        root = self.definition.root
        self.make(root, self, "", self).enter(record.input)

    def _intended(self, record: Intended) -> None:
        self.needs.pop((record.address, "attempt"), None)
        live = self.live[record.address]
        assert isinstance(live, LiveAction)  # noqa: S101 - only actions ask for attempts
        live.on_intended(record)

    def _succeeded(self, record: Succeeded) -> None:
        self.open.pop(record.address, None)
        live = self.live[record.address]
        assert isinstance(live, LiveAction)  # noqa: S101
        live.on_succeeded(record.value)

    def _failed(self, record: Failed) -> None:
        live = self.live[record.address]
        if record.retry_at is None:
            self.quieten(record.address)
        live.on_failed(record)

    def _decided(self, record: Decided) -> None:
        self.needs.pop((record.address, record.what), None)
        self.live[record.address].on_decided(record.what, record.choice)

    def _timer_fired(self, record: TimerFired) -> None:
        self.timers.pop((record.address, record.what), None)
        self.live[record.address].on_timer(record.what)

    def _signalled(self, record: Signalled) -> None:
        if record.signal is not None:
            self.seen_signals.add(record.signal)
        waiting = self.waits.get(record.event)
        if waiting:
            waiting.pop(0).signalled(record.value)
        else:
            self.signals.setdefault(record.event, []).append(record.value)

    def _cancel_requested(self, record: CancelRequested) -> None:
        self.cancelled = record.reason
        if self._outcome is not None:
            return
        self._outcome = (
            False,
            StepError(step="", kind="cancelled", type="Cancelled", text=record.reason),
        )
        root = self.live.get(self.definition.root.name)
        if root is not None:
            root.abandon()
        self._undo_everything()

    def _resolved(self, record: Resolved) -> None:
        stuck = self.stuck[record.address]
        self.ended = None
        if record.how == "retry":
            stuck.again()
        else:
            del self.stuck[record.address]
            self.need_end()

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
    Migrated: Run._migrated,
    Resolved: Run._resolved,
    Signalled: Run._signalled,
    Succeeded: Run._succeeded,
    TimerFired: Run._timer_fired,
}
