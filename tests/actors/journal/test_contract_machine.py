"""Two writers that come and go, against a plain model of what has to be there."""

import asyncio
import tempfile
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dramaturg.actors.journal import ConcurrentWriter, Journal
from tests.actors.journal.kit import (
    KINDS,
    Place,
    listed,
    order,
    outcome,
    payloads,
    snapshot,
    tagged,
)

T = TypeVar("T")

WRITERS = st.integers(0, 1)
IDS = st.sampled_from(["/a", "/b", "/c"])
LABELS = st.sampled_from([None, "", "open", "waits"])


@dataclass
class Known:
    """What the model knows of one id."""

    events: list[bytes] = field(default_factory=list[bytes])
    snapshots: dict[int, bytes] = field(default_factory=dict[int, bytes])
    oldest: int = 1
    label: str = ""
    writer: int | None = None
    """Who of the two wrote last and is open since."""


class Writers(RuleBasedStateMachine):
    """Subclassed for each kind of journal."""

    kind = ""

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.place = Place(self.kind, Path(self.folder.name))
        self.journals: list[Journal] = [self.place.journal(), self.place.journal()]
        self.model: dict[str, Known] = {}
        self.tagged: list[tuple[str, int, bytes]] = []
        self.number = 0
        for each in self.journals:
            each.open()

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            for each in self.journals:
                self.run(each.close())
            self.runner.close()
            self.folder.cleanup()

    def run(self, awaitable: Awaitable[T]) -> T:
        async def wait() -> T:
            return await awaitable

        return self.runner.run(wait())

    def may_write(self, writer: int, known: Known) -> bool:
        return known.writer in (None, writer)

    @rule(
        writer=WRITERS,
        persistence_id=IDS,
        count=st.integers(0, 3),
        off=st.sampled_from([0, 0, 0, 0, -1, 1]),
        with_tag=st.booleans(),
        label=LABELS,
    )
    def append(  # noqa: PLR0917 - hypothesis names them
        self,
        writer: int,
        persistence_id: str,
        count: int,
        off: int,
        with_tag: bool,
        label: str | None,
    ) -> None:
        known = self.model.get(persistence_id, Known())
        self.number += 1
        new = [b"%d.%d" % (self.number, each) for each in range(count)]
        expected = max(0, len(known.events) + off)
        what = order(
            persistence_id,
            expected,
            *new,
            tags=(("t",),) * count if with_tag else (),
            label=label,
        )
        error = self.run(outcome(self.late(writer, what)))

        if expected == len(known.events) and self.may_write(writer, known):
            assert error is None
            self.model[persistence_id] = known
            if with_tag:
                first = len(known.events) + 1
                self.tagged += [(persistence_id, first + n, each) for n, each in enumerate(new)]
            known.events += new
            known.writer = writer
            known.label = known.label if label is None else label
        else:
            assert isinstance(error, ConcurrentWriter)

    async def late(self, writer: int, what: Any) -> None:
        journal = self.journals[writer]
        await (journal.append(what) if hasattr(what, "payloads") else journal.save(what))

    @rule(
        writer=WRITERS,
        persistence_id=IDS,
        back=st.integers(-1, 3),
        keep=st.integers(1, 3),
        delete_events=st.booleans(),
    )
    def save(
        self, writer: int, persistence_id: str, back: int, keep: int, delete_events: bool
    ) -> None:
        known = self.model.get(persistence_id, Known())
        sequence = max(0, len(known.events) - back)
        what = snapshot(
            persistence_id, sequence, b"%d" % sequence, keep=keep, delete_events=delete_events
        )
        error = self.run(outcome(self.late(writer, what)))

        if sequence <= len(known.events) and self.may_write(writer, known):
            assert error is None
            self.model[persistence_id] = known
            known.writer = writer
            known.snapshots[sequence] = b"%d" % sequence
            for each in sorted(known.snapshots, reverse=True)[keep:]:
                del known.snapshots[each]
            if delete_events and len(known.snapshots) == keep:
                known.oldest = max(known.oldest, min(known.snapshots) + 1)
        else:
            assert isinstance(error, ConcurrentWriter)

    @rule(writer=WRITERS, at_once=st.booleans())
    def reopen(self, writer: int, at_once: bool) -> None:
        if at_once:
            self.journals[writer].close_now()
        else:
            self.run(self.journals[writer].close())
        self.journals[writer] = self.place.journal()
        self.journals[writer].open()
        for known in self.model.values():
            if known.writer == writer:
                known.writer = None

    @invariant()
    def all_that_was_acknowledged_is_there_and_nothing_else(self) -> None:
        if not hasattr(self, "runner"):
            return
        for journal in self.journals:
            self.run(self.look(journal))

    async def look(self, journal: Journal) -> None:
        for name, known in self.model.items():
            assert await payloads(journal, name) == known.events[known.oldest - 1 :]
            error = await outcome(journal.head(name))
            if error is None:
                head = await journal.head(name)
                assert (head.sequence, head.oldest) == (len(known.events), known.oldest)
                kept = {each.sequence: each.payload for each in head.snapshots}
                assert kept == known.snapshots
                assert head.oldest == 1 or max(kept) >= head.oldest - 1  # recovery is possible
            else:
                assert isinstance(error, ConcurrentWriter)
                assert known.writer is not None
                assert journal is not self.journals[known.writer]
        assert await listed(journal.persistence_ids()) == sorted(self.model)
        for label in ("open", "waits"):
            expected = sorted(name for name, known in self.model.items() if known.label == label)
            assert await listed(journal.labelled(label)) == expected
        assert await tagged(journal, "t") == [
            each for name, sequence, each in self.tagged if sequence >= self.model[name].oldest
        ]


@pytest.mark.parametrize("kind", KINDS)
def test_two_writers_that_come_and_go_lose_nothing_and_fork_nothing(kind: str) -> None:
    machine: Any = type(f"{kind.title()}Writers", (Writers,), {"kind": kind})
    case = machine.TestCase
    profile = settings.get_profile(settings.get_current_profile_name())
    case.settings = settings(max_examples=profile.max_examples // 10 or 1, stateful_step_count=25)

    case().runTest()
