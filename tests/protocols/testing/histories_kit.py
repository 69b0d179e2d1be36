"""Histories for tests: how to write, draw and enumerate them, and a checker that tries it all."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, combinations, permutations
from random import Random
from typing import Any

from dramaturg.protocols.testing._histories import (
    Failed,
    GaveUp,
    HistoryEvent,
    Invoked,
    Returned,
)

Apply = Callable[[Any, str, Any], tuple[Any, Any]]
Draw = Callable[[Random], tuple[str, Any]]


def done(process: str, operation: str, argument: Any = None, result: Any = None) -> list[Any]:
    """Return the events of an operation with which no other one overlaps."""
    return [Invoked(process, operation, argument), Returned(process, result)]


class Seen:
    """An operation as the naive checker sees it."""

    def __init__(self, began: int, event: Invoked) -> None:
        self.began = began
        self.event = event
        self.end: int | None = None
        self.result: Any = None
        self.failed = False

    def before(self, other: Seen) -> bool:
        return self.end is not None and self.end < other.began


def seen_in(history: Sequence[HistoryEvent]) -> list[Seen]:
    found: list[Seen] = []
    open_: dict[Hashable, Seen] = {}
    for position, event in enumerate(history):
        if isinstance(event, Invoked):
            open_[event.process] = Seen(position, event)
            found.append(open_[event.process])
        elif isinstance(event, Returned):
            one = open_.pop(event.process)
            one.end, one.result = position, event.result
        elif isinstance(event, Failed):
            open_.pop(event.process).failed = True
        else:
            open_.pop(event.process, None)
    return [each for each in found if not each.failed]


def naively(history: Sequence[HistoryEvent], apply: Apply, init: Any, *, real_time: bool) -> bool:
    """Try every order of every choice of operations, each object of a map in one state."""
    seen = seen_in(history)
    required = [each for each in seen if each.end is not None]
    pending = [each for each in seen if each.end is None]
    for count in range(len(pending) + 1):
        for chosen in combinations(pending, count):
            for order in permutations([*required, *chosen]):
                if _in_order(order, real_time=real_time) and _legal(order, apply, init):
                    return True
    return False


def _in_order(order: Sequence[Seen], *, real_time: bool) -> bool:
    return not any(
        late.before(early) and (real_time or late.event.process == early.event.process)
        for early, late in combinations(order, 2)
    )


def _legal(order: Sequence[Seen], apply: Apply, init: Any) -> bool:
    states: dict[Hashable, Any] = {}
    for each in order:
        event = each.event
        result, after = apply(states.get(event.key, init), event.operation, event.argument)
        if each.end is not None and each.result != result:
            return False
        states[event.key] = after
    return True


def shortest_failing(history: Sequence[HistoryEvent], apply: Apply, init: Any) -> int:
    """Return how many events the shortest beginning has that is not linearizable."""
    return next(
        length
        for length in range(len(history) + 1)
        if not naively(history[:length], apply, init, real_time=True)
    )


# -- what objects do ------------------------------------------------------------------------------


def register(state: Any, operation: str, argument: Any) -> tuple[Any, Any]:
    if operation == "read":
        return state, state
    if operation == "write":
        return None, argument
    return (True, argument[1]) if state == argument[0] else (False, state)


def counter(state: Any, operation: str, argument: Any) -> tuple[Any, Any]:
    return (state, state) if operation == "read" else (state + argument, state + argument)


def queue(state: Any, operation: str, argument: Any) -> tuple[Any, Any]:
    if operation == "enqueue":
        return None, (*state, argument)
    return (state[0], state[1:]) if state else (None, state)


def lock(state: Any, operation: str, argument: Any) -> tuple[Any, Any]:
    if operation == "acquire":
        return (True, argument) if state is None else (False, state)
    return (True, None) if state == argument else (False, state)


def bag(state: Any, operation: str, argument: Any) -> tuple[Any, Any]:
    if operation == "read":
        return state, state
    if operation == "contains":
        return argument in state, state
    if operation == "add":
        return argument not in state, state | {argument}
    return argument in state, state - {argument}


# -- every small history --------------------------------------------------------------------------


def shapes(most: int, processes: str, *, lost: bool = False) -> Iterator[list[HistoryEvent]]:
    """Enumerate who begins and ends when, with at most so many operations called "?".

    A process that has not been heard of yet is as good as any other such one.

    :param lost: whether operations may also end by giving up or by failing.
    """
    ends: list[Callable[[str], HistoryEvent]] = [Returned, Failed, GaveUp] if lost else [Returned]

    def extended(
        history: list[HistoryEvent], open_: frozenset[str], known: int, left: int
    ) -> Iterator[list[HistoryEvent]]:
        if not left:
            yield history
        for number, process in enumerate(processes[: known + 1]):
            if process in open_:
                for end in ends:
                    yield from extended([*history, end(process)], open_ - {process}, known, left)
            elif left:
                yield from extended(
                    [*history, Invoked(process, "?")],
                    open_ | {process},
                    max(known, number + 1),
                    left - 1,
                )

    return chain.from_iterable(extended([], frozenset(), 0, count) for count in range(1, most + 1))


def filled(
    shape: Sequence[HistoryEvent], kinds: Sequence[tuple[str, Any, Sequence[Any]]]
) -> Iterator[list[HistoryEvent]]:
    """Enumerate the histories of a shape.

    :param kinds: operations, their argument and their possible results.
    """

    def extended(
        done_: list[HistoryEvent], open_: dict[Hashable, Sequence[Any]]
    ) -> Iterator[list[HistoryEvent]]:
        if len(done_) == len(shape):
            yield done_
            return
        event = shape[len(done_)]
        if isinstance(event, Invoked):
            for operation, argument, results in kinds:
                invoked = replace(event, operation=operation, argument=argument)
                yield from extended([*done_, invoked], {**open_, event.process: results})
        elif isinstance(event, Returned):
            for result in open_[event.process]:
                yield from extended([*done_, Returned(event.process, result)], open_)
        else:
            yield from extended([*done_, event], open_)

    return extended([], {})


# -- what a correct object does -------------------------------------------------------------------


def simulated(
    random: Random,
    apply: Apply,
    init: Any,
    draw: Draw,
    *,
    count: int,
    processes: int,
    lost: float = 0.0,
    keys: Sequence[Hashable] = (None,),
) -> list[HistoryEvent]:
    """Run operations on an atomic object: each takes effect at one moment between its events.

    :param lost: how likely it is that a process crashes while it waits; another takes its place.
    """
    history: list[HistoryEvent] = []
    states: dict[Hashable, Any] = {}
    waiting: dict[Hashable, Invoked] = {}  # has not taken effect
    served: dict[Hashable, Any] = {}
    names: list[Hashable] = [(number, 0) for number in range(processes)]
    while count or waiting or served:
        place = random.randrange(processes)
        name = names[place]
        if name in served:
            history.append(Returned(name, served.pop(name)))
        elif name in waiting:
            event = waiting.pop(name)
            crashes = random.random() < lost
            if not crashes or random.random() < 0.5:
                result, states[event.key] = apply(
                    states.get(event.key, init), event.operation, event.argument
                )
                served[name] = result
            if crashes:
                served.pop(name, None)
                names[place] = (place, len(history))
        elif count:
            count -= 1
            waiting[name] = Invoked(name, *draw(random), key=random.choice(keys))
            history.append(waiting[name])
    return history


def with_result(history: Sequence[HistoryEvent], position: int, result: Any) -> list[HistoryEvent]:
    """Return the history with another result at that position."""
    changed = list(history)
    changed[position] = Returned(changed[position].process, result)
    return changed
