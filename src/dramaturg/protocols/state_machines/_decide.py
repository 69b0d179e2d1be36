"""Which transition an event takes, and the record of it: pure, but for the user's functions."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from enum import Enum
from typing import Any

from dramaturg.actors import Message
from dramaturg.protocols.state_machines._definition import Definition, Rule, trigger_of
from dramaturg.protocols.state_machines._errors import (
    GuardedTransition,
    MachineDataError,
    NoTransition,
    UnknownTransition,
)
from dramaturg.protocols.state_machines._fold import data_behind, first_data
from dramaturg.protocols.state_machines._records import (
    Began,
    Moved,
    Origin,
    Situation,
    TimerOrder,
)
from dramaturg.protocols.state_machines._table import name_of
from dramaturg.protocols.state_machines._timer import (
    STATE_TIMEOUT,
    Timeout,
    Timing,
    check_span,
)

__all__ = ["began", "choose", "moved"]


def choose(definition: Definition, situation: Situation, event: Any, machine: str) -> Rule:
    """Return the first rule for an event whose guards all hold.

    :param machine: how the machine is called in errors.
    :raises UnknownTransition: if there is none for it.
    :raises GuardedTransition: if every one is held off by a guard.
    :raises MachineDataError: if a guard says neither yes nor no.
    """
    state = definition.state(situation.state)
    rules = definition.rules.get((state, trigger_of(event)), ())
    held_off: list[str] = []
    for rule in rules:
        no = _first_no(definition, rule, situation.data, event)
        if no is None:
            return rule
        held_off.append(no)
    raise _nowhere(definition, state, event, machine, tuple(held_off))


def _first_no(definition: Definition, rule: Rule, data: Any, event: Any) -> str | None:
    for guard in rule.line.guards:
        answer: object = guard(data, event)
        if answer is False:
            return name_of(guard)
        if answer is not True:
            if inspect.iscoroutine(answer):
                answer.close()
            raise MachineDataError(
                machine=definition.machine,
                part=f"when({name_of(guard)})",
                value=answer,
                expected="True or False",
            )
    return None


def _nowhere(
    definition: Definition, state: Enum, event: Any, machine: str, guards: tuple[str, ...]
) -> NoTransition:
    allowed = definition.allowed(state)
    if not guards:
        return UnknownTransition(machine=machine, state=state, event=event, allowed=allowed)
    return GuardedTransition(
        machine=machine, state=state, event=event, allowed=allowed, guards=guards
    )


def began(definition: Definition, data: Any, now: float) -> Began:
    """Make the record of the beginning.

    :raises MachineDataError: if a function gives what cannot be.
    """
    state = definition.initial
    data = first_data(definition, data)
    return Began(
        state=state.name,
        data=data,
        at=now,
        timers=tuple(_orders(_entry_timings(definition, state), data, None, now)),
        actions=tuple(each.label for each in definition.beginning()),
    )


def moved(
    definition: Definition,
    situation: Situation,
    rule: Rule,
    event: Any,
    *,
    origin: Origin,
    now: float,
) -> Moved:
    """Make the record of a transition.

    :raises MachineDataError: if a function gives what cannot be.
    :raises OptionError: if one gives an impossible time.
    """
    data = data_behind(definition, rule, situation.data, event)
    return Moved(
        source=rule.source.name,
        event=event,
        target=rule.target.name,
        rule=rule.name,
        entered=rule.enters,
        origin=origin,
        at=now,
        timers=tuple(_orders(_timings(definition, rule), data, event, now)),
        inserts=tuple(_inserted(definition, rule, data, event)),
        actions=tuple(each.label for each in definition.actions(rule)),
    )


def _timings(definition: Definition, rule: Rule) -> Iterator[Timing]:
    """Go through what is done about timers: that of leaving, the transition's, of entering."""
    entry = list(_entry_timings(definition, rule.target)) if rule.enters else []
    patience = [each for each in entry[:1] if each.timer == STATE_TIMEOUT]
    if rule.target is not rule.source:
        for hook in definition.leaving[rule.source]:
            yield from hook.timings
    # What the state's own `after` says is the least: the transition may say otherwise.
    yield from patience
    yield from rule.line.timings
    yield from entry[len(patience) :]


def _entry_timings(definition: Definition, state: Enum) -> Iterator[Timing]:
    for rule in definition.at(state):
        if rule.line.patience is not None:
            yield STATE_TIMEOUT.start(rule.line.patience)
            break
    for hook in definition.entering[state]:
        yield from hook.timings


def _orders(timings: Iterator[Timing], data: Any, event: Any, now: float) -> Iterator[TimerOrder]:
    for each in timings:
        timer, seconds, content = each.timer, each.seconds, each.content
        seconds = check_span(seconds(data, event)) if callable(seconds) else seconds
        content = content(data, event) if callable(content) else content
        if seconds is None:
            yield TimerOrder(kind=timer.kind, name=timer.name, what="cancel")
        else:
            yield TimerOrder(
                kind=timer.kind,
                name=timer.name,
                what=each.what,
                due=now + seconds,
                at_once=seconds == 0,
                content=content,
            )


def _inserted(definition: Definition, rule: Rule, data: Any, event: Any) -> Iterator[Any]:
    for each in rule.line.inserts:
        inserted = each if isinstance(each, Message) else each(data, event)
        if type(inserted) not in definition.events or isinstance(inserted, Timeout):
            raise MachineDataError(
                machine=definition.machine,
                part=f"inserting({name_of(each)})",
                value=inserted,
                expected="a message that the table names",
            )
        yield inserted
