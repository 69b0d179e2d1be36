"""The circuit breaker: its rules against a simple model, and around calls of functions."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, assert_type

import pytest
from hypothesis import given, strategies as st

from dramaturg.actors import (
    ActorSystem,
    DeadlineExceeded,
    DramaturgError,
    LifecycleEvent,
    ManualClock,
    OptionError,
    Props,
    Refused,
    RequestCycleError,
    SystemClock,
    UnhandledError,
)
from dramaturg.supervision._breaker import CircuitBreaker
from dramaturg.supervision._breaker_gate import CircuitOpen
from dramaturg.supervision._breaker_messages import (
    BreakerClosed,
    BreakerHalfOpened,
    BreakerOpened,
    BreakerStatus,
)
from dramaturg.supervision._breaker_rules import (
    BreakerRules,
    BreakerState,
    Circuit,
    Outcome,
    admit,
    look,
    record,
)
from tests.actors.kit import LIMIT, Crash, Do, Note, Puppet, in_threads, within
from tests.actors.messaging_kit import Captured, quick_switches, turns

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
SUCCESS, FAILURE, NEITHER = Outcome.SUCCESS, Outcome.FAILURE, Outcome.NEITHER

RULES = BreakerRules(max_failures=2, reset_timeout=10.0, backoff_factor=2.0, max_reset_timeout=30.0)


# -- the rules ---------------------------------------------------------------------------


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


# -- calls -------------------------------------------------------------------------------


@dataclass
class Bench:
    """A breaker whose clock stands still, and functions to call through it."""

    clock: ManualClock
    system: ActorSystem
    breaker: CircuitBreaker
    events: list[LifecycleEvent]
    called: int = 0

    @property
    def state(self) -> BreakerState:
        return self.breaker.status().state

    async def succeed(self) -> str:
        self.called += 1
        return "done"

    async def fail(self, error: BaseException | None = None) -> None:
        self.called += 1
        raise Crash("ill") if error is None else error

    async def failing(self, times: int = 1, error: BaseException | None = None) -> None:
        for _ in range(times):
            with pytest.raises(Crash if error is None else type(error)):
                await self.breaker.call(self.fail, error)

    async def hang(self) -> None:
        self.called += 1
        await asyncio.Event().wait()

    async def on_trial(self) -> None:
        """Open the circuit and let its time pass."""
        await self.failing(2)
        self.clock.advance(10.0)
        assert self.state is HALF_OPEN


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    clock = ManualClock()
    async with ActorSystem("test", clock=clock) as system:
        breaker = CircuitBreaker(
            "gateway",
            system,
            max_failures=2,
            call_timeout=5.0,
            reset_timeout=10.0,
            backoff_factor=2.0,
        )
        events: list[LifecycleEvent] = []
        kinds = (BreakerOpened, BreakerHalfOpened, BreakerClosed)
        system.events.subscribe(events.append, *kinds)
        yield Bench(clock, system, breaker, events)


async def test_a_call_returns_what_the_function_does(bench: Bench) -> None:
    def add(left: int, *, right: int) -> int:
        return left + right

    done = await bench.breaker.call(bench.succeed)
    added = await bench.breaker.call(add, 1, right=2)

    assert (assert_type(done, str), assert_type(added, int)) == ("done", 3)


async def test_a_call_raises_what_the_function_does(bench: Bench) -> None:
    error = Crash("boom")

    with pytest.raises(Crash) as caught:
        await bench.breaker.call(bench.fail, error)

    assert caught.value is error


async def test_calls_through_an_open_circuit_fail_at_once_and_call_nothing(bench: Bench) -> None:
    await bench.failing(2)
    bench.clock.advance(4.0)

    with pytest.raises(CircuitOpen, match=r"gateway is open for 6 s") as caught:
        await bench.breaker.call(bench.succeed)

    assert (caught.value.name, caught.value.retry_after) == ("gateway", 6.0)
    assert isinstance(caught.value, DramaturgError)
    assert bench.called == 2


async def test_while_the_trial_call_is_under_way_all_others_fail_at_once(bench: Bench) -> None:
    await bench.on_trial()
    trial = asyncio.ensure_future(bench.breaker.call(bench.hang))
    await turns()

    with pytest.raises(CircuitOpen, match="until its trial call has ended") as caught:
        await bench.breaker.call(bench.succeed)

    assert caught.value.retry_after == 0.0
    trial.cancel()
    with pytest.raises(asyncio.CancelledError):
        await within(trial)


async def test_a_trial_call_that_succeeds_closes_the_circuit(bench: Bench) -> None:
    await bench.on_trial()

    await bench.breaker.call(bench.succeed)

    assert bench.state is CLOSED
    await bench.failing(1)
    assert bench.state is CLOSED


async def test_a_trial_call_that_fails_opens_it_for_longer(bench: Bench) -> None:
    await bench.on_trial()

    await bench.failing()

    assert bench.breaker.status() == BreakerStatus(
        name="gateway", state=OPEN, failures=2, retry_after=20.0, reset_timeout=20.0
    )


async def test_a_cancelled_trial_call_makes_room_for_another(bench: Bench) -> None:
    await bench.on_trial()
    trial = asyncio.ensure_future(bench.breaker.call(bench.hang))
    await turns()
    trial.cancel()
    with pytest.raises(asyncio.CancelledError):
        await within(trial)
    assert bench.state is HALF_OPEN

    await bench.breaker.call(bench.succeed)

    assert bench.state is CLOSED


async def test_a_cancelled_call_does_not_count(bench: Bench) -> None:
    for _ in range(3):
        call = asyncio.ensure_future(bench.breaker.call(bench.hang))
        await turns()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await within(call)

    assert bench.breaker.status().failures == 0


async def test_a_call_that_takes_too_long_is_cut_short_and_fails(bench: Bench) -> None:
    before = bench.clock.pending
    calls = [asyncio.ensure_future(bench.breaker.call(bench.hang)) for _ in range(2)]
    await turns()
    bench.clock.advance(5.0)

    for call in calls:
        with pytest.raises(DeadlineExceeded, match="no answer from gateway within 5 s"):
            await within(call)

    assert bench.state is OPEN
    assert bench.clock.pending == before


async def test_a_call_that_ends_in_time_leaves_no_alarm(bench: Bench) -> None:
    before = bench.clock.pending

    await bench.breaker.call(bench.succeed)

    assert bench.clock.pending == before


async def test_a_timeout_of_the_function_itself_stays_what_it_is(bench: Bench) -> None:
    error = TimeoutError("mine")

    with pytest.raises(TimeoutError) as caught:
        await bench.breaker.call(bench.fail, error)

    assert caught.value is error


async def test_without_a_limit_a_call_may_take_for_ever(bench: Bench) -> None:
    breaker = CircuitBreaker("gateway", bench.system, call_timeout=None)
    release = asyncio.Event()
    call = asyncio.ensure_future(breaker.call(release.wait))
    await turns()
    bench.clock.advance(1e9)
    release.set()

    assert await within(call) is True
    assert breaker.status().failures == 0


async def test_a_caller_on_another_loop_is_cut_short_there(bench: Bench) -> None:
    begun = threading.Event()

    async def hang() -> None:
        begun.set()
        await asyncio.Event().wait()

    other = asyncio.ensure_future(asyncio.to_thread(asyncio.run, bench.breaker.call(hang)))
    assert await asyncio.to_thread(begun.wait, LIMIT)
    bench.clock.advance(5.0)

    with pytest.raises(DeadlineExceeded):
        await within(other)
    assert bench.breaker.status().failures == 1


# -- blocks and decorators ---------------------------------------------------------------


async def test_a_block_counts_as_a_call(bench: Bench) -> None:
    for _ in range(2):
        with pytest.raises(Crash):
            async with bench.breaker:
                raise Crash("ill")

    with pytest.raises(CircuitOpen):
        async with bench.breaker:
            pytest.fail("nobody comes here")


async def test_blocks_may_stand_within_each_other_and_side_by_side(bench: Bench) -> None:
    async def nested() -> None:
        async with bench.breaker:
            await asyncio.sleep(0)
            async with bench.breaker:
                await asyncio.sleep(0)

    await within(asyncio.gather(nested(), nested()))

    assert bench.breaker.status().failures == 0


async def test_a_block_that_takes_too_long_is_cut_short(bench: Bench) -> None:
    async def block() -> None:
        async with bench.breaker:
            await asyncio.Event().wait()

    task = asyncio.ensure_future(block())
    await turns()
    bench.clock.advance(5.0)

    with pytest.raises(DeadlineExceeded):
        await within(task)


async def test_a_decorated_coroutine_function_is_guarded(bench: Bench) -> None:
    @bench.breaker
    async def charge(amount: int) -> int:
        """Charge."""
        if amount < 0:
            raise Crash("ill")
        return amount

    assert assert_type(await charge(3), int) == 3
    for _ in range(2):
        with pytest.raises(Crash):
            await charge(-1)
    with pytest.raises(CircuitOpen):
        await charge(3)
    assert (charge.__name__, charge.__doc__) == ("charge", "Charge.")


async def test_a_decorated_function_is_guarded(bench: Bench) -> None:
    @bench.breaker
    def charge(amount: int) -> int:
        if amount < 0:
            raise Crash("ill")
        return amount

    assert assert_type(charge(3), int) == 3
    for _ in range(2):
        with pytest.raises(Crash):
            charge(-1)
    with pytest.raises(CircuitOpen):
        charge(3)


async def test_a_function_that_took_too_long_returns_and_has_failed(bench: Bench) -> None:
    @bench.breaker
    def charge(seconds: float) -> str:
        bench.clock.advance(seconds)
        return "done"

    assert charge(5.0) == "done"
    assert bench.breaker.status().failures == 0
    assert charge(5.1) == "done"
    assert bench.breaker.status().failures == 1


async def test_many_threads_are_counted_each_once(bench: Bench) -> None:
    breaker = CircuitBreaker("gateway", bench.system, max_failures=1_000)

    @breaker
    def charge() -> None:
        raise Crash("ill")

    def charge_often() -> None:
        for _ in range(100):
            with pytest.raises(Crash):
                charge()

    await in_threads(8, charge_often)

    assert breaker.status().failures == 800


async def test_of_many_threads_one_makes_the_trial_call(bench: Bench) -> None:
    await bench.on_trial()
    turned_away = threading.Semaphore(0)

    @bench.breaker
    def charge() -> None:
        for _ in range(7):
            assert turned_away.acquire(timeout=LIMIT)

    def attempt() -> str:
        try:
            charge()
        except CircuitOpen:
            turned_away.release()
            return "open"
        return "closed"

    with quick_switches():
        results = await in_threads(8, attempt)

    assert sorted(results) == ["closed", *["open"] * 7]
    assert bench.state is CLOSED


@pytest.mark.parametrize("function", [None, "charge", 3])
async def test_what_cannot_be_called_cannot_be_decorated(bench: Bench, function: Any) -> None:
    with pytest.raises(OptionError, match="function="):
        bench.breaker(function)


async def test_generators_cannot_be_decorated(bench: Bench) -> None:
    def numbers() -> Iterator[int]:
        yield 1

    async def later() -> AsyncIterator[int]:
        yield 1

    for function in (numbers, later):
        with pytest.raises(OptionError, match="def or async def"):
            bench.breaker(function)


async def test_a_request_may_be_the_call(bench: Bench) -> None:
    puppet = bench.system.spawn(Props(Puppet))

    reply = await within(bench.breaker.call(puppet.request, Do(lambda _: "done")))
    await within(bench.breaker.call(partial(puppet.request, Note("hello"))))

    assert reply == "done"


# -- what counts -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "failures"),
    [
        (Crash("ill"), 2),
        (OSError("ill"), 2),
        (DeadlineExceeded(waiting_for="x", timeout=1.0), 2),
        (Refused("sold out"), 0),
        (UnhandledError(path="/x", message_type="X"), 0),
        (RequestCycleError(path=("/a", "/a")), 1),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_what_counts_unless_it_is_said(bench: Bench, error: Exception, failures: int) -> None:
    breaker = CircuitBreaker("gateway", bench.system)
    for each in (Crash("first"), error):
        with pytest.raises(type(each)):
            await breaker.call(bench.fail, each)

    assert breaker.status().failures == failures


def _is_os_error(error: Exception) -> bool:
    return isinstance(error, OSError)


@pytest.mark.parametrize(
    "counts", [OSError, (OSError, KeyError), _is_os_error], ids=["type", "types", "function"]
)
@pytest.mark.parametrize(
    ("error", "failures"),
    [
        (ConnectionError("ill"), 2),
        (Crash("fine"), 0),
        (DeadlineExceeded(waiting_for="x", timeout=1.0), 2),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_what_counts_can_be_said(
    bench: Bench, counts: Any, error: Exception, failures: int
) -> None:
    breaker = CircuitBreaker("gateway", bench.system, counts=counts)
    for each in (OSError("first"), error):
        with pytest.raises(type(each)):
            await breaker.call(bench.fail, each)

    assert breaker.status().failures == failures


def _raise(error: BaseException) -> None:
    raise error


async def test_a_refusal_counts_if_it_is_said(bench: Bench) -> None:
    breaker = CircuitBreaker("gateway", bench.system, counts=Exception)

    with pytest.raises(Refused):
        await breaker.call(bench.fail, Refused("no"))

    assert breaker.status().failures == 1


async def test_if_the_function_that_says_what_counts_fails_that_is_logged_and_counts() -> None:
    captured = Captured()

    def counts(error: Exception) -> bool:
        raise KeyError("oops")

    async with ActorSystem("test", logger=captured.log) as system:
        breaker = CircuitBreaker("gateway", system, counts=counts)
        with pytest.raises(Crash):
            breaker(partial(_raise, Crash("ill")))()

    [entry] = captured.entries("breaker_counts_failed")
    assert (entry["breaker"], type(entry["exc_info"])) == ("gateway", KeyError)
    assert breaker.status().failures == 1


async def test_an_exception_that_ends_the_program_counts_neither_way(bench: Bench) -> None:
    await bench.failing()

    with pytest.raises(KeyboardInterrupt):
        bench.breaker(partial(_raise, KeyboardInterrupt()))()

    assert bench.breaker.status().failures == 1


# -- what it tells -----------------------------------------------------------------------


async def test_changes_are_events(bench: Bench) -> None:
    await bench.on_trial()
    await bench.failing()
    bench.clock.advance(20.0)
    await bench.breaker.call(bench.succeed)

    start = ManualClock().time()
    common = [
        {"path": each.path, "name": getattr(each, "name", None), "at": (each.time - start).seconds}
        for each in bench.events
    ]
    assert [type(each) for each in bench.events] == [
        BreakerOpened,
        BreakerHalfOpened,
        BreakerOpened,
        BreakerHalfOpened,
        BreakerClosed,
    ]
    assert common == [{"path": "/", "name": "gateway", "at": at} for at in (0, 10, 10, 30, 30)]
    opened = [each for each in bench.events if isinstance(each, BreakerOpened)]
    assert [(each.failures, each.reset_timeout) for each in opened] == [(2, 10.0), (2, 20.0)]


async def test_an_event_that_nobody_wants_is_not_made() -> None:
    clock = ManualClock()
    async with ActorSystem("test", clock=clock) as system:
        breaker = CircuitBreaker("gateway", system, max_failures=1)
        with pytest.raises(Crash):
            breaker(partial(_raise, Crash("ill")))()

        assert not system.events.wants(BreakerOpened)
        assert breaker.status().state is OPEN


async def test_looking_at_it_changes_nothing(bench: Bench) -> None:
    await bench.on_trial()

    assert repr(bench.breaker) == "<CircuitBreaker gateway half_open failures=2>"
    assert [type(each) for each in bench.events] == [BreakerOpened]


async def test_a_subscriber_may_look_at_the_breaker(bench: Bench) -> None:
    seen: list[BreakerState] = []
    bench.system.events.subscribe(lambda _: seen.append(bench.state), BreakerOpened)

    await bench.failing(2)

    assert seen == [OPEN]


def test_with_a_clock_alone_it_works_and_tells_nobody() -> None:
    clock = ManualClock()
    breaker = CircuitBreaker("gateway", clock, max_failures=1, reset_timeout=2.0)
    with pytest.raises(Crash):
        breaker(partial(_raise, Crash("ill")))()
    with pytest.raises(CircuitOpen):
        breaker(int)()
    clock.advance(2.0)

    assert breaker(int)() == 0
    assert breaker.status().state is CLOSED


async def test_with_the_machines_clock_alone_calls_have_their_limit() -> None:
    breaker = CircuitBreaker("gateway", SystemClock(), call_timeout=1e-6)

    with pytest.raises(DeadlineExceeded):
        await within(breaker.call(asyncio.Event().wait))

    assert breaker.status().failures == 1


# -- options -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"max_failures": 0}, "max_failures=0: expected an int of at least 1"),
        ({"max_failures": 1.5}, "max_failures=1.5: expected an int"),
        ({"call_timeout": 0}, "call_timeout=0: expected more than 0 seconds"),
        ({"call_timeout": -1.0}, "call_timeout=-1.0: expected seconds"),
        ({"call_timeout": "1"}, "call_timeout='1': expected seconds"),
        ({"reset_timeout": 0.0}, "reset_timeout=0.0: expected more than 0 seconds"),
        ({"reset_timeout": float("inf")}, "reset_timeout=inf: expected seconds"),
        ({"reset_timeout": None}, "reset_timeout=None: expected seconds"),
        ({"backoff_factor": 0.5}, "backoff_factor=0.5: expected a number of at least 1"),
        ({"backoff_factor": float("nan")}, "backoff_factor=nan: expected a number"),
        ({"backoff_factor": "2"}, "backoff_factor='2': expected a number"),
        ({"max_reset_timeout": 5}, "max_reset_timeout=5: expected at least reset_timeout=30"),
        ({"max_reset_timeout": float("inf")}, "max_reset_timeout=inf: expected seconds"),
        ({"counts": KeyboardInterrupt}, "counts=<class 'KeyboardInterrupt'>: expected types"),
        ({"counts": ()}, r"counts=\(\): expected types of exceptions"),
        ({"counts": (OSError, "x")}, "counts=.*: expected types of exceptions"),
        ({"counts": 3}, "counts=3: expected types of exceptions, or a function"),
    ],
    ids=str,
)
def test_an_option_that_cannot_be_is_an_error(options: Any, complaint: str) -> None:
    with pytest.raises(OptionError, match=complaint):
        CircuitBreaker("gateway", ManualClock(), **options)


@pytest.mark.parametrize("name", ["", None, 3])
def test_it_needs_a_name(name: Any) -> None:
    with pytest.raises(OptionError, match="name="):
        CircuitBreaker(name, ManualClock())


@pytest.mark.parametrize("system", [None, "system", 3.0])
def test_it_needs_a_system_or_a_clock(system: Any) -> None:
    with pytest.raises(OptionError, match="expected an ActorSystem or a Clock"):
        CircuitBreaker("gateway", system)
