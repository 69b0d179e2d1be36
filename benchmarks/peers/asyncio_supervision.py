"""Plain asyncio, by hand: a loop that awaits a child's task and makes a new one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from functools import partial
from time import process_time
from typing import Any, Final

from benchmarks._sample import Run, Sample, expect

Inbox = asyncio.Queue[Any]
_CRASH: Final = ("crash", None)


async def _worker(inbox: Inbox, incarnations: list[int]) -> None:
    incarnations[0] += 1
    while True:
        value, reply = await inbox.get()
        if reply is None:
            raise ValueError
        reply.set_result(value)


async def _supervise(inbox: Inbox, incarnations: list[int]) -> None:
    while True:
        with suppress(ValueError):
            await asyncio.create_task(_worker(inbox, incarnations))


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _crash_to_reply(n: int) -> Sample:
    incarnations, loop = [0], asyncio.get_running_loop()
    inbox: Inbox = asyncio.Queue()
    task = asyncio.create_task(_supervise(inbox, incarnations))
    await asyncio.sleep(0)
    total = 0
    started = process_time()
    for value in range(n):
        inbox.put_nowait(_CRASH)
        reply: asyncio.Future[int] = loop.create_future()
        inbox.put_nowait((value, reply))
        total += await reply
    spent = process_time() - started
    await _end([task])
    expect(n * (n - 1) // 2, total)
    expect(n + 1, incarnations[0])
    return Sample(n, spent)


async def _crash_of_all(children: int, n: int) -> Sample:
    incarnations, loop = [0], asyncio.get_running_loop()
    inboxes: list[Inbox] = [asyncio.Queue() for _ in range(children)]
    tasks = [asyncio.create_task(_supervise(inbox, incarnations)) for inbox in inboxes]
    await asyncio.sleep(0)
    rounds = n // children
    started = process_time()
    for _ in range(rounds):
        for inbox in inboxes:
            inbox.put_nowait(_CRASH)
        reply: asyncio.Future[int] = loop.create_future()
        inboxes[-1].put_nowait((1, reply))
        expect(1, await reply)
    spent = process_time() - started
    await _end(tasks)
    expect(children * (rounds + 1), incarnations[0])
    return Sample(children * rounds, spent)


async def _leaf(inbox: Inbox, up: list[int], all_up: asyncio.Event) -> None:
    up[0] += 1
    if up[0] == up[1]:
        all_up.set()
    try:
        await inbox.get()
    finally:
        up[0] -= 1


async def _branch(levels: tuple[int, ...], up: list[int], all_up: asyncio.Event) -> None:
    width, *below = levels
    async with asyncio.TaskGroup() as group:
        for _ in range(width):
            if below:
                group.create_task(_branch(tuple(below), up, all_up))
            else:
                group.create_task(_leaf(asyncio.Queue(), up, all_up))


async def _tree(n: int, *, stop: bool) -> Sample:
    up, all_up = [0, n], asyncio.Event()
    started = process_time()
    top = asyncio.create_task(_branch((10, 10, 10, n // 1_000), up, all_up))
    await all_up.wait()
    begun = process_time()
    await _end([top])
    down = process_time()
    expect(0, up[0])
    return Sample(n, down - begun if stop else begun - started)


def _run(workload: Callable[[int], Coroutine[Any, Any, Sample]]) -> Run:
    return lambda n: asyncio.run(workload(n))


SUITE: Final[Mapping[str, Run]] = {
    "crash-to-reply": _run(_crash_to_reply),
    **{f"crash-of-{size}": _run(partial(_crash_of_all, size)) for size in (1, 10, 1_000, 10_000)},
    "tree-start-100000": _run(partial(_tree, stop=False)),
    "tree-stop-100000": _run(partial(_tree, stop=True)),
}
