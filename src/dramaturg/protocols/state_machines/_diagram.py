"""A machine drawn as a Mermaid state diagram; the same declaration always gives the same text."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from dramaturg.protocols.state_machines._definition import Definition, Rule
from dramaturg.protocols.state_machines._table import described, trigger_name

__all__ = ["diagram"]

RESERVED = frozenset({"as", "class", "classDef", "default", "direction", "end", "note", "state"})
"""Words that Mermaid would not take for a state."""


def diagram(definition: Definition, current: Enum | None = None) -> str:
    """Draw a machine; what does not change the state stands within it."""
    lines = ["stateDiagram-v2"]
    for state in definition.states:
        lines += _declared(definition, state)
    lines.append(f"    [*] --> {_id(definition.initial)}")
    for state in definition.states:
        for rule in definition.at(state):
            if rule.enters:
                lines.append(f"    {_id(state)} --> {_id(rule.target)}: {_label(rule)}")
        if state in definition.final:
            lines.append(f"    {_id(state)} --> [*]")
    if current is not None:
        lines += ["    classDef current stroke-width:4px", f"    class {_id(current)} current"]
    return "\n".join(lines) + "\n"


def _declared(definition: Definition, state: Enum) -> Iterator[str]:
    yield f'    state "{state.name}" as {_id(state)}'
    for hook in (*definition.entering[state], *definition.leaving[state]):
        if hook.actions:
            yield f"    {_id(state)}: {hook.when} {described(hook)}"
    for rule in definition.at(state):
        if not rule.enters:
            yield f"    {_id(state)}: {_label(rule)}"


def _label(rule: Rule) -> str:
    words = trigger_name(rule.trigger)
    if rule.line.outcome in ("postpone", "repeat"):
        words = f"{words} ({'postponed' if rule.line.outcome == 'postpone' else 'again'})"
    return " ".join([words, described(rule.line)]).strip()


def _id(state: Enum) -> str:
    return f"{state.name}_" if state.name in RESERVED else state.name
