"""When a fan-out is over, and what becomes of those who come late."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from dramaturg.actors import ManualClock
from dramaturg.protocols.workflows import (
    Outcomes,
    any_of,
    fan_out,
    first_valid,
    partial,
    quorum,
    recover,
    sequence,
    step,
)
from tests.protocols.workflows.kit import Order, People, ended, outcome, started, until, workflow

if TYPE_CHECKING:
    from dramaturg.protocols.workflows import Instance


async def settled(instance: Instance, *running: str) -> None:
    """Wait until attempts are under way at these addresses and nowhere else."""

    async def there() -> bool:
        return set((await instance.status()).running) == set(running)

    await until(there)


async def test_any_goes_on_with_the_first_success() -> None:
    who = People()
    steps = fan_out(
        {
            "no": step("no", who.refuses("no")),
            "yes": step("yes", who.does("yes", "yes")),
            "slow": step("slow", who.waits("slow")),
        },
        join=any_of(),
    )

    found = await ended(steps)

    assert found.values == {"yes": "yes"}


async def test_any_fails_when_all_have() -> None:
    who = People()
    branches = {name: step(name, who.refuses(name)) for name in ("a", "b")}

    assert await ended(fan_out(branches, join=any_of())) == "failed"


async def test_a_quorum_needs_so_many() -> None:
    who = People()
    branches = {
        "a": step("a", who.does("a", 1)),
        "no": step("no", who.refuses("no")),
        "c": step("c", who.does("c", 3)),
    }

    found = await ended(fan_out(branches, join=quorum(2)))

    assert found.values == {"a": 1, "c": 3}


async def test_a_quorum_fails_as_soon_as_it_cannot_be_reached() -> None:
    who = People()
    branches = {
        "a": step("a", who.refuses("a")),
        "b": step("b", who.refuses("b")),
        "slow": step("slow", who.waits("slow")),
    }

    assert await ended(fan_out(branches, join=quorum(2))) == "failed"


async def test_the_first_valid_result_counts() -> None:
    branches = {str(n): step(f"s{n}", lambda order, n=n: n) for n in range(4)}

    found = await ended(fan_out(branches, join=first_valid(lambda n: n >= 2)))

    assert found.values == {"2": 2}
    assert found.errors["0"].type == "NotValid"


async def test_none_valid_is_a_failure() -> None:
    branches = {str(n): step(f"s{n}", lambda order, n=n: n) for n in range(3)}

    assert await ended(fan_out(branches, join=first_valid(lambda n: n > 9))) == "failed"


@pytest.mark.parametrize(("required", "wanted"), [(True, "failed"), (False, {"fast": 1})])
async def test_when_the_time_is_over_what_is_there_has_to_do(
    required: bool, wanted: object
) -> None:
    who = People()
    fast = {"fast": step("fast", who.does("fast", 1))}
    slow = {"slow": step("slow", who.waits("slow"))}
    steps = fan_out(
        {**fast, **slow} if required else fast,
        optional=None if required else slow,
        join=partial(10.0),
    )
    clock = ManualClock()

    async with started(clock=clock) as system:
        flow = workflow(steps)
        instance = await flow.start(system, Order(), id="1")
        await settled(instance, "slow")
        clock.advance(10.0)
        found = await outcome(flow, system)

    assert (found.values if isinstance(found, Outcomes) else found) == wanted


async def test_partial_is_over_as_soon_as_all_are_there() -> None:
    who = People()
    steps = fan_out({"a": step("a", who.does("a", 1))}, join=partial(10.0))

    assert (await ended(steps)).values == {"a": 1}


async def test_late_branches_are_cut_short_and_undone_by_default() -> None:
    who = People()
    steps = sequence(
        fan_out(
            {
                "slow": step("slow", who.waits("slow"), compensate=who.undoes("slow")),
                "yes": step("yes", who.does("yes")),
            },
            join=any_of(),
        ),
        step("no", who.refuses("no")),
    )

    assert await ended(steps) == "compensated"
    assert who.undone == ["slow"]


@pytest.mark.parametrize("told", [True, False])
async def test_late_results_go_where_the_declaration_says(told: bool) -> None:
    who = People()
    late: list[object] = []

    def note(outcome_: object) -> None:
        late.append(outcome_)

    steps = fan_out(
        {
            "slow": step("slow", who.waits("slow")),
            "yes": step("yes", who.does("yes", "yes")),
        },
        join=any_of(),
        late=note if told else "keep",
    )
    flow = workflow(steps)

    async with started() as system:
        assert (await outcome(flow, system)).values == {"yes": "yes"}
        who.gates["slow"].set()

        async def noted() -> bool:
            history = str(await flow.history(system, "1"))
            return "slow: gave" in history and len(late) == told

        await until(noted)

    assert [each.value for each in late] == [Order()] * told  # type: ignore[attr-defined]


async def test_branches_wait_for_no_others() -> None:
    who = People()
    steps = fan_out(
        {
            "slow": step("slow", who.waits("slow")),
            "fast": sequence(step("f1", who.does("f1")), step("f2", who.does("f2"))),
        }
    )
    flow = workflow(steps)

    async with started() as system:
        instance = await flow.start(system, Order(), id="1")
        await settled(instance, "slow")
        assert who.done[-1] == "f2"
        who.gates["slow"].set()
        await outcome(flow, system)


async def test_a_deadline_of_a_group_cuts_it_short() -> None:
    who = People()
    clock = ManualClock()
    steps = sequence(
        step("a", who.does("a")), step("b", who.waits("b")), timeout=5.0, on_error=recover("late")
    )

    async with started(clock=clock) as system:
        flow = workflow(steps)
        instance = await flow.start(system, Order(), id="1")
        await settled(instance, "b")
        clock.advance(timedelta(seconds=5).total_seconds())
        assert await outcome(flow, system) == "late"
