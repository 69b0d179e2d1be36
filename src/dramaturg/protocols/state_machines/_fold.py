"""What records lead to: pure functions, live and in recovery alike (OTP's rules).

A change of state does three things more than keeping it: it cancels the state timeout, enters
the new state, and takes up the postponed events, the oldest first, before anything else that
is queued. Any event cancels the event timeout.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import Any

from dramaturg.protocols.state_machines._definition import Definition, Rule
from dramaturg.protocols.state_machines._errors import MachineDataError
from dramaturg.protocols.state_machines._records import (
    Acting,
    Began,
    Done,
    Dropped,
    Moved,
    Origin,
    Postponed,
    Record,
    Running,
    Situation,
    TimerOrder,
    Waiting,
)
from dramaturg.protocols.state_machines._table import name_of
from dramaturg.protocols.state_machines._timer import Timeout

__all__ = ["data_behind", "first_data", "fold"]


def fold(definition: Definition, before: Situation, record: Record) -> Situation:
    """Return the situation after a record.

    :raises MachineChanged: if the declaration has no more what the record tells of.
    :raises MachineDataError: if an update gives what is no data.
    """
    sequence = before.sequence + 1
    match record:
        case Began():
            return _begun(definition, record, sequence)
        case Moved():
            return _moved(definition, replace(before, sequence=sequence), record)
        case Done():
            return _done(replace(before, sequence=sequence), record)
        case Postponed():
            return _postponed(replace(before, sequence=sequence), record)
        case Dropped():
            return _without(replace(before, sequence=sequence), record.origin, record.event)


def _begun(definition: Definition, record: Began, sequence: int) -> Situation:
    definition.state(record.state)
    acting = None
    if record.actions:
        acting = Acting(
            sequence=sequence,
            event=None,
            source=record.state,
            target=record.state,
            rule="",
            entered=True,
            actions=record.actions,
            next=0,
            inserts=(),
        )
    return Situation(
        state=record.state,
        data=record.data,
        sequence=sequence,
        since=record.at,
        timers=_ordered((), record.timers, sequence),
        acting=acting,
    )


def first_data(definition: Definition, data: Any) -> Any:
    """Return the data behind the hooks of the first state."""
    hooks = definition.entering[definition.initial]
    return _updated(definition, data, None, tuple(each for hook in hooks for each in hook.updates))


def data_behind(definition: Definition, rule: Rule, data: Any, event: Any) -> Any:
    """Return the data behind a transition.

    :raises MachineDataError: if an update gives what is no data.
    """
    return _updated(definition, data, event, definition.updates(rule))


def _updated(definition: Definition, data: Any, event: Any, updates: tuple[Any, ...]) -> Any:
    types = definition.data_types
    for update in updates:
        data = update(data, event)
        if types and not isinstance(data, types):
            expected = " or ".join(each.__name__ for each in types)
            part = f"updating({name_of(update)})"
            raise MachineDataError(
                machine=definition.machine, part=part, value=data, expected=expected
            )
    return data


def _moved(definition: Definition, before: Situation, record: Moved) -> Situation:
    rule = definition.rule(record.source, record.rule)
    definition.state(record.target)
    changed = record.target != record.source
    now = _without(before, record.origin, record.event)
    timers = _without_kind(now.timers, "event")
    if changed:
        timers = _without_kind(timers, "state")
        now = replace(now, postponed=(), retrying=now.postponed + now.retrying)
    now = replace(
        now,
        state=record.target,
        data=data_behind(definition, rule, before.data, record.event),
        since=record.at if record.entered else before.since,
        timers=_ordered(timers, record.timers, before.sequence),
    )
    if not record.actions:
        return replace(now, inserted=record.inserts + now.inserted)
    acting = Acting(
        sequence=before.sequence,
        event=record.event,
        source=record.source,
        target=record.target,
        rule=record.rule,
        entered=record.entered,
        actions=record.actions,
        next=0,
        inserts=record.inserts,
    )
    return replace(now, acting=acting)


def _done(before: Situation, record: Done) -> Situation:
    acting = before.acting
    assert acting is not None  # noqa: S101 - only actions under way come to an end
    inserts = acting.inserts + record.inserts
    if acting.next + 1 == len(acting.actions):
        return replace(before, acting=None, inserted=inserts + before.inserted)
    return replace(before, acting=replace(acting, next=acting.next + 1, inserts=inserts))


def _postponed(before: Situation, record: Postponed) -> Situation:
    waiting = Waiting(before.sequence, record.event, record.expires)
    if record.origin == "postponed":
        waiting = before.retrying[0]
    now = _without(before, record.origin, record.event)
    return replace(
        now,
        timers=_without_kind(now.timers, "event"),
        postponed=(*now.postponed, waiting),
    )


def _without(situation: Situation, origin: Origin, event: Any) -> Situation:
    """Take an event away from where it came from."""
    match origin:
        case "inserted":
            return replace(situation, inserted=situation.inserted[1:])
        case "postponed":
            return replace(situation, retrying=situation.retrying[1:])
        case "timer":
            return replace(situation, timers=_without_timer(situation.timers, event))
        case "mailbox":
            return situation


# -- timers --------------------------------------------------------------------------------


def _without_kind(timers: tuple[Running, ...], kind: str) -> tuple[Running, ...]:
    return tuple(each for each in timers if each.kind != kind)


def _without_timer(timers: tuple[Running, ...], timer: Timeout | TimerOrder) -> tuple[Running, ...]:
    return tuple(each for each in timers if (each.kind, each.name) != (timer.kind, timer.name))


def _ordered(
    timers: tuple[Running, ...], orders: tuple[TimerOrder, ...], sequence: int
) -> tuple[Running, ...]:
    """Return the timers after some orders; the last one on each timer counts."""

    def obey(timers: tuple[Running, ...], order: TimerOrder) -> tuple[Running, ...]:
        others = _without_timer(timers, order)
        if order.what == "cancel":
            return others
        if order.what == "update" and len(others) < len(timers):
            return tuple(
                each if each in others else replace(each, content=order.content) for each in timers
            )
        started = Running(
            kind=order.kind,
            name=order.name,
            started=sequence,
            due=order.due,
            at_once=order.at_once,
            content=order.content,
        )
        return (*others, started)

    return reduce(obey, orders, timers)
