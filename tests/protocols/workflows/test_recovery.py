"""From any record on, an instance goes on to the same end, and does nothing under a new key."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings, strategies as st

from dramaturg.actors import (
    Actor,
    ActorStopped,
    ActorSystem,
    MemoryJournal,
    MemoryStore,
    Request,
    handler,
)
from dramaturg.actors.journal import Append
from dramaturg.protocols.workflows import (
    UnknownParticipantError,
    Workflow,
    any_of,
    ask,
    branch,
    fan_out,
    for_each,
    loop,
    recover,
    saga,
    sequence,
    step,
    switch,
    wait_for,
)
from tests.protocols.workflows.kit import (
    LIMIT,
    SOON,
    Order,
    People,
    outcome,
    started,
    until,
    workflow,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.protocols.workflows import Step


class Recording(MemoryJournal):
    """Remembers its appends, so that a journal can be made that ended after any of them."""

    def __init__(self) -> None:
        super().__init__()
        self.orders: list[Append] = []

    def append(self, order: Append) -> Any:
        self.orders.append(order)
        return super().append(order)

    def cut(self, count: int) -> MemoryStore:
        """Return what is there when the process ends after so many appends."""
        store = MemoryStore()
        for order in self.orders[:count]:
            store.append(order, None)
        return store


@dataclass
class Tale:
    """What became of one run."""

    end: Any
    keys: dict[str, set[str]]
    left: list[str]
    orders: int = 0
    journal: Recording = field(default_factory=Recording)


async def told(make: Callable[[People], Step], store: MemoryStore | None = None) -> Tale:
    """Run the workflow, on a journal that may hold a part of it already."""
    who = People()
    flow = workflow(make(who))
    journal = Recording()
    if store is not None:
        journal.store = store
    async with ActorSystem("test", journal=journal, seed=1) as system:
        end = await outcome(flow, system)
    left = sorted(set(who.done) - set(who.undone))
    return Tale(repr(end), who.keys, left, len(journal.orders), journal)


def pipeline(who: People) -> Step:
    return sequence(
        step("a", who.does("a")),
        step("b", who.fails("b", times=1), retry=SOON),
        step("c", who.fails("c"), on_error=recover(1)),
    )


def undone(who: People) -> Step:
    return saga(
        step("a", who.does("a"), compensate=who.undoes("a")),
        fan_out(
            {
                "b": step("b", who.does("b"), compensate=who.undoes("b", fails=1)),
                "c": step("c", who.does("c"), compensate=who.undoes("c")),
            }
        ),
        step("d", who.refuses("d")),
    )


def nested(who: People) -> Step:
    trip = saga(
        step("a", who.does("a"), compensate=who.undoes("a")),
        step("b", who.refuses("b")),
        name="trip",
    )
    return branch(
        lambda _: True,
        sequence(
            fan_out({"x": step("x", who.does("x", 3))}, optional={"trip": trip}),
            for_each(lambda found: range(found["x"]), step("each", who.does("each")), limit=2),
            loop(step("more", lambda items: [*items, 0]), until=lambda i: len(i) > 4, at_most=9),
            switch(len, {5: step("five", who.does("five"))}),
        ),
    )


def racing(who: People) -> Step:
    return sequence(
        fan_out(
            {"a": step("a", who.does("a")), "b": step("b", who.does("b"))},
            join=any_of(),
            late="keep",
        ),
        step("c", lambda found: len(found.branches)),
    )


@pytest.mark.parametrize("make", [pipeline, undone, nested, racing], ids=lambda each: each.__name__)
async def test_an_instance_goes_on_from_every_record(make: Callable[[People], Step]) -> None:
    whole = await told(make)

    for count in range(1, whole.orders + 1):
        again = await told(make, whole.journal.cut(count))

        assert again.end == whole.end, count
        for name, keys in again.keys.items():
            # What was done before the cut, and what is done after it, has the same keys.
            assert keys <= whole.keys[name], (count, name)


async def test_what_has_a_result_is_not_done_again() -> None:
    whole = await told(pipeline)

    last = await told(pipeline, whole.journal.cut(whole.orders))

    assert last.keys == {}
    assert last.orders == 0


async def test_it_is_resumed_without_being_asked_for() -> None:
    who = People()
    whole = await told(undone)
    flow = Workflow("test", undone(who), takes=Order)

    async with started(whole.journal.cut(2)) as system:
        assert await flow.resume(system) == ("1",)

        async def over() -> bool:
            return (await flow.status(system, "1")).status == "compensated"

        await until(over)


# -- any composition -------------------------------------------------------------------------


@dataclass(frozen=True)
class Leaf:
    """An action: does it, fails so often, or says no."""

    name: str
    fails: int
    refuses: bool
    undo: bool
    recovers: bool


Tree = Any


def leaves() -> st.SearchStrategy[Leaf]:
    return st.builds(
        Leaf,
        name=st.just(""),
        fails=st.sampled_from([0, 0, 0, 1, 9]),
        refuses=st.sampled_from([False, False, False, True]),
        undo=st.booleans(),
        recovers=st.sampled_from([False, False, True]),
    )


def trees() -> st.SearchStrategy[Tree]:
    return st.recursive(
        leaves(),
        lambda inner: st.tuples(
            st.sampled_from(["sequence", "saga", "fan_out", "branch", "for_each", "loop"]),
            st.lists(inner, min_size=1, max_size=3),
            st.booleans(),
        ),
        max_leaves=6,
    )


def built(tree: Tree, who: People, names: list[int]) -> Step:  # noqa: PLR0911
    """Make the steps of a drawn tree, each with a name of its own."""
    names.append(len(names))
    name = f"s{names[-1]}"
    if isinstance(tree, Leaf):
        act = who.refuses(name) if tree.refuses else who.fails(name, times=tree.fails)
        return step(
            name,
            act,
            retry=SOON,
            compensate=who.undoes(name) if tree.undo else None,
            on_error=recover(None) if tree.recovers else None,
        )
    kind, inner, flag = tree
    steps = [built(each, who, names) for each in inner]
    if kind == "sequence":
        return sequence(*steps, name=name)
    if kind == "saga":
        return saga(*steps, name=name, on_error=recover(None) if flag else None)
    if kind == "fan_out":
        branches = {f"b{index}": each for index, each in enumerate(steps)}
        first = {"b0": branches.pop("b0")}
        return fan_out(first, optional=branches, name=name)
    if kind == "branch":
        return branch(lambda _: flag, steps[0], *steps[1:2], name=name)
    if kind == "for_each":
        return for_each(lambda _: range(2), steps[0], limit=1 + flag, name=name)
    return loop(steps[0], until=lambda _: flag, at_most=2, name=name, on_error=recover(None))


@settings(max_examples=60)
@given(tree=trees(), share=st.floats(0, 1))
def test_any_composition_goes_on_from_any_record(tree: Tree, share: float) -> None:
    async def check() -> None:
        whole = await told(lambda who: built(tree, who, []))
        assert "running" not in whole.end
        count = max(1, round(share * whole.orders))
        again = await told(lambda who: built(tree, who, []), whole.journal.cut(count))
        assert again.end == whole.end
        for name, keys in again.keys.items():
            assert keys <= whole.keys[name]

    asyncio.run(check())


# -- the end of systems ----------------------------------------------------------------------


async def test_who_waits_for_an_instance_is_told_when_the_system_ends() -> None:
    flow = workflow(wait_for("never"))

    async with started() as system:
        waiting = asyncio.ensure_future(flow.run(system, Order(), id="1"))

        async def begun() -> bool:
            return await flow.ids(system) == ("1",)

        await until(begun)
    with pytest.raises(ActorStopped):
        await asyncio.wait_for(waiting, LIMIT)


async def test_asking_how_far_it_is_lets_nothing_fail_where_nobody_does_its_steps() -> None:
    store = MemoryStore()
    flow = workflow(sequence(wait_for("go", Stamp), step("a", ask("/clerk"))))

    async with started(store) as system:
        system.spawn(Clerk, name="clerk")
        await flow.start(system, Order(), id="1")
        await flow.signal(system, "1", "go", Stamp())
        # Killed, as it were, while the clerk was asked.
        store = cut_off(store)
    async with started(store) as system:
        assert (await flow.status(system, "1")).running == ("a",)
        with pytest.raises(UnknownParticipantError):
            await flow.resume(system)
        assert (await flow.status(system, "1")).running == ("a",)
        system.spawn(Clerk, name="clerk")
        assert await flow.resume(system) == ("1",)
        assert await outcome(flow, system) == "stamped"


class Stamp(Request[str], name="tests.workflows.Stamp"):
    """Asks a clerk."""


class Clerk(Actor):
    """Answers."""

    @handler
    def stamp(self, _: Stamp) -> str:
        return "stamped"


def cut_off(store: MemoryStore) -> MemoryStore:
    """Return what was stored up to the last intent."""
    (shelf,) = store.shelves.values()
    kept = MemoryStore()
    payloads = tuple(event.payload for event in shelf.events)
    (last,) = (n for n, each in enumerate(payloads) if b"Intended" in each)
    label = "workflow/test running"
    kept.append(Append("workflow/test/1", 0, payloads[: last + 1], 0.0, label=label), None)
    return kept
