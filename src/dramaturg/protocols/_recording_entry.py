"""What a recording holds: one entry for each thing that happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias, final
from uuid import UUID

from dramaturg.protocols._recording_shape import Shape, text_of

__all__ = ["EntryKind", "MessageForm", "RecordedMessage", "RecordingEntry"]

EntryKind: TypeAlias = Literal[
    "sent",
    "received",
    "reply",
    "error",
    "started",
    "restarted",
    "failed",
    "stopping",
    "ended",
    "dead letter",
    "watch",
    "unwatch",
]
"""What happened: a message was sent, or its handler is about to run; a request was answered, by a
value or an error; or something in the life of an actor."""

MessageForm: TypeAlias = Literal["codec", "shape", "opaque"]


@final
@dataclass(frozen=True, slots=True)
class RecordedMessage:
    """A message as it was recorded.

    :param form: "codec": exactly, with a registry; "shape": taken apart into plain values;
        "opaque": only its repr is known, and ``problem`` says why.
    :param type: where its class is, as ``package.module:Class``.
    :param shape: what it is made of; None if it is opaque.
    """

    form: MessageForm
    type: str
    text: str
    shape: Shape = field(default=None, repr=False)
    problem: str = ""

    @classmethod
    def of_shape(cls, form: MessageForm, place: str, shape: Shape) -> RecordedMessage:
        """Return a message that is known by its shape."""
        return cls(form, place, text_of(shape), shape)

    @property
    def type_name(self) -> str:
        """The name of its class."""
        return self.type.rpartition(":")[2].rpartition(".")[2]

    def __str__(self) -> str:
        return self.text


@final
@dataclass(frozen=True, slots=True)
class RecordingEntry:
    """One thing that happened.

    :param number: its place in the recording of the whole life, from 0.
    :param at: seconds on the system's clock since the recorder was attached.
    :param sender: the path of who sent the message or gave the reply; None if it is no actor.
    :param receiver: the path of who gets it; of whom a lifecycle event is about.
    :param message: the message, or the reply.
    :param error: the name of the error's type, of a failure or an answer that is one.
    :param detail: of a failure the error's text and the phase; of an end the reason; of a dead
        letter why it is one.
    """

    number: int
    kind: EntryKind
    at: float
    sender: str | None
    receiver: str | None
    message: RecordedMessage | None = None
    message_id: UUID | None = None
    correlation_id: UUID | None = None
    causation_id: UUID | None = None
    error: str = ""
    detail: str = ""

    @property
    def from_outside(self) -> bool:
        """Whether it was sent by what is no actor, and so nothing in the system led to it."""
        return self.kind == "sent" and self.sender is None and self.causation_id is None

    def is_about(self, path: str) -> bool:
        """Tell whether an actor has sent it or got it, or it is about the actor."""
        return path in (self.sender, self.receiver)

    def __str__(self) -> str:
        said = "" if self.message is None else f" {self.message}"
        said += f" {self.error}" if self.error and self.message is None else ""
        said += f": {self.detail}" if self.detail else ""
        if self.kind in {"sent", "received", "reply", "error", "watch", "unwatch"}:
            where = f"{self.sender or 'outside'} -> {self.receiver or 'outside'}"
        else:
            where = self.receiver or "/"
        return f"{self.at:.6f} {self.kind} {where}{said}"
