"""Whom a delegator asks, in which order, and what callers are told."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from dramaturg.actors import (
    ActorCrashed,
    ActorStopped,
    ConsistentHash,
    DeadLetterReason,
    DeadlineExceeded,
    Props,
    Refused,
    RequestCycleError,
    handler,
)
from dramaturg.protocols import (
    AgentChoice,
    BestSuccessRate,
    Delegate,
    DelegationFailed,
    DelegatorFull,
    InOrder,
    LeastInFlight,
    NoRouteError,
    Route,
)
from dramaturg.supervision import ChildSpec, RestartLimitReached
from tests.actors.kit import within
from tests.actors.messaging_kit import turns
from tests.ids import stable
from tests.protocols.delegator_kit import (
    TWICE,
    Agent,
    Bench,
    Fails,
    Plain,
    Refuses,
    Silent,
    Special,
    Task,
    opened,
)

pytestmark = pytest.mark.timeout(30)


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
