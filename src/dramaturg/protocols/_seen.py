"""What a live system shows of one message, and how conversations are told apart by it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, final
from uuid import UUID

from dramaturg.actors import ActorRef

__all__ = ["Seen", "Unwatched", "Watched", "by_correlation", "by_pair", "by_request"]


@final
@dataclass(frozen=True, slots=True)
class Seen:
    """One message in a live system, or one reply.

    Sender and receiver are paths, or None for what is no actor. A reply has the ids of its request.
    Notices and lifecycle events have none.
    """

    message: Any
    sender: str | None
    receiver: str | None
    message_id: UUID | None = None
    correlation_id: UUID | None = None


@final
@dataclass(frozen=True, slots=True)
class Watched:
    """An actor begins to watch another one. Monitors see it as a message; nobody is sent it."""

    ref: ActorRef[Any]


@final
@dataclass(frozen=True, slots=True)
class Unwatched:
    """An actor takes a watch back. Monitors see it as a message; nobody is sent it."""

    ref: ActorRef[Any]


def by_correlation(seen: Seen) -> Hashable:
    """One conversation is all that one message from outside has led to; the default.

    What has no correlation id belongs to the pair of actors.
    """
    return by_pair(seen) if seen.correlation_id is None else seen.correlation_id


def by_request(seen: Seen) -> Hashable:
    """One conversation is one request, forwarded or not, and its reply."""
    return by_pair(seen) if seen.message_id is None else seen.message_id


def by_pair(seen: Seen) -> Hashable:
    """One conversation is all that two actors ever say to each other."""
    return tuple(sorted((seen.sender or "", seen.receiver or "")))
