"""What a durable topic refuses: each a declared no, after which nothing has changed.

::

    Refused
    ├── MessageRefused          a message that it does not store
    ├── UnknownSubscription     a subscription that has not begun, or has ended
    └── RequestPublishedError   a request, which nobody would answer (see Topic)
"""

from __future__ import annotations

from dramaturg.actors import Refused

__all__ = ["MessageRefused", "UnknownSubscription"]


class MessageRefused(Refused):
    """A message is of no type that the topic stores, or cannot be stored as it is."""

    def __init__(self, *, path: str, message_type: str, expected: str) -> None:
        self.path = path
        self.message_type = message_type
        self.expected = expected
        super().__init__(f"{path} does not publish {message_type}: expected {expected}")


class UnknownSubscription(Refused):
    """A topic has no subscription of that name."""

    def __init__(self, *, path: str, name: str) -> None:
        self.path = path
        self.name = name
        super().__init__(f"{path} has no subscription {name!r}: subscribe first")
