"""A whole actor system under the simulator: what is chosen, what stands still, what goes wrong."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dramaturg.actors import Actor, ActorCrashed, DeadlineExceeded, Props, handler
from dramaturg.protocols.testing import (
    Faults,
    ScenarioError,
    SimulatedCrash,
    Simulation,
    SystemScenario,
    explore_system,
    replay_system,
)
from dramaturg.supervision import Backoff, ChildSpec, Supervisor, SupervisorSpec
from tests.protocols.testing.shop import Get, Put, Store, Take, careful, racy

# Of what is found it matters here that it is found, not how short it becomes.
pytestmark = pytest.mark.usefixtures("brief_shrinking")

SEEDS = range(20)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_race_between_two_actors_is_found_with_any_seed(seed: int) -> None:
    verdict = explore_system(racy, seed=seed)

    assert verdict.failure is not None
    assert verdict.failure.property == "at_rest none left"
    assert len(verdict.failure.schedule) == 6
    assert "/store.stock: 1 -> 1" not in str(verdict)


@pytest.mark.parametrize("seed", SEEDS)
def test_without_a_race_every_schedule_passes(seed: int) -> None:
    assert explore_system(careful, seed=seed, schedules=50).check().truncated == 0


REPORT = """\
     /store     /ann      /bob    scenario
