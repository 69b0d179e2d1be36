"""The legal order of messages: a small algebra of frozen values.

================================  ==========================================================
``a >> b @ Ask``                  one message
``sequence(x, y)``                x, then y; also ``x.then(y)``
``choice(x, y)``                  one of them; also ``x | y``
``parallel(x, y)``                both, interleaved in any way; also ``x & y``
``repeat(x)``                     x any number of times; also ``x.times(1, 3)``
``each(role, x)``                 x with every member of a role that has many, in parallel
``one_of(role, x)``               x with one member, which the one who sends to it chooses
``within(5.0, x, otherwise=y)``   x within 5 s from its first message, else y
``NOTHING``                       over at once
================================  ==========================================================

*Order between strangers.* ``sequence`` orders what a role sees: if two steps share no role, nobody
can tell which of them was first, and both orders are legal.

*Roles with many members.* Outside an ``each`` or ``one_of`` of its role a message to or from a role
with many members stands for one with each of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Never, NoReturn, TypeAlias, final

from dramaturg.protocols._borders import SECONDS, at_least, instance, optional, shown
from dramaturg.protocols._protocol_errors import ProtocolError
from dramaturg.protocols._role import Role, no_message

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "NOTHING",
    "Choice",
    "Each",
    "Nothing",
    "OneOf",
    "Order",
    "Parallel",
    "Repeat",
    "Send",
    "Sequence",
    "Within",
    "choice",
    "each",
    "one_of",
    "parallel",
    "repeat",
    "sequence",
    "within",
]


class Order:
    """Base of all parts of an order; made by the functions and operators of this module."""

    __slots__ = ()

    compound: ClassVar[bool] = False
    """Whether its text needs parentheses inside another part's."""

    def then(self, *others: Order) -> Order:
        """This part, then the others: what :func:`sequence` makes."""
        return sequence(self, *others)

    def times(self, at_least: int = 0, at_most: int | None = None) -> Repeat:
        """This part again and again: what :func:`repeat` makes."""
        return repeat(self, at_least, at_most)

    def __or__(self, other: Order) -> Order:
        return choice(self, other)

    def __ror__(self, other: Never) -> Order:
        return choice(other, self)

    def __and__(self, other: Order) -> Order:
        return parallel(self, other)

    def __rand__(self, other: Never) -> Order:
        return parallel(other, self)

    def __rshift__(self, other: Never) -> NoReturn:
        given: object = other
        said = str(given) if isinstance(given, Order | Role) else shown(given)
        raise ProtocolError(
            part=f"{self} >> {said}", problem="expected x.then(y) for one part after the other"
        )

    @property
    def parts(self) -> tuple[Order, ...]:
        """The parts directly inside this one."""
        return ()

    def walk(self) -> Iterator[Order]:
        """Yield this part and all that are inside it, from left to right."""
        yield self
        for part in self.parts:
            yield from part.walk()


@final
@dataclass(frozen=True, slots=True)
class Nothing(Order):
    """No message."""

    def __str__(self) -> str:
        return "nothing"


@final
@dataclass(frozen=True, slots=True)
class Send(Order):
    """One message from one role to another."""

    sender: Role
    receiver: Role
    message: type

    def __post_init__(self) -> None:
        roles_given = isinstance(self.sender, Role) and isinstance(self.receiver, Role)
        if not roles_given or not isinstance(self.message, type):
            raise no_message(f"{self.sender} >> {self.receiver} @ {self.message}")

    def __str__(self) -> str:
        return f"{self.sender} >> {self.receiver} @ {self.message.__name__}"


class _Compound(Order):
    __slots__ = ()

    compound: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not isinstance(self.parts, tuple):
            raise _no_part(self.parts)
        for part in self.parts:
            _part(part)


def _inner(part: Order) -> str:
    return f"({part})" if part.compound else str(part)


