"""How each kind of composed step goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.protocols.workflows._live import Live, LiveAction
from dramaturg.protocols.workflows._live_many import LiveFanOut, LiveForEach
from dramaturg.protocols.workflows._scope import Scope
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
    from dramaturg.protocols.workflows._live import Outside, Parent
    from dramaturg.protocols.workflows._outcome import StepError
    from dramaturg.protocols.workflows._run import Run

__all__ = ["live_class"]

LONGEST = 1e10
"""Seconds that a pause may have: some three centuries."""


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

    __slots__ = ("failure",)

    def __init__(self, spec: Saga, parent: Parent, run: Run, prefix: str, scope: Scope) -> None:
        super().__init__(spec, parent, run, prefix, scope)
        self.begin_noting()
        self.failure: StepError | None = None

    @property
    def is_failing(self) -> bool:
        return self.failure is not None and self.recovery is None

    @property
    def scope_inside(self) -> Scope:
        # What recovers from the failure comes after the undoing, and is not part of it.
        return self if self.failure is None else self.scope

    def ok(self, value: Any) -> None:
        self.hand_over(self.scope.now)
        super().ok(value)

    def fail(self, error: StepError) -> None:
        if self.failure is not None:
            super().fail(error)
            return
        self.failure = error
        self.abandon_inside()
        self.run.abandon_late(self)
        self.run.quieten(self.address)
        self.run.compensating += 1
        self.undo_all()

    def undone(self) -> None:
        self.run.compensating -= 1
        failure = self.failure
        assert failure is not None  # noqa: S101 - it is why there was something to undo
        super().fail(failure)

    def abandon(self) -> None:
        if self.is_undoing:
            # Half undone: what is around goes on with it.
            self.run.compensating -= 1
        self.abandon_inside()
        self.run.abandon_late(self)
        for _, action in self.done:
            action.is_cut = True
        self.hand_over(self.scope.now)
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


class LiveWaitFor(Live):
    """Wait for an event from outside."""

    __slots__ = ()
    spec: WaitFor

    def start(self) -> None:
        self.run.wait(self, self.spec.event)

    def signalled(self, value: Any) -> None:
        """Go on with the event."""
        self.run.results[self.address] = value
        self.ok(value)

    def fail(self, error: StepError) -> None:
        # What comes while it recovers is for somebody else.
        self._wait_no_more()
        super().fail(error)

    def leave(self) -> None:
        self._wait_no_more()
        super().leave()

    def _wait_no_more(self) -> None:
        waiting = self.run.waits.get(self.spec.event)
        if waiting and self in waiting:
            waiting.remove(self)
            if not waiting:
                del self.run.waits[self.spec.event]


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
            if not 0 <= seconds < LONGEST:
                raise ValueError(f"a pause of {seconds} seconds; expected 0 to {LONGEST:g}")
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
