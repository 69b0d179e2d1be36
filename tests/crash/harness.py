"""Kills a worker as often as wanted, lets the last one come through, and looks at what is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.crash.effects import Effects
from tests.crash.scenarios import SCENARIOS, People

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Aftermath", "check", "survive"]

ROOT = Path(__file__).parents[2]
LIMIT = 120.0


@dataclass
class Aftermath:
    """What happened."""

    killed: int = 0
    ends: dict[str, str] = field(default_factory=dict[str, str])


def survive(scenario: str, directory: Path, kills: Sequence[str]) -> Aftermath:
    """Run a scenario, killed at each of the given places in turn, until it is through."""
    found = Aftermath()
    for kill in (*kills, "never"):
        worker = [sys.executable, "-m", "tests.crash.worker", scenario, str(directory), kill]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            worker,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        if done.returncode == -signal.SIGKILL:
            found.killed += 1
            continue
        assert done.returncode == 0, done.stderr
        ends = json.loads(done.stdout.splitlines()[-1])
        assert found.ends in ({}, ends), "an end that was acknowledged has changed"
        found.ends = ends
    return found


def check(scenario: str, directory: Path, found: Aftermath) -> None:
    """Check that each instance ended as it had to, and that nothing is left or doubled."""
    effects = Effects(directory / "effects")
    wanted = SCENARIOS[scenario](People(effects))
    assert found.ends == wanted.ends
    for what, keys in effects.keys_of().items():
        assert len(keys) == 1, f"{what} was intended under {sorted(keys)}"
    for instance, charged in wanted.charged.items():
        prefix = f"{wanted.workflow.name}/{instance}/"
        assert effects.left(prefix) == charged, (instance, effects.once())
