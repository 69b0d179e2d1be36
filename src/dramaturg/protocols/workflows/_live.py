"""A step in one instance: what it waits for, and what follows when that has come.

Theory of operation. The progress of an instance is a tree of live steps, made from nothing but
its records, in their order. Two things are kept apart:

- ``apply`` (in ``_run``): a record has been written; what follows from it without anybody's
  help follows at once: a sequence goes on to its next step, a fan-out notes an outcome, a failure
  goes up until somebody recovers from it. No user code runs, no clock is read, so that a replay
  does exactly the same.
- ``decide``: a live step *needs* something that only the outside can tell (does a condition
  hold, when is a pause over, may the attempt begin). The answer is a record again. In a replay
  it is already there, so nothing is asked twice.

So an instance recovers by applying its records; the needs, open attempts and timers that are
left are exactly what is to be done next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.protocols.workflows._outcome import StepError
from dramaturg.protocols.workflows._records import Decided, Failed, Intended

if TYPE_CHECKING:
    from collections.abc import Collection
    from random import Random

    from dramaturg.protocols.workflows._records import Record
    from dramaturg.protocols.workflows._run import Run
    from dramaturg.protocols.workflows._scope import Scope
    from dramaturg.protocols.workflows._step import Action, Step

__all__ = ["Live", "LiveAction", "Outside", "Parent"]


class Outside:
    """What a decision may ask for: the time and the random source, of the system."""

    def __init__(self, now: float, random: Random) -> None:
        self.now = now
        self.random = random


class Parent:
    """Whoever is told of the end of a live step."""

    __slots__ = ()

    def child_ok(self, child: Live, value: Any) -> None:
        """A step inside has a result."""
        raise NotImplementedError

    def child_failed(self, child: Live, error: StepError) -> None:
        """A step inside has failed, and nothing in it has recovered from that."""
        raise NotImplementedError


class Live(Parent):
    """A step that has begun and not ended."""

    __slots__ = (
        "address",
        "inside",
        "is_skipped",
        "parent",
        "prefix",
        "recovery",
        "run",
        "scope",
        "spec",
        "value",
    )

    def __init__(self, spec: Step, parent: Parent, run: Run, prefix: str, scope: Scope) -> None:
        self.spec = spec
        self.parent = parent
        self.run = run
        self.prefix = prefix
        self.scope = scope
        self.address = prefix + spec.name
        self.value: Any = None
        self.inside: dict[str, Live] = {}
        self.recovery: Live | None = None
        self.is_skipped = False
        """Whether its condition did not hold."""

    # -- its way -----------------------------------------------------------------------

    def enter(self, value: Any) -> None:
        """Begin with a value."""
        self.value = value
        self.run.live[self.address] = self
        if self.spec.options.when is not None:
            self.run.need(self, "when")
        else:
            self._begin()

    def _begin(self) -> None:
        if self.has_deadline and self.spec.options.timeout is not None:
            self.run.need(self, "deadline")
        self.start()

    has_deadline = True
    """Whether the timeout is one for the whole step, and goes on while the process is down."""

    def start(self) -> None:
        """Begin what this kind of step does."""
        raise NotImplementedError

    def enter_inside(self, spec: Step, value: Any, prefix: str | None = None) -> Live:
        """Begin a step inside."""
        prefix = self.prefix if prefix is None else prefix
        live = self.run.make(spec, self, prefix, self.scope_inside)
        self.inside[live.address] = live
        live.enter(value)
        return live

    @property
    def scope_inside(self) -> Scope:
        """What undoes the steps inside."""
        return self.scope

    def ok(self, value: Any) -> None:
        """End with a result."""
        self.leave()
        self.parent.child_ok(self, value)

    def fail(self, error: StepError) -> None:
        """End with an error, unless there is something to recover with."""
        recover = self.spec.options.on_error
        if recover is None or self.recovery is not None:
            self.leave()
            self.parent.child_failed(self, error)
            return
        self.abandon_inside()
        self.run.quieten(self.address)
        if recover.step is None:
            self.ok(recover.value)
        else:
            self.recovery = self.run.make(recover.step, self, f"{self.address}!", self.scope_inside)
            self.inside[self.recovery.address] = self.recovery
            self.recovery.enter(error)

    def leave(self) -> None:
        """Be there no more."""
        self.abandon_inside()
        self.run.forget(self)

    def abandon_inside(self) -> None:
        """Cut short what is inside."""
        for each in tuple(self.inside.values()):
            each.abandon()
        self.inside.clear()

    def abandon(self) -> None:
        """Be cut short, with all that is inside."""
        self.leave()

    @property
    def is_failing(self) -> bool:
        """Whether it has failed, and only undoes what it has done."""
        return False

    @property
    def may_recover(self) -> bool:
        """Whether all may go on when what is inside has failed."""
        return self.spec.options.on_error is not None and self.recovery is None

    @property
    def is_the_end(self) -> bool:
        """Whether it has failed, and nobody around it recovers from that."""
        around: Parent = self
        while self.is_failing and isinstance(around, Live) and not around.may_recover:
            around = around.parent
        return around is self.run

    def is_within(self, branches: Collection[Live]) -> bool:
        """Tell whether it is a part of one of these."""
        around: Parent = self
        while isinstance(around, Live):
            if around in branches:
                return True
            around = around.parent
        return False

    # -- from inside ---------------------------------------------------------------------

    def child_ok(self, child: Live, value: Any) -> None:
        self.inside.pop(child.address, None)
        if child is self.recovery:
            self.ok(value)
        else:
            self.inside_ok(child, value)

    def child_failed(self, child: Live, error: StepError) -> None:
        self.inside.pop(child.address, None)
        if child is self.recovery:
            self.fail(error)
        else:
            self.inside_failed(child, error)

    def inside_ok(self, child: Live, value: Any) -> None:  # noqa: ARG002 - for those with insides
        """Go on after a step inside."""
        self.ok(value)

    def inside_failed(self, child: Live, error: StepError) -> None:  # noqa: ARG002
        """Go on after a failure inside."""
        self.fail(error)

    # -- decisions -------------------------------------------------------------------------

    def decide(self, what: str, outside: Outside) -> Record:
        """Find out what is needed; user code may run here, and what it raises fails the step."""
        options = self.spec.options
        if what == "when":
            return self.decided(what, bool(self.run.asked(self, options.when, self.value)))
        if what == "deadline" and options.timeout is not None:
            return self.decided(what, outside.now + options.timeout)
        return self.decided(what, self.choose(what, outside))

    def choose(self, what: str, outside: Outside) -> Any:
        """Find out what only this kind of step needs."""
        raise NotImplementedError

    def decided(self, what: str, choice: Any) -> Decided:
        """Make the record of an answer."""
        return Decided(address=self.address, what=what, choice=choice)

    def on_decided(self, what: str, choice: Any) -> None:
        """Go on with an answer."""
        if what == "when":
            if choice:
                self._begin()
            else:
                self.is_skipped = True
                self.ok(self.value)
        elif what == "deadline":
            self.run.set_timer(self, what, choice)
        else:
            self.chosen(what, choice)

    def chosen(self, what: str, choice: Any) -> None:
        """Go on with what only this kind of step needs."""
        raise NotImplementedError

    def on_timer(self, what: str) -> None:
        """Go on when a time is over."""
        if what == "deadline":
            self.abandon_inside()
            timeout = self.spec.options.timeout
            self.fail(self.error("timeout", "DeadlineExceeded", f"not done within {timeout:g} s"))

    def on_failed(self, record: Failed) -> None:
        """Go on after a failure of its own, as of a condition."""
        self.fail(record.error)

    def error(self, kind: Any, type_: str, text: str) -> StepError:
        """Make an error of this step."""
        return StepError(step=self.address, kind=kind, type=type_, text=text)


class LiveAction(Live):
    """An action: attempts, until one succeeds or there is no other."""

    __slots__ = ("attempt", "begun_at", "is_cut", "restarts", "result", "succeeded")

    has_deadline = False
    ends_within = True
    """Whether a workflow within ends when this step does otherwise than with its result."""
    spec: Action

    def __init__(self, spec: Action, parent: Parent, run: Run, prefix: str, scope: Scope) -> None:
        super().__init__(spec, parent, run, prefix, scope)
        self.attempt = 0
        self.restarts = 0
        """How often the attempt was made again."""
        self.begun_at = 0.0
        self.is_cut = False
        """Whether it is undone also if all goes well."""
        self.result: Any = None
        self.succeeded = False

    @property
    def key(self) -> str:
        """The idempotency key."""
        return self.run.key(self.address)

    def start(self) -> None:
        self.run.need(self, "attempt")

    def decide(self, what: str, outside: Outside) -> Record:
        if what == "attempt":
            return Intended(
                address=self.address, attempt=self.attempt + 1, key=self.key, at=outside.now
            )
        return super().decide(what, outside)

    def on_intended(self, record: Intended) -> None:
        """An attempt begins."""
        self.attempt = record.attempt
        self.restarts = 0
        if record.attempt == 1:
            self.begun_at = record.at
        self.run.open[self.address] = record.attempt
        self.run.opened[self.address] = None
        if self.spec.compensate is not None and record.attempt == 1:
            self.scope.now.intend(self)

    def on_succeeded(self, value: Any) -> None:
        """It has a result."""
        self.result = value
        self.succeeded = True
        self.run.results[self.address] = value
        if self.spec.compensate is not None:
            self.scope.now.completed(self)
        self.ok(value)

    def on_failed(self, record: Failed) -> None:
        self.run.open.pop(self.address, None)
        if record.retry_at is not None:
            self.run.set_timer(self, "retry", record.retry_at)
            return
        if self.spec.compensate is not None and self.attempt:
            # A declared no has done nothing; of any other failure nobody knows, nor what became
            # of the same attempt in a process that has ended.
            if record.error.kind == "refused" and self.attempt == 1 and not record.made_before:
                self.scope.now.nothing_done(self)
            else:
                self._left_in_doubt()
        if self.attempt and record.error.type != "WorkflowFailed":
            self.run.owe(self)
        self.fail(record.error)

    def on_timer(self, what: str) -> None:
        if what == "retry":
            self.run.need(self, "attempt")
        else:
            super().on_timer(what)

    def abandon(self) -> None:
        if self.attempt and not self.succeeded:
            self.run.owe(self)
        if self.spec.compensate is not None and self.attempt and not self.succeeded:
            self._left_in_doubt()
        super().abandon()

    def _left_in_doubt(self) -> None:
        """Note that nobody knows what it did: it is undone also where all goes on without it."""
        self.is_cut = True
        scope = self.scope.now
        scope.completed(self)
        scope.undo_cut()
