"""What the channels between the roles promise."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import final

from dramaturg.protocols._borders import BOOL, check_declared

__all__ = ["RELIABLE", "Channels"]


@final
@dataclass(frozen=True, slots=True)
class Channels:
    """What becomes of messages on their way from one role to another.

    The mailboxes of one process are reliable, which is the default.

    :param fifo: whether messages of one sender to one receiver arrive in the order
        in which they were sent. Those of different senders may always overtake each other.
    :param may_lose: whether a message may never arrive.
    :param may_duplicate: whether a message may arrive more than once.
    :raises ProtocolError: for what is no bool.
    """

    _: KW_ONLY
    fifo: bool = True
    may_lose: bool = False
    may_duplicate: bool = False

    def __post_init__(self) -> None:
        check_declared(
            "Channels",
            fifo=(self.fifo, BOOL),
            may_lose=(self.may_lose, BOOL),
            may_duplicate=(self.may_duplicate, BOOL),
        )

    def __str__(self) -> str:
        order = "in order" if self.fifo else "in any order"
        loss = "may be lost" if self.may_lose else "never lost"
        copies = "may be duplicated" if self.may_duplicate else "never duplicated"
        return f"{order}, {loss}, {copies}"


RELIABLE = Channels()
