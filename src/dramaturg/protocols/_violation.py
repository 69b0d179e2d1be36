"""What a monitor sees, and what it says to it."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from enum import Enum
from typing import Literal, final

from dramaturg.protocols._expand import Action
from dramaturg.protocols._role import Party

__all__ = ["Observation", "Outcome", "Violation", "ViolationKind"]


@final
@dataclass(frozen=True, slots=True)
class Observation:
    """One message, seen at its sender's or at its receiver's side.

    :param side: where it was seen: "sent" or "received".
    :param time: when, in seconds of any clock that does not go back.
    """

    side: Literal["sent", "received"]
    sender: Party
    receiver: Party
    message: type
    _: KW_ONLY
    time: float = 0.0

    @property
    def party(self) -> Party:
        """At whose side it was seen."""
        return self.sender if self.side == "sent" else self.receiver

    @property
    def action(self) -> Action:
        """What it is for that party."""
        if self.side == "sent":
            return Action("!", self.receiver, self.message)
        return Action("?", self.sender, self.message)

    def __str__(self) -> str:
        return f"{self.party} {self.action}"


class Outcome(Enum):
    """Why an observation is legal."""

    EXPECTED = "expected"
    """The order has it here."""
    DUPLICATE = "duplicate"
    """The network may deliver twice, and it has come before."""
    LATE = "late"
    """It belongs to a part that a deadline has ended, and was on its way; or it is sent by somebody
    by whose clock the deadline does not go."""
    EARLY = "early"
    """It has overtaken messages of others, or of a channel that keeps no order."""
    AFTER_LOSS = "after loss"
    """It is legal if the network has lost what should have come before, which it may."""


class ViolationKind(Enum):
    """In which way a protocol was violated."""

    UNEXPECTED = "unexpected"
    """The protocol has no such message here."""
    AFTER_END = "after the end"
    """The party was done."""
    UNFINISHED = "unfinished"
    """The conversation has ended, and the party was not done."""
    DEADLINE = "deadline"
    """A part was not over in time."""


@final
@dataclass(frozen=True, slots=True)
class Violation:
    """Somebody did what the protocol forbids; nothing has changed for its monitor.

    :param protocol: its name.
    :param party: at whose side it was seen: the sender's side blames the sender; the
        receiver's side shows what reached it.
    :param action: what was seen; None if something was missing.
    :param expected: what would have been legal, sorted; empty if nothing was.
    """

    protocol: str
    party: Party
    kind: ViolationKind
    action: Action | None
    expected: tuple[Action, ...]
    time: float

    @property
    def role(self) -> str:
        """The party's role."""
        return self.party.role

    @property
    def member(self) -> str | None:
        """Which of its members, if the role has many."""
        return self.party.member

    @property
    def message(self) -> type | None:
        """The type of the message; None if something was missing."""
        return None if self.action is None else self.action.message

    def __str__(self) -> str:
        expected = " or ".join(map(str, self.expected)) or "nothing"
        if self.action is None:
            what = "not done" if self.kind is ViolationKind.UNFINISHED else "late"
        else:
            what = f"{self.kind.value} {self.action}"
        return f"{self.protocol}: {self.party}: {what}; expected {expected}"
