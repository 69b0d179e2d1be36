"""Plain asyncio, by hand: a Task and a Queue per actor, tuples as messages."""

from __future__ import annotations

import asyncio
from asyncio import Future, Queue, Task
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import process_time
from typing import Any, Final, NamedTuple

from benchmarks._sample import BURST, Run, Sample, Suite, expect, resident_bytes, spread_burst
from benchmarks.peers.asyncio_supervision import SUITE as SUPERVISED

Inbox = Queue[Any]


class _Ref(NamedTuple):
    """An actor by hand: what it reads from, and the task that reads."""

    inbox: Inbox
    task: Task[None]


def _start(actor: Callable[..., Coroutine[Any, Any, None]], *args: object) -> _Ref:
    inbox: Inbox = Queue()
    return _Ref(inbox, asyncio.create_task(actor(inbox, *args)))


async def _request(inbox: Inbox, value: object) -> Any:
    reply: Future[Any] = asyncio.get_running_loop().create_future()
    inbox.put_nowait((value, reply))
    return await reply


async def _counter(inbox: Inbox, expected: int, done: Future[int]) -> None:
    """Count what comes, and report when all of it is there."""
    count = 0
    while True:
        await inbox.get()
        count += 1
        if count == expected:
            done.set_result(count)


async def _node(inbox: Inbox, following: Inbox, done: Future[int], hops: list[int]) -> None:
    """Pass a token on until it has made all its hops; note the hops seen when cancelled."""
    count = 0
    try:
        while True:
            (left,) = await inbox.get()
            count += 1
            if left:
                following.put_nowait((left - 1,))
            else:
                done.set_result(left)
    finally:
        hops.append(count)


async def _producer(_inbox: Inbox, target: Inbox, times: int) -> None:
    put = target.put_nowait
    for _ in range(times):
        put(("hit",))


async def _stage(inbox: Inbox, following: Inbox) -> None:
    while True:
        following.put_nowait(await inbox.get())


async def _sink(inbox: Inbox, expected: int, done: Future[int]) -> None:
    count = total = 0
    while True:
        (value,) = await inbox.get()
        count += 1
        total += value
        if count == expected:
            done.set_result(total)


async def _echo(inbox: Inbox) -> None:
    while True:
        value, reply = await inbox.get()
        reply.set_result(value)


async def _asker(inbox: Inbox, other: Inbox) -> None:
    while True:
        times, reply = await inbox.get()
        reply.set_result(sum([await _request(other, value) for value in range(times)]))


async def _stop(refs: list[_Ref]) -> None:
    for ref in refs:
        ref.task.cancel()
    for ref in refs:
        try:
            await ref.task
        except asyncio.CancelledError:
            continue


def _future() -> Future[int]:
    return asyncio.get_running_loop().create_future()


async def _tell_count(n: int) -> Sample:
    done = _future()
    counter = _start(_counter, n, done)
    put = counter.inbox.put_nowait
    started = process_time()
    for _ in range(0, n, BURST):
        for _ in range(BURST):
            put(("hit",))
        await asyncio.sleep(0)
    total = await done
    spent = process_time() - started
    expect(n, total)
    return Sample(n, spent)


async def _ring(size: int, n: int) -> Sample:
    done, hops = _future(), list[int]()
    inboxes: list[Inbox] = [Queue() for _ in range(size)]
    refs = [
        _Ref(inbox, asyncio.create_task(_node(inbox, following, done, hops)))
        for inbox, following in zip(inboxes, inboxes[1:] + inboxes[:1], strict=True)
    ]
    started = process_time()
    inboxes[0].put_nowait((n - 1,))
    await done
    spent = process_time() - started
    await _stop(refs)
    expect(n, sum(hops))
    return Sample(n, spent)


async def _fan_in(producers: int, n: int) -> Sample:
    done, share = _future(), n // producers
    counter = _start(_counter, share * producers, done)
    started = process_time()
    refs = [_start(_producer, counter.inbox, share) for _ in range(producers)]
    await asyncio.gather(*(ref.task for ref in refs))
    total = await done
    spent = process_time() - started
    expect(share * producers, total)
    return Sample(share * producers, spent)


