"""How a bulkhead in front of an actor starts, restarts, drains and stops."""

from typing import Any

import pytest

from dramaturg.actors import (
    ActorStopped,
    DeadLetterReason,
    Directive,
    OptionError,
    Props,
    StartFailed,
)
from dramaturg.supervision._bulkhead_actor import BulkheadActor
from dramaturg.supervision._bulkhead_messages import BulkheadStatus, GetBulkhead
from tests.actors.kit import Note, reasons, stop, within
from tests.actors.messaging_kit import turns
from tests.supervision.bulkhead_actor_kit import Bench, Job, open_bench
from tests.supervision.in_front_kit import Bomb

bench = pytest.fixture(open_bench)


async def test_stopped_it_makes_dead_letters_of_what_waits(bench: Bench) -> None:
    replies = await bench.sent("a", "b", "c")
    await bench.told("x")

    await stop(bench.bulkhead)

    with pytest.raises(ActorStopped, match="/bulkhead"):
        await within(replies[2])
    assert reasons(bench.system) == [
        (Job("c"), DeadLetterReason.STOPPED),
        (Note("x"), DeadLetterReason.STOPPED),
    ]
    await bench.finish("a", "b")
    assert [await within(reply) for reply in replies[:2]] == ["a", "b"]


async def test_if_it_fails_what_waits_is_answered_too(bench: Bench) -> None:
    replies = await bench.sent("a", "b", "c")

    bench.bulkhead.cell.post_internal(Bomb())

    with pytest.raises(ActorStopped, match="/bulkhead"):
        await within(replies[2])


async def test_a_restart_counts_anew_and_keeps_what_waits_in_order(bench: Bench) -> None:
    props = Props(BulkheadActor, bench.target, max_in_flight=1, max_waiting=3)
    bench.bulkhead = bench.system.spawn(props.using(policy=Directive.RESTART))
    replies = await bench.sent("a", "b", "c")

    bench.bulkhead.cell.post_internal(Bomb())
    await bench.told("x")
    assert bench.log == ["a", "b"]
    assert await bench.counts() == (1, 2)
    await bench.finish("a")
    assert await bench.counts() == (1, 2)
    await bench.finish("b", "c")

    assert bench.log == ["a", "b", "c", "x"]
    assert [await within(reply) for reply in replies] == ["a", "b", "c"]
    assert await bench.counts() == (0, 0)


async def test_drained_it_passes_on_what_waits_before_it_stops(bench: Bench) -> None:
    replies = await bench.sent("a", "b", "c")
    await bench.told("x")

    drained = bench.bulkhead.drain(block=False)
    await turns()
    assert bench.bulkhead.is_alive()
    await bench.finish("a")
    await within(drained)
    await bench.finish("b", "c")

    assert [await within(reply) for reply in replies] == ["a", "b", "c"]
    assert bench.log == ["a", "b", "c", "x"]
    assert reasons(bench.system) == []


async def test_drained_with_nobody_waiting_it_stops_at_once(bench: Bench) -> None:
    [reply] = await bench.sent("a")

    await within(bench.bulkhead.drain(block=False))
    await bench.finish("a")

    assert await within(reply) == "a"


async def test_it_shows_who_is_there(bench: Bench) -> None:
    await bench.sent("a", "b", "c")
    actor = bench.bulkhead.cell.actor

    assert await within(bench.bulkhead.request(GetBulkhead())) == BulkheadStatus(
        name="/bulkhead", in_flight=2, waiting=1, max_in_flight=2, max_waiting=2
    )
    assert repr(actor) == "<BulkheadActor before Target /target in_flight=2/2 waiting=1/2>"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"max_in_flight": 0}, "max_in_flight=0: expected an int of at least 1"),
        ({"max_waiting": -1}, "max_waiting=-1: expected an int of at least 0"),
        ({"timeout": -1}, "timeout=-1: expected seconds"),
        ({"target": None}, "target=None: expected an ActorRef"),
    ],
    ids=str,
)
async def test_an_option_that_cannot_be_is_the_cause_why_it_does_not_start(
    bench: Bench, options: Any, complaint: str
) -> None:
    given: dict[str, Any] = {"target": bench.target, "max_in_flight": 1}
    props: Any = Props(BulkheadActor, **(given | options))

    with pytest.raises(StartFailed) as caught:
        bench.system.spawn(props)

    assert isinstance(caught.value.__cause__, OptionError)
    assert complaint in str(caught.value.__cause__)
