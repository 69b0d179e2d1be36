"""A migration that cannot be names what has no place, and changes nothing."""

from __future__ import annotations

import pytest

from dramaturg.actors import MemoryStore
from dramaturg.protocols.workflows import WorkflowChanged, sequence, step, wait_for
from tests.protocols.workflows.kit import Order, People, outcome, started, workflow


async def test_the_record_is_named_that_has_no_place() -> None:
    store, who = MemoryStore(), People()
    before = workflow(sequence(step("a", who.does("a")), wait_for("go")))
    later = workflow(
        sequence(step("z", who.does("z")), wait_for("go")), version=3, earlier=[before]
    )
    async with started(store) as system:
        await before.start(system, Order(), id="1")
        assert await before.signal(system, "1", "go", 7)
        await before.start(system, Order(), id="3")
    async with started(store) as system:
        with pytest.raises(WorkflowChanged) as changed:
            await later.migrate(system, "3")
        assert str(changed.value) == (
            "'test' '3' (version 1) cannot go on under version 3: its record"
            " 'a: attempt 1 intended' has no step there; it stays under version 1"
        )
        assert (changed.value.record, changed.value.stays_under) == ("a: attempt 1 intended", 1)
        assert (await later.status(system, "3")).version == 1
        assert await later.signal(system, "3", "go", 8)
        assert await outcome(later, system, "3") == 8
        assert len((await later.history(system, "3")).entries) == 5