async def _pipeline(stages: int, n: int) -> Sample:
    done = _future()
    refs = [_start(_sink, n, done)]
    for _ in range(stages - 1):
        refs.append(_start(_stage, refs[-1].inbox))
    put = refs[-1].inbox.put_nowait
    started = process_time()
    for start in range(0, n, BURST):
        for value in range(start, min(start + BURST, n)):
            put((value,))
        await asyncio.sleep(0)
    total = await done
    spent = process_time() - started
    expect(n * (n - 1) // 2, total)
    return Sample(n, spent)


async def _requests(n: int) -> Sample:
    inbox = _start(_echo).inbox
    started = process_time()
    total = 0
    for value in range(n):
        total += await _request(inbox, value)
    spent = process_time() - started
    expect(n * (n - 1) // 2, total)
    return Sample(n, spent)


def _thread_ask(n: int) -> Sample:
    """Ask from this thread what runs on the loop of another one."""
    with asyncio.Runner() as runner, ThreadPoolExecutor(1) as pool:
        loop, stopped = runner.get_loop(), asyncio.Event()
        serving = pool.submit(runner.run, stopped.wait())
        ref = asyncio.run_coroutine_threadsafe(_started(_echo), loop).result()
        started, total = process_time(), 0
        for value in range(n):
            reply = asyncio.run_coroutine_threadsafe(_request(ref.inbox, value), loop)
            total += reply.result()
        spent = process_time() - started
        loop.call_soon_threadsafe(stopped.set)
        serving.result()
    expect(n * (n - 1) // 2, total)
    return Sample(n, spent)


async def _started(actor: Callable[..., Coroutine[Any, Any, None]]) -> _Ref:
    return _start(actor)


async def _actor_to_actor(n: int) -> Sample:
    echo = _start(_echo)
    asker = _start(_asker, echo.inbox)
    started = process_time()
    total: int = await _request(asker.inbox, n)
    spent = process_time() - started
    expect(n * (n - 1) // 2, total)
    return Sample(n, spent)


async def _spawn_stop(n: int) -> Sample:
    started = process_time()
    refs = [_start(_echo) for _ in range(n)]
    await asyncio.sleep(0)
    await _stop(refs)
    spent = process_time() - started
    expect(n, sum(ref.task.cancelled() for ref in refs))
    return Sample(n, spent)


async def _spawn_ask_stop(n: int) -> Sample:
    started, total = process_time(), 0
    refs = [_start(_echo) for _ in range(n)]
    for value, ref in enumerate(refs):
        total += await _request(ref.inbox, value)
    await _stop(refs)
    spent = process_time() - started
    expect(n * (n - 1) // 2, total)
    return Sample(n, spent)


async def _spread(size: int, n: int) -> Sample:
    share = n // size
    dones = [_future() for _ in range(size)]
    puts = [_start(_counter, share, done).inbox.put_nowait for done in dones]
    await asyncio.sleep(0)
    rounds = spread_burst(size)
    started = process_time()
    for sent in range(0, share, rounds):
        for _ in range(sent, min(sent + rounds, share)):
            for put in puts:
                put(("hit",))
        await asyncio.sleep(0)
    total = sum([await done for done in dones])
    spent = process_time() - started
    expect(share * size, total)
    return Sample(share * size, spent)


async def _memory(*, asked: bool, n: int) -> Sample:
    before = resident_bytes()
    refs = [_start(_echo) for _ in range(n)]
    await asyncio.sleep(0)
    if asked:
        expect(n, sum([await _request(ref.inbox, 1) for ref in refs]))
    grown = resident_bytes() - before
    expect(n, sum([await _request(ref.inbox, 1) for ref in refs]))
    return Sample(n, grown)


def _run(workload: Callable[[int], Coroutine[Any, Any, Sample]]) -> Run:
    """Run a workload on a loop of its own; what it left running goes with the loop."""
    return lambda n: asyncio.run(workload(n))


_SPREAD: Mapping[str, Run] = {
    f"tell-spread-{size}": _run(partial(_spread, size))
    for size in (1, 10, 100, 1_000, 10_000, 100_000)
}

CONTENDERS: Final[Mapping[str, Suite]] = {
    "asyncio": {
        "tell-count": _run(_tell_count),
        "ping-pong": _run(partial(_ring, 2)),
        "ring-100": _run(partial(_ring, 100)),
        "fan-in": _run(partial(_fan_in, 100)),
        "pipeline-5": _run(partial(_pipeline, 5)),
        "request": _run(_requests),
        "thread-ask": _thread_ask,
        "actor-to-actor": _run(_actor_to_actor),
        "spawn-stop-1000": _run(_spawn_stop),
        "spawn-stop-10000": _run(_spawn_stop),
        "spawn-stop-100000": _run(_spawn_stop),
        "spawn-ask-stop-100000": _run(_spawn_ask_stop),
        "memory-idle": _run(lambda n: _memory(asked=False, n=n)),
        "memory-first-message": _run(lambda n: _memory(asked=True, n=n)),
        **_SPREAD,
        **SUPERVISED,
    },
}
