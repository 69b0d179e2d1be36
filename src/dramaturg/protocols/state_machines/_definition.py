"""A machine's declaration, laid out for looking things up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, TypeAlias, final

from dramaturg.actors import Message
from dramaturg.protocols.state_machines._errors import MachineChanged
from dramaturg.protocols.state_machines._table import (
    Hook,
    Table,
    Transition,
    Trigger,
    name_of,
    trigger_name,
)
from dramaturg.protocols.state_machines._timer import Timeout, Timer

__all__ = ["Action", "Definition", "Rule", "lay_out", "trigger_of"]

Function: TypeAlias = Callable[[Any, Any], Any]


@final
@dataclass(frozen=True, slots=True)
class Rule:
    """A transition, for one state and one event."""

    name: str
    source: Enum
    trigger: Trigger
    line: Transition[Any]

    @property
    def target(self) -> Enum:
        """The state that it leads to; its own if it keeps that."""
        return self.source if self.line.target is None else self.line.target

    @property
    def enters(self) -> bool:
        """Whether a state is entered, anew or again."""
        return self.line.outcome in ("to", "repeat")


class Action(NamedTuple):
    """A function to run after a transition."""

    label: str
    run: Function
    is_hook: bool


def trigger_of(event: object) -> Any:
    """Return what a transition has to wait for to take this event."""
    if isinstance(event, Timeout):
        return Timer(event.name, event.kind)
    return type(event)


@final
@dataclass(frozen=True, slots=True)
class Definition:
    """A machine's declaration; checked by ``_checks``."""

    machine: str
    states: tuple[Enum, ...]
    initial: Enum
    final: tuple[Enum, ...]
    table: Table
    data_types: tuple[type, ...]
    """What its data may be; empty if that is not said."""
    rules: dict[tuple[Enum, Any], tuple[Rule, ...]]
    named: dict[Enum, dict[str, Rule]]
    entering: dict[Enum, tuple[Hook, ...]]
    leaving: dict[Enum, tuple[Hook, ...]]

    @property
    def events(self) -> tuple[type[Message], ...]:
        """The types of the messages that the table names."""
        found = [each for line in self.lines for each in line.triggers if isinstance(each, type)]
        return tuple(dict.fromkeys(found))

    @property
    def lines(self) -> tuple[Transition[Any], ...]:
        """The transitions, without the hooks."""
        return tuple(each for each in self.table if isinstance(each, Transition))

    def state(self, name: str) -> Enum:
        """Return the state of a name that was stored.

        :raises MachineChanged: if there is none any more.
        """
        for each in self.states:
            if each.name == name:
                return each
        known = tuple(each.name for each in self.states)
        raise MachineChanged(machine=self.machine, what=f"state {name!r}", known=known)

    def rule(self, source: str, name: str) -> Rule:
        """Return the rule of a name that was stored.

        :raises MachineChanged: if there is none any more.
        """
        rules = self.named[self.state(source)]
        if name not in rules:
            what = f"transition {name!r} at {source}"
            raise MachineChanged(machine=self.machine, what=what, known=tuple(rules))
        return rules[name]

    def at(self, state: Enum) -> Iterator[Rule]:
        """Go through the rules of a state."""
        return iter(self.named[state].values())

    def allowed(self, state: Enum) -> tuple[str, ...]:
        """Name the events for which something is declared in a state."""
        return tuple(dict.fromkeys(trigger_name(rule.trigger) for rule in self.at(state)))

    def updates(self, rule: Rule) -> tuple[Function, ...]:
        """Return the functions that give a transition's data: of leaving, itself, entering."""
        left = self.leaving[rule.source] if rule.target is not rule.source else ()
        parts = [*left, rule.line, *(self.entering[rule.target] if rule.enters else ())]
        return tuple(each for part in parts for each in part.updates)

    def actions(self, rule: Rule) -> tuple[Action, ...]:
        """Return the actions of a transition, in the order in which they run."""
        left = self.leaving[rule.source] if rule.target is not rule.source else ()
        own = tuple(Action(name_of(each), each, is_hook=False) for each in rule.line.actions)
        entered = self.entering[rule.target] if rule.enters else ()
        return hook_actions(left) + own + hook_actions(entered)

    def beginning(self) -> tuple[Action, ...]:
        """Return the actions of the first state's hooks."""
        return hook_actions(self.entering[self.initial])


def hook_actions(hooks: tuple[Hook, ...]) -> tuple[Action, ...]:
    """Return the actions of hooks."""
    return tuple(
        Action(f"{hook.when} {name_of(each)}", each, is_hook=True)
        for hook in hooks
        for each in hook.actions
    )


def lay_out(
    *,
    machine: str,
    states: tuple[Enum, ...],
    initial: Enum,
    final: tuple[Enum, ...],
    table: Table,
    data_types: tuple[type, ...],
) -> Definition:
    """Lay a table out."""
    rules: dict[tuple[Enum, Any], tuple[Rule, ...]] = {}
    named: dict[Enum, dict[str, Rule]] = {each: {} for each in states}
    for source, trigger, line in _placed(table):
        known = named[source]
        rule = Rule(_free_name(line, trigger, known), source, trigger, line)
        known[rule.name] = rule
        rules[source, trigger] = (*rules.get((source, trigger), ()), rule)
    return Definition(
        machine=machine,
        states=states,
        initial=initial,
        final=final,
        table=table,
        data_types=data_types,
        rules=rules,
        named=named,
        entering=_hooks(table, states, "entering"),
        leaving=_hooks(table, states, "leaving"),
    )


def _placed(table: Table) -> Iterator[tuple[Enum, Trigger, Transition[Any]]]:
    for line in table:
        if isinstance(line, Transition):
            for source in line.states:
                for trigger in line.triggers:
                    yield source, trigger, line


def _free_name(line: Transition[Any], trigger: Trigger, known: dict[str, Rule]) -> str:
    name = line.line(trigger) if line.name is None else line.name
    if line.name is not None and len(line.triggers) > 1:
        name = f"{name} {trigger_name(trigger)}"
    count, free = 1, name
    while free in known:
        count += 1
        free = f"{name} #{count}"
    return free


def _hooks(table: Table, states: tuple[Enum, ...], when: str) -> dict[Enum, tuple[Hook, ...]]:
    hooks = [each for each in table if isinstance(each, Hook) and each.when == when]
    return {state: tuple(each for each in hooks if state in each.states) for state in states}
