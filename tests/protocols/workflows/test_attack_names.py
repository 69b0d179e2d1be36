"""Odd names and ids; and what would collide if names were put together carelessly."""

from __future__ import annotations

import asyncio

import pytest

from dramaturg.protocols.workflows import (
    Workflow,
    loop,
    saga,
    sequence,
    step,
    wait_for,
)
from tests.protocols.workflows.kit import (
    Order,
    People,
    outcome,
    started,
    workflow,
)

ODD = ["a/b", "a%2Fb", "a%b", "a:b", '"q"', "[x]", "ünï→", "a b running", "!", "%", "/", "é" * 300]


@pytest.mark.parametrize("number", range(len(ODD)))
async def test_odd_ids_are_as_good_as_any(number: int) -> None:
    name = ODD[number]
    who = People()
    flow = workflow(saga(step("a", who.does("a")), wait_for("go"), step("b", who.refuses("b"))))

    async with started() as system:
        await flow.start(system, Order(), id=name)
        assert await flow.ids(system) == (name,)
        assert await flow.signal(system, name, "go", name)
        assert await outcome(flow, system, name) == "compensated"
        assert (await flow.status(system, name)).instance == name
        history = await flow.history(system, name)
        assert name in str(history)
        assert all(line.isprintable() for line in history.to_mermaid().splitlines())


async def test_all_odd_ids_at_once_are_instances_of_their_own() -> None:
    who = People()
    flow = workflow(step("a", who.does("a")))

    async with started() as system:
        results = [outcome(flow, system, name, Order(sku=name[:5])) for name in ODD]
        found = await asyncio.gather(*results)

    assert [each.sku for each in found] == [name[:5] for name in ODD]
    assert len(who.keys["a"]) == len(ODD)


async def test_keys_tell_apart_what_reads_the_same() -> None:
    who = People()
    flow = workflow(loop(step("x", who.does("x")), until=lambda _: True, at_most=1, name="l"))
    plain = workflow(step("x", who.does("x")))

    async with started() as system:
        await outcome(flow, system, "1")
    async with started() as system:
        await outcome(plain, system, "1/l[0]")

    assert who.keys["x"] == {"test/1/l[0]/x", "test/1%2Fl[0]/x"}


async def test_two_workflows_with_the_same_step_and_id_share_no_instance_of_a_third() -> None:
    who = People()
    third = Workflow("third", step("x", who.does("x")), takes=Order)
    flows = [Workflow(name, step("sub", third), takes=Order) for name in ("one", "two")]

    async with started() as system:
        for flow in flows:
            await outcome(flow, system, "7")

    assert who.keys["x"] == {"third/one%2F7%2Fsub/x", "third/two%2F7%2Fsub/x"}


async def test_workflows_in_workflows_with_very_long_ids() -> None:
    who = People()
    flow: Workflow = Workflow("w0", step("x", who.does("x", "done")), takes=Order)
    for n in range(1, 4):
        flow = Workflow(f"w{n}", step("s" * 150, flow), takes=Order)

    async with started() as system:
        assert await outcome(flow, system, "i" * 300) == "done"


async def test_names_of_steps_may_be_anything_but_a_part_of_an_address() -> None:
    who = People()
    names = ["a running", '"q"', "ünï→", "a:b;c", "%%{init}%%", "end", "<b>", "`x`", "a|b", "{}()"]
    steps = sequence(*[step(name, who.does(name)) for name in names])
    flow = workflow(steps)

    async with started() as system:
        await outcome(flow, system)
        history = await flow.history(system, "1")

    drawn = history.to_mermaid()
    assert all(mark not in drawn for mark in ("%%", ";", '"'))
    assert "%%" not in flow.to_mermaid()
    assert who.done == names


async def test_an_error_of_many_lines_is_drawn_on_one() -> None:
    async def act(_: Order) -> None:
        raise ValueError("one\r\ntwo\u2028three\x85four; five")

    flow = workflow(step("a", act))
    async with started() as system:
        assert await outcome(flow, system) == "failed"
        drawn = (await flow.history(system, "1")).to_mermaid()

    assert len(drawn.splitlines()) == drawn.count("\n")
