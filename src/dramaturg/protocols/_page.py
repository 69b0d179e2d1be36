"""A protocol's page: roles, messages, guarantees and diagrams, as Markdown."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from dramaturg.protocols._borders import at_least, check_options, instance, limited
from dramaturg.protocols._expand import message_name
from dramaturg.protocols._mermaid import sequence_diagram, state_diagram
from dramaturg.protocols._protocol import Protocol

__all__ = ["page"]

DEEPEST = 6

_LEVEL = limited(at_least(1), DEEPEST, f"1 to {DEEPEST}")


def page(protocol: Protocol, *, level: int = 1) -> str:
    """Write the page of a protocol; the same protocol always gives the same text.

    :param level: of the page's heading; 2 makes a chapter of it.
    :raises OptionError: if it is no protocol, or a level that no heading has.
    """
    check_options(protocol=(protocol, instance(Protocol, "a Protocol")), level=(level, _LEVEL))
    return "\n".join(_lines(protocol, "#" * level)) + "\n"


def _lines(protocol: Protocol, mark: str) -> Iterator[str]:
    yield from (f"{mark} {protocol.name}", "")
    if protocol.about:
        yield from (protocol.about, "")
    yield from ("| role | |", "|---|---|")
    for role in protocol.roles:
        many = "any number of actors" if role.many else "one actor"
        serves = ", waits for ever" if role.serves else ""
        yield f"| {role.name} | {many}{serves} |"
    yield from ("", "| message | from | to | fields |", "|---|---|---|---|")
    for send in protocol.sends:
        name = message_name(send.message)
        yield f"| {name} | {send.sender} | {send.receiver} | {_fields(send.message)} |"
    yield from ("", f"Channels: {protocol.channels}.")
    for sender, receiver, channels in protocol.exceptions:
        yield f"From {sender} to {receiver}: {channels}."
    yield from ("", f"Order: {protocol.order}.", "")
    yield from _fenced(sequence_diagram(protocol))
    for role in protocol.roles:
        yield from (
            "",
            f"What each {role.name} does:" if role.many else f"What {role.name} does:",
            "",
        )
        yield from _fenced(state_diagram(protocol.project(role)))


def _fenced(diagram: str) -> Iterator[str]:
    yield "```mermaid"
    yield from diagram.splitlines()
    yield "```"


def _fields(message: type) -> str:
    fields: list[tuple[str, Any]]
    kind: Any = message
    if issubclass(message, BaseModel):
        models: Any = message.model_fields
        fields = [(name, each.annotation) for name, each in models.items()]
    elif dataclasses.is_dataclass(kind):
        declared: Any = dataclasses.fields(kind)
        fields = [(each.name, each.type) for each in declared]
    else:
        return ""
    return ", ".join(f"`{name}: {_annotation(each)}`" for name, each in fields)


def _annotation(annotation: Any) -> str:
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        text = annotation.__name__
    else:
        text = str(annotation).replace("typing.", "")
    return text.replace("|", "\\|")
