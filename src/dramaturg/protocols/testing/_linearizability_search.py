"""The search for an order of operations that a model allows.

Depth first over configurations: which operations have been placed, and the state after them. Three
things keep the number of configurations small, and none of them changes the verdict:

* A configuration is looked at once, whatever order led to it; and not at all if the same can be
  had with fewer pending operations, as those that are left need not be placed.
* An operation that only looks, may come next and is possible is placed at once, with no
  alternative: in any order that works it can be moved to the front.
* Of two operations that differ only in when they ended, the one that ended first goes first; a
  pending one that changes nothing is not placed at all (what the orders leave out).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from dramaturg.protocols.testing._freeze import freeze

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Sequence

    from dramaturg.protocols.testing._history_verdict import Outcome

__all__ = ["Advance", "Found", "Order", "search"]

Advance: TypeAlias = "Callable[[Any, int], Sequence[Any]]"
"""From a state and the number of an operation to the states after it; none if it cannot be."""


class Order(Protocol):
    """Which operations may come next.

    Operations are numbered; the first ``required`` ones have to be placed, the others may be.
    """

    required: int
    start: tuple[Any, int]
    """What stands for "none has been placed": the required ones, and a bit for each other one."""

    def ready(self, placed: Any, /) -> Sequence[int]:
        """Return what may come next, what should be tried first in front."""
        ...

    def place(self, placed: Any, index: int, /) -> tuple[Any, int]:
        """Return what stands for one more having been placed."""
        ...


class Found(NamedTuple):
    """What a search found.

    :param order: numbers of the operations in the longest order that works.
    :param state: the state after them.
    :param steps: how many steps of the model were tried.
    """

    outcome: Outcome
    order: tuple[int, ...]
    state: Any
    steps: int


_Path: TypeAlias = "tuple[int, _Path] | None"
"""The last operation placed, and the path before it."""


_Seen: TypeAlias = "dict[Hashable, tuple[int, ...]]"
"""The configurations noted: without the pending operations, and the sets of these as bits."""


class _Node(NamedTuple):
    placed: Any
    state: Any
    path: Any
    depth: int  # how many of those that have to be placed are


def search(
    order: Order,
    advance: Advance,
    init: Any,
    *,
    at_once: Collection[int],
    max_steps: int,
) -> Found:
    """Search for an order of all required operations.

    :param at_once: those that may be placed as soon as that is possible.
    :param max_steps: how many steps of the model may be tried before the outcome is unknown.
    """
    best = _Node(order.start, init, None, 0)
    seen: _Seen = {}
    todo = [best]
    left = max_steps
    while todo:
        node = todo.pop()
        if node.depth > best.depth:
            best = node
        if node.depth == order.required:
            return Found("pass", _unwound(node.path), node.state, max_steps - left)
        ready = order.ready(node.placed)
        if len(ready) > left:
            return Found("unknown", _unwound(best.path), best.state, max_steps - left)
        moves, tried = _moves(node.state, ready, advance, order.required, at_once)
        left -= tried
        for index, after in reversed(moves):
            placed = order.place(node.placed, index)
            if _is_new(seen, *placed, after):
                depth = node.depth + (index < order.required)
                todo.append(_Node(placed, after, (index, node.path), depth))
    return Found("fail", _unwound(best.path), best.state, max_steps - left)


def _moves(
    state: Any,
    ready: Sequence[int],
    advance: Advance,
    required: int,
    at_once: Collection[int],
) -> tuple[list[tuple[int, Any]], int]:
    """Return what may be placed next and the state after each, and how many were tried."""
    moves: list[tuple[int, Any]] = []
    for tried, index in enumerate(ready, 1):
        following = advance(state, index)
        if index >= required:
            moves += [(index, after) for after in following if after != state]
        elif following:
            if index in at_once:
                return [(index, following[0])], tried
            moves.append((index, following[0]))
    return moves, len(ready)


def _is_new(seen: _Seen, placed: Hashable, lost: int, state: Any) -> bool:
    """Note a configuration, unless one as good has been noted.

    That is one in which the same is placed but for some pending operations fewer.
    """
    try:
        noted = seen.get((placed, state), ())
        key: Hashable = (placed, state)
    except TypeError:
        key = (placed, _ByValue(state))
        noted = seen.get(key, ())
    if any(each & lost == each for each in noted):
        return False
    seen[key] = (*(each for each in noted if each & lost != lost), lost) if noted else (lost,)
    return True


class _ByValue:
    """A state that cannot be hashed, as a member of a set."""

    __slots__ = ("_hash", "state")

    def __init__(self, state: Any) -> None:
        self.state = state
        self._hash = hash(freeze(state, "the state of a model"))

    def __eq__(self, other: object) -> bool:
        # Equal forms are no proof: objects that compare by identity may have the same fields.
        return isinstance(other, _ByValue) and bool(self.state == other.state)

    def __hash__(self) -> int:
        return self._hash


def _unwound(path: Any) -> tuple[int, ...]:
    found: list[int] = []
    while path is not None:
        index, path = path
        found.append(index)
    found.reverse()
    return tuple(found)
