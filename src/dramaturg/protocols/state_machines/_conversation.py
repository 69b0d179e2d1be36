"""What a state machine is told and asked, as a protocol.

Its table is no order of messages: timers and inserted events change the state while nobody says
anything, so no client could know what is allowed; and what is not is refused, not forbidden.
So each request is a conversation of its own.
"""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from dramaturg.actors import GoneError, Refused, Request, reply_type
from dramaturg.protocols._order import Order, choice, sequence
from dramaturg.protocols._protocol import Protocol
from dramaturg.protocols._role import Role
from dramaturg.protocols.state_machines._view import (
    GetDiagram,
    GetHistory,
    GetStatus,
    MachineHistory,
    MachineStatus,
)

if TYPE_CHECKING:
    from dramaturg.protocols.state_machines._definition import Definition

__all__ = ["conversation"]

QUERIES: dict[type, type] = {GetStatus: MachineStatus, GetDiagram: str, GetHistory: MachineHistory}


def conversation(name: str, definition: Definition) -> Protocol:
    """Declare that each request is answered once, and nothing else is."""
    client, machine = Role("client"), Role("machine", serves=True)

    def asked(event: type, *answers: type) -> Order:
        found = choice(*(machine >> client @ each for each in dict.fromkeys(answers)))
        return sequence(client >> machine @ event, found)

    events: list[Any] = [each for each in definition.events if issubclass(each, Request)]
    orders = [
        *(asked(each, *_classes(reply_type(each)), Refused, GoneError) for each in events),
        *(asked(query, answer, GoneError) for query, answer in QUERIES.items()),
    ]
    return Protocol(
        name,
        roles=(client, machine),
        order=choice(*orders),
        about=f"{name} answers each request once: with what the transition gives, or a refusal.",
    )


def _classes(annotation: Any) -> list[type]:
    if annotation is None or annotation is Any:
        return [object]
    if get_origin(annotation) in (Union, types.UnionType):
        return [cls for each in get_args(annotation) for cls in _classes(each)]
    cls = get_origin(annotation) or annotation
    generic = getattr(cls, "__pydantic_generic_metadata__", {}).get("origin")
    return [generic or cls] if isinstance(cls, type) else [object]
