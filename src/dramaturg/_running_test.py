"""What the options of a pytest run say about the test that runs just now.

Apart from both who tells it, the plugin, and who asks, the kit: pytest loads the plugin whether a
test simulates anything or not, and must not have to load the kit for that.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["RUNNING", "RunningTest"]


@dataclass(frozen=True, slots=True)
class RunningTest:
    """One test of a pytest run.

    :param name: its node id.
    :param schedules: how many schedules to try, whatever the test says; ``times``: or
        so many times as many.
    :param seed: which ones, whatever the test says.
    :param replay: the token of the only schedule to run.
    :param failures: where failing schedules are kept.
    :param say: tells the user something at the end of the pytest run.
    """

    name: str
    say: Callable[[str], None]
    schedules: int | None = None
    times: int = 1
    seed: int | None = None
    replay: str | None = None
    failures: Path | None = None


RUNNING: ContextVar[RunningTest | None] = ContextVar("dramaturg_running_test", default=None)
