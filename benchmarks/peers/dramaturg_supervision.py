"""dramaturg under supervision: restarts, whole trees, and what being supervised costs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from time import process_time
from typing import Any, Final

import structlog

from benchmarks._sample import BURST, Run, Sample, expect
from benchmarks.peers._cast import PLAIN, Cast
from benchmarks.peers._cast._messages import Link, Total
from dramaturg.actors import Actor, ActorRef, ActorSystem, Props, handler
from dramaturg.supervision import ChildSpec, Supervisor, SupervisorSpec

Ref = ActorRef[Any]

_NO_LIMIT: Final = 10**9
_LONG: Final = 120.0
_QUIET: Final = structlog.wrap_logger(
    None, wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL)
)
"""Peers write no reports either."""


class _Crash:
    __slots__ = ()


class _Say:
    __slots__ = ("value",)

    def __init__(self, value: int) -> None:
        self.value = value


class _Worker(Actor):
    def __init__(self, incarnations: list[int]) -> None:
        incarnations[0] += 1

    @handler
    def crash(self, message: _Crash) -> None:
        raise ValueError

    @handler
    def say(self, message: _Say) -> int:
        return message.value


async def _supervise(system: ActorSystem, *children: ChildSpec) -> list[Ref]:
    spec = SupervisorSpec(children, intensity=_NO_LIMIT, period=1.0)
    top = system.spawn(Props(Supervisor, spec), name="top")
    await top.started()
    found = [system.lookup(f"/top/{child.id}") for child in children]
    return [ref for ref in found if ref is not None]


async def _crash_to_reply(system: ActorSystem, n: int) -> Sample:
    incarnations = [0]
    (ref,) = await _supervise(system, ChildSpec("worker", Props(_Worker, incarnations)))
    total, crash = 0, _Crash()
    started = process_time()
    for value in range(n):
        ref.tell(crash)
        total += await ref.request(_Say(value))
    spent = process_time() - started
    expect(n * (n - 1) // 2, total)
    expect(n + 1, incarnations[0])
    return Sample(n, spent)


async def _crash_of_all(system: ActorSystem, children: int, n: int) -> Sample:
    """Let all children crash at once, again and again, until there were n crashes."""
    incarnations = [0]
    worker = Props(_Worker, incarnations)
    refs = await _supervise(system, *(ChildSpec(f"w{i}", worker) for i in range(children)))
    rounds, crash, last = n // children, _Crash(), _Say(1)
    started = process_time()
    for _ in range(rounds):
        for ref in refs:
            ref.tell(crash)
        expect(1, await refs[-1].request(last, timeout=_LONG))
    spent = process_time() - started
    expect(children * (rounds + 1), incarnations[0])
    return Sample(children * rounds, spent)


def _tree(levels: tuple[int, ...], leaf: type[Actor]) -> SupervisorSpec:
    width, *below = levels
    start = _tree(tuple(below), leaf) if below else leaf
    return SupervisorSpec([ChildSpec(f"n{i}", start) for i in range(width)])


async def _tree_start_stop(system: ActorSystem, n: int, *, stop: bool) -> Sample:
    """Start and stop a tree of 10 x 10 x 10 supervisors with n / 1,000 workers each."""
    spec = _tree((10, 10, 10, n // 1_000), PLAIN.counter)
    started = process_time()
    top = system.spawn(Props(Supervisor, spec), name="top")
    await top.started()
    up = process_time()
    expect(n + 1_111, system.statistics().actors)
    begun = process_time()
    await top.stop(block=False)
    down = process_time()
    expect(0, system.statistics().actors)
    return Sample(n, down - begun if stop else up - started)


async def _tell_count(system: ActorSystem, cast: Cast, n: int) -> Sample:
    (counter,) = await _supervise(system, ChildSpec("counter", cast.counter))
    tell, hits = counter.tell, cast.hits
    started = process_time()
    for _ in range(0, n, BURST):
        hits(tell, BURST)
        await asyncio.sleep(0)
    total = await counter.request(Total())
    spent = process_time() - started
    expect(n, total)
    return Sample(n, spent)


async def _ring(system: ActorSystem, cast: Cast, size: int, n: int) -> Sample:
    done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    node = Props(cast.node, done)
    nodes = await _supervise(system, *(ChildSpec(f"n{i}", node) for i in range(size)))
    for ref, following in zip(nodes, nodes[1:] + nodes[:1], strict=True):
        await ref.request(Link(following))
    started = process_time()
    nodes[0].tell(cast.token(n - 1))
    await done
    spent = process_time() - started
    expect(n, sum([await ref.request(Total()) for ref in nodes]))
    return Sample(n, spent)


def _run(workload: Callable[[ActorSystem, int], Coroutine[Any, Any, Sample]]) -> Run:
    async def main(n: int) -> Sample:
        async with ActorSystem("bench", logger=_QUIET, default_timeout=_LONG) as system:
            return await workload(system, n)

    return lambda n: asyncio.run(main(n))


async def _tell_count_plain(system: ActorSystem, n: int) -> Sample:
    return await _tell_count(system, PLAIN, n)


async def _ring_plain(system: ActorSystem, n: int) -> Sample:
    return await _ring(system, PLAIN, 100, n)


def _storm(children: int) -> Run:
    async def storm(system: ActorSystem, n: int) -> Sample:
        return await _crash_of_all(system, children, n)

    return _run(storm)


SUITE: Final[Mapping[str, Run]] = {
    "crash-to-reply": _run(_crash_to_reply),
    **{f"crash-of-{size}": _storm(size) for size in (1, 10, 1_000, 10_000)},
    "tree-start-100000": _run(partial(_tree_start_stop, stop=False)),
    "tree-stop-100000": _run(partial(_tree_start_stop, stop=True)),
    "supervised-tell-count": _run(_tell_count_plain),
    "supervised-ring-100": _run(_ring_plain),
}
"""What a supervised `def` actor runs."""
