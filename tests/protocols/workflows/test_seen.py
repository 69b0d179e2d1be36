"""What is seen of a workflow: drawings, histories; and that threads may run it."""

from __future__ import annotations

import threading

import pytest

from dramaturg.actors import ActorSystem, BlockingCallError, DeadlineExceeded, MemoryJournal
from dramaturg.protocols.workflows import (
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
    flow = workflow(sequence(wait_for("go", int), step("a", lambda n: n + 1)))

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
