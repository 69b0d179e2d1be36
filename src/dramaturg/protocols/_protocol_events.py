"""What monitors tell, on the system's event stream."""

from __future__ import annotations

from dataclasses import dataclass

from dramaturg.actors import LifecycleEvent

__all__ = ["ProtocolViolated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolViolated(LifecycleEvent):
    """An actor did what its protocol forbids; ``path`` is the actor at whose side it was seen.

    :param role: what the actor plays in the protocol.
    :param kind: the value of a :class:`ViolationKind`.
    :param action: what was seen, such as "?from client Ask"; None if something was missing.
    :param message: the type of the message; None if something was missing.
    :param expected: what would have been legal.
    :param conversation: the key of the conversation, as text.
    :param correlation_id: that of the message; None if it has none.
    """

    protocol: str
    role: str
    kind: str
    action: str | None
    message: str | None
    expected: tuple[str, ...]
    conversation: str
    correlation_id: str | None
