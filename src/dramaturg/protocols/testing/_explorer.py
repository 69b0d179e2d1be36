"""Exhaustive search: every state that the actors of a model can reach, breadth first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dramaturg.protocols._borders import instance
from dramaturg.protocols.testing._borders import check_given, check_kinds
from dramaturg.protocols.testing._errors import NotReproducibleError
from dramaturg.protocols.testing._explorer_cast import Differs
from dramaturg.protocols.testing._explorer_checks import RememberedCheck
from dramaturg.protocols.testing._explorer_ledger import Ledger
from dramaturg.protocols.testing._explorer_model import Exploration, Model
from dramaturg.protocols.testing._explorer_moves import HandlerBroke, Moves
from dramaturg.protocols.testing._explorer_space import Options, Retry, Space
from dramaturg.protocols.testing._explorer_symmetry import Symmetry
from dramaturg.protocols.testing._faults import Network
from dramaturg.protocols.testing._properties import Broken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dramaturg.protocols.testing._event import Schedule
    from dramaturg.protocols.testing._properties import Check

__all__ = ["explore_all"]


def explore_all(
    model: Model, *, max_states: int = 200_000, max_depth: int | None = None
) -> Exploration:
    """Go through all states that a model can reach, each once, and see to its properties.

    Breadth first, so the first way that is found to break a property is a shortest one; there
    it ends. A handler that raises is a broken property too. What the actors would do twice is
    done once and remembered: they have to do the same if the same happens to them in the same
    state, and checks have to depend on what they read of the view alone.

    A delivery which the receiver ignores (no field changes, nothing is sent, set or noted) is no
    transition, unless something could tell: a check ``at_rest``, one that reads
    ``view.in_flight``, timers with due times, or a network that keeps the order.

    :param max_states: so many states at most; a state takes some 300 bytes.
    :param max_depth: ways of so many events at most.
    :raises ScenarioError: if the actors, their messages or the checks are not what the kit
        needs, or a limit leaves room for nothing.
    :raises NotReproducibleError: if a handler was seen to do something else the second time.
    """
    check_kinds(model=(model, instance(Model, "a Model; explore is for functions")))
    check_given(max_states=max_states, max_depth=max_depth)
    exact = bool(model.at_rest) or model.network is Network.FIFO
    options = Options(exact=exact, clock=False)
    while True:
        try:
            return _Search(model, options, max_states, max_depth).run()
        except Retry as retry:
            options = options._replace(**{retry.option: True})


class _Search:
    def __init__(
        self, model: Model, options: Options, max_states: int, max_depth: int | None
    ) -> None:
        self._model = model
        self._max_states = max_states
        self._max_depth = max_depth
        self._space = _space(model, options)
        self._moves = Moves(self._space, lost_with_crash=model.faults.lost_with_crash)
        self._symmetry = Symmetry(self._space, model) if model.symmetric else None
        self._always = self._remembered(model.always)
        self._at_rest = self._remembered(model.at_rest)
        self._sometimes = self._remembered(model.sometimes)
        boundary = {} if model.boundary is None else {"boundary": model.boundary}
        self._boundary = next(iter(self._remembered(boundary)), None)
        self._parents: dict[int, int] = {}
        """Each state that was reached, and from which one; the start from itself."""
        self._reached: dict[str, int] = {}
        self._outside: set[int] = set()
        self._transitions = 0
        self._depth = 0

    def _remembered(self, checks: Mapping[str, Check]) -> list[RememberedCheck]:
        return [RememberedCheck(self._space, name, check) for name, check in checks.items()]

    # -- the search ------------------------------------------------------------------------

    def run(self) -> Exploration:
        start = self._canonical(self._space.start)
        self._parents[start] = start
        broken = self._look(start)
        if broken is not None:
            return self._result(broken=broken)
        level = [start]
        while level:
            if self._depth == self._max_depth:
                return self._result(bound=f"max_depth={self._max_depth} reached")
            reached: list[int] = []
            for state in level:
                found = self._expand(state, reached)
                if found is not None:
                    return found
            level = reached
            self._depth += bool(level)
        return self._result(broken=self._never_reached())

    def _expand(self, state: int, reached: list[int]) -> Exploration | None:
        """Follow all ways on from a state; return what came of it if that is the end."""
        parents, canonical = self._parents, self._symmetry
        row = self._space.unpack(state)
        try:
            for change, tables, _ in self._moves.of(row):
                new = state + change
                for slot, table in tables:
                    new += table[row[slot]]
                self._transitions += 1
                if canonical is not None:
                    new = canonical.of(new)
                if new in parents or new in self._outside:
                    continue
                if len(parents) >= self._max_states:
                    return self._result(bound=f"max_states={self._max_states} reached")
                if self._is_outside(new):
                    continue
                parents[new] = state
                reached.append(new)
                broken = self._look(new)
                if broken is not None:
                    self._depth += 1
                    return self._result(broken=broken, state=new)
        except HandlerBroke as failure:
            self._transitions += 1
            return self._result(broken=failure.broken, state=state, last=failure)
        except Differs as differs:
            raise NotReproducibleError(
                step=len(self._way(state)) - 1,
                first=differs.first,
                second=differs.second,
                handler=differs.handler,
            ) from None
        return None

    # -- properties ------------------------------------------------------------------------

    def _look(self, state: int) -> Broken | None:
        """See to the properties of a new state."""
        row = self._space.unpack(state)
        for check in self._always:
            broken = check(row)
            if broken is not None:
                return broken
        for check in self._sometimes:
            if check(row) is None:
                self._reached[check.name] = state
        if self._reached:
            self._sometimes = [each for each in self._sometimes if each.name not in self._reached]
        if self._at_rest and self._space.is_at_rest(row):
            for check in self._at_rest:
                broken = check(row)
                if broken is not None:
                    return broken
        return None

    def _is_outside(self, state: int) -> bool:
        if self._boundary is None or self._boundary(self._space.unpack(state)) is None:
            return False
        self._outside.add(state)
        return True

    def _never_reached(self) -> Broken | None:
        for check in self._sometimes:
            return Broken(check.name, "was never reached")
        return None

    # -- the outcome -----------------------------------------------------------------------

    def _result(
        self,
        *,
        broken: Broken | None = None,
        state: int | None = None,
        last: HandlerBroke | None = None,
        bound: str | None = None,
    ) -> Exploration:
        self._space.check_unchanged()
        schedule: Schedule = ()
        if state is not None:
            schedule, broken = self._schedule(state, broken, failing=last is not None)
        return Exploration(
            states=len(self._parents),
            transitions=self._transitions,
            depth=self._depth,
            bound=bound,
            outside=len(self._outside),
            broken=broken,
            schedule=schedule,
            reached={name: self._schedule(at, None)[0] for name, at in self._reached.items()},
        )

    def _way(self, state: int) -> list[int]:
        way = [state]
        while (parent := self._parents[state]) != state:
            way.append(parent)
            state = parent
        return way[::-1]

    def _schedule(
        self, state: int, broken: Broken | None, *, failing: bool = False
    ) -> tuple[Schedule, Broken | None]:
        """Return the events that lead to a state, and then to the failing of a handler."""
        ledger = Ledger(self._space, lost_with_crash=self._model.faults.lost_with_crash)
        names: list[str] = []
        here = self._space.start
        for there in self._way(state)[1:]:
            # Where symmetric states are one, this is a way that really exists, through others
            # of them than those that the search has kept.
            ways = self._moves.ways(here)
            move, here = next(way for way in ways if self._canonical(way[1]) == there)
            names.append(ledger.name(move.label))
        if failing:
            failure = self._moves.failure(here)
            names.append(ledger.name(failure.label))
            broken = failure.broken
        return tuple(names), broken

    def _canonical(self, state: int) -> int:
        return state if self._symmetry is None else self._symmetry.of(state)


def _space(model: Model, options: Options) -> Space:
    try:
        return Space(model, options)
    except Differs as differs:
        raise NotReproducibleError(
            step=0, first=differs.first, second=differs.second, handler=differs.handler
        ) from None
