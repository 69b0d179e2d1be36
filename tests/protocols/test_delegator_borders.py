"""What is refused when a delegator is declared, and what it counts."""

import math
import pickle
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from hypothesis import given, strategies as st

from dramaturg.actors import (
    OptionError,
    Props,
    StartFailed,
)
from dramaturg.protocols import (
    AgentFigures,
    BestSuccessRate,
    Delegate,
    DelegationFailed,
    Delegator,
    DelegatorFull,
    InOrder,
    LeastInFlight,
    NoRouteError,
    Route,
    RouteError,
)
from dramaturg.protocols._delegator_figures import LatencyHistogram
from dramaturg.supervision import ChildSpec
from tests.actors.kit import within
from tests.ids import stable
from tests.protocols.delegator_kit import Agent, Bench, Fails, Plain, Special, Task, opened

pytestmark = pytest.mark.timeout(30)


@pytest.fixture
async def bench() -> AsyncGenerator[Bench]:
    async with opened() as made:
        yield made


# -- declarations


async def test_a_class_twice_is_two_agents_that_share_the_work(bench: Bench) -> None:
    made = Props(Agent, bench.log("made"))
    desk = await bench.desk(Route(Task, agents=[made, made]))
    for text in "abcd":
        await within(desk.request(Task(text=text)))

    figures = await bench.figures()
    assert [each.successes for each in figures.agents] == [2, 2]


def route(**options: Any) -> Route:
    given: dict[str, Any] = {"task": Task, "agents": ["/a"], **options}
    return Route(**given)


WRONG: dict[str, Any] = {
    "no class": lambda: route(task="Task"),
    "type and capability": lambda: route(capability="x"),
    "no text": lambda: Route(capability=7, agents=["/a"]),  # type: ignore[arg-type]
    "when": lambda: route(when=7),
    "no agents": lambda: route(agents=[]),
    "agents": lambda: route(agents="/a"),
    "path": lambda: route(agents=["a"]),
    "agent": lambda: route(agents=[7]),
    "twice": lambda: route(agents=["/a", "/a"]),
    "fallback": lambda: route(fallback="/a"),
    "handler": lambda: route(handler=7),
    "choose": lambda: route(choose=InOrder),
    "retry": lambda: route(retry=3),
    "timeout": lambda: route(timeout=0),
    "final": lambda: route(final=(int,)),
    "no routes": Delegator.of,
    "no route": lambda: Delegator.of("Task"),  # type: ignore[arg-type]
    "two for one type": lambda: Delegator.of(route(), route()),
    "two for one capability": lambda: Delegator.of(
        *[Route(capability="x", agents=["/a"]) for _ in range(2)]
    ),
    "unreachable": lambda: Delegator.of(route(), route(when=bool)),
    "a task without a route": lambda: Delegator.of(route(task=Special), tasks=[Task]),
    "a capability without a route": lambda: Delegator.of(
        Route(capability="x", agents=["/a"]), tasks=[Plain]
    ),
    "a route without a task": lambda: Delegator.of(route(), route(task=int), tasks=[Task]),
    "a hidden route": lambda: Delegator.of(route(), route(task=Special), tasks=[Special]),
    "no task": lambda: Delegator.of(route(), tasks=["Task"]),  # type: ignore[list-item]
    "one id": lambda: Delegator.of(
        route(agents=[ChildSpec("a", Agent)]), route(task=int, agents=[ChildSpec("a", Fails)])
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_route_is_refused_when_it_is_declared(name: str) -> None:
    with pytest.raises(RouteError):
        WRONG[name]()


@pytest.mark.parametrize("count", [0, -1, True, "7"], ids=stable)
def test_a_limit_is_a_number(count: Any) -> None:
    with pytest.raises(OptionError):
        Delegator.of(route(), in_flight=count)


def test_a_capability_is_a_text() -> None:
    with pytest.raises(OptionError):
        Delegate(Task(), "")


async def test_an_agent_that_does_not_live_is_found_at_the_start(bench: Bench) -> None:
    desk = bench.system.spawn(Delegator.of(route(agents=["/nobody"])))

    with pytest.raises(StartFailed) as raised:
        await within(desk.started())
    assert isinstance(raised.value.__cause__, RouteError)


# -- figures


async def test_latencies_are_those_of_answers(bench: Bench) -> None:
    class Takes(Agent):
        def act(self, task: Task | Plain) -> str:
            bench.clock.advance(float(task.text))
            return ""

    desk = await bench.desk(Route(Task, agents=[bench.agent("a", Takes)]))
    for seconds in (1, 2, 3, 4):
        await within(desk.request(Task(text=str(seconds)), timeout=60))

    found = (await bench.figures()).of("/a")
    assert (found.tasks, found.successes, found.mean, found.longest) == (4, 4, 2.5, 4)
    assert found.p50 == pytest.approx(2, rel=0.1)
    assert found.p99 == pytest.approx(4, rel=0.1)
    with pytest.raises(KeyError):
        (await bench.figures()).of("/b")


@given(st.lists(st.floats(1e-5, 1_000), min_size=1), st.sampled_from([50, 90, 99]))
def test_a_percentile_is_at_most_a_tenth_too_high(times: list[float], percent: int) -> None:
    histogram = LatencyHistogram()
    for each in times:
        histogram.add(each)

    exact = sorted(times)[max(1, math.ceil(len(times) * percent / 100)) - 1]
    found = histogram.percentile(percent)
    assert found is not None
    assert exact * 0.999 <= found <= exact * 1.1
    assert histogram.mean() == pytest.approx(sum(times) / len(times))


FIGURES = st.builds(
    AgentFigures, agent=st.text("ab", min_size=1), tasks=st.just(0), in_flight=st.integers(0, 3),
    successes=st.just(0), refusals=st.just(0), failures=st.just(0), timeouts=st.just(0),
    late=st.just(0), recent_success=st.floats(0, 1), mean=st.none(), p50=st.none(), p90=st.none(),
    p99=st.none(), longest=st.none(),
)  # fmt: skip


@given(st.lists(FIGURES, min_size=1, max_size=5).map(tuple), st.integers(0, 9))
def test_every_logic_ranks_each_agent_once(agents: tuple[AgentFigures, ...], turn: int) -> None:
    for logic in (InOrder(), BestSuccessRate(), LeastInFlight()):
        ranked = logic.rank(agents, None, turn)
        assert sorted(map(id, ranked)) == sorted(map(id, agents))
    best = BestSuccessRate().rank(agents, None, turn)[0]
    assert best.recent_success == max(each.recent_success for each in agents)
    least = LeastInFlight().rank(agents, None, turn)[0]
    assert least.in_flight == min(each.in_flight for each in agents)


@pytest.mark.parametrize(
    "error",
    [
        RouteError(route="Route(Task)", problem="is there twice", expected="one"),
        NoRouteError(path="/desk", task="Task", problem="no route is for it"),
        DelegatorFull(path="/desk", in_flight=2),
        DelegationFailed(path="/desk", task="Task", attempts=()),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_a_trip_elsewhere(error: Exception) -> None:
    back = pickle.loads(pickle.dumps(error))  # noqa: S301

    assert (type(back), str(back), vars(back)) == (type(error), str(error), vars(error))
