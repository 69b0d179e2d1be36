"""Whom a delegator asks, in which order, what callers are told, and what it counts."""

import asyncio
import math
import pickle
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from hypothesis import given, strategies as st

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorRef,
    ActorStopped,
    ActorSystem,
    ConsistentHash,
    DeadLetterReason,
    DeadlineExceeded,
    Directive,
    ManualClock,
    OptionError,
    Policy,
    Props,
    Refused,
    Request,
    RequestCycleError,
    StartFailed,
    handler,
)
from dramaturg.protocols import (
    AgentChoice,
    AgentFigures,
    BestSuccessRate,
    Delegate,
    DelegationFailed,
    Delegator,
    DelegatorFigures,
    DelegatorFull,
    FailedTask,
    GetFigures,
    InOrder,
    LeastInFlight,
    NoRouteError,
    Route,
    RouteError,
)
from dramaturg.protocols._delegator_figures import LatencyHistogram
from dramaturg.protocols.workflows import Retry
from dramaturg.supervision import Backoff, ChildSpec, RestartLimitReached
from tests.actors.kit import within
from tests.actors.messaging_kit import turns
from tests.ids import stable

pytestmark = pytest.mark.timeout(30)
TWICE = Retry(attempts=2, backoff=Backoff(1.0, 1.0))


class Task(Request[str]):
    text: str = ""
    key: str = ""


class Special(Task): ...


@dataclass(frozen=True)
class Plain:
    text: str
    key: str | None = None
    capability: str = "plain"


class Agent(Actor):
    """Does what the text says, and keeps what it was asked."""

    policy: ClassVar[Policy | None] = Directive.RESTART

    def __init__(self, log: list[Any]) -> None:
        self.log = log

    @handler
    def do(self, task: Task | Plain | FailedTask) -> Any:
        self.log.append(task)
        if isinstance(task, FailedTask):
            return f"{len(task.attempts)} have failed"
        return self.act(task)

    def act(self, task: Task | Plain) -> Any:
        return f"{self.context.name}: {task.text}"


class Fails(Agent):
    def act(self, task: Task | Plain) -> Any:
        raise RuntimeError("cannot")


class Refuses(Agent):
    def act(self, task: Task | Plain) -> Any:
        raise Refused("no")


class Silent(Agent):
    """Keeps tasks for itself."""

    def act(self, task: Task | Plain) -> Any:
        self.log[-1] = self.context.deadline
        self.context.stash()  # pyright: ignore[reportUnknownMemberType]
        return None


class Bench:
    def __init__(self, system: ActorSystem, clock: ManualClock) -> None:
        self.system = system
        self.clock = clock
        self.logs: dict[str, list[Any]] = {}

    def agent(self, name: str, cls: type[Agent] = Agent) -> ActorRef[Any]:
        return self.system.spawn(Props[Any](cls, self.log(name)), name=name)

    def log(self, name: str) -> list[Any]:
        return self.logs.setdefault(name, [])

    async def desk(self, *routes: Route, **options: Any) -> ActorRef[Any]:
        desk = self.system.spawn(Delegator.of(*routes, **options), name="desk")
        await within(desk.started())
        return desk

    async def figures(self) -> DelegatorFigures:
        desk = self.system.lookup("/desk")
        assert desk is not None
        found: DelegatorFigures = await within(desk.request(GetFigures()))
        return found


@asynccontextmanager
async def opened(**options: Any) -> AsyncGenerator[Bench]:
    clock = ManualClock()
    async with ActorSystem("test", clock=clock, **options) as system:
        yield Bench(system, clock)


@pytest.fixture
async def bench() -> AsyncGenerator[Bench]:
    async with opened() as made:
        yield made


# -- who is asked


async def test_a_task_goes_to_the_route_of_its_type_or_of_the_nearest_base(bench: Bench) -> None:
    desk = await bench.desk(
        Route(Task, agents=[bench.agent("a")]),
        Route(Special, when=lambda task: task.text == "this", agents=[bench.agent("b")]),
        Route(capability="plain", agents=[bench.agent("c")]),
        Route(capability="other", agents=[bench.agent("d")]),
    )

    asked = [Task(text="x"), Special(text="x"), Special(text="this"), Plain("x"),
             Delegate(Task(text="x"), "other")]  # fmt: skip
    told = [await within(desk.request(each)) for each in asked]

    assert told == ["a: x", "a: x", "b: this", "c: x", "d: x"]


async def test_a_task_without_a_route_is_refused(bench: Bench) -> None:
    desk = await bench.desk(
        Route(Special, agents=[bench.agent("a")]),
        Route(int, when=lambda task: 1 / 0, agents=["/a"]),
        Route(str, agents=["/a"], choose=ConsistentHash(key=lambda task: task.missing)),
    )
    for task in (Task(), 7, "text", Delegate(Special(), "none")):
        with pytest.raises(NoRouteError):
            await within(desk.request(task))
    desk.tell(Task())
    await turns()

    assert (await bench.figures()).turned_away == 5
    assert [each.reason for each in bench.system.dead_letters.list()] == [DeadLetterReason.REFUSED]


