"""The durable benchmarks: each workload runs at a tiny size, counts right, and is reported."""

import importlib
import importlib.util
import json
import sqlite3
import sys
from pathlib import Path
from typing import Final

import pytest

from benchmarks import _durable_runner, durable
from benchmarks._durable_report import durable_summary, durable_table
from benchmarks._durable_runner import DurableResults
from benchmarks._durable_sample import DurableSample, DurableSuite
from benchmarks._durable_workloads import (
    DBOS,
    OURS,
    SINGLE,
    WORKLOADS,
    DurableWorkload,
    population,
)
from benchmarks._runner import ChildError
from benchmarks._sample import MiscountError
from benchmarks._targets import Faster
from benchmarks.peers import durable_workflows

EVERY: Final = (*WORKLOADS, population(10))
TINY: Final = {"fan-out-1000": 1_000, "appends-100": 200, "appends-1000": 1_000}
FEW: Final = 10
HERE: Final = [
    (workload, contender)
    for workload in EVERY
    for contender, module in workload.modules.items()
    # DBOS runs in a process of its own; a thousand commits take their time.
    if module != "dbos_" and (workload.name, contender) != ("appends-1000", SINGLE)
]
RACE: Final = DurableWorkload(
    "race", "lap", {OURS: "none", DBOS: "none"}, 10, targets={OURS: (Faster(2, peer=DBOS),)}
)


def raced(*, ours: float, theirs: float) -> DurableResults:
    samples = {
        ("race", OURS): (DurableSample(10, ours, ours),),
        ("race", DBOS): (DurableSample(10, theirs, theirs, {"synchronous": "2"}),),
    }
    return DurableResults((RACE,), 1, False, True, samples)


def suite_of(module: str, contender: str) -> DurableSuite:
    found: DurableSuite = importlib.import_module(f"benchmarks.peers.{module}").CONTENDERS[
        contender
    ]
    return found


@pytest.mark.parametrize(
    ("workload", "contender"),
    HERE,
    ids=[f"{workload.name}-{contender}" for workload, contender in HERE],
)
def test_a_workload_counts_what_it_has_done(
    workload: DurableWorkload, contender: str, tmp_path: Path
) -> None:
    n = TINY.get(workload.name, FEW)

    sample = suite_of(workload.modules[contender], contender)[workload.name](n, tmp_path)

    assert sample.operations == n
    assert sample.seconds > 0


@pytest.mark.skipif(importlib.util.find_spec("dbos") is None, reason="DBOS is not installed")
@pytest.mark.skipif(
    sys.version_info >= (3, 12) and sqlite3.sqlite_version_info < (3, 42),
    reason="DBOS on this Python asks SQLite for what came with 3.42",
)
def test_dbos_runs_in_a_process_of_its_own_and_says_how_it_stores(tmp_path: Path) -> None:
    modes: dict[str, str] = {}
    for contender in ("dbos", "dbos wal"):
        sample = _durable_runner.measure(WORKLOADS[1], contender, quick=True, directory=tmp_path)
        modes[contender] = sample.storage["journal_mode"]
        assert sample.operations == WORKLOADS[1].size(contender, quick=True)
        assert sample.storage["synchronous"] == "2"

    assert modes == {"dbos": "delete", "dbos wal": "wal"}


def test_a_workload_that_miscounts_gives_no_figure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def too_few(*_: object) -> int:
        return 1

    monkeypatch.setattr(durable_workflows, "at_once", too_few)

    with pytest.raises(MiscountError):
        durable_workflows.SUITE["workflows-10"](10, tmp_path)


@pytest.mark.parametrize(
    ("theirs", "verdict"), [(4.0, "met"), (1.0, "MISSED")], ids=["met", "missed"]
)
def test_the_table_holds_a_ratio_against_its_target(theirs: float, verdict: str) -> None:
    table = durable_table(raced(ours=1.0, theirs=theirs))

    assert f"{theirs:g}x dbos" in table
    assert verdict in table
    assert "dbos says of its own connections: synchronous=2" in table


def test_the_summary_is_json_with_each_round(tmp_path: Path) -> None:
    summary = json.loads(json.dumps(durable_summary(raced(ours=1.0, theirs=4.0), "a note")))

    race = summary["workloads"]["race"]
    assert race["times_the_rate_of"][OURS][DBOS]["by_wall"] == 4
    assert race["targets"][OURS] == [{"target": ">= 2x dbos", "met": True}]
    assert race["contenders"][DBOS]["samples"][0]["storage"] == {"synchronous": "2"}
    assert summary["note"] == "a note"


def test_one_that_fails_costs_its_own_figures_and_the_command_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(workload: DurableWorkload, contender: str, **_: object) -> DurableSample:
        if contender == "sqlite":
            raise ChildError("no")
        return DurableSample(10, 1.0, 1.0)

    monkeypatch.setattr(_durable_runner, "measure", fails)
    monkeypatch.setattr(_durable_runner, "pin", lambda: True)
    path = tmp_path / "durable.json"

    status = durable.main(
        ["--only", "appends-10", "--directory", str(tmp_path), "--json", str(path)]
    )

    assert status == 1
    assert "FAILED appends-10, sqlite: no" in capsys.readouterr().out
    written = json.loads(path.read_text())
    assert written["failures"] == [
        {"workload": "appends-10", "contender": "sqlite", "reason": "no"}
    ]
    assert written["workloads"]["appends-10"]["contenders"][OURS]["median_seconds"] == 0.1
