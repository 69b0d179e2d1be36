"""Why a message ended among the dead letters."""

from enum import Enum

__all__ = ["DeadLetterReason"]


class DeadLetterReason(Enum):
    """Why a message was not handled."""

    STOPPED = "stopped"
    """The actor had stopped, or stopped with the message still in its mailbox."""
    CRASHED = "crashed"
    """The actor failed while it handled the message."""
    EXPIRED = "expired"
    """The deadline had passed when the actor came to the message."""
    OVERFLOW = "overflow"
    """The bounded mailbox had no room."""
    UNHANDLED = "unhandled"
    """The actor has no handler for messages of that type."""
    REFUSED = "refused"
    """The handler raised ``Refused`` and nobody waited for the answer."""
    CANCELLED = "cancelled"
    """The handler was cut short: the actor was killed."""
    UNROUTABLE = "unroutable"
    """A router had no routee for it."""
