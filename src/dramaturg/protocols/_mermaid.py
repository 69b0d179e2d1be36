"""Diagrams of a protocol as Mermaid text; the same protocol always gives the same text."""

from __future__ import annotations

from collections.abc import Iterator

from dramaturg.protocols._automaton import Automaton
from dramaturg.protocols._borders import check_options, instance
from dramaturg.protocols._expand import message_name
from dramaturg.protocols._order import (
    Choice,
    Each,
    Nothing,
    OneOf,
    Order,
    Parallel,
    Repeat,
    Send,
    Sequence,
    Within,
)
from dramaturg.protocols._protocol import Protocol

__all__ = ["sequence_diagram", "state_diagram"]


def sequence_diagram(protocol: Protocol) -> str:
    """Draw the order of messages: choices as ``alt``, deadlines as ``critical``.

    :raises OptionError: if it is no protocol.
    """
    check_options(protocol=(protocol, instance(Protocol, "a Protocol")))
    lines = ["sequenceDiagram"]
    for role in protocol.roles:
        many = f"each {role.name}" if role.many else role.name
        lines.append(f"    participant {role.name}" + (f" as {many}" if role.many else ""))
    lines += (f"    {line}" for line in _drawn(protocol.order))
    return "\n".join(lines) + "\n"


def _drawn(order: Order) -> Iterator[str]:  # noqa: C901 - one case for each kind of part
    match order:
        case Send(sender=sender, receiver=receiver, message=message):
            yield f"{sender.name}->>{receiver.name}: {message_name(message)}"
        case Sequence(steps=steps):
            for step in steps:
                yield from _drawn(step)
        case Choice(branches=branches):
            yield from _block(
                [("alt" if not n else "else", each) for n, each in _numbered(branches)]
            )
        case Parallel(strands=strands):
            yield from _block([("par" if not n else "and", each) for n, each in _numbered(strands)])
        case Repeat(body=body):
            yield from _block([(f"loop {order.rounds}", body)])
        case Each(role=role, body=body):
            yield from _block([(f"par for each {role.name}", body)])
        case OneOf(role=role, body=body):
            yield from _block([(f"alt with one {role.name}", body)])
        case Within(seconds=seconds, body=body, otherwise=otherwise, clock=clock):
            whose = "" if clock is None else f" by the clock of {clock.name}"
            parts = [(f"critical within {seconds:g} s{whose}", body)]
            if otherwise is not None:
                parts.append(("option too late", otherwise))
            yield from _block(parts)
        case Nothing():
            yield "%% nothing"
        case _:
            raise TypeError(order)


def _numbered(parts: tuple[Order, ...]) -> Iterator[tuple[int, Order]]:
    return iter(enumerate(parts))


def _block(parts: list[tuple[str, Order]]) -> Iterator[str]:
    for heading, part in parts:
        yield f"{heading} nothing" if isinstance(part, Nothing) else heading
        yield from (f"    {line}" for line in _drawn(part) if not isinstance(part, Nothing))
    yield "end"


def state_diagram(automaton: Automaton) -> str:
    """Draw one party's automaton: ``!to`` is what it sends, ``?from`` what it receives.

    :raises OptionError: if it is no automaton.
    """
    check_options(automaton=(automaton, instance(Automaton, "what Protocol.project returns")))
    lines = ["stateDiagram-v2", "    [*] --> s0"]
    for state in automaton.states:
        for action, target in automaton.edges[state]:
            lines.append(f"    s{state} --> s{target}: {action}")
        if automaton.is_final(state):
            lines.append(f"    s{state} --> [*]")
    return "\n".join(lines) + "\n"
