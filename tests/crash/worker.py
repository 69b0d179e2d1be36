"""One process: runs a scenario on a journal, unless it is killed first.

``python -m tests.crash.worker SCENARIO DIRECTORY KILL``
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from dramaturg.actors import ActorSystem, SqliteJournal
from tests.crash.effects import Effects
from tests.crash.killer import Kill, arm
from tests.crash.scenarios import SCENARIOS, People, play


async def main(name: str, directory: Path) -> None:
    """Run the scenario, and print how each instance has ended."""
    effects = Effects(directory / "effects")
    scenario = SCENARIOS[name](People(effects))
    # What is tested is the end of the process; the machine stays up.
    journal = SqliteJournal(directory / "journal", synchronous="NORMAL")
    async with ActorSystem("crash", journal=journal) as system:
        ends = await play(system, scenario)
        sys.stdout.write(json.dumps(ends) + "\n")


if __name__ == "__main__":
    arm(Kill(sys.argv[3]))
    asyncio.run(asyncio.wait_for(main(sys.argv[1], Path(sys.argv[2])), 60))
