"""What a test must give back: threads, child processes and open files.

`held()` says what the process holds now, `left_over(before)` what it holds beyond that. A thread
that is ending gets a bounded time to end; nothing else is waited for, because what a test opens
it also closes.
"""

import gc
import multiprocessing
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

THREADS_END_WITHIN = 2.0

# Coverage opens its data file whenever it likes.
FOREIGN_FILES = re.compile(r"/\.coverage[^/]*$")


@dataclass(frozen=True, slots=True)
class Held:
    """What the process holds at one moment."""

    threads: frozenset[threading.Thread]
    children: frozenset[str]
    files: frozenset[str]


def held() -> Held:
    return Held(
        threads=frozenset(threading.enumerate()),
        children=frozenset(_children()),
        files=frozenset(_files()),
    )


def left_over(before: Held) -> list[str]:
    """Say what is held beyond `before`, one line each, after waiting for threads that end."""
    started = frozenset(threading.enumerate()) - before.threads
    _wait_for(started)
    # What nobody refers to any more is closed now, and warns here, in the test that lost it.
    gc.collect()
    now = held()
    return sorted(
        [
            *(f"thread {thread.name} still runs" for thread in now.threads - before.threads),
            *(
                f"child process {child} was not waited for"
                for child in now.children - before.children
            ),
            *(f"file {file} is still open" for file in now.files - before.files),
        ]
    )


def _wait_for(threads: frozenset[threading.Thread]) -> None:
    end = monotonic() + THREADS_END_WITHIN
    for thread in threads - {threading.current_thread()}:
        thread.join(max(0.0, end - monotonic()))


def _children() -> Iterator[str]:
    """Yield the ids of our child processes, off Linux only those of multiprocessing."""
    yield from (str(child.pid) for child in multiprocessing.active_children())
    for task in _listed("/proc/self/task"):
        try:
            yield from Path(f"/proc/self/task/{task}/children").read_text().split()
        except (FileNotFoundError, ProcessLookupError):  # that thread has just ended
            continue


def _files() -> Iterator[str]:
    """Yield "number -> target" for each open file descriptor."""
    for number in _listed("/proc/self/fd"):  # not Linux: the warnings of unclosed files must do
        try:
            target = os.readlink(f"/proc/self/fd/{number}")  # noqa: PTH115 - see `_listed`
        except FileNotFoundError:  # the descriptor that `_listed` itself used
            continue
        if not FOREIGN_FILES.search(target):
            yield f"{number} -> {target}"


def _listed(folder: str) -> list[str]:
    try:
        # No paths here: they would cost each test more than all the rest of the check.
        return os.listdir(folder)  # noqa: PTH208
    except FileNotFoundError:
        return []
