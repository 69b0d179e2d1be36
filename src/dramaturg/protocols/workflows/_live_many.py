"""How steps go on that have several going on in them: collections, fan-outs and who comes late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.protocols.workflows._live import Live
from dramaturg.protocols.workflows._outcome import BranchOutcome, Outcomes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dramaturg.protocols.workflows._joins import Verdict
    from dramaturg.protocols.workflows._live import Outside
    from dramaturg.protocols.workflows._outcome import StepError
    from dramaturg.protocols.workflows._step import FanOut, ForEach

__all__ = ["LiveFanOut", "LiveForEach"]


class _Many(Live):
    """What a collection and a fan-out have in common: outcomes by name, and a join."""

    __slots__ = ("ended", "good", "is_over", "judged", "names", "required", "who")
    spec: Any

    @property
    def may_recover(self) -> bool:
        return True  # others may do

    def begin_joining(self, required: Iterable[str]) -> None:
        self.required = dict.fromkeys(required)
        """Those that have to succeed, in order."""
        self.ended: dict[str, BranchOutcome] = {}
        self.good = 0
        self.judged: dict[str, BranchOutcome] = {}
        self.who: dict[str, Live] = {}
        """Those whose results are being judged."""
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
        outcome, child = self.judged.pop(name), self.who.pop(name)
        if not valid:
            # It counts as failed, so it has not done what it did for anybody.
            self._cut({child})
            error = self.error("refused", "NotValid", f"the result of {name} does not count")
            outcome = BranchOutcome(ok=False, error=error)
        self.noted(name, outcome)

    def on_timer(self, what: str) -> None:
        if what == "join":
            self.settle(self.spec.join.late_verdict(self.ended, self.required))
        else:
            super().on_timer(what)

    @property
    def count(self) -> int:
        raise NotImplementedError

    def inside_ok(self, child: Live, value: Any) -> None:
        self.note(child, BranchOutcome(ok=True, value=value, skipped=child.is_skipped))

    def inside_failed(self, child: Live, error: StepError) -> None:
        self.note(child, BranchOutcome(ok=False, error=error))

    def note(self, child: Live, outcome: BranchOutcome) -> None:
        name = self.names[child.address]
        if outcome.ok and self.spec.join.valid is not None:
            self.judged[name], self.who[name] = outcome, child
            self.run.need(self, f"valid {name}")
        else:
            self.noted(name, outcome)

    def noted(self, name: str, outcome: BranchOutcome) -> None:
        self.ended[name] = outcome
        self.good += outcome.ok
        if not self.is_over:
            join = self.spec.join
            self.settle(join.verdict(self.ended, self.good, self.count, self.required))

    def settle(self, verdict: Verdict) -> None:
        raise NotImplementedError

    def first_error(self) -> StepError:
        """Return the error with which the whole fails."""
        errors = {name: each.error for name, each in self.ended.items() if each.error is not None}
        if self.spec.join.needed is None:
            for name in self.required:
                if name not in self.ended:
                    return self.error("timeout", "BranchMissing", f"{name} is not there in time")
            errors = {name: error for name, error in errors.items() if name in self.required}
        if errors:
            return [*errors.values()][-1]
        return self.error("error", "JoinFailed", f"{self.spec.join.name}: not enough")

    def cut_short(self) -> None:
        """Cut those short that still run when it is over."""
        late = {*self.inside.values(), *self.who.values()}
        if late:
            self.abandon_inside()
            self._cut(late)

    def _cut(self, branches: set[Live]) -> None:
        """Have all undone that branches did, whatever the end."""
        for each in tuple(self.run.late.values()):
            if each.is_within(branches):
                each.abandon()
        self.scope.now.cut(branches)


class LiveForEach(_Many):
    """The same for each item."""

    __slots__ = ("goes_on", "has_failed", "items", "next")
    spec: ForEach

    def start(self) -> None:
        self.items: list[Any] = []
        self.goes_on = False
        self.has_failed = False
        self.next = 0
        self.begin_joining(())
        self.run.need(self, "items")

    def choose(self, what: str, outside: Outside) -> Any:
        if what == "items":
            return list(self.run.asked(self, self.spec.items, self.value))
        return super().choose(what, outside)

    def chosen(self, what: str, choice: Any) -> None:
        if what == "items":
            self.items = choice
            if self.spec.join.within is None:
                # Where the time may be over first, items without a result give None.
                self.required = dict.fromkeys(map(str, range(len(self.items))))
            if not self.items:
                self.settle(self.spec.join.verdict({}, 0, 0, ()))
            else:
                self._go_on()
        else:
            super().chosen(what, choice)

    @property
    def count(self) -> int:
        return len(self.items)

    def _go_on(self) -> None:
        if self.goes_on:  # an item has ended as soon as it was begun
            return
        limit = self.spec.limit or len(self.items)
        self.goes_on = True
        while not self.is_over and self.next < len(self.items) and len(self.inside) < limit:
            index = self.next
            self.next += 1
            prefix = f"{self.address}[{index}]/"
            self.names[prefix + self.spec.body.name] = str(index)
            self.enter_inside(self.spec.body, self.items[index], prefix)
        self.goes_on = False

    def noted(self, name: str, outcome: BranchOutcome) -> None:
        # One that has failed fails the whole, if it is to have all of them.
        self.has_failed = self.has_failed or (not outcome.ok and self.spec.join.within is None)
        super().noted(name, outcome)
        if not self.is_over:
            self._go_on()

    def settle(self, verdict: Verdict) -> None:
        if verdict == "wait" and not (self.has_failed and self.spec.join.needed is None):
            return
        self.is_over = True
        self.cut_short()
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
        branches = self.spec.branches
        self.begin_joining(name for name in branches if name not in self.spec.optional)
        for name, step in branches.items():
            self.names[self.prefix + step.name] = name
        for step in branches.values():
            if self.is_over:
                return
            self.enter_inside(step, self.value)

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
        self.cut_short()
        if verdict == "over":
            self.ok(Outcomes(branches=dict(self.ended)))
        else:
            self.fail(self.first_error())


class LiveLate(Live):
    """The branches of a fan-out that is over, as far as they still run."""

    __slots__ = ("names",)
    spec: FanOut

    def __init__(self, fan_out: LiveFanOut) -> None:
        super().__init__(fan_out.spec, fan_out, fan_out.run, fan_out.prefix, fan_out.scope)
        self.address = f"{fan_out.address}!late"
        self.names = fan_out.names

    @property
    def may_recover(self) -> bool:
        return True  # all goes on without them

    def adopt(self, branches: dict[str, Live]) -> None:
        """Go on with branches that another has begun."""
        self.inside = branches
        self.run.late[self.address] = self
        self.run.live[self.address] = self
        for each in branches.values():
            each.parent = self

    def inside_ok(self, child: Live, value: Any) -> None:
        self._note(child, BranchOutcome(ok=True, value=value, skipped=child.is_skipped))

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
