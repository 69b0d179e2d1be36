"""dramaturg, in three flavours: `def` handlers, `async def` handlers, and `Message` models.

All run on one event loop, inside `async with ActorSystem`, but for the ask from a thread,
where the system has a thread of its own.
"""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from time import process_time
from typing import Any, Concatenate, Final, ParamSpec

from benchmarks._sample import BURST, Run, Sample, Suite, expect, resident_bytes, spread_burst
from benchmarks.peers._cast import ASYNC, MODEL, PLAIN, Cast, Quota
from benchmarks.peers._cast._messages import AskOther, Hit, Link, Produce, Total
from benchmarks.peers.dramaturg_supervision import SUITE as SUPERVISED
from dramaturg.actors import ActorRef, ActorSystem, Props

P = ParamSpec("P")
Ref = ActorRef[Any]

_LONG: Final = 120.0
"""Seconds for a request that stands for a whole run."""


async def _tell_count(system: ActorSystem, cast: Cast, n: int) -> Sample:
    counter = system.spawn(cast.counter)
    await counter.started()
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
    done = _future()
    nodes = [system.spawn(Props(cast.node, done)) for _ in range(size)]
    for node, following in zip(nodes, nodes[1:] + nodes[:1], strict=True):
        await node.request(Link(following))
    started = process_time()
    nodes[0].tell(cast.token(n - 1))
    await done
    spent = process_time() - started
    expect(n, sum([await node.request(Total()) for node in nodes]))
    return Sample(n, spent)


async def _fan_in(system: ActorSystem, cast: Cast, producers: int, n: int) -> Sample:
    counter = system.spawn(cast.counter)
    refs = [system.spawn(Props(cast.producer, counter)) for _ in range(producers)]
    await _all_started([counter, *refs])
    share = n // producers
    started = process_time()
    await asyncio.gather(*(ref.request(Produce(share)) for ref in refs))
    total = await counter.request(Total())
    spent = process_time() - started
    expect(share * producers, total)
    return Sample(share * producers, spent)