@final
@dataclass(frozen=True, slots=True)
class Sequence(_Compound):
    """One part after the other."""

    steps: tuple[Order, ...]

    @property
    def parts(self) -> tuple[Order, ...]:
        """The steps."""
        return self.steps

    def __str__(self) -> str:
        return " then ".join(_inner(each) for each in self.steps)


@final
@dataclass(frozen=True, slots=True)
class Choice(_Compound):
    """One of the branches."""

    branches: tuple[Order, ...]

    @property
    def parts(self) -> tuple[Order, ...]:
        """The branches."""
        return self.branches

    def __str__(self) -> str:
        return " or ".join(_inner(each) for each in self.branches)


@final
@dataclass(frozen=True, slots=True)
class Parallel(_Compound):
    """All strands, interleaved in any way."""

    strands: tuple[Order, ...]

    @property
    def parts(self) -> tuple[Order, ...]:
        """The strands."""
        return self.strands

    def __str__(self) -> str:
        return " and ".join(_inner(each) for each in self.strands)


@final
@dataclass(frozen=True, slots=True)
class Repeat(_Compound):
    """A body from ``at_least`` to ``at_most`` times; None is no limit."""

    body: Order
    at_least: int = 0
    at_most: int | None = None

    def __post_init__(self) -> None:
        _Compound.__post_init__(self)
        least, most = self.at_least, self.at_most
        if not _COUNT.fits(least) or not optional(at_least(least)).fits(most):
            raise ProtocolError(
                part=f"repeat({self.body}, {least!r}, {most!r})",
                problem="expected 0 <= at_least <= at_most, or no at_most",
            )

    @property
    def parts(self) -> tuple[Order, ...]:
        """The body."""
        return (self.body,)

    @property
    def rounds(self) -> str:
        """How many rounds, as text."""
        least, most = self.at_least, self.at_most
        if most is None:
            return "any number of times" if not least else f"at least {least} times"
        return f"{most} times" if least == most else f"{least} to {most} times"

    def __str__(self) -> str:
        return f"{_inner(self.body)} {self.rounds}"


@final
@dataclass(frozen=True, slots=True)
class Each(_Compound):
    """The body once with every member of a role, side by side."""

    role: Role
    body: Order

    def __post_init__(self) -> None:
        _Compound.__post_init__(self)
        _check_many("each", self.role)

    @property
    def parts(self) -> tuple[Order, ...]:
        """The body."""
        return (self.body,)

    def __str__(self) -> str:
        return f"for each {self.role}: {_inner(self.body)}"


@final
@dataclass(frozen=True, slots=True)
class OneOf(_Compound):
    """The body with one member of a role."""

    role: Role
    body: Order

    def __post_init__(self) -> None:
        _Compound.__post_init__(self)
        _check_many("one_of", self.role)

    @property
    def parts(self) -> tuple[Order, ...]:
        """The body."""
        return (self.body,)

    def __str__(self) -> str:
        return f"with one {self.role}: {_inner(self.body)}"


@final
@dataclass(frozen=True, slots=True)
class Within(_Compound):
    """A body that is over within so many seconds from its first message.

    ``otherwise`` is how it goes on when the time is over; None: it must not be.
    ``clock`` is whose clock counts; None: that of everybody in the body.
    """

    seconds: float
    body: Order
    otherwise: Order | None = None
    clock: Role | None = None

    def __post_init__(self) -> None:
        _Compound.__post_init__(self)
        if not SECONDS.fits(self.seconds) or not self.seconds:
            raise ProtocolError(
                part=f"within({shown(self.seconds)}, {self.body})",
                problem="expected a deadline of more than 0 s",
            )
        if not _CLOCK.fits(self.clock):
            raise ProtocolError(
                part=f"{self}, clock={shown(self.clock)}", problem=f"expected {_CLOCK.expected}"
            )

    @property
    def parts(self) -> tuple[Order, ...]:
        """The body, and the alternative if there is one."""
        return (self.body,) if self.otherwise is None else (self.body, self.otherwise)

    def __str__(self) -> str:
        text = f"within {self.seconds:g} s: {_inner(self.body)}"
        return text if self.otherwise is None else f"{text}, else {_inner(self.otherwise)}"


