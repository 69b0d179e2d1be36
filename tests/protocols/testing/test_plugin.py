"""``@simulate`` and what it does within one process: what runs, with which arguments."""

import inspect
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from dramaturg.actors import Props
from dramaturg.protocols.testing import (
    ScenarioError,
    Simulation,
    SimulationFailed,
    World,
    simulate,
    simulation_of,
)
from tests.protocols.testing.lost_update import careful as careful_update, lost_update
from tests.protocols.testing.shop import Get, Store, careful, racy

# Of what is found it matters here that it is found, not how short it becomes.
pytestmark = pytest.mark.usefixtures("brief_shrinking")


@simulate
async def test_a_bare_decorator_simulates_a_coroutine_function(sim: Simulation) -> None:
    await careful(sim)


@simulate(schedules=20)
def test_a_plain_function_fills_a_world(world: World) -> None:
    careful_update(world)


@pytest.mark.parametrize("stock", [1, 2])
@simulate(schedules=3)
async def test_other_arguments_are_those_of_pytest(
    sim: Simulation, tmp_path: Any, stock: int
) -> None:
    assert tmp_path.is_dir()
    store = sim.system.spawn(Props(Store, stock))
    assert await store.request(Get()) == stock


class TestInAClass:
    @simulate(schedules=3)
    async def test_methods_can_be_simulated(self, sim: Simulation, stock: int) -> None:
        assert isinstance(self, TestInAClass)
        store = sim.system.spawn(Props(Store, stock))
        assert await store.request(Get()) == stock

    @pytest.fixture
    def stock(self) -> int:
        return 5


def test_a_race_fails_the_test_with_a_report() -> None:
    @simulate
    async def test_it(sim: Simulation) -> None:
        await racy(sim)

    with pytest.raises(SimulationFailed) as raised:
        test_it()

    assert "at_rest none left" in str(raised.value)
    assert raised.value.verdict.failure is not None


def test_a_world_that_breaks_fails_the_test() -> None:
    with pytest.raises(SimulationFailed, match="both_count"):
        simulate(schedules=50)(_lost_update)()


def _lost_update(world: World) -> None:
    lost_update(world)


def test_what_is_decorated_is_no_coroutine_function_and_has_no_parameter_for_the_run() -> None:
    @simulate
    async def test_it(sim: Simulation, clerk: str, number: int = 3) -> None:
        """Try it."""

    assert not inspect.iscoroutinefunction(test_it)
    assert list(inspect.signature(test_it).parameters) == ["clerk", "number"]
    assert test_it.__doc__ == "Try it."


# -- misuse ------------------------------------------------------------------------------------


def test_an_unknown_option_is_refused_where_it_is_said() -> None:
    with pytest.raises(ScenarioError, match=r"@simulate\(schedule=...\): no option for a system"):

        @simulate(schedule=5)
        async def test_it(sim: Simulation) -> None: ...


def test_an_option_of_the_other_kind_is_refused() -> None:
    with pytest.raises(ScenarioError, match="no option for a world"):
        simulate(allow=("clock",))(_lost_update)


def test_a_test_without_the_run_among_its_parameters_is_refused() -> None:
    async def test_it(simulation: Simulation) -> None: ...

    def test_other(sim: Simulation) -> None: ...

    with pytest.raises(ScenarioError, match="takes no sim"):
        simulate(test_it)
    with pytest.raises(ScenarioError, match="takes no world"):
        simulate(test_other)


@pytest.mark.parametrize("thing", [Store, 3, "name"])
def test_what_is_no_function_is_refused(thing: Any) -> None:
    with pytest.raises(ScenarioError, match="is no function"):
        simulate(thing)


def test_simulating_twice_is_refused() -> None:
    with pytest.raises(ScenarioError, match="is simulated already"):
        simulate(simulate(_lost_update))


def test_given_below_is_refused() -> None:
    @given(number=st.integers())
    def test_it(world: World, number: int) -> None: ...

    with pytest.raises(ScenarioError, match="@given above @simulate") as raised:
        simulate(test_it)
    assert raised.value.thing == "test_given_below_is_refused.<locals>.test_it"


def test_a_value_that_cannot_be_is_refused_where_it_is_given() -> None:
    decorate = simulate(schedules=0)
    with pytest.raises(ScenarioError, match="schedules=0"):
        decorate(_lost_update)


# -- Hypothesis --------------------------------------------------------------------------------


@settings(max_examples=5, deadline=None)
@given(stock=st.integers(0, 9))
@simulate
async def test_each_example_is_a_search_of_its_own(sim: Simulation, stock: int) -> None:
    store = sim.system.spawn(Props(Store, stock))
    assert await store.request(Get()) == stock


def test_hypothesis_shrinks_what_the_scenario_is_given() -> None:
    @settings(max_examples=50, deadline=None, database=None, derandomize=True)
    @given(stock=st.integers(0, 1_000))
    @simulate
    async def test_it(sim: Simulation, stock: int) -> None:
        store = sim.system.spawn(Props(Store, stock))
        assert await store.request(Get()) < 10

    with pytest.raises(SimulationFailed) as raised:
        test_it()

    assert "stock=10" in "".join(raised.value.__notes__)


def test_within_an_example_few_schedules_are_tried() -> None:
    counts: list[int] = []

    def counted(world: World) -> None:
        careful_update(world)

    @settings(max_examples=1, deadline=None, database=None)
    @given(number=st.integers())
    def test_it(number: int) -> None:
        verdict = simulation_of(counted)
        assert verdict is not None
        counts.append(verdict.schedules)
        verdict = simulation_of(counted, schedules=33)
        assert verdict is not None
        counts.append(verdict.schedules)

    test_it()

    assert counts[:2] == [20, 33]


class Sales(RuleBasedStateMachine):
    @rule(stock=st.integers(0, 3))
    def sell(self, stock: int) -> None:
        async def scenario(sim: Simulation) -> None:
            store = sim.system.spawn(Props(Store, stock))
            assert await store.request(Get()) == stock

        simulation_of(scenario, schedules=2)


def test_a_rule_of_a_state_machine_may_simulate() -> None:
    run_state_machine_as_test(
        Sales, settings=settings(max_examples=3, stateful_step_count=3, deadline=None)
    )


def test_a_search_within_a_test_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ScenarioError, match=r"simulation_of\(schedule=...\)"):
        simulation_of(racy, schedule=3)