async def test_a_route_by_function_is_for_every_type(bench: Bench) -> None:
    desk = await bench.desk(Route(when=lambda task: task.text == "x", agents=[bench.agent("a")]))

    assert await within(desk.request(Plain("x"))) == "a: x"
    with pytest.raises(NoRouteError):
        await within(desk.request(Task(text="y")))


@pytest.mark.parametrize(
    ("choose", "first"),
    [(None, "abca"), (InOrder(), "aaaa"), (LeastInFlight(), "abca"), (BestSuccessRate(), "abca"),
     (ConsistentHash(key=lambda task: 7), "cccc")],
    ids=["default", "in order", "least", "best", "hash"],
)  # fmt: skip
async def test_a_route_chooses_who_is_asked_first(
    bench: Bench, choose: AgentChoice | None, first: str
) -> None:
    agents = [bench.agent(name) for name in "abc"]
    desk = await bench.desk(Route(Task, agents=agents, choose=choose))

    told = [await within(desk.request(Task())) for _ in first]

    names = "".join(each[0] for each in told)
    assert names == first or (len({*names}) == 1 and isinstance(choose, ConsistentHash))


async def test_who_fails_is_asked_last_by_success_rate(bench: Bench) -> None:
    agents = [bench.agent("a", Fails), bench.agent("b")]
    desk = await bench.desk(Route(Task, agents=agents, choose=BestSuccessRate()))

    told = [await within(desk.request(Task())) for _ in range(5)]

    assert told == ["b: "] * 5
    assert len(bench.log("a")) == 1
    assert (await bench.figures()).of("/a").recent_success == 0.5


async def test_agents_of_its_own_are_supervised(bench: Bench) -> None:
    desk = await bench.desk(
        Route(Task, agents=[Props(Fails, bench.log("own")), ChildSpec("b", Props(Agent, []))],
              choose=InOrder())
    )  # fmt: skip

    assert [await within(desk.request(Task())) for _ in range(3)] == ["b: "] * 3
    assert {each.agent for each in (await bench.figures()).agents} == {
        "/desk/agents/Fails", "/desk/agents/b",
    }  # fmt: skip
    assert len(bench.log("own")) == 3


async def test_it_fails_when_its_own_agents_fail_too_often(bench: Bench) -> None:
    class Supervised(Fails):
        policy = None

    desk = await bench.desk(Route(Task, agents=[Props(Supervised, [])]), intensity=1)
    for _ in range(2):
        with pytest.raises(DelegationFailed):
            await within(desk.request(Task()))

    with pytest.raises(RestartLimitReached):
        await within(bench.system.wait())


# -- failures


async def test_an_agent_is_asked_again_after_a_pause_then_the_next_then_the_fallback(
    bench: Bench,
) -> None:
    agents = [bench.agent("a", Fails), bench.agent("b", Fails)]
    fallback = bench.agent("c")
    desk = await bench.desk(
        Route(Task, agents=agents, fallback=fallback, retry=TWICE, choose=InOrder())
    )
    answer = desk.ask(Task(text="x"), block=False, timeout=60)
    asked: list[list[int]] = []
    for _ in range(4):
        await turns(20)
        asked.append([len(bench.log(name)) for name in "abc"])
        bench.clock.advance(1)

    assert asked == [[1, 0, 0], [2, 1, 0], [2, 2, 1], [2, 2, 1]]
    assert await within(answer) == "c: x"
    keys = {each.key for name in "abc" for each in bench.log(name)}
    assert len(keys) == 1
    assert "" not in keys


async def test_when_nobody_is_left_the_caller_gets_all_attempts(bench: Bench) -> None:
    desk = await bench.desk(
        Route(Task, agents=[bench.agent("a", Fails), bench.agent("b", Fails)], choose=InOrder())
    )

    with pytest.raises(DelegationFailed) as raised:
        await within(desk.request(Task()))
    desk.tell(Task())
    await turns(20)

    assert [(each.agent, each.number) for each in raised.value.attempts] == [("/a", 1), ("/b", 1)]
    assert all(isinstance(each.error, ActorCrashed) for each in raised.value.attempts)
    assert raised.value.__cause__ is raised.value.attempts[-1].error
    unroutable = bench.system.dead_letters.list(reason=DeadLetterReason.UNROUTABLE)
    assert [each.message for each in unroutable] == [Task()]
    assert (await bench.figures()).handed_up == 2


async def test_a_handler_answers_when_nobody_is_left(bench: Bench) -> None:
    desk = await bench.desk(Route(Task, agents=[bench.agent("a", Fails)], handler=bench.agent("h")))

    assert await within(desk.request(Task(text="x"))) == "1 have failed"
    [failed] = bench.log("h")
    assert failed.task.text == "x"


