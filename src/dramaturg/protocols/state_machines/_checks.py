"""What a declaration has to be; all of it is checked when the class is defined."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from types import NoneType
from typing import Any, cast, get_origin

from dramaturg.actors import Message, reply_type
from dramaturg.protocols.state_machines._definition import Definition, Rule, lay_out
from dramaturg.protocols.state_machines._errors import (
    AmbiguousTransitionError,
    MachineDefinitionError,
    NoExitError,
    TimerMismatchError,
    UnknownStateError,
    UnreachableStateError,
)
from dramaturg.protocols.state_machines._table import Hook, Table, Transition, transitions
from dramaturg.protocols.state_machines._timer import STATE_TIMEOUT, Timeout, Timer
from dramaturg.protocols.state_machines._view import MachineStatus

__all__ = ["checked", "promises_status"]


def checked(
    machine: str, initial: Any, final: Any, table: Any, data_types: tuple[type, ...]
) -> Definition:
    """Lay a declaration out and check it.

    :raises MachineDefinitionError: if it cannot be.
    """
    if not isinstance(initial, Enum):
        problem = f"is {initial!r}: expected a member of an Enum, the first state"
        raise MachineDefinitionError(machine=machine, part="initial", problem=problem)
    states = tuple(type(initial))
    ends = _members(machine, "final", final, states)
    if not isinstance(table, tuple):
        problem = f"is {table!r}: expected what transitions(...) returns"
        raise MachineDefinitionError(machine=machine, part="table", problem=problem)
    parts = transitions(*cast("Table", table))
    for part in parts:
        _check_states(machine, part, states)
    definition = lay_out(
        machine=machine,
        states=states,
        initial=initial,
        final=ends,
        table=parts,
        data_types=data_types,
    )
    _check_ends(definition)
    _check_choices(definition)
    _check_reachable(definition)
    _check_exits(definition)
    _check_timers(definition)
    _check_inserts(definition)
    _check_replies(definition)
    return definition


def _members(machine: str, part: str, given: Any, states: tuple[Enum, ...]) -> tuple[Enum, ...]:
    if isinstance(given, Enum | str) or not hasattr(given, "__iter__"):
        problem = f"is {given!r}: expected a set of states"
        raise MachineDefinitionError(machine=machine, part=part, problem=problem)
    members: tuple[Any, ...] = tuple(given)
    _check_known(machine, part, members, states)
    return tuple(each for each in states if each in members)


def _check_known(machine: str, part: str, given: tuple[Any, ...], states: tuple[Enum, ...]) -> None:
    for each in given:
        # Members of other enums may be equal: those of an IntEnum are.
        if not any(each is state for state in states):
            names = tuple(state.name for state in states)
            raise UnknownStateError(machine=machine, part=part, state=each, states=names)


def _check_states(machine: str, part: Transition[Any] | Hook, states: tuple[Enum, ...]) -> None:
    _check_known(machine, str(part), part.states, states)
    if len(set(part.states)) < len(part.states):
        problem = "names a state twice"
        raise MachineDefinitionError(machine=machine, part=str(part), problem=problem)
    if isinstance(part, Hook) or part.outcome != "to":
        return
    _check_known(machine, str(part), (part.target,), states)
    if part.target in part.states:
        name = part.target.name
        problem = f"leads from {name} to {name}: say keep(), or repeat() to enter it again"
        raise MachineDefinitionError(machine=machine, part=str(part), problem=problem)


def _check_ends(definition: Definition) -> None:
    for state in definition.final:
        for rule in definition.at(state):
            if rule.line.outcome in ("to", "postpone"):
                problem = f"{state.name} is final: nothing leads away, and nothing waits for that"
                raise _wrong(definition, rule, problem)


def _wrong(definition: Definition, rule: Rule, problem: str) -> MachineDefinitionError:
    part = f"{rule.name} at {rule.source.name}"
    return MachineDefinitionError(machine=definition.machine, part=part, problem=problem)


def _check_choices(definition: Definition) -> None:
    """Find what never comes: it stands behind what has no guard, or the same guards."""
    for (state, _), rules in definition.rules.items():
        for index, rule in enumerate(rules):
            for later in rules[index + 1 :]:
                if set(rule.line.guards) <= set(later.line.guards):
                    raise AmbiguousTransitionError(
                        machine=definition.machine,
                        state=state.name,
                        event=later.name,
                        transitions=(rule.name, later.name),
                    )


def _check_reachable(definition: Definition) -> None:
    reached = {definition.initial}
    pending = [definition.initial]
    while pending:
        for rule in definition.at(pending.pop()):
            if rule.target not in reached:
                reached.add(rule.target)
                pending.append(rule.target)
    left = tuple(each.name for each in definition.states if each not in reached)
    if left:
        raise UnreachableStateError(machine=definition.machine, states=left)


def _check_exits(definition: Definition) -> None:
    stuck = tuple(
        state.name
        for state in definition.states
        if state not in definition.final
        and all(rule.target is state for rule in definition.at(state))
    )
    if stuck:
        raise NoExitError(machine=definition.machine, states=stuck)


# -- timers --------------------------------------------------------------------------------


def _check_timers(definition: Definition) -> None:
    _check_patience(definition)
    started = set(_started(definition))
    awaited = {
        (rule.source, rule.trigger)
        for state in definition.states
        for rule in definition.at(state)
        if isinstance(rule.trigger, Timer)
    }
    for timer in started - {each for _, each in awaited}:
        problem = "is started, and no state waits for it"
        raise TimerMismatchError(machine=definition.machine, timer=str(timer), problem=problem)
    for state, timer in awaited:
        if timer not in started:
            problem = f"{state.name} waits for it, and nothing starts it"
            raise TimerMismatchError(machine=definition.machine, timer=str(timer), problem=problem)


def _started(definition: Definition) -> Iterator[Timer]:
    for part in definition.table:
        yield from (each.timer for each in part.timings if each.seconds is not None)
        if isinstance(part, Transition) and part.patience is not None:
            yield STATE_TIMEOUT


def _check_patience(definition: Definition) -> None:
    """A state has one timeout: all its `after` have to say the same."""
    for state in definition.states:
        lines = [rule.line for rule in definition.at(state) if rule.line.patience is not None]
        for line in lines[1:]:
            if line.patience != lines[0].patience:
                problem = f"{state.name} has an after(...) of another time: a state has one timeout"
                raise TimerMismatchError(
                    machine=definition.machine, timer=str(STATE_TIMEOUT), problem=problem
                )


# -- events --------------------------------------------------------------------------------


def _check_inserts(definition: Definition) -> None:
    for state in definition.states:
        for rule in definition.at(state):
            for event in rule.line.inserts:
                is_event = isinstance(event, Message) and not isinstance(event, Timeout)
                if isinstance(event, type) or not (is_event or callable(event)):
                    problem = f"inserts {event!r}: expected a message, or a function that gives one"
                    raise _wrong(definition, rule, problem)
                if is_event and type(event) not in definition.events:
                    problem = f"inserts {event!r}, which nothing in the table takes"
                    raise _wrong(definition, rule, problem)


def promises_status(trigger: Any) -> bool:
    """Tell whether a request may be answered with the machine's status."""
    promised = reply_type(trigger) if isinstance(trigger, type) else None
    return promised in (None, Any) or (get_origin(promised) or promised) is MachineStatus


def _check_replies(definition: Definition) -> None:
    for state in definition.states:
        for rule in definition.at(state):
            line, trigger = rule.line, rule.trigger
            if not isinstance(trigger, type) or line.outcome == "postpone":
                continue
            answers = line.actions or line.reply
            promised = reply_type(trigger)
            if not answers and promised is not NoneType and not promises_status(trigger):
                name = getattr(promised, "__name__", promised)
                problem = f"{trigger.__name__} promises {name}: say replying(...), or do(...)"
                raise _wrong(definition, rule, problem)
