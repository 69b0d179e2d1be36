"""What a router understands itself; every other message is for its routees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

from dramaturg.actors._errors import OptionError
from dramaturg.actors._message import Request
from dramaturg.actors._ref import ActorRef

__all__ = ["AddRoutee", "Broadcast", "GetRoutees", "RemoveRoutee", "Resize", "Routees"]


@final
@dataclass(frozen=True, slots=True)
class Broadcast:
    """A message for every routee, whatever the router's logic.

    Requested, it is answered by the first routee that replies; with an error
    only if all of them fail.
    """

    message: Any


@final
@dataclass(frozen=True, slots=True)
class Routees:
    """The routees of a router, in its order, the eldest first."""

    refs: tuple[ActorRef[Any], ...]


@final
class GetRoutees(Request[Routees], name="dramaturg.get_routees"):
    """Say who the routees are."""


@final
@dataclass(frozen=True, slots=True)
class AddRoutee:
    """Send to this actor too, after those that are there; one that is there already stays.

    Refused by a router that would be its own routee.

    :raises OptionError: if it is not a ref.
    """

    ref: ActorRef[Any]

    def __post_init__(self) -> None:
        check_ref(self.ref)


@final
@dataclass(frozen=True, slots=True)
class RemoveRoutee:
    """Send no more to this actor; nothing happens if it is no routee.

    A pool drains the routee if it is its own child; any other lives on.

    :raises OptionError: if it is not a ref.
    """

    ref: ActorRef[Any]

    def __post_init__(self) -> None:
        check_ref(self.ref)


@final
@dataclass(frozen=True, slots=True)
class Resize:
    """Let a pool have this number of routees.

    It starts new ones, or removes the youngest as :class:`RemoveRoutee` does:
    they handle what they have been sent. Refused by a group, whose routees are
    not its own, and by a pool if a new routee does not start: then nothing has
    changed.

    :raises OptionError: for a size below 1.
    """

    size: int

    def __post_init__(self) -> None:
        check_count("size", self.size)


def check_ref(ref: object) -> None:
    """Check that it is a ref.

    :raises OptionError: if not.
    """
    if not isinstance(ref, ActorRef):
        raise OptionError(option="ref", value=ref, expected="an ActorRef")


def check_count(option: str, value: object) -> int:
    """Check that it is a whole number of at least 1.

    :raises OptionError: if not.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise OptionError(option=option, value=value, expected="an int of at least 1")
    return value