async def test_a_refusal_is_an_answer_unless_the_route_says_otherwise(bench: Bench) -> None:
    agents = [bench.agent("a", Refuses), bench.agent("b")]
    desk = await bench.desk(
        Route(Special, agents=agents, choose=InOrder(), final=()),
        Route(Task, agents=agents, choose=InOrder()),
    )

    with pytest.raises(Refused, match="no"):
        await within(desk.request(Task()))
    assert await within(desk.request(Special())) == "b: "
    desk.tell(Task())
    await turns()
    figures = await bench.figures()
    assert (figures.of("/a").refusals, figures.of("/a").failures) == (2, 1)
    assert len(bench.system.dead_letters.list(reason=DeadLetterReason.REFUSED)) == 1


async def test_an_agent_that_has_ended_is_passed_over(bench: Bench) -> None:
    agents = [bench.agent("a"), bench.agent("b")]
    desk = await bench.desk(Route(Task, agents=agents, choose=InOrder(), retry=TWICE))
    await agents[0].stop(block=False)

    assert await within(desk.request(Task())) == "b: "


async def test_an_attempt_that_takes_too_long_has_failed_and_its_answer_is_late(
    bench: Bench,
) -> None:
    class Late(Agent):
        @handler
        async def do(self, task: Task) -> str:  # type: ignore[override]
            await gate.wait()
            return "late"

    gate = asyncio.Event()
    agents = [bench.agent("a", Late), bench.agent("b")]
    desk = await bench.desk(Route(Task, agents=agents, timeout=2, choose=InOrder()))
    answer = desk.ask(Task(), block=False, timeout=60)
    await turns(20)
    bench.clock.advance(1.9)
    await turns(20)
    assert not answer.is_done()
    bench.clock.advance(0.2)
    assert await within(answer) == "b: "

    gate.set()
    await turns(20)
    found = (await bench.figures()).of("/a")
    assert (found.timeouts, found.failures, found.successes, found.late) == (1, 1, 0, 1)
    assert bench.system.late_replies == 1


async def test_attempts_inherit_the_callers_deadline(bench: Bench) -> None:
    desk = await bench.desk(
        Route(Task, agents=[bench.agent("a", Silent), bench.agent("b")], retry=TWICE, timeout=50)
    )
    now = bench.system.now()
    answer = desk.ask(Task(), block=False, timeout=3)
    await turns(20)
    bench.clock.advance(3)

    with pytest.raises(DeadlineExceeded):
        await within(answer)
    await turns(20)
    assert bench.log("a") == [now + 3]
    figures = await bench.figures()
    assert (figures.expired, figures.in_flight, bench.log("b")) == (1, 0, [])


async def test_more_tasks_than_may_be_in_flight_are_refused(bench: Bench) -> None:
    desk = await bench.desk(Route(Task, agents=[bench.agent("a", Silent)]), in_flight=2)
    for _ in range(2):
        desk.tell(Task())

    with pytest.raises(DelegatorFull) as raised:
        await within(desk.request(Task()))
    assert raised.value.in_flight == 2


async def test_who_waits_for_a_delegator_that_is_stopped_is_told_so(bench: Bench) -> None:
    desk = await bench.desk(Route(Task, agents=[bench.agent("a", Silent)]))
    answer = desk.ask(Task(), block=False, timeout=60)
    await turns()
    await desk.stop(block=False)

    with pytest.raises(ActorStopped):
        await within(answer)


async def test_an_agent_whose_task_needs_itself_is_told_so(bench: Bench) -> None:
    class Circular(Agent):
        @handler
        async def do(self, task: Task) -> str:  # type: ignore[override]
            desk = self.context.lookup("/desk")
            assert desk is not None
            try:
                return str(await desk.request(Task()))
            except RequestCycleError as error:
                return " ".join(error.path)

    desk = await bench.desk(Route(Task, agents=[bench.agent("a", Circular)]))

    assert await within(desk.request(Task())) == "/a /a"
    assert (await bench.figures()).handed_up == 1


# -- keys


@pytest.mark.parametrize("task", [Task(), Plain("x"), Plain("x", key="")], ids=stable)
async def test_a_task_with_an_empty_key_gets_one(bench: Bench, task: Any) -> None:
    desk = await bench.desk(Route(agents=[bench.agent("a")]))
    for _ in range(2):
        await within(desk.request(task))

    first, second = (each.key for each in bench.log("a"))
    assert first != second
    assert all(isinstance(each, str) and each for each in (first, second))


async def test_a_task_with_a_key_keeps_it(bench: Bench) -> None:
    desk = await bench.desk(Route(agents=[bench.agent("a")]))
    await within(desk.request(task := Task(key="mine")))

    assert bench.log("a") == [task]


# -- declarations


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
