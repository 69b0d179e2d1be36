"""The list of durable work: who is compared, in what, with what sizes, against which targets.

Rates are by the clock on the wall, since whoever waits for the disk waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from benchmarks._targets import AtMost, Faster, Keeps, Rate, Target

OURS: Final = "dramaturg"
JOURNAL: Final = "journal"
DBOS: Final = "dbos"
DBOS_WAL: Final = "dbos wal"
SQLITE: Final = "sqlite"
SINGLE: Final = "sqlite single"
FLAT: Final = 6 * 2**20
"""Bytes that a process may grow by while workflows pass through: what is kept of any number.

The journal remembers where the last 10,000 ids end, and an allocator has its slack.
"""


@dataclass(frozen=True, slots=True)
class DurableWorkload:
    """One row of the table for each contender.

    :param operation: what is counted.
    :param modules: who takes part, and in which module of `peers` that is.
    :param n: how many operations, of each contender that `n_of` does not name.
    :param targets: what our rates, or bytes, are held against.
    :param bytes_of: the figure that is shown and held against the targets instead of the time.
    """

    name: str
    operation: str
    modules: Mapping[str, str]
    n: int
    n_of: Mapping[str, int] = field(default_factory=dict[str, int])
    targets: Mapping[str, tuple[Target, ...]] = field(default_factory=dict[str, tuple[Target, ...]])
    bytes_of: str = ""
    most_rounds: int | None = None
    least: int = 1
    """A quick run has a tenth of the operations, but at least so many."""

    def size(self, contender: str, *, quick: bool) -> int:
        """Return how many operations a run of this contender has."""
        n = self.n_of.get(contender, self.n)
        return max(self.least, n // 10) if quick else n


_WORKFLOWS: Final = {OURS: "durable_workflows", DBOS: "dbos_", DBOS_WAL: "dbos_"}
_APPENDS: Final = {
    OURS: "durable_journal",
    JOURNAL: "durable_journal",
    SQLITE: "sqlite_",
    SINGLE: "sqlite_",
}
_SUBSCRIBERS: Final = {OURS: "durable_subscribers"}


def _workflows(size: int, n: int, theirs: int, times: float) -> DurableWorkload:
    return DurableWorkload(
        f"workflows-{size}",
        "workflow",
        _WORKFLOWS,
        n,
        n_of={DBOS: theirs, DBOS_WAL: theirs},
        targets={OURS: (Faster(times, peer=DBOS),)},
        least=10,
    )


def _appends(size: int, n: int, single: int) -> DurableWorkload:
    # One alone has nobody to share a commit with.
    within = (Faster(0.5, peer=SQLITE),) if size > 1 else ()
    return DurableWorkload(
        f"appends-{size}",
        "event",
        _APPENDS,
        n,
        n_of={SINGLE: single},
        targets={OURS: within, JOURNAL: within},
        least=size,
    )


def _recovery(events: int) -> DurableWorkload:
    linear = () if events == 50_000 else (Keeps(0.8, "recovery-50000"),)
    return DurableWorkload(
        f"recovery-{events}",
        "event",
        {OURS: "durable_journal", SQLITE: "sqlite_"},
        events,
        targets={OURS: (Rate(50_000), *linear)},
        least=events,
    )


WORKLOADS: Final = (
    _workflows(1, 200, 80, 3),
    _workflows(10, 1_000, 120, 3),
    _workflows(100, 2_000, 200, 10),
    *(
        _appends(size, n, single)
        for size, n, single in (
            (1, 500, 500),
            (10, 3_000, 500),
            (100, 20_000, 500),
            (1_000, 40_000, 1_000),
        )
    ),
    _recovery(50_000),
    _recovery(100_000),
    DurableWorkload("fan-out-1000", "branch", {OURS: "durable_workflows"}, 5_000, least=1_000),
    DurableWorkload("saga-1", "saga", {OURS: "durable_workflows"}, 100, least=10),
    DurableWorkload("saga-100", "saga", {OURS: "durable_workflows"}, 1_000, least=10),
    DurableWorkload("board-100", "write", _SUBSCRIBERS, 500, least=10),
    DurableWorkload("durable-topic-100", "message", _SUBSCRIBERS, 200, least=10),
    DurableWorkload("topic-100", "message", _SUBSCRIBERS, 3_000, least=10),
)


def population(instances: int) -> DurableWorkload:
    """Return the workload that lets so many instances pass through, and looks at the memory."""
    return DurableWorkload(
        "population",
        "workflow",
        {OURS: "durable_workflows"},
        instances,
        targets={OURS: (AtMost(FLAT),)},
        bytes_of="growth from the second tenth on",
        most_rounds=1,
        least=1_000,
    )
