"""The list: who is compared, in which workloads, with what sizes, against which targets.

A workload is one function in each peer module that can run it, and one entry here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from benchmarks._targets import AtMost, Faster, Keeps, Rate, Target


@dataclass(frozen=True, slots=True)
class Contender:
    """A name in the table, and the module whose `CONTENDERS` holds its suite."""

    name: str
    module: str


DEF: Final = "dramaturg def"
ASYNC: Final = "dramaturg async"
MODEL: Final = "dramaturg model"
PYKKA: Final = "pykka"
ASYNCIO: Final = "asyncio"
KIT: Final = "dramaturg kit"
BARE: Final = "bare loop"

OURS: Final = (DEF, ASYNC, MODEL)
PEERS: Final = (PYKKA, ASYNCIO)
SHOWN: Final = (*OURS, KIT)
"""Whose rows the table has; and beside them, in columns:"""
COLUMNS: Final = (*PEERS, BARE)
CONTENDERS: Final[Mapping[str, Contender]] = {
    **{name: Contender(name, "benchmarks.peers.dramaturg_") for name in OURS},
    PYKKA: Contender(PYKKA, "benchmarks.peers.pykka_"),
    ASYNCIO: Contender(ASYNCIO, "benchmarks.peers.asyncio_"),
    KIT: Contender(KIT, "benchmarks.peers.kit_"),
    BARE: Contender(BARE, "benchmarks.peers.bare_loop"),
}


class Measure(Enum):
    """What an operation is paid in."""

    CPU = "CPU seconds"
    MEMORY = "bytes"


class Quick(Enum):
    """What `--quick` does with a workload."""

    SCALED = "a tenth of the operations"
    WHOLE = "as it is"
    SKIPPED = "not run"


@dataclass(frozen=True, slots=True)
class Workload:
    """One row group of the table.

    :param operation: what is counted.
    :param n: how many of them; `n_of` names contenders that need another number for a run of
        about the same time.
    :param repeats: how often a child process runs it, all counted, after one run that is not.
    :param most_rounds: where more rounds would only take longer, as for bytes.
    :param otp: the rate of OTP's gen_server over that of pykka, as measured once, for orientation.
    """

    name: str
    operation: str
    n: int
    contenders: tuple[str, ...] = (*OURS, *PEERS)
    n_of: Mapping[str, int] = field(default_factory=dict[str, int])
    targets: Mapping[str, Target] = field(default_factory=dict[str, Target])
    measure: Measure = Measure.CPU
    quick: Quick = Quick.SCALED
    repeats: int = 1
    most_rounds: int | None = None
    otp: float | None = None

    def size(self, contender: str, *, quick: bool) -> int:
        """Return how many operations a run of this contender has."""
        n = self.n_of.get(contender, self.n)
        return n // 10 if quick and self.quick is Quick.SCALED else n


def _against_pykka(times: float, aim: float | None = None) -> Mapping[str, Target]:
    """Ask so much of `def` handlers and half of it of `async def` handlers that do not suspend."""
    half = None if aim is None else aim / 2
    return {DEF: Faster(times, aim=aim), ASYNC: Faster(times / 2, aim=half)}


_MESSAGES: Final = (
    Workload(
        "tell-count",
        "message",
        300_000,
        n_of={PYKKA: 60_000, MODEL: 100_000},
        targets=_against_pykka(8),
        otp=12.9,
    ),
    Workload(
        "ping-pong",
        "message",
        150_000,
        n_of={PYKKA: 30_000, ASYNCIO: 50_000},
        targets=_against_pykka(8),
        otp=15.0,
    ),
    Workload(
        "ring-100",
        "hop",
        150_000,
        n_of={PYKKA: 30_000, ASYNCIO: 50_000},
        targets=_against_pykka(10),
        otp=24.7,
    ),
    Workload(
        "fan-in",
        "message",
        100_000,
        targets=_against_pykka(5),
        otp=5.1,
    ),
    Workload(
        "pipeline-5",
        "item",
        50_000,
        n_of={PYKKA: 15_000},
        targets=_against_pykka(5),
        otp=10.4,
    ),
)

_REQUESTS: Final = (
    Workload(
        "request",
        "request",
        100_000,
        n_of={PYKKA: 15_000, ASYNCIO: 30_000},
        targets=_against_pykka(8),
        otp=15.9,
    ),
    Workload(
        "actor-to-actor",
        "request",
        100_000,
        n_of={PYKKA: 15_000, ASYNCIO: 30_000},
        targets=_against_pykka(8),
        otp=15.2,
    ),
    Workload(
        "thread-ask",
        "ask",
        15_000,
        n_of={ASYNCIO: 5_000},
        targets=_against_pykka(1, aim=8),
    ),
)

_POPULATIONS: Final = (
    Workload(
        "spawn-stop-1000",
        "actor",
        1_000,
        contenders=(DEF, *PEERS),
        targets={DEF: Faster(30)},
        quick=Quick.WHOLE,
        repeats=3,
    ),
    *(
        Workload(
            f"spawn-stop-{size}",
            "actor",
            size,
            contenders=(DEF, ASYNCIO),
            # Flat, with room for the caches that a large population no longer fits.
            targets={DEF: Keeps(0.8, "spawn-stop-1000")},
            quick=Quick.SKIPPED,
            most_rounds=2 if size == 100_000 else None,
        )
        for size in (10_000, 100_000)
    ),
    Workload(
        "spawn-ask-stop-100000",
        "actor",
        100_000,
        contenders=(DEF, ASYNCIO),
        most_rounds=1,
        quick=Quick.SKIPPED,
    ),
    Workload(
        "memory-idle",
        "actor",
        100_000,
        contenders=(DEF, *PEERS),
        n_of={PYKKA: 500, ASYNCIO: 30_000},
        targets={DEF: AtMost(800)},
        measure=Measure.MEMORY,
        most_rounds=1,
    ),
    Workload(
        "memory-first-message",
        "actor",
        100_000,
        contenders=(DEF, *PEERS),
        n_of={PYKKA: 500, ASYNCIO: 30_000},
        targets={DEF: AtMost(1_100)},
        measure=Measure.MEMORY,
        most_rounds=1,
    ),
)

_SPREAD: Final = (
    *(
        Workload(
            f"tell-spread-{size}",
            "message",
            200_000,
            contenders=(DEF, *PEERS),
            n_of={PYKKA: 5_000 if size == 1_000 else 40_000},
            quick=Quick.WHOLE if size == 1_000 else Quick.SCALED,
        )
        for size in (1, 10, 100, 1_000)
    ),
    *(
        Workload(
            f"tell-spread-{size}",
            "message",
            500_000 if size == 100_000 else 200_000,
            contenders=(DEF, ASYNCIO),
            targets={DEF: Keeps(0.5, "tell-spread-1")} if size == 100_000 else {},
            most_rounds=1 if size == 100_000 else None,
            quick=Quick.SKIPPED,
        )
        for size in (10_000, 100_000)
    ),
)

_SUPERVISION: Final = (
    Workload(
        "crash-to-reply",
        "restart",
        5_000,
        contenders=(DEF, ASYNCIO),
        targets={DEF: Faster(1, peer=ASYNCIO)},
    ),
    *(
        Workload(
            f"crash-of-{size}",
            "restart",
            20_000,
            contenders=(DEF, ASYNCIO),
            targets={DEF: Keeps(0.8, "crash-of-10") if size == 1_000 else Faster(1, peer=ASYNCIO)},
            quick=Quick.SCALED if size < 10_000 else Quick.SKIPPED,
        )
        for size in (1, 10, 1_000, 10_000)
    ),
    *(
        Workload(
            name,
            "actor",
            100_000,
            contenders=(DEF, ASYNCIO),
            quick=Quick.SKIPPED,
            most_rounds=2,
        )
        for name in ("tree-start-100000", "tree-stop-100000")
    ),
    *(
        Workload(
            f"supervised-{name}",
            operation,
            n,
            contenders=(DEF,),
            targets={DEF: Keeps(0.95, name)},
        )
        for name, operation, n in (("tell-count", "message", 300_000), ("ring-100", "hop", 150_000))
    ),
)

_KIT: Final = (
    *(
        Workload(
            f"kit-{name}",
            "event",
            30_000,
            contenders=(KIT, BARE),
            n_of={BARE: 300_000},
            targets={KIT: Rate(rate)},
        )
        for name, rate in (("ping-pong", 50_000), ("commit", 50_000), ("actors-ping-pong", 5_000))
    ),
    *(
        Workload(f"kit-{name}", "event", 15_000, contenders=(KIT,), targets={KIT: Rate(rate)})
        for name, rate in (("commit-faults", 50_000), ("actors-requests", 5_000))
    ),
    *(
        Workload(
            f"kit-states-{name}",
            "state",
            n,
            contenders=(KIT,),
            targets={KIT: Rate(30_000)} if name == "paxos" else {},
        )
        for name, n in (
            ("commit-3", 5_760),
            ("commit-5", 17_664),
            ("single-copy", 1_860),
            ("abd", 5_440),
            ("paxos", 33_336),
        )
    ),
)

WORKLOADS: Final = (*_MESSAGES, *_REQUESTS, *_POPULATIONS, *_SPREAD, *_SUPERVISION, *_KIT)