async def _pipeline(system: ActorSystem, cast: Cast, stages: int, n: int) -> Sample:
    done = _future()
    refs = [system.spawn(Props(cast.sink, n, done))]
    for _ in range(stages - 1):
        refs.append(system.spawn(Props(cast.stage, refs[-1])))
    await _all_started(refs)
    tell, item = refs[-1].tell, cast.item
    started = process_time()
    for start in range(0, n, BURST):
        for value in range(start, min(start + BURST, n)):
            tell(item(value))
        await asyncio.sleep(0)
    total = await done
    spent = process_time() - started
    expect(n * (n - 1) // 2, total)
    return Sample(n, spent)


async def _requests(system: ActorSystem, cast: Cast, n: int) -> Sample:
    echo = system.spawn(cast.echo)
    await echo.started()
    request, say = echo.request, cast.say
    started, total = process_time(), 0
    for value in range(n):
        total += await request(say(value))
    spent = process_time() - started
    expect(n * (n - 1) // 2, total)
    return Sample(n, spent)


async def _actor_to_actor(system: ActorSystem, cast: Cast, n: int) -> Sample:
    echo = system.spawn(cast.echo)
    asker = system.spawn(Props(cast.asker, echo))
    await _all_started([echo, asker])
    started = process_time()
    total = await asker.request(AskOther(n), timeout=_LONG)
    spent = process_time() - started
    expect(n * (n - 1) // 2, total)
    return Sample(n, spent)


def _thread_ask(cast: Cast, n: int) -> Sample:
    with ActorSystem("bench") as system:
        ask, say = system.spawn(cast.echo).ask, cast.say
        # It has started when this is answered.
        expect(1, ask(say(1)))
        started, total = process_time(), 0
        for value in range(n):
            total += ask(say(value))
        spent = process_time() - started
    expect(n * (n - 1) // 2, total)
    return Sample(n, spent)


async def _spawn_stop(system: ActorSystem, cast: Cast, n: int) -> Sample:
    started = process_time()
    refs = [system.spawn(cast.counter) for _ in range(n)]
    await refs[-1].started()
    await _stop(refs)
    spent = process_time() - started
    expect(0, sum(ref.is_alive() for ref in refs))
    return Sample(n, spent)


async def _spawn_ask_stop(system: ActorSystem, cast: Cast, n: int) -> Sample:
    started, total, say = process_time(), 0, cast.say
    refs = [system.spawn(cast.echo) for _ in range(n)]
    for value, ref in enumerate(refs):
        total += await ref.request(say(value))
    await _stop(refs)
    spent = process_time() - started
    expect(n * (n - 1) // 2, total)
    return Sample(n, spent)


async def _spread(system: ActorSystem, size: int, n: int) -> Sample:
    share, rounds = n // size, spread_burst(size)
    dones = [_future() for _ in range(size)]
    refs = [system.spawn(Props(Quota, share, done)) for done in dones]
    await _all_started(refs)
    tells, hit = [ref.tell for ref in refs], Hit()
    started = process_time()
    for sent in range(0, share, rounds):
        for _ in range(sent, min(sent + rounds, share)):
            for tell in tells:
                tell(hit)
        await asyncio.sleep(0)
    total = sum([await done for done in dones])
    spent = process_time() - started
    expect(share * size, total)
    return Sample(share * size, spent)


async def _memory(system: ActorSystem, n: int, *, told: bool) -> Sample:
    before = resident_bytes()
    refs = [system.spawn(PLAIN.counter) for _ in range(n)]
    await _all_started(refs)
    if told:
        for start in range(0, n, BURST):
            for ref in refs[start : start + BURST]:
                ref.tell(Hit())
            await asyncio.sleep(0)
        expect(1, await refs[-1].request(Total()))
    grown = resident_bytes() - before
    expect(n * told, sum([await ref.request(Total()) for ref in refs]))
    return Sample(n, grown)


async def _all_started(refs: list[Ref]) -> None:
    for ref in refs:
        await ref.started()


async def _stop(refs: list[Ref]) -> None:
    for stopped in [ref.stop(block=False) for ref in refs]:
        await stopped


def _future() -> Future[int]:
    return asyncio.get_running_loop().create_future()


def _run(
    workload: Callable[Concatenate[ActorSystem, P], Coroutine[Any, Any, Sample]],
) -> Callable[P, Sample]:
    """Run a workload in a system of its own, on a loop of its own."""

    async def main(*args: P.args, **kwargs: P.kwargs) -> Sample:
        async with ActorSystem("bench") as system:
            return await workload(system, *args, **kwargs)

    def run(*args: P.args, **kwargs: P.kwargs) -> Sample:
        return asyncio.run(main(*args, **kwargs))

    return run


def _suite(cast: Cast) -> Mapping[str, Run]:
    """Return what every flavour runs."""
    return {
        "tell-count": partial(_run(_tell_count), cast),
        "ping-pong": partial(_run(_ring), cast, 2),
        "ring-100": partial(_run(_ring), cast, 100),
        "fan-in": partial(_run(_fan_in), cast, 100),
        "pipeline-5": partial(_run(_pipeline), cast, 5),
        "request": partial(_run(_requests), cast),
        "actor-to-actor": partial(_run(_actor_to_actor), cast),
        "thread-ask": partial(_thread_ask, cast),
    }


_POPULATIONS: Final[Mapping[str, Run]] = {
    "spawn-stop-1000": partial(_run(_spawn_stop), PLAIN),
    "spawn-stop-10000": partial(_run(_spawn_stop), PLAIN),
    "spawn-stop-100000": partial(_run(_spawn_stop), PLAIN),
    "spawn-ask-stop-100000": partial(_run(_spawn_ask_stop), PLAIN),
    "memory-idle": partial(_run(_memory), told=False),
    "memory-first-message": partial(_run(_memory), told=True),
    **{
        f"tell-spread-{size}": partial(_run(_spread), size)
        for size in (1, 10, 100, 1_000, 10_000, 100_000)
    },
}

CONTENDERS: Final[Mapping[str, Suite]] = {
    "dramaturg def": {**_suite(PLAIN), **_POPULATIONS, **SUPERVISED},
    "dramaturg async": _suite(ASYNC),
    "dramaturg model": _suite(MODEL),
}
