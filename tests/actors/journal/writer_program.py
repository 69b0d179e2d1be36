"""A program that appends to a journal and says what was acknowledged; started and killed by tests.

Run with the path of the file and a persistence id. It goes on behind what is there. With a number
of rounds beside these it does so in children, one after the other, each killed at some moment.
"""

import asyncio
import os
import signal
import sys
from random import Random

from dramaturg.actors.journal import ConcurrentWriter, SqliteJournal
from tests.actors.journal.kit import append


def say(*words: object) -> None:
    """Tell the test, at once."""
    print(*words, flush=True)  # noqa: T201 - it has no other way


async def write(path: str, persistence_id: str, *, says_what_it_finds: bool = False) -> None:
    """Append for ever, or until another has the id."""
    async with SqliteJournal(path) as journal:
        try:
            number = (await journal.head(persistence_id)).sequence
            if says_what_it_finds:
                say(number)
            while True:
                await append(journal, persistence_id, number, b"%d" % number, tags=(("t",),))
                number += 1
                say(number)
        except ConcurrentWriter as error:
            say("refused", error.holder)


def write_until_killed(path: str, persistence_id: str, lines: int) -> list[str]:
    """Write in a child; kill it after so many lines, and return all that it has said."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(writing, 1)
        asyncio.run(write(path, persistence_id, says_what_it_finds=True))
    os.close(writing)
    with os.fdopen(reading) as output:
        said = [output.readline() for _ in range(lines)]
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return [*said, *output]


def main(path: str, persistence_id: str, rounds: int = 0) -> None:
    """Write, or be killed so many times; then say what each child found and acknowledged."""
    random = Random(3)
    for _ in range(rounds):
        said = write_until_killed(path, persistence_id, random.randrange(1, 12))
        say(int(said[0]), int(said[-1]))
    if not rounds:
        asyncio.run(write(path, persistence_id))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
