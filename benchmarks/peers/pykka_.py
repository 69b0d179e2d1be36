"""pykka: a thread and a `queue.Queue` per actor, tuples as messages, no proxies."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from queue import SimpleQueue
from time import process_time
from typing import Any, Final

import pykka

from benchmarks._sample import Run, Sample, Suite, expect, resident_bytes

Ref = pykka.ActorRef[Any]


class _Counter(pykka.ThreadingActor):
    """Count what comes; the reply counts the ask itself."""

    use_daemon_thread = True

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def on_receive(self, message: object) -> int:
        self.count += 1
        return self.count


class _Quota(pykka.ThreadingActor):
    """Count what comes, and report when all of it is there."""

    use_daemon_thread = True

    def __init__(self, expected: int, done: SimpleQueue[int]) -> None:
        super().__init__()
        self.count = 0
        self.expected = expected
        self.done = done

    def on_receive(self, message: object) -> None:
        self.count += 1
        if self.count == self.expected:
            self.done.put(self.count)


class _Node(pykka.ThreadingActor):
    """Pass a token on until it has made all its hops."""

    use_daemon_thread = True

    def __init__(self, done: SimpleQueue[int]) -> None:
        super().__init__()
        self.count = 0
        self.done = done
        self.next: Ref | None = None

    def on_receive(self, message: tuple[str, Any]) -> int | None:
        tag, value = message
        if tag == "token":
            self.count += 1
            if value and self.next is not None:
                self.next.tell(("token", value - 1))
            else:
                self.done.put(value)
        elif tag == "link":
            self.next = value
        return self.count


class _Producer(pykka.ThreadingActor):
    use_daemon_thread = True

    def __init__(self, target: Ref) -> None:
        super().__init__()
        self.target = target

    def on_receive(self, message: tuple[int]) -> int:
        tell = self.target.tell
        for _ in range(message[0]):
            tell(("hit",))
        return message[0]


class _Stage(pykka.ThreadingActor):
    use_daemon_thread = True

    def __init__(self, following: Ref) -> None:
        super().__init__()
        self.following = following

    def on_receive(self, message: tuple[int]) -> None:
        self.following.tell(message)


class _Sink(pykka.ThreadingActor):
    use_daemon_thread = True

    def __init__(self, expected: int, done: SimpleQueue[int]) -> None:
        super().__init__()
        self.count = 0
        self.total = 0
        self.expected = expected
        self.done = done

    def on_receive(self, message: tuple[int]) -> None:
        self.count += 1
        self.total += message[0]
        if self.count == self.expected:
            self.done.put(self.total)


class _Echo(pykka.ThreadingActor):
    use_daemon_thread = True

    def on_receive(self, message: tuple[int]) -> int:
        return message[0]


class _Asker(pykka.ThreadingActor):
    use_daemon_thread = True

    def __init__(self, other: Ref) -> None:
        super().__init__()
        self.other = other

    def on_receive(self, message: tuple[int]) -> int:
        ask = self.other.ask
        return sum(ask((value,), block=True) for value in range(message[0]))


def _tell_count(n: int) -> Sample:
    counter = _Counter.start()
    tell = counter.tell
    started = process_time()
    for _ in range(n):
        tell(("hit",))
    total = counter.ask(("hit",), block=True)
    spent = process_time() - started
    expect(n + 1, total)
    return Sample(n, spent)


def _ring(size: int, n: int) -> Sample:
    done: SimpleQueue[int] = SimpleQueue()
    nodes = [_Node.start(done) for _ in range(size)]
    for node, following in zip(nodes, nodes[1:] + nodes[:1], strict=True):
        node.ask(("link", following), block=True)
    started = process_time()
    nodes[0].tell(("token", n - 1))
    done.get()
    spent = process_time() - started
    expect(n, sum(node.ask(("count", None), block=True) for node in nodes))
    return Sample(n, spent)


def _fan_in(producers: int, n: int) -> Sample:
    counter = _Counter.start()
    refs = [_Producer.start(counter) for _ in range(producers)]
    share = n // producers
    started = process_time()
    for future in [ref.ask((share,), block=False) for ref in refs]:
        future.get()
    total = counter.ask(("hit",), block=True)
    spent = process_time() - started
    expect(share * producers + 1, total)
    return Sample(share * producers, spent)


def _pipeline(stages: int, n: int) -> Sample:
    done: SimpleQueue[int] = SimpleQueue()
    first: Ref = _Sink.start(n, done)
    for _ in range(stages - 1):
        first = _Stage.start(first)
    tell = first.tell
    started = process_time()
    for value in range(n):
        tell((value,))
    total = done.get()
    spent = process_time() - started
    expect(n * (n - 1) // 2, total)
    return Sample(n, spent)


def _ask(n: int) -> Sample:
    ask = _Echo.start().ask
    started = process_time()
    total = sum(ask((value,), block=True) for value in range(n))
    spent = process_time() - started
    expect(n * (n - 1) // 2, total)
    return Sample(n, spent)


def _actor_to_actor(n: int) -> Sample:
    asker = _Asker.start(_Echo.start())
    started = process_time()
    total = asker.ask((n,), block=True)
    spent = process_time() - started
    expect(n * (n - 1) // 2, total)
    return Sample(n, spent)


def _spawn_stop(n: int) -> Sample:
    started = process_time()
    refs = [_Counter.start() for _ in range(n)]
    for ref in refs:
        ref.stop()
    spent = process_time() - started
    expect(0, sum(ref.is_alive() for ref in refs) + len(pykka.ActorRegistry.get_all()))
    return Sample(n, spent)


def _spread(size: int, n: int) -> Sample:
    done: SimpleQueue[int] = SimpleQueue()
    share = n // size
    tells = [_Quota.start(share, done).tell for _ in range(size)]
    started = process_time()
    for _ in range(share):
        for tell in tells:
            tell(("hit",))
    total = sum(done.get() for _ in tells)
    spent = process_time() - started
    expect(share * size, total)
    return Sample(share * size, spent)


def _memory(*, asked: bool, n: int) -> Sample:
    before = resident_bytes()
    refs = [_Counter.start() for _ in range(n)]
    if asked:
        expect(n, sum(ref.ask(("hit",), block=True) for ref in refs))
    grown = resident_bytes() - before
    expect(n * (1 + asked), sum(ref.ask(("hit",), block=True) for ref in refs))
    return Sample(n, grown)


def _idle(n: int) -> Sample:
    return _memory(asked=False, n=n)


def _after_first(n: int) -> Sample:
    return _memory(asked=True, n=n)


_SPREAD: Mapping[str, Run] = {
    f"tell-spread-{size}": partial(_spread, size) for size in (1, 10, 100, 1_000)
}

CONTENDERS: Final[Mapping[str, Suite]] = {
    "pykka": {
        "tell-count": _tell_count,
        "ping-pong": partial(_ring, 2),
        "ring-100": partial(_ring, 100),
        "fan-in": partial(_fan_in, 100),
        "pipeline-5": partial(_pipeline, 5),
        "request": _ask,
        "thread-ask": _ask,
        "actor-to-actor": _actor_to_actor,
        "spawn-stop-1000": _spawn_stop,
        "memory-idle": _idle,
        "memory-first-message": _after_first,
        **_SPREAD,
    },
}