NOTHING = Nothing()

_COUNT = at_least(0)
_CLOCK = optional(instance(Role, "a Role"))

_Flat: TypeAlias = "type[Sequence | Choice | Parallel]"


def _flat(kind: _Flat, parts: tuple[Order, ...]) -> tuple[Order, ...]:
    """Take parts of the same kind apart, so that nesting makes no difference to a value."""
    flat: list[Order] = []
    for part in map(_part, parts):
        flat += part.parts if isinstance(part, kind) else (part,)
    return tuple(flat)


def sequence(*parts: Order) -> Order:
    """One part after the other.

    :raises ProtocolError: for what is no part of an order.
    """
    steps = tuple(each for each in _flat(Sequence, parts) if each != NOTHING)
    return steps[0] if len(steps) == 1 else Sequence(steps) if steps else NOTHING


def choice(*branches: Order) -> Order:
    """One of the branches: whoever sends first in all of them chooses.

    :raises ProtocolError: for no branch, or what is no part of an order.
    """
    flat = _flat(Choice, branches)
    if not flat:
        raise ProtocolError(part="choice()", problem="expected at least one branch")
    return flat[0] if len(flat) == 1 else Choice(flat)


def parallel(*strands: Order) -> Order:
    """All strands, interleaved in any way; over when all are.

    :raises ProtocolError: for what is no part of an order.
    """
    flat = tuple(each for each in _flat(Parallel, strands) if each != NOTHING)
    return flat[0] if len(flat) == 1 else Parallel(flat) if flat else NOTHING


def repeat(body: Order, at_least: int = 0, at_most: int | None = None) -> Repeat:
    """Return the body again and again; by default any number of times.

    :raises ProtocolError: unless ``0 <= at_least <= at_most``, and for what is no part of an
        order.
    """
    return Repeat(body, at_least, at_most)


def each(role: Role, body: Order) -> Each:
    """Return the body once with every member of the role, side by side; over when all are.

    :raises ProtocolError: for a role that has one member only.
    """
    return Each(role, body)


def one_of(role: Role, body: Order) -> OneOf:
    """Return the body with one member of the role.

    :raises ProtocolError: for a role that has one member only.
    """
    return OneOf(role, body)


def within(
    seconds: float, body: Order, *, otherwise: Order | None = None, clock: Role | None = None
) -> Within:
    """Return the body with a deadline, counted from the body's first message.

    By each role's own clock, from the first message of the body that *it* sends or
    receives: with ``within(5.0, ask.then(answer))`` a client has its answer 5 s after it has
    asked, and a server has answered 5 s after it was asked.

    :param otherwise: how it goes on for whose time is over; messages of the body
        that are still on their way are late, and legal, but whose clock counts may not send any
        more of them. Default: being late is a violation.
    :param clock: the one role whose clock counts; default everybody's in the body.
    :raises ProtocolError: for a deadline that is not above 0 and finite, for a clock that is no
        role, and for what is no part of an order.
    """
    return Within(seconds, body, otherwise, clock)


def _part(part: Order) -> Order:
    if not isinstance(part, Order):
        raise _no_part(part)
    return part


def _no_part(part: object) -> ProtocolError:
    return ProtocolError(
        part=shown(part), problem="expected a part of an order, such as a >> b @ Ask"
    )


def _check_many(what: str, role: object) -> None:
    if not isinstance(role, Role):
        raise ProtocolError(part=f"{what}({shown(role)}, ...)", problem="expected a Role")
    if not role.many:
        raise ProtocolError(
            part=f"{what}({role}, ...)",
            problem=f"{role.name!r} has one member: Role(..., many=True)",
        )
