"""How a circuit breaker in front of an actor starts, restarts, drains and stops."""

from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    DeadlineExceeded,
    Directive,
    OptionError,
    Props,
    StartFailed,
    handler,
)
from dramaturg.supervision import BulkheadActor, ChildSpec, Supervisor, SupervisorSpec
from dramaturg.supervision._breaker_actor import BreakerActor
from tests.actors.kit import Do, Note, nothing, stop, within
from tests.any_order import new_system
from tests.supervision.breaker_actor_kit import OPTIONS, Bench, failures, open_bench
from tests.supervision.breaker_kit import CLOSED
from tests.supervision.faults import silent
from tests.supervision.in_front_kit import Bomb

bench = pytest.fixture(open_bench)


async def test_drained_it_passes_on_all_that_was_sent(bench: Bench) -> None:
    for number in range(10):
        bench.breaker.tell(Note(number))
    await within(bench.breaker.drain(block=False))
    await within(bench.target.request(Do(nothing)))

    assert bench.log == list(range(10))


async def test_what_was_passed_on_is_answered_though_it_has_stopped(bench: Bench) -> None:
    hold, reply = await bench.held()
    await stop(bench.breaker)
    bench.release(hold)

    assert await within(reply) == "held"
    assert bench.target.is_alive()


async def test_a_restart_begins_with_a_closed_circuit_and_earlier_requests_do_not_count(
    bench: Bench,
) -> None:
    props = Props(BreakerActor, bench.target, **OPTIONS).using(policy=Directive.RESTART)
    breaker = bench.breaker = bench.system.spawn(props)
    held = [await bench.held() for _ in range(3)]
    await bench.fail()
    breaker.cell.post_internal(Bomb())
    assert await failures(bench) == 0

    bench.clock.advance(4.0)
    for _, reply in held:
        with pytest.raises(DeadlineExceeded):
            await within(reply)

    assert await bench.state() is CLOSED
    assert bench.events == []
    bench.release(*(hold for hold, _ in held))


async def test_it_shows_its_state(bench: Bench) -> None:
    await bench.fail()
    actor = bench.breaker.cell.actor

    assert repr(actor) == "<BreakerActor /breaker closed failures=1 before Target /target>"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"max_failures": 0}, "max_failures=0"),
        ({"call_timeout": 0}, "call_timeout=0"),
        ({"reset_timeout": 0}, "reset_timeout=0"),
        ({"backoff_factor": 0}, "backoff_factor=0"),
        ({"max_reset_timeout": 1}, "max_reset_timeout=1"),
        ({"counts": 1}, "counts=1"),
        ({"target": "/nobody"}, "target='/nobody': expected an ActorRef"),
    ],
    ids=str,
)
async def test_an_option_that_cannot_be_is_the_cause_why_it_does_not_start(
    bench: Bench, options: Any, complaint: str
) -> None:
    props: Any = Props(BreakerActor, **({"target": bench.target} | options))

    with pytest.raises(StartFailed) as caught:
        bench.system.spawn(props)

    assert isinstance(caught.value.__cause__, OptionError)
    assert complaint in str(caught.value.__cause__)


class Echo(Actor):
    """Answers with what it was asked."""

    @handler
    def echo(self, message: str) -> str:
        return message


@pytest.mark.parametrize("guard", [BreakerActor, BulkheadActor])
async def test_in_a_tree_it_finds_its_target_by_path(guard: Any) -> None:
    options: dict[str, Any] = {"max_in_flight": 1} if guard is BulkheadActor else {}
    async with new_system(logger=silent()) as system:
        spec = SupervisorSpec(
            [ChildSpec("real", Echo), ChildSpec("front", Props(guard, "../real", **options))]
        )
        sup = system.spawn(Props(Supervisor, spec), name="sup")
        await within(sup.started())
        front = system.lookup("/sup/front")
        assert front is not None
        assert await within(front.request("hello")) == "hello"

        with pytest.raises(StartFailed) as raised:
            system.spawn(Props(guard, "../nobody", **options))

    assert "the path of a living actor" in str(raised.value)
