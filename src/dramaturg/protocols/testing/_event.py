"""Events: the things that may happen next in a run, each with a name that lasts.

A name says what happens and to which message: ``deliver a->b #3`` is the fourth message
from a to b, in this run and in every other. So a schedule is a list of names, and can be
replayed after the code was edited: what is not enabled any more is skipped.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Event", "Schedule"]

Schedule = tuple[str, ...]
"""The names of the events of a run, in order."""


class Event:
    """One thing that may happen next.

    :param kind: "deliver", "timer", "restart", "heal", or the kind of a fault.
    :param actor: to whom it happens; two events with different actors commute.
    :param lane: what is scheduled as one: a channel, an actor's timers, one kind of fault.
    :param payload: whatever its kernel needs to make it happen.

    ``topic`` tells kinds of messages apart: the name of the message's type, or "".
    """

    __slots__ = ("actor", "kind", "lane", "name", "payload", "topic")

    def __init__(self, kind: str, name: str, actor: str, lane: str, payload: Any = None) -> None:
        self.kind = kind
        self.name = name
        self.actor = actor
        self.lane = lane
        self.payload = payload
        self.topic = ""

    def __repr__(self) -> str:
        return f"<{self.name}>"
