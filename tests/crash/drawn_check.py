"""What must hold for each instance of a drawn workflow, when it has ended."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from dramaturg.protocols.workflows._records import (
    Begun,
    Ended,
    Failed,
    Intended,
    MadeAgain,
    Succeeded,
)
from tests.crash.drawn_told import Done, Told

if TYPE_CHECKING:
    from tests.crash.drawn import Node
    from tests.crash.effects import Effects

__all__ = ["check_instance", "status_of"]


def status_of(records: list[Any]) -> str:
    """Return the status that an instance has ended with; being stuck is none.

    There is one, but that a workflow within may have been undone with what is around it.
    """
    assert isinstance(records[0], Begun)
    ends = [each.status for each in records if isinstance(each, Ended)]
    final = [each for each in ends if each != "stuck"]
    is_within = "/" in records[0].instance
    if is_within and final[0] == "completed" and final[-1] == "compensated":
        final = [each for each in final if each != "completed"]
    assert len(final) == len(set(final)) == 1 or "stuck" in ends, ends
    assert len(set(final)) == 1, ends
    assert ends[-1] == final[-1], ends
    return str(final[-1])


def check_instance(root: Node, records: list[Any], effects: Effects, lives: int) -> None:
    """Check the records of an instance against its plan, and against what was done outside."""
    status = status_of(records)
    done = Done(records)
    told = Told(done)
    _check_calls(records, effects, lives)
    keys = {each.address: each.key for each in records if isinstance(each, Intended)}
    charged = {each.key for each in effects.read() if each.amount}
    undone = {each.removesuffix("!undo") for each in done.succeeded if each.endswith("!undo")}
    found = [each for each in told.undoable(root) if each.address in keys]
    if status == "completed":
        assert told.outcome(root).how == "ok"
        found = [each for each in found if each.is_doomed]
    may = {each.address for each in found}
    must = {each for each in may if keys[each] in charged}
    assert must <= undone, f"{status}, and left: {sorted(must - undone)}"
    assert undone <= may, f"{status}, and undone: {sorted(undone - may)}"
    # What comes late in one that is completed is undone behind what was undone at its end.
    was_completed = any(isinstance(each, Ended) and each.status == "completed" for each in records)
    _check_order([each for each in found if each.scope or not was_completed], done)
    within = {each.address for each in told.undoable(root) if each.is_within}
    _check_ledger(keys, undone - within, effects)


def _check_calls(records: list[Any], effects: Effects, lives: int) -> None:
    """Check that what was called was intended, so often, under one key and with one value."""
    intents: dict[str, list[int]] = {}
    for each in records:
        if isinstance(each, Intended):
            intents.setdefault(each.key, []).append(each.attempt)
            assert each.key.endswith(f"/{each.address}")
    for key, attempts in intents.items():
        again = attempts.index(1, 1) if 1 in attempts[1:] else len(attempts)
        # One that was stuck is counted from 1 again.
        assert attempts[:again] == [*range(1, again + 1)], (key, attempts)
    begun: Any = records[0]
    prefix = f"{begun.workflow}/{begun.instance.replace('/', '%2F')}/"
    mine = [each for each in effects.read() if each.key.startswith(prefix)]
    remade = _made_again(records)
    for key, calls in Counter(each.key for each in mine).items():
        assert key in intents, f"{key} was called and not intended"
        made = len(intents[key]) + remade[key.removeprefix(prefix)]
        assert calls <= made, f"{key} was called {calls} times, and made {made} times"
        assert calls <= len(intents[key]) + lives, f"{key} was called {calls} times"
    values: dict[str, set[str]] = {}
    for each in mine:
        values.setdefault(each.key, set()).add(each.value)
    for key, given in values.items():
        assert len(given) == 1, f"{key} was called with different values"


def _made_again(records: list[Any]) -> Counter[str]:
    """Return how often each attempt was made again; check that it was under way, and counted."""
    under_way: dict[str, tuple[int, int]] = {}
    found: Counter[str] = Counter()
    for each in records:
        match each:
            case Intended():
                under_way[each.address] = each.attempt, 0
            case MadeAgain():
                attempt, restarts = under_way[each.address]
                assert (each.attempt, each.restarts) == (attempt, restarts + 1), each
                under_way[each.address] = attempt, each.restarts
                found[each.address] += 1
            case Succeeded() | Failed():
                under_way.pop(each.address, None)
            case _:
                pass
    return found


def _check_order(found: list[Any], done: Done) -> None:
    """Check that of what one failure undoes the last is undone first, one by one."""
    by_scope: dict[str, list[str]] = {}
    for each in found:
        undo = f"{each.address}!undo"
        if each.address in done.succeeded and undo in done.succeeded:
            by_scope.setdefault(each.scope, []).append(each.address)
    for scope, addresses in by_scope.items():
        addresses.sort(key=lambda each: -done.succeeded[each])
        for first, then in pairwise(addresses):
            begun = done.intended[f"{then}!undo"]
            first_undo = f"{first}!undo"
            over = min(
                done.failed.get(first_undo, begun + 1), done.succeeded.get(first_undo, begun + 1)
            )
            assert over < begun, f"in {scope!r} {then} is undone before {first}"


def _check_ledger(keys: dict[str, str], undone: set[str], effects: Effects) -> None:
    """Check that nothing is done any more when its undoing has begun."""
    last: dict[str, int] = {}
    first_undo: dict[str, int] = {}
    for number, each in enumerate(effects.read()):
        if each.undoes is not None:
            first_undo.setdefault(each.undoes, number)
        elif each.amount:
            last[each.key] = number
    for address in undone:
        key = keys[address]
        assert key in first_undo, f"{address} is undone, and nobody was asked to"
        assert last.get(key, -1) < first_undo[key], f"{address} was done after it was undone"
