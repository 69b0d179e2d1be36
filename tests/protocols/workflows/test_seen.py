"""What is seen of a workflow: drawings, histories; and that threads may run it."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest

from dramaturg.actors import (
    ActorSystem,
    BlockingCallError,
    Codec,
    DeadlineExceeded,
    ManualClock,
    MemoryJournal,
)
from dramaturg.protocols.workflows import (
    BranchOutcome,
    Workflow,
    any_of,
    branch,
    fan_out,
    for_each,
    loop,
    pause,
    recover,
    saga,
    sequence,
    step,
    switch,
    wait_for,
)
from dramaturg.protocols.workflows._records import RECORDS
from tests.protocols.workflows.kit import SOON, Order, People, outcome, started, until, workflow


def test_a_workflow_draws_itself() -> None:
    who = People()
    flow = workflow(
        sequence(
            saga(step("reserve", who.does("a"), compensate=step("release", who.undoes("a")))),
            branch(bool, step("yes", str), step("no", str)),
            switch(str, {"x": step("x", str)}, step("y", str)),
            fan_out({"a": step("fa", str)}, optional={"b": step("fb", str)}, join=any_of()),
            for_each(list, step("item", str), limit=2),
            loop(step("again", str), until=bool, at_most=3),
            wait_for("decision"),
            pause(5, name="rest"),
            step("last", str, when=bool, on_error=step("mend", str)),
        )
    )

    drawn = flow.to_mermaid()

    assert drawn.startswith("flowchart TD\n")
    for said in (
        "reserve",
        "release",
        "undo",
        "yes",
        "any",
        "b (optional)",
        "2 at once",
        "at most 3 times",
        "wait for decision",
        "rest",
        "last?",
        "on error",
        "mend",
    ):
        assert said in drawn, said


async def test_an_instance_draws_what_has_happened() -> None:
    who = People()
    flow = workflow(
        saga(
            step("a", who.fails("a", times=1), retry=SOON, compensate=who.undoes("a")),
            step("b", who.refuses("b")),
        )
    )

    async with started() as system:
        assert await outcome(flow, system) == "compensated"
        history = await flow.history(system, "1")

    drawn = history.to_mermaid()
    assert drawn.splitlines()[0] == "sequenceDiagram"
    assert "w->>p0: a\n" in drawn
    assert "p0--xw: ConnectionError - no" in drawn
    assert "w->>p0: a (attempt 2)" in drawn
    assert "a!undo" in drawn
    assert [entry.sequence for entry in history.entries] == list(range(1, len(history.entries) + 1))
    assert "a: attempt 1 intended" in str(history)


def test_a_failure_leaves_a_group_from_the_whole_and_a_no_is_labelled() -> None:
    group = sequence(step("a", str), step("b", str), name="both", on_error=step("mend", str))
    skipped = branch(bool, step("then", str), name="fork")
    drawn = workflow(sequence(group, skipped, step("last", str))).to_mermaid().splitlines()

    def key(of: str) -> str:
        line = next(each for each in drawn if f'"{of}' in each)
        return re.split(r"[\[{]", line.replace("subgraph", "").strip())[0]

    assert f'    {key("both")} -.->|"on error"| {key("mend")}' in drawn
    assert f'    {key("fork")} -->|"no"| {key("last")}' in drawn


def test_what_is_within_a_group_is_all_that_it_encloses() -> None:
    drawn = workflow(sequence(step("a", str), saga(step("b", str), name="s"))).to_mermaid()
    inside = drawn.partition("subgraph")[2].partition("end\n")[0]

    assert "-->" not in inside
    assert inside.count("str") == 1


@pytest.mark.parametrize("root", [
    step("a", len, on_error=lambda error: 1),
    sequence(step("a", len), on_error=lambda error: 1, name="a group"),
    saga(step("b", str), step("a", len), on_error=step("find", lambda error: 1)),
    for_each(lambda _: [1], step("a", len, on_error=lambda error: 1)),
    saga(step("a", len, on_error=step("find", str, compensate=str)), step("z", len), on_error=str),
], ids=["step", "sequence", "saga", "items", "compensation of what recovers"])  # fmt: skip
async def test_a_drawn_history_names_who_recovers(root: Any) -> None:
    async with started() as system:
        flow = Workflow("drawn", root)
        await flow.run(system, 5, id="1")
        lines = (await flow.history(system, "1")).to_mermaid().splitlines()

    arrows = [each.strip() for each in lines if "w->>" in each or "-->>w" in each or "--xw" in each]
    known = {each.split()[1] for each in lines if each.strip().startswith("participant")}
    for arrow in arrows:
        found = re.fullmatch(r"(w->>(p\d+)|(p\d+)--(>>|x)w): .+", arrow)
        assert found, arrow
        assert (found[2] or found[3]) in known
    assert not any("!" in each for each in lines if each.strip().startswith("participant"))


async def test_a_history_is_told_in_words_and_in_utc() -> None:
    clock = ManualClock()
    steps = sequence(
        pause(5, name="rest"),
        step("a", str, when=lambda _: False),
        loop(step("b", str), until=bool, at_most=2, name="rounds"),
        step("c", People().fails("c", times=1), retry=SOON, timeout=9.0),
    )
    flow = workflow(steps)

    async with started(clock=clock) as system:
        instance = await flow.start(system, Order(), id="1")
        clock.advance(6.0)

        async def is_tried_again() -> bool:
            return "tried again at 2000-01-01 00:00:06" in str(await instance.history())

        await until(is_tried_again)
        clock.advance(1.0)
        await instance.result()
        told = str(await instance.history())

    for each in (
        "2000-01-01 00:00:00.000000 UTC  begun with",
        "rest: waits until 2000-01-01 00:00:05.000000 UTC",
        "rest: the pause is over",
        "a: passed over: its condition does not hold",
        "rounds: round 1: the last one",
        "c: the pause before the next attempt is over",
    ):
        assert each in told, each


async def test_a_branch_that_was_passed_over_is_told_apart() -> None:
    steps = fan_out({"a": step("a", str)}, optional={"b": step("b", str, when=lambda _: False)})

    async with started() as system:
        outcomes = await workflow(steps).run(system, Order(), id="1")

    assert [outcomes.branches[name].skipped for name in ("a", "b")] == [False, True]
    assert outcomes["b"] == Order()


def test_an_outcome_that_was_stored_before_is_read() -> None:
    codec = Codec(RECORDS)
    now = codec.encode(BranchOutcome(ok=True, value=5))
    before = now.replace(b"\xa7skipped\xc2", b"")
    shorter = before.replace(b"\x84\xa2ok", b"\x83\xa2ok")

    assert shorter != now
    assert codec.decode(shorter, object) == BranchOutcome(ok=True, value=5)


async def test_a_history_says_which_message_led_to_what() -> None:
    flow = workflow(wait_for("go"))
    async with ActorSystem("test", journal=MemoryJournal(), trace=True) as system:
        await flow.start(system, Order(), id="1")
        await flow.signal(system, "1", "go")
        await outcome(flow, system)
        history = await flow.history(system, "1")

    causes = {type(entry.record).__name__: entry.cause for entry in history.entries}
    assert causes["Begun"] is not None
    assert causes["Signalled"] not in (None, causes["Begun"])


def test_threads_run_workflows() -> None:
    flow = workflow(sequence(wait_for("go", int), step("a", lambda n: n + 1, compensate=str)))

    with ActorSystem("test", journal=MemoryJournal()) as system:
        shop = flow.blocking(system, timeout=20)
        assert shop.start(Order(), id="1") == "1"
        assert shop.ids() == ("1",)
        teller = threading.Thread(target=shop.signal, args=("1", "go", 4))
        teller.start()
        assert shop.result("1") == 5
        teller.join()
        assert shop.run(Order(), id="1") == 5
        assert shop.status("1").status == "completed"
        assert not shop.cancel("1")
        assert len(shop.history("1").entries) > 3
        assert shop.resume() == ()
        assert not shop.migrate("1")
        assert not shop.resolve("1", "a!undo", "done", by="anna")


def test_a_thread_may_give_up_and_the_instance_goes_on() -> None:
    flow = workflow(wait_for("go"))

    with ActorSystem("test", journal=MemoryJournal()) as system:
        with pytest.raises(DeadlineExceeded):
            flow.blocking(system, timeout=0.01).run(Order(), id="1")
        assert flow.blocking(system).ids() == ("1",)


async def test_the_loops_own_thread_must_not_block() -> None:
    flow = workflow(step("a", str))

    async with started() as system:
        with pytest.raises(BlockingCallError, match=r"await workflow\.run"):
            flow.blocking(system).run(Order())


async def test_a_workflow_is_a_step_of_another() -> None:
    who = People()
    inner = workflow(
        saga(step("a", who.does("a"), compensate=who.undoes("a")), step("b", who.fails("b")))
    )
    outer = Workflow("outer", step("inner", inner, on_error=recover("in vain")), takes=Order)

    async with started() as system:
        assert await outcome(outer, system, "7") == "in vain"
        assert (await inner.status(system, "outer/7/inner")).status == "compensated"

    assert who.undone == ["a"]


async def test_cutting_a_step_short_that_is_a_workflow_cancels_that() -> None:
    inner = workflow(wait_for("never"))
    outer = Workflow("outer", step("inner", inner), takes=Order)

    async with started() as system:

        async def inner_runs() -> bool:
            return await inner.ids(system) == ("outer/7/inner",)

        async def inner_is_over() -> bool:
            return (await inner.status(system, "outer/7/inner")).status != "running"

        await outer.start(system, Order(), id="7")
        await until(inner_runs)
        await outer.cancel(system, "7")
        assert await outcome(outer, system, "7") == "cancelled"
        await until(inner_is_over)
        assert (await inner.status(system, "outer/7/inner")).status == "cancelled"