1       |         |<------------------|      Take()
2       |         |         |<--------|      Take()
3       |<--------|         |         |      Get()
4       |<------------------|         |      Get()
5       |<--------|         |         |      Put(stock=1)
6       |<------------------|         |      Put(stock=1)
"""


def test_the_report_draws_the_actors() -> None:
    verdict = explore_system(racy)

    assert REPORT in str(verdict)


async def test_it_runs_inside_a_running_loop() -> None:
    loop = asyncio.get_running_loop()
    assert explore_system(careful, schedules=3).passed
    assert asyncio.get_running_loop() is loop
    await asyncio.sleep(0)


# -- time ------------------------------------------------------------------------------


class Patient(Actor):
    """Waits in its handler, and gives up a request that takes too long."""

    @handler
    async def wait(self, message: Get) -> float:
        await asyncio.sleep(3_000)
        return self.context.clock.monotonic()

    @handler
    async def limit(self, message: Take) -> str:
        try:
            async with asyncio.timeout(5):
                await asyncio.sleep(10)
        except TimeoutError:
            return "timed out"
        return "slept"


def test_time_jumps_when_all_is_quiet() -> None:
    seen: list[float] = []

    async def scenario(sim: Simulation) -> None:
        ref = sim.system.spawn(Patient)
        seen.append(await ref.request(Get(), timeout=3_500))
        assert await ref.request(Take(), timeout=100) == "timed out"
        assert sim.timers.now == 3_005

    began = time.monotonic()
    assert explore_system(scenario, schedules=2).passed
    assert seen[0] == 3_000
    assert time.monotonic() - began < 100


def test_a_deadline_passes_in_virtual_time_and_timers_ring_in_order() -> None:
    class Ticker(Actor):
        def __init__(self) -> None:
            self.log: list[str] = []
            self.context.start_timer("late", "late", after=9)
            self.context.start_timer("soon", "soon", after=2)

        @handler
        def tick(self, message: str) -> None:
            self.log.append(message)

        @handler
        async def hang(self, message: Get) -> None:
            await asyncio.Event().wait()

    async def scenario(sim: Simulation) -> None:
        ref = sim.system.spawn(Ticker, name="t")
        sim.at_rest(lambda view: view["/t"].log == ["soon", "late"], "both rang")
        await asyncio.sleep(20)
        with pytest.raises(DeadlineExceeded):
            await ref.request(Get())

    assert explore_system(scenario, schedules=5).passed


def test_a_timer_may_ring_early_if_that_is_allowed() -> None:
    async def scenario(sim: Simulation) -> None:
        store = sim.system.spawn(Store)
        await store.request(Get(), timeout=60)

    verdict = explore_system(scenario, faults=Faults(early_timers=1))

    assert verdict.failure is not None
    assert verdict.failure.property == "scenario raises DeadlineExceeded"
    assert verdict.failure.schedule == ("early scenario:deadline #0",)


# -- crashes ---------------------------------------------------------------------------


class Counter(Actor):
    def __init__(self) -> None:
        self.count = 0

    @handler
    def add(self, message: Put) -> int:
        self.count += message.stock
        return self.count


def test_a_crash_is_found_where_state_is_lost() -> None:
    async def scenario(sim: Simulation) -> None:
        spec = SupervisorSpec([ChildSpec("counter", Counter)], intensity=3)
        sup = sim.system.spawn(Props(Supervisor, spec), name="sup")
        await sup.started()
        counter: Any = sim.system.lookup("/sup/counter")
        sim.at_rest(lambda view: view["/sup/counter"].count == 3, "counted")
        for number in (1, 2):
            await counter.request(Put(number))

    assert explore_system(scenario).passed
    verdict = explore_system(scenario, faults=Faults(crashes={"/sup/counter": 1}))

    assert verdict.failure is not None
    assert verdict.failure.property == "at_rest counted"
    assert any(name.startswith("crash /sup/counter") for name in verdict.failure.schedule)


def test_supervisors_restart_what_the_simulation_lets_crash_and_keep_what_is_queued() -> None:
    async def scenario(sim: Simulation) -> None:
        backoff = Backoff(1.0, 5.0)
        spec = SupervisorSpec([ChildSpec("store", Store, backoff=backoff)], intensity=5)
        sup = sim.system.spawn(Props(Supervisor, spec), name="sup")
        await sup.started()
        store: Any = sim.system.lookup("/sup/store")
        sim.sometimes(lambda view: view["/sup/store"] is None, "is down")
        sim.sometimes(lambda view: view.now >= 1.0, "comes back after its pause")
        assert [await store.request(Get(), timeout=100) for _ in range(3)] == [2, 2, 2]

    explore_system(scenario, faults=Faults(crashes={"/sup/store": 2}), schedules=200).check()


def test_a_crash_where_a_handler_waits_fails_the_request() -> None:
    crashed: list[BaseException] = []

    async def scenario(sim: Simulation) -> None:
        spec = SupervisorSpec([ChildSpec("it", Patient)], intensity=3)
        sup = sim.system.spawn(Props(Supervisor, spec), name="sup")
        await sup.started()
        ref: Any = sim.system.lookup("/sup/it")
        try:
            await ref.request(Get(), timeout=3_500)
        except ActorCrashed as error:
            crashed.append(error)

    assert explore_system(scenario, faults=Faults(crashes={"/sup/it": 1}), schedules=50).passed
    assert crashed


def test_a_crash_at_the_top_is_no_failure_of_the_system_and_another_error_is() -> None:
    class Fragile(Actor):
        @handler
        def fall(self, message: Get) -> None:
            raise KeyError("fell")

    async def quiet(sim: Simulation) -> None:
        sim.system.spawn(Store)

    async def loud(sim: Simulation) -> None:
        sim.system.spawn(Fragile).tell(Get())

    assert explore_system(quiet, faults=Faults(crashes=1), schedules=20).passed
    verdict = explore_system(loud, schedules=20)
    assert verdict.failure is not None
    assert verdict.failure.property == "system fails"
    assert verdict.failure.detail.startswith("KeyError in /Fragile-1 (Fragile.fall, tests/")
    assert verdict.failure.detail.endswith("): 'fell'")
    assert issubclass(SimulatedCrash, Exception)


@pytest.mark.parametrize("budget", ["drops", "duplicates", "reorders", "skews", "partitions"])
def test_what_cannot_happen_within_one_system_is_refused(budget: str) -> None:
    budgets: dict[str, Any] = {budget: 1}
    with pytest.raises(ScenarioError, match="cannot happen in one system"):
        explore_system(careful, faults=Faults(**budgets))


# -- order -----------------------------------------------------------------------------


class Log(Actor):
    def __init__(self) -> None:
        self.log: list[str] = []

    @handler
    def note(self, message: str) -> None:
        self.log.append(message)


class Relay(Actor):
    """Tells the log, and only then answers."""

    def __init__(self, log: Any) -> None:
        self.log = log

    @handler
    def relay(self, message: Get) -> None:
        self.log.tell("relay")


async def causes(sim: Simulation) -> None:
    log = sim.system.spawn(Log, name="log")
    relay = sim.system.spawn(Props(Relay, log))
    sim.at_rest(lambda view: view["/log"].log == ["relay", "scenario"], "in order")
    await relay.request(Get())
    log.tell("scenario")


def test_in_one_process_what_was_told_first_arrives_first() -> None:
    assert explore_system(causes).passed


def test_only_the_order_of_one_sender_is_promised() -> None:
    verdict = explore_system(causes, any_sender_first=True)

    assert verdict.failure is not None
    assert verdict.failure.property == "at_rest in order"


# -- the scenario ----------------------------------------------------------------------


def test_a_scenario_that_still_waits_has_failed() -> None:
    class Silent(Actor):
        @handler
        async def hang(self, message: Get) -> None:
            await asyncio.Event().wait()

    async def scenario(sim: Simulation) -> None:
        await sim.system.spawn(Silent, name="silent").request(Get(), timeout=1e6)

    verdict = explore_system(scenario, schedules=1)

    assert verdict.failure is not None
    assert verdict.failure.property == "scenario ends"


def test_an_assertion_in_a_scenario_is_a_failure() -> None:
    async def scenario(sim: Simulation) -> None:
        stock = await sim.system.spawn(Store).request(Get())
        sim.note(stock)
        assert stock == 3, "sold out"

    failure = explore_system(scenario, schedules=1).failure

    assert failure is not None
    assert failure.property == "scenario"
    assert failure.detail.startswith("sold out")


def test_what_is_no_scenario_is_refused() -> None:
    with pytest.raises(ScenarioError, match="is no scenario of a system"):
        explore_system(lambda sim: None)  # type: ignore[arg-type, return-value]
    with pytest.raises(
        ScenarioError, match=r"allow=\('clocks',\): cannot be used; expected several of clock"
    ):
        explore_system(careful, allow=("clocks",))


def test_a_token_replays_in_another_process_under_another_hash_seed() -> None:
    failure = explore_system(racy, seed=3).failure
    assert failure is not None
    program = (
        "from dramaturg.protocols.testing import replay_system\n"
        "from tests.protocols.testing.shop import racy\n"
        f"again = replay_system(racy, {failure.token!r})\n"
        f"assert again.run.schedule == {failure.schedule!r}, again\n"
        f"assert again.run.broken.name == {failure.property!r}, again\n"
    )
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=Path(__file__).parents[3],
            env={"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_a_replay_tells_what_was_skipped() -> None:
    again = replay_system(racy, ["deliver /ann->/store #7", "deliver scenario->/bob #0"])

    assert again.skipped == ("deliver /ann->/store #7",)
    assert again.run.schedule[0] == "deliver scenario->/bob #0"


# -- time and quiet -----------------------------------------------------------------------


def observed(scenario: SystemScenario) -> list[Any]:
    """Return what a calm run notes after its first event."""

    async def waits_first(sim: Simulation) -> None:
        await asyncio.sleep(1.0)
        await scenario(sim)

    replayed = replay_system(waits_first, [])
    assert replayed.run.broken is None
    return [note for step in replayed.run.steps for note in step.notes]


def test_time_stands_still_for_what_waits() -> None:
    async def scenario(sim: Simulation) -> None:
        store = sim.system.spawn(Store, name="store")
        before = sim.keeps_time()
        store.tell(Put(1))
        sim.note((before, sim.keeps_time()))
        await sim.idle()
        sim.note(sim.keeps_time())

    assert observed(scenario) == [((), ("deliver scenario->/store #0",)), ()]


def test_a_scenario_waits_until_all_is_quiet() -> None:
    async def scenario(sim: Simulation) -> None:
        store = sim.system.spawn(Store, name="store")
        store.tell(Put(1))
        store.tell(Put(2))
        sleeping = asyncio.ensure_future(asyncio.sleep(3.0))
        left = await sim.idle()
        sim.note((left, await store.request(Get())))
        await sleeping
        sim.note(await sim.idle())

    assert observed(scenario) == [(3.0, 2), None]


def test_a_run_that_is_cut_off_ends_its_scenario() -> None:
    ended: list[str] = []

    async def scenario(sim: Simulation) -> None:
        try:
            for _ in range(100):
                await asyncio.sleep(1.0)
        finally:
            await asyncio.sleep(1.0)
            ended.append("yes")

    verdict = explore_system(scenario, schedules=1, events=5)

    assert verdict.outcome == "unknown"
    assert set(ended) == {"yes"}
