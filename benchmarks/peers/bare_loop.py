"""No kernel: a loop and a deque that deliver the same messages to the same plain actors.

One order, no names for what happens, nothing checked on the way, nothing to replay: what is left is
what the actors themselves cost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from time import process_time
from typing import Any, Final

from benchmarks._sample import Run, Sample, Suite, expect
from benchmarks.peers._kit_cast import COMMIT, GAME, HOPS, parties, players
from tests.protocols.testing.zoo.two_phase_commit import NAMES

Queue = deque[tuple[str, str, Any]]
"""Senders, receivers and messages on their way."""


def _deliver(actors: Mapping[str, Any], queue: Queue) -> int:
    """Deliver until nothing is left, and count; timers never ring."""
    count = 0
    while queue:
        sender, receiver, message = queue.popleft()
        count += 1
        for output in actors[receiver].on_message(sender, message):
            if output.__class__ is tuple:
                queue.append((receiver, *output))
    return count


def _game() -> int:
    actors = players()
    count = _deliver(actors, deque([("pong", "ping", HOPS), ("ping", "pong", HOPS)]))
    expect(GAME, sum(player.hits for player in actors.values()))
    return count


def _commit() -> int:
    actors: dict[str, Any] = {**parties()}
    first = actors["c"].on_start()
    queue: Queue = deque(("c", *output) for output in first if output.__class__ is tuple)
    count = _deliver(actors, queue)
    expect(len(NAMES), sum(actors[name].outcome for name in NAMES))
    return count


def _repeated(play: Callable[[], int], size: int) -> Run:
    def run(n: int) -> Sample:
        times = max(1, n // size)
        started = process_time()
        count = sum(play() for _ in range(times))
        spent = process_time() - started
        expect(times * size, count)
        return Sample(count, spent)

    return run


_SUITE: Final[Suite] = {
    "kit-ping-pong": _repeated(_game, GAME),
    "kit-commit": _repeated(_commit, COMMIT),
    "kit-actors-ping-pong": _repeated(_game, GAME),
}

CONTENDERS: Final[Mapping[str, Suite]] = {"bare loop": _SUITE}
