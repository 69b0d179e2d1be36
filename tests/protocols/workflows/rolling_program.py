"""A process of a rolling restart: it brings back what is in flight, and starts some of its own.

Run with the path of the journal, that of a file of effects, and a number. It says "started" when
its own are, and "over" when nothing is in flight any more in the whole journal.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from dramaturg.actors import ActorSystem, SqliteJournal
from dramaturg.protocols.workflows import Call, Workflow, pause, sequence, step

__all__ = ["COUNT", "OUTER", "WITHIN"]

COUNT = 10
"""So many each process starts."""


async def act(value: Any, call: Call) -> Any:
    """Leave a line behind."""
    line = f"{call.key}\n".encode()
    file = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line)
    os.close(file)
    await asyncio.sleep(0.02)
    return value


WITHIN = Workflow("within", sequence(step("b", act), pause(0.2, name="rest"), step("c", act)))
OUTER = Workflow(
    "outer", sequence(step("a", act), pause(0.2, name="wait"), step("in", WITHIN), step("d", act))
)


async def main(path: str, number: str) -> None:
    """Live until nothing is in flight."""
    async with ActorSystem("rolling", journal=SqliteJournal(path, synchronous="NORMAL")) as system:
        await OUTER.resume(system)
        for index in range(COUNT):
            await OUTER.start(system, index, id=f"{number}-{index}")
        print("started", flush=True)  # noqa: T201 - it has no other way to say so
        while await OUTER.ids(system) or await WITHIN.ids(system):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        print("over", flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[3]))
