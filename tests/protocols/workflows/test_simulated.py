"""Simulated workflows keep their promises, and each bug planted into the engine is found."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import pytest

from dramaturg.actors import EventSourced, JournalError
from dramaturg.protocols.testing import Faults, explore_system
from dramaturg.protocols.workflows._attempts import Attempts
from dramaturg.protocols.workflows._coordinator import Coordinator
from dramaturg.protocols.workflows._records import Succeeded
from dramaturg.protocols.workflows._run import Run
from dramaturg.protocols.workflows._scope import Scope
from tests.protocols.workflows.simulated import STORIES, told
from tests.simulated.case import Case
from tests.simulated.planted.plant import method

FAULTS = Faults(node_crashes=2, torn_writes=1, write_errors=2)


@pytest.mark.parametrize("name", sorted(STORIES))
@pytest.mark.parametrize("faults", [Faults(), FAULTS], ids=["calm", "rough"])
def test_a_workflow_keeps_its_promises(name: str, faults: Faults) -> None:
    explore_system(told(STORIES[name]), faults=faults, schedules=150).check()


# -- planted bugs ------------------------------------------------------------------------------


def acts_first(store: Any) -> Any:
    async def early(self: Any, events: Any, label: str | None) -> None:
        self._act()
        await store(self, events, label)

    return early


def goes_on_all_the_same(store: Any) -> Any:
    async def careless(self: Any, events: Any, label: str | None) -> None:
        with contextlib.suppress(JournalError):
            await store(self, events, label)
        self._stream.failure = None

    return careless


def forgets_the_last_result(replayed: Any) -> Any:
    def forgetful(self: Any, records: list[Any], definition: Any) -> Any:
        kept = records[:-1] if isinstance(records[-1], Succeeded) else records
        results = [each for each in kept if isinstance(each, Succeeded)]
        cut = kept.index(results[-1]) if results else len(kept)
        return replayed(self, kept[:cut], definition)

    return forgetful


def notes_twice(completed: Any) -> Any:
    def twice(self: Any, action: Any) -> None:
        before = len(self.done)
        completed(self, action)
        self.done += self.done[before:]

    return twice


def has_a_key_for_each_attempt(call: Any) -> Any:
    def named(self: Any, live: Any) -> Any:
        made = call(self, live)
        return replace(made, key=f"{made.key}#{made.attempt}")

    return named


def the_first_first(_: Any) -> Any:
    def wrong(self: Any) -> Any:
        return self.done.pop(0)[1] if self.done else None

    return wrong


def nothing(_: Any) -> Any:
    def idle(*_: Any) -> None:
        pass

    return idle


def always(_: Any) -> Any:
    def yes(*_: Any) -> bool:
        return True

    return yes


def only_once(changed: Any) -> Any:
    def stale(self: Any) -> Any:
        return None if self._label else changed(self)

    return stale


BUGS: dict[str, tuple[str, Any]] = {
    "acts before it stores": ("sold", method(EventSourced, "_store", acts_first)),
    "does not mind what was not stored": (
        "sold",
        method(EventSourced, "_store", goes_on_all_the_same),
    ),
    "forgets a result in recovery": (
        "sold",
        method(Coordinator, "_replayed", forgets_the_last_result),
    ),
    "notes no compensation": ("sold", method(Scope, "intend", nothing)),
    "notes what is done twice": ("sold", method(Scope, "completed", notes_twice)),
    "has a key for each attempt": ("sold", method(Run, "call", has_a_key_for_each_attempt)),
    "undoes in the wrong order": ("sold", method(Scope, "next_to_undo", the_first_first)),
    "takes a late result": ("late", method(Attempts, "_is_under_way", always)),
    "leaves no label": ("sold", method(Coordinator, "_changed_label", nothing)),
    "leaves its first label": ("sold", method(Coordinator, "_changed_label", only_once)),
    "leaves what has lost a race": ("raced", method(Scope, "cut", nothing)),
    "undoes nothing when cancelled": ("cancelled", method(Run, "_undo_everything", nothing)),
}


@pytest.mark.parametrize("bug", sorted(BUGS))
def test_a_planted_bug_is_found(bug: str) -> None:
    story, plant = BUGS[bug]

    with plant():
        hunt = Case(story, told(STORIES[story]), FAULTS, schedules=300).hunt()

    assert hunt.broken
