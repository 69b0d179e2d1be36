"""How each kind of composed step goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.protocols.workflows._live import Live, LiveAction
from dramaturg.protocols.workflows._outcome import BranchOutcome, Outcomes
from dramaturg.protocols.workflows._scope import LiveUndo, Scope
from dramaturg.protocols.workflows._step import (
    Action,
    Branch,
    FanOut,
    ForEach,
    Loop,
    Pause,
    Saga,
    Sequence,
    Step,
    Switch,
    WaitFor,
)

if TYPE_CHECKING:
    from dramaturg.protocols.workflows._joins import Verdict
    from dramaturg.protocols.workflows._live import Outside, Parent
    from dramaturg.protocols.workflows._outcome import StepError
    from dramaturg.protocols.workflows._run import Run

__all__ = ["live_class"]


class LiveSequence(Live):
    """One after the other."""

    __slots__ = ("index",)
    spec: Sequence

    def start(self) -> None:
        self.index = 0
        self.enter_inside(self.spec.steps[0], self.value)

    def inside_ok(self, child: Live, value: Any) -> None:  # noqa: ARG002
        self.index += 1
        if self.index == len(self.spec.steps):
            self.ok(value)
        else:
            self.enter_inside(self.spec.steps[self.index], value)


class LiveSaga(LiveSequence, Scope):
    """A sequence that is undone when it fails."""

    __slots__ = ("done", "failure", "under_way", "undoing")

    def __init__(self, spec: Saga, parent: Parent, run: Run, prefix: str, scope: Scope) -> None:
        super().__init__(spec, parent, run, prefix, scope)
        self.done: list[tuple[int, LiveAction]] = []
        self.under_way: dict[str, LiveAction] = {}
        self.undoing: LiveUndo | None = None
        self.failure: StepError | None = None

    @property
    def scope_inside(self) -> Scope:
        # What recovers from the failure comes after the undoing, and is not part of it.
        return self if self.failure is None else self.scope

    def ok(self, value: Any) -> None:
        self.hand_over(self.scope)
        super().ok(value)

    def fail(self, error: StepError) -> None:
        if self.failure is not None:
            super().fail(error)
            return
        self.failure = error
        self.abandon_inside()
        self.run.quieten(self.address)
        self.run.compensating += 1
        self.undo_all()

    def undoes(self, undo: LiveUndo | None) -> None:
        self.undoing = undo

    def undone(self) -> None:
        self.run.compensating -= 1
        failure = self.failure
        assert failure is not None  # noqa: S101 - it is why there was something to undo
        super().fail(failure)

    def abandon(self) -> None:
        if self.undoing is not None:
            # Half undone: what is around goes on with it.
            self.done.append((self.run.next_number(), self.undoing.action))
            self.undoing.abandon()
            self.undoing = None
            self.run.compensating -= 1
        self.abandon_inside()
        self.hand_over(self.scope)
        super().abandon()


class LiveBranch(Live):
    """One of two."""

    __slots__ = ()
    spec: Branch

    def start(self) -> None:
        self.run.need(self, "choice")

    def choose(self, what: str, outside: Outside) -> Any:  # noqa: ARG002
        return bool(self.run.asked(self, self.spec.condition, self.value))

    def chosen(self, what: str, choice: Any) -> None:  # noqa: ARG002
        step = self.spec.then if choice else self.spec.otherwise
        if step is None:
            self.ok(self.value)
        else:
            self.enter_inside(step, self.value)


class LiveSwitch(Live):
    """One of several."""

    __slots__ = ()
    spec: Switch

    def start(self) -> None:
        self.run.need(self, "choice")

    def choose(self, what: str, outside: Outside) -> Any:  # noqa: ARG002
        key = self.run.asked(self, self.spec.key, self.value)
        for index, case in enumerate(self.spec.cases):
            if case == key:
                return index
        if self.spec.default is None:
            raise LookupError(f"no case for {key!r}, and no default")
        return None

    def chosen(self, what: str, choice: Any) -> None:  # noqa: ARG002
        cases: list[Step] = [*self.spec.cases.values()]
        step: Step | None = self.spec.default if choice is None else cases[int(choice)]
        assert step is not None  # noqa: S101 - `choose` has seen to it
        self.enter_inside(step, self.value)


class LiveLoop(Live):
    """Again and again."""

    __slots__ = ("times",)
    spec: Loop

    def start(self) -> None:
        self.times = 0
        self._again()

    def _again(self) -> None:
        self.enter_inside(self.spec.body, self.value, f"{self.address}[{self.times}]/")

    def inside_ok(self, child: Live, value: Any) -> None:  # noqa: ARG002
        self.value = value
        self.run.need(self, f"done {self.times}")

    def choose(self, what: str, outside: Outside) -> Any:  # noqa: ARG002
        return bool(self.run.asked(self, self.spec.until, self.value))

    def chosen(self, what: str, choice: Any) -> None:  # noqa: ARG002
        self.times += 1
        if choice:
            self.ok(self.value)
        elif self.times == self.spec.at_most:
            text = f"not done after {self.times} times"
            self.fail(self.error("declaration", "LoopBoundReached", text))
        else:
            self._again()


class _Many(Live):
    """What a collection and a fan-out have in common: outcomes by name, and a join."""

    __slots__ = ("ended", "is_over", "judged", "names")
    spec: Any

    def begin_joining(self) -> None:
        self.ended: dict[str, BranchOutcome] = {}
        self.judged: dict[str, BranchOutcome] = {}
        self.names: dict[str, str] = {}
        self.is_over = False
        if self.spec.join.within is not None:
            self.run.need(self, "join")

    def choose(self, what: str, outside: Outside) -> Any:
        if what == "join":
            return outside.now + self.spec.join.within
        if what.startswith("valid "):
            return bool(self.spec.join.valid(self.judged[what[6:]].value))
        return super().choose(what, outside)

    def chosen(self, what: str, choice: Any) -> None:
        if what == "join":
            self.run.set_timer(self, what, choice)
        elif what.startswith("valid "):
            self._judge(what[6:], valid=choice)
        else:
            super().chosen(what, choice)

    def _judge(self, name: str, *, valid: bool) -> None:
        outcome = self.judged.pop(name)
        if not valid:
            error = self.error("refused", "NotValid", f"the result of {name} does not count")
            outcome = BranchOutcome(ok=False, error=error)
        self.noted(name, outcome)

    def on_timer(self, what: str) -> None:
        if what == "join":
            self.settle(self.spec.join.late_verdict(self.ended, self.required))
        else:
            super().on_timer(what)

    @property
    def required(self) -> frozenset[str]:
        raise NotImplementedError

    @property
    def count(self) -> int:
        raise NotImplementedError

    def inside_ok(self, child: Live, value: Any) -> None:
        self.note(child, BranchOutcome(ok=True, value=value))

    def inside_failed(self, child: Live, error: StepError) -> None:
        self.note(child, BranchOutcome(ok=False, error=error))

    def note(self, child: Live, outcome: BranchOutcome) -> None:
        name = self.names[child.address]
        if outcome.ok and self.spec.join.valid is not None:
            self.judged[name] = outcome
            self.run.need(self, f"valid {name}")
        else:
            self.noted(name, outcome)

    def noted(self, name: str, outcome: BranchOutcome) -> None:
        self.ended[name] = outcome
        if not self.is_over:
            join = self.spec.join
            self.settle(join.verdict(self.ended, self.count, self.required))

    def settle(self, verdict: Verdict) -> None:
        raise NotImplementedError

    def first_error(self) -> StepError:
        """Return the error with which the whole fails."""
        for name in sorted(self.required, key=lambda each: each in self.ended):
            outcome = self.ended.get(name)
            if outcome is None:
                return self.error("timeout", "BranchMissing", f"{name} is not there in time")
        errors = [each.error for each in self.ended.values() if each.error is not None]
        if errors:
            return errors[-1]
        return self.error("error", "JoinFailed", f"{self.spec.join.name}: not enough")


class LiveForEach(_Many):
    """The same for each item."""

    __slots__ = ("items", "next")
    spec: ForEach

    def start(self) -> None:
        self.items: list[Any] = []
        self.next = 0
        self.begin_joining()
        self.run.need(self, "items")

    def choose(self, what: str, outside: Outside) -> Any:
        if what == "items":
            return list(self.run.asked(self, self.spec.items, self.value))
        return super().choose(what, outside)

    def chosen(self, what: str, choice: Any) -> None:
        if what == "items":
            self.items = choice
            if not self.items:
                self.ok([])
            else:
                self._go_on()
        else:
            super().chosen(what, choice)

    @property
    def required(self) -> frozenset[str]:
        return frozenset(map(str, range(len(self.items))))

    @property
    def count(self) -> int:
        return len(self.items)

    def _go_on(self) -> None:
        limit = self.spec.limit
        while self.next < len(self.items) and (limit is None or len(self.inside) < limit):
            index = self.next
            self.next += 1
            prefix = f"{self.address}[{index}]/"
            self.names[prefix + self.spec.body.name] = str(index)
            self.enter_inside(self.spec.body, self.items[index], prefix)
            if self.is_over:
                return

    def noted(self, name: str, outcome: BranchOutcome) -> None:
        super().noted(name, outcome)
        if not self.is_over:
            self._go_on()

    def settle(self, verdict: Verdict) -> None:
        failed = self.spec.join.needed is None and any(not e.ok for e in self.ended.values())
        if verdict == "wait" and not (failed and self.spec.join.within is None):
            return
        self.is_over = True
        if verdict == "over":
            found = [self.ended.get(str(index)) for index in range(len(self.items))]
            self.ok([each.value if each is not None and each.ok else None for each in found])
        else:
            self.fail(self.first_failure())

    def first_failure(self) -> StepError:
        """Return the error of the first item that failed."""
        errors = [each.error for each in self.ended.values() if each.error is not None]
        return errors[0] if errors else self.first_error()


class LiveFanOut(_Many):
    """Several at once."""

    __slots__ = ("late",)
    spec: FanOut

    def start(self) -> None:
        self.begin_joining()
        branches = self.spec.branches
        for name, step in branches.items():
            self.names[self.prefix + step.name] = name
        for step in branches.values():
            if self.is_over:
                return
            self.enter_inside(step, self.value)

    @property
    def required(self) -> frozenset[str]:
        return frozenset(self.spec.branches) - self.spec.optional

    @property
    def count(self) -> int:
        return len(self.spec.branches)

    def settle(self, verdict: Verdict) -> None:
        if verdict == "wait":
            return
        self.is_over = True
        if self.spec.keep_late and verdict == "over" and self.inside:
            self.run.quieten(self.address)
            late = LiveLate(self)
            late.adopt(self.inside)
            self.inside = {}
        if verdict == "over":
            self.ok(Outcomes(branches=dict(self.ended)))
        else:
            self.fail(self.first_error())


class LiveLate(Live):
    """The branches of a fan-out that is over, as far as they still run."""

    __slots__ = ("names",)
    spec: FanOut

    def __init__(self, fan_out: LiveFanOut) -> None:
        super().__init__(fan_out.spec, fan_out.run, fan_out.run, fan_out.prefix, fan_out.run)
        self.address = f"{fan_out.address}!late"
        self.names = fan_out.names

    def adopt(self, branches: dict[str, Live]) -> None:
        """Go on with branches that another has begun."""
        self.inside = branches
        self.run.late[self.address] = self
        self.run.live[self.address] = self
        for each in branches.values():
            each.parent = self

    def inside_ok(self, child: Live, value: Any) -> None:
        self._note(child, BranchOutcome(ok=True, value=value))

    def inside_failed(self, child: Live, error: StepError) -> None:
        self._note(child, BranchOutcome(ok=False, error=error))

    def _note(self, child: Live, outcome: BranchOutcome) -> None:
        name = self.names.get(child.address)
        if name is not None and self.spec.late is not None:
            self.enter_inside(self.spec.late, outcome, f"{self.address}[{name}]/")
        if not self.inside:
            self.leave()

    def leave(self) -> None:
        super().leave()
        self.run.late.pop(self.address, None)


class LiveWaitFor(Live):
    """Wait for an event from outside."""

    __slots__ = ()
    spec: WaitFor

    def start(self) -> None:
        kept = self.run.signals.get(self.spec.event)
        if kept:
            self.signalled(kept.pop(0))
        else:
            self.run.waits.setdefault(self.spec.event, []).append(self)

    def signalled(self, value: Any) -> None:
        """Go on with the event."""
        self.run.results[self.address] = value
        self.ok(value)

    def leave(self) -> None:
        waiting = self.run.waits.get(self.spec.event)
        if waiting and self in waiting:
            waiting.remove(self)
        super().leave()


class LivePause(Live):
    """Wait for a time."""

    __slots__ = ()
    spec: Pause

    def start(self) -> None:
        self.run.need(self, "due")

    def choose(self, what: str, outside: Outside) -> Any:  # noqa: ARG002
        seconds = self.spec.seconds
        if callable(seconds):
            seconds = float(self.run.asked(self, seconds, self.value))
        return outside.now + seconds

    def chosen(self, what: str, choice: Any) -> None:
        self.run.set_timer(self, what, choice)

    def on_timer(self, what: str) -> None:
        if what == "due":
            self.ok(self.value)
        else:
            super().on_timer(what)


_CLASSES: dict[type[Step], type[Any]] = {
    Action: LiveAction,
    Branch: LiveBranch,
    FanOut: LiveFanOut,
    ForEach: LiveForEach,
    Loop: LiveLoop,
    Pause: LivePause,
    Saga: LiveSaga,
    Sequence: LiveSequence,
    Switch: LiveSwitch,
    WaitFor: LiveWaitFor,
}


def live_class(spec: Step) -> type[Any]:
    """Return what a step becomes in an instance."""
    return _CLASSES[type(spec)]
