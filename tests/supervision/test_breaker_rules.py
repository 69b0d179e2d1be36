"""The rules of the circuit breaker, against a simple model."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, strategies as st

from dramaturg.supervision._breaker_rules import (
    BreakerRules,
    BreakerState,
    Circuit,
    Outcome,
    admit,
    look,
    record,
)
from tests.supervision.breaker_kit import CLOSED, HALF_OPEN, OPEN

SUCCESS, FAILURE, NEITHER = Outcome.SUCCESS, Outcome.FAILURE, Outcome.NEITHER

RULES = BreakerRules(max_failures=2, reset_timeout=10.0, backoff_factor=2.0, max_reset_timeout=30.0)


def after(*outcomes: Outcome, now: float = 0.0, rules: BreakerRules = RULES) -> Circuit:
    """Return a new circuit after calls with these outcomes, one after the other."""
    circuit = Circuit.closed(rules)
    for outcome in outcomes:
        circuit, admitted = admit(circuit, now)
        assert admitted
        circuit = record(rules, circuit, circuit, outcome, now)
    return circuit


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ([], CLOSED),
        ([FAILURE], CLOSED),
        ([FAILURE, FAILURE], OPEN),
        ([FAILURE, SUCCESS, FAILURE], CLOSED),
        ([FAILURE, NEITHER, FAILURE], OPEN),
    ],
)
def test_it_opens_after_so_many_failures_in_a_row(
    outcomes: list[Outcome], state: BreakerState
) -> None:
    assert after(*outcomes).state is state


def test_an_open_circuit_lets_nothing_in_and_says_for_how_long() -> None:
    circuit, admitted = admit(after(FAILURE, FAILURE), 4.0)

    assert (circuit.state, admitted, circuit.retry_after(4.0)) == (OPEN, False, 6.0)


def test_it_is_half_open_from_the_very_moment_on_and_lets_one_in() -> None:
    circuit = after(FAILURE, FAILURE)
    assert look(circuit, 9.9).state is OPEN
    assert look(circuit, 10.0).state is HALF_OPEN

    circuit, first = admit(circuit, 10.0)
    circuit, second = admit(circuit, 10.0)

    assert (circuit.state, first, second) == (HALF_OPEN, True, False)
    assert circuit.retry_after(10.0) == 0.0


def test_a_trial_that_succeeds_closes_it_and_all_is_as_in_the_beginning() -> None:
    circuit, _ = admit(after(FAILURE, FAILURE), 10.0)
    circuit = record(RULES, circuit, circuit, FAILURE, 10.0)
    circuit, _ = admit(circuit, 30.0)

    circuit = record(RULES, circuit, circuit, SUCCESS, 30.0)

    assert (circuit.state, circuit.failures, circuit.reset_timeout) == (CLOSED, 0, 10.0)


def test_trials_that_fail_open_it_for_longer_and_longer_up_to_a_limit() -> None:
    circuit = after(FAILURE, FAILURE)
    times = [circuit.reset_timeout]
    for _ in range(3):
        now = circuit.until
        circuit, admitted = admit(circuit, now)
        assert admitted
        circuit = record(RULES, circuit, circuit, FAILURE, now)
        assert circuit.until == now + circuit.reset_timeout
        times.append(circuit.reset_timeout)

    assert times == [10.0, 20.0, 30.0, 30.0]


def test_a_trial_that_says_nothing_makes_room_for_another() -> None:
    circuit, _ = admit(after(FAILURE, FAILURE), 10.0)

    circuit = record(RULES, circuit, circuit, NEITHER, 11.0)

    assert (circuit.state, admit(circuit, 11.0)[1]) == (HALF_OPEN, True)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_what_was_let_in_before_it_opened_does_not_count_any_more(outcome: Outcome) -> None:
    ticket, _ = admit(Circuit.closed(RULES), 0.0)
    opened = after(FAILURE, FAILURE)
    half_open, _ = admit(opened, 10.0)

    assert record(RULES, opened, ticket, outcome, 5.0) == opened
    assert record(RULES, half_open, ticket, outcome, 10.0) == half_open


@dataclass
class Model:
    """The rules once more, with all that happened kept and nothing clever."""

    rules: BreakerRules
    now: float = 0.0
    streak: int = 0
    openings: list[float] = field(default_factory=list[float])
    """When it opened, since it was closed last."""
    trial: int | None = None
    closings: int = 0
    calls: int = 0
    where: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])
    """How often it had been closed and opened when each call that is under way began."""

    def state(self) -> BreakerState:
        if not self.openings:
            return CLOSED
        return HALF_OPEN if self.now >= self.openings[-1] + self.open_for() else OPEN

    def open_for(self) -> float:
        timeout = self.rules.reset_timeout
        for _ in self.openings[1:]:
            timeout = min(timeout * self.rules.backoff_factor, self.rules.max_reset_timeout or 1e9)
        return timeout

    def begin(self) -> bool:
        state = self.state()
        if state is OPEN or (state is HALF_OPEN and self.trial is not None):
            return False
        self.calls += 1
        self.where[self.calls] = self.closings, len(self.openings)
        if state is HALF_OPEN:
            self.trial = self.calls
        return True

    def end(self, call: int, outcome: Outcome) -> None:
        counts = self.where.pop(call) == (self.closings, len(self.openings))
        if call == self.trial:
            self.trial = None
            if outcome is SUCCESS:
                self.openings, self.streak, self.closings = [], 0, self.closings + 1
            elif outcome is FAILURE:
                self.openings.append(self.now)
        elif counts and outcome is not NEITHER:
            self.streak = self.streak + 1 if outcome is FAILURE else 0
            if self.streak == self.rules.max_failures:
                self.openings.append(self.now)


steps = st.lists(
    st.one_of(
        st.just("begin"),
        st.tuples(st.integers(0, 3), st.sampled_from(Outcome)),
        st.sampled_from([0.5, 1.0, 3.0]),
    ),
    max_size=60,
)
some_rules = st.builds(
    BreakerRules,
    max_failures=st.integers(1, 3),
    reset_timeout=st.sampled_from([1.0, 2.0]),
    backoff_factor=st.sampled_from([1.0, 1.5, 2.0]),
    max_reset_timeout=st.sampled_from([None, 2.0, 5.0]),
)


@given(some_rules, steps)
def test_the_rules_do_what_a_simple_model_does(
    rules: BreakerRules, steps: list[str | float | tuple[int, Outcome]]
) -> None:
    model, circuit = Model(rules), Circuit.closed(rules)
    tickets: dict[int, Circuit] = {}
    for step in steps:
        if isinstance(step, float):
            model.now += step
        elif step == "begin":
            circuit, admitted = admit(circuit, model.now)
            assert admitted == model.begin()
            if admitted:
                tickets[model.calls] = circuit
        elif isinstance(step, tuple) and tickets:
            call = list(tickets)[step[0] % len(tickets)]
            model.end(call, step[1])
            circuit = record(rules, circuit, tickets.pop(call), step[1], model.now)

        assert look(circuit, model.now).state is model.state()
        if model.state() is OPEN:
            assert circuit.until == model.openings[-1] + model.open_for()
