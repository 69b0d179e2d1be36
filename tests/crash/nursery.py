"""A process that has imported everything, and forks a child for each life: that is quick.

``python -m tests.crash.nursery`` reads lines ``[story, directory, kill]`` and answers each with
``[how it ended, what it said]``.
"""

from __future__ import annotations

import asyncio
import faulthandler
import json
import os
import signal
import sys
import traceback
from pathlib import Path

from tests.crash.life import Life
from tests.crash.stories import story_of

__all__ = ["main"]

LIMIT = 50.0


async def _live(name: str, life: Life) -> None:
    await life.look()
    await story_of(name).live(life)
    await life.look()


def _child(name: str, directory: Path, kill: str, said: int) -> int:
    for number in (1, 2):
        os.dup2(said, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    faulthandler.dump_traceback_later(LIMIT, exit=True)
    try:
        asyncio.run(_live(name, Life(directory, kill)))
    except BaseException:  # noqa: BLE001 - it is told
        traceback.print_exc()
        return 1
    return 0


def _outlive(name: str, directory: Path, kill: str) -> tuple[str, str]:
    # Not a file: the child may have no room for one.
    hearing, saying = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            code = _child(name, directory, kill, saying)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    os.close(saying)
    with os.fdopen(hearing, errors="replace") as heard:
        said = heard.read()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGKILL:
        return "killed", ""
    return ("ended", "") if code == 0 else (f"failed with {code}", said)


def main() -> None:
    """Serve until nobody asks any more."""
    for line in sys.stdin:
        name, directory, kill = json.loads(line)
        answer = _outlive(name, Path(directory), kill)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
