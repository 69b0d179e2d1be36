"""Who takes part: roles as they are declared, parties as they take part."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, NamedTuple, Never, NoReturn, final

from dramaturg.protocols._borders import BOOL, check_declared, shown
from dramaturg.protocols._protocol_errors import ProtocolError

if TYPE_CHECKING:
    from dramaturg.protocols._order import Send

__all__ = ["Addressed", "Party", "Role", "no_message"]


class Party(NamedTuple):
    """One that takes part: a role, and which of its members if it has many."""

    role: str
    member: str | None = None

    def __str__(self) -> str:
        return self.role if self.member is None else f"{self.role}[{self.member}]"


@final
@dataclass(frozen=True, slots=True)
class Role:
    """A part that an actor plays in a protocol.

    ``coordinator >> participant @ Prepare`` is the message ``Prepare`` from
    the one to the other.

    :param name: unique within a protocol; an identifier.
    :param many: whether any number of actors play it in one conversation.
    :param serves: whether it waits for ever, so that it need not know when a conversation is
        over: servers, routers, workers do.
    :raises ProtocolError: if the name is no identifier, or ``many`` or ``serves`` no bool.
    """

    name: str
    _: KW_ONLY
    many: bool = False
    serves: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise ProtocolError(
                part=f"Role({self.name!r})", problem="a role's name has to be an identifier"
            )
        check_declared(f"Role({self.name!r})", many=(self.many, BOOL), serves=(self.serves, BOOL))

    def __matmul__(self, message: type) -> Addressed:
        return Addressed(self, message)

    def __rmatmul__(self, other: Never) -> NoReturn:
        raise no_message(f"{_said(other)} @ {self}")

    def __rshift__(self, addressed: Addressed) -> Send:
        from dramaturg.protocols._order import Send  # noqa: PLC0415 - orders are made of roles

        if not isinstance(addressed, Addressed):
            raise no_message(f"{self} >> {_said(addressed)}")
        return Send(self, addressed.receiver, addressed.message)

    def __rrshift__(self, other: Never) -> NoReturn:
        raise no_message(f"{_said(other)} >> {self}")

    def __str__(self) -> str:
        return self.name


@final
@dataclass(frozen=True, slots=True)
class Addressed:
    """A message type with its receiver: the right half of ``a >> b @ Message``."""

    receiver: Role
    message: type

    def __post_init__(self) -> None:
        if not isinstance(self.message, type):
            raise no_message(str(self))

    def __rrshift__(self, other: Never) -> NoReturn:
        raise no_message(f"{_said(other)} >> {self}")

    def __str__(self) -> str:
        return f"{self.receiver} @ {_said(self.message)}"


def _said(operand: object) -> str:
    if isinstance(operand, type):
        return operand.__name__
    return str(operand) if isinstance(operand, Role) else shown(operand)


def no_message(part: str) -> ProtocolError:
    """Return the error for what was meant as a message of an order, and is none."""
    return ProtocolError(part=part, problem="expected role >> role @ class")
