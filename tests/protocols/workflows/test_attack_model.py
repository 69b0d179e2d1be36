"""Any composition, in any order of events, cancelled anywhere: as an independent model says.

The instance is played without a system: facts are given to a ``Run`` in a drawn order, times pass
only when nothing else can happen. The model knows nothing of live steps, scopes or records.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from hypothesis import given, settings, strategies as st

from dramaturg.protocols.workflows._definition import Definition
from dramaturg.protocols.workflows._live import Outside
from dramaturg.protocols.workflows._outcome import StepError
from dramaturg.protocols.workflows._records import (
    Begun,
    CancelRequested,
    Ended,
    Failed,
    Intended,
    Record,
    Succeeded,
    TimerFired,
)
from dramaturg.protocols.workflows._run import Run
from dramaturg.protocols.workflows._scope import Scope
from tests.protocols.workflows.model import Does, declared, told_of, trees


class Play:
    """One instance, to whom things happen in a drawn order."""

    def __init__(
        self, tree: Any, chance: Random, cancel_at: int | None, *, overtakes: bool = False
    ) -> None:
        self.leaves: dict[str, Any] = {}
        self.definition = Definition(
            "w", declared(tree, self.leaves), takes=None, version=1, types_=()
        )
        self.run = Run(self.definition, "1")
        self.records: list[Record] = []
        self.states: list[Any] = []
        self.now = 0.0
        self._chance = chance
        self._overtakes = overtakes
        """Whether times pass while compensations are under way."""
        self._take(Begun(workflow="w", definition=1, fingerprint="", instance="1"))
        happened = 0
        while self._go_on(cancel=happened == cancel_at):
            happened += 1
            assert happened < 5_000, "it goes on for ever"

    def _take(self, record: Record) -> None:
        given: Record | None = record
        while given is not None:
            self.run.apply(given)
            self.records.append(given)
            self.states.append(state_of(self.run))
            given = self.run.decide(Outside(self.now, self._chance))

    def _go_on(self, *, cancel: bool) -> bool:
        run = self.run
        ready = [each for each in run.open if self._does(each) != "never"]
        if cancel and run.ended is None and run.cancelled is None:
            self._take(CancelRequested(reason="no more"))
        elif ready and not (run.timers and self._is_overtaken(ready)):
            self._take(self._fact(self._chance.choice(ready)))
        elif run.timers:
            address, what = min(run.timers, key=lambda each: run.timers[each])
            self.now = max(self.now, run.timers[address, what])
            self._take(TimerFired(address=address, what=what))
        elif run.ended is None:
            assert run.cancelled is None, "it hangs"
            self._take(CancelRequested(reason="it never ends"))
        else:
            return False
        return True

    def _is_overtaken(self, ready: list[str]) -> bool:
        undoes = all(each.endswith("!undo") for each in ready)
        return self._overtakes and undoes and self._chance.random() < 0.7

    def _does(self, address: str) -> Does:
        name = address.rpartition("/")[2]
        return "ok" if name.endswith("!undo") else self.leaves[name].does

    def _fact(self, address: str) -> Record:
        does = self._does(address)
        attempt = self.run.open[address]
        is_first_undo = address.endswith("!undo") and attempt == 1 and self._chance.random() < 0.3
        if does == "ok" and not is_first_undo:
            return Succeeded(address=address)
        kind: Any = "refused" if does == "refuses" else "error"
        error = StepError(step=address, kind=kind, type="No", text="")
        return Failed(
            address=address, error=error, retry_at=self.now + 1 if is_first_undo else None
        )

    @property
    def did(self) -> Counter[str]:
        """What was begun and may have had an effect that can be undone."""
        begun = {each.address for each in self.records if isinstance(each, Intended)}
        refused = {
            each.address
            for each in self.records
            if isinstance(each, Failed) and each.error.kind == "refused"
        }
        own = {each for each in begun - refused if not each.endswith("!undo")}
        return Counter(each for each in own if self.leaves[each.rpartition("/")[2]].undo)

    @property
    def undone(self) -> list[str]:
        done = [each.address for each in self.records if isinstance(each, Succeeded)]
        return [each.removesuffix("!undo") for each in done if each.endswith("!undo")]


def state_of(run: Run) -> Any:
    """Return what an instance waits for and has to undo, to be compared."""
    scopes = [run, *(each for each in run.live.values() if isinstance(each, Scope))]
    left = [
        (
            [action.address for _, action in sorted(each.done, key=lambda d: d[0])],
            [*each.under_way],
            [*each.undoing],
        )
        for each in scopes
    ]
    waits = [*run.open.items()], dict(run.timers), [*run.needs]
    return waits, list(run.live), left, run.status, run.ended


@settings(max_examples=400, deadline=None)
@given(
    tree=trees(),
    seed=st.integers(0, 2**32),
    cancel_at=st.one_of(st.none(), st.integers(0, 30)),
)
def test_any_composition_ends_as_the_model_says(
    tree: Any, seed: int, cancel_at: int | None
) -> None:
    play = Play(tree, Random(seed), cancel_at)
    told = told_of(tree, {})
    ended = [each for each in play.records if isinstance(each, Ended)]

    assert len(ended) == 1
    undone = Counter(play.undone)
    assert not undone or max(undone.values()) == 1
    if ended[0].status == "completed":
        assert told.kind == "ok"
        wanted = {each for each in play.did if each.rpartition("/")[2] in told.undone}
        perhaps = {each for each in wanted if each.rpartition("/")[2] in told.not_yet}
        assert wanted - perhaps <= set(undone) <= wanted
    else:
        assert told.kind != "ok" or play.run.cancelled is not None
        assert undone == play.did
    assert play.run.is_quiet or "late" in str(play.run.late)


@settings(max_examples=200, deadline=None)
@given(tree=trees(), seed=st.integers(0, 2**32), cancel_at=st.one_of(st.none(), st.integers(0, 30)))
def test_what_is_overtaken_while_it_is_undone_is_undone_once(
    tree: Any, seed: int, cancel_at: int | None
) -> None:
    play = Play(tree, Random(seed), cancel_at, overtakes=True)
    ended = [each for each in play.records if isinstance(each, Ended)]
    begun = {each.address for each in play.records if isinstance(each, Intended)}

    assert len(ended) == 1
    undone = Counter(play.undone)
    assert not undone or max(undone.values()) == 1
    assert set(undone) == {each.removesuffix("!undo") for each in begun if "!undo" in each}
    if ended[0].status != "completed":
        assert undone == play.did


@settings(max_examples=100, deadline=None)
@given(tree=trees(), seed=st.integers(0, 2**32), cancel_at=st.integers(0, 30))
def test_the_same_records_lead_to_the_same_state(tree: Any, seed: int, cancel_at: int) -> None:
    play = Play(tree, Random(seed), cancel_at)
    again = Run(play.definition, "1")

    for record, state in zip(play.records, play.states, strict=True):
        again.apply(record)
        assert state_of(again) == state
