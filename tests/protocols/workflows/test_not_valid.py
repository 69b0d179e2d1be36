"""A branch whose result does not count is undone, as one that was too late."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from dramaturg.protocols.workflows import (
    fan_out,
    first_valid,
    for_each,
    loop,
    saga,
    sequence,
    step,
)
from tests.protocols.workflows.attack_kit import does, waits
from tests.protocols.workflows.kit import LIMIT, People, ended, outcome, started, workflow
from tests.protocols.workflows.test_recovery import told

if TYPE_CHECKING:
    from dramaturg.protocols.workflows import Step


def quotes(who: People) -> Step:
    """Two offers; the first one there is too dear."""
    dear = saga(does(who, "d1"), step("d2", who.does("d2", 9), compensate=who.undoes("d2")))
    cheap = sequence(does(who, "c1"), does(who, "c2"), step("c3", who.does("c3", 1)))
    return fan_out({"dear": dear, "cheap": cheap}, join=first_valid(lambda cents: cents == 1))


async def test_a_saga_whose_result_does_not_count_is_undone_although_all_goes_well() -> None:
    who = People()

    found = await ended(sequence(quotes(who), does(who, "z")))

    assert found.values == {"cheap": 1}
    assert who.undone == ["d2", "d1"]


async def test_a_plain_branch_whose_result_does_not_count_is_undone_too() -> None:
    who = People()
    plain = step("p", who.does("p", 9), compensate=who.undoes("p"))
    slow = sequence(does(who, "s"), step("end", who.does("end", 1)))

    await ended(fan_out({"p": plain, "s": slow}, join=first_valid(lambda cents: cents == 1)))

    assert who.undone == ["p"]


async def test_items_whose_results_do_not_count_are_undone() -> None:
    who = People()
    each = step("each", who.does("each"), compensate=who.undoes("each"))
    steps = for_each(lambda _: range(3), each, limit=1, join=first_valid(lambda n: n == 1))

    assert await ended(steps) == [None, 1, None]
    assert (who.done, who.undone) == (["each"] * 2, ["each"])


async def test_each_round_of_a_loop_undoes_its_own_losers_once() -> None:
    who = People()
    rounds = loop(quotes(who), until=lambda _: False, at_most=2, on_error=lambda _: 0)

    assert await ended(rounds) == 0
    assert who.undone == ["d2", "d1", "d2", "d1"]


async def test_a_failure_later_undoes_losers_and_winner_in_their_places() -> None:
    who = People()
    steps = saga(does(who, "a"), quotes(who), does(who, "z"), step("no", who.refuses("no")))

    assert await ended(steps) == "compensated"
    assert who.undone[0] == "z"
    assert who.undone[-1] == "a"
    assert sorted(who.undone[1:-1]) == ["c1", "c2", "d1", "d2"]
    assert who.undone.index("d2") < who.undone.index("d1")


async def test_it_is_undone_from_every_record_on() -> None:
    def make(who: People) -> Step:
        return sequence(quotes(who), does(who, "z"))

    whole = await told(make)
    for count in range(1, whole.orders + 1):
        again = await told(make, whole.journal.cut(count))
        assert again.end == whole.end, count


async def test_one_that_is_still_being_judged_when_another_wins_is_undone() -> None:
    who = People()
    gate = asyncio.Event()

    async def act(value: Any) -> int:
        await gate.wait()
        return 1

    one = step("one", act, compensate=who.undoes("one"))
    two = step("two", act, compensate=who.undoes("two"))
    steps = sequence(fan_out({"one": one, "two": two}, join=first_valid(bool)), waits(who, "last"))
    async with started() as system:
        who.gates["last"].set()
        gate.set()
        flow = workflow(steps)
        await asyncio.wait_for(outcome(flow, system), LIMIT)

    assert len(who.undone) == 1
