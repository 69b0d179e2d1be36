"""What can be wrong with a protocol, found when it is declared.

::

    DramaturgError
    └── ProtocolError (ValueError)      the declaration is wrong: change it
        ├── UnknownRoleError                the order uses a role that is not declared
        ├── DuplicateRoleError              two roles of one name
        ├── SelfMessageError                a role sends to itself
        ├── EmptyRepetitionError            what is repeated may be nothing at all
        ├── UnreachableError                a part that can never come
        ├── ChoiceError                     a choice that not everybody can follow
        ├── EndUnseenError                  a role that cannot know when it is done
        ├── AmbiguousMessageError           the same message in two parts that run side by side
        ├── UnenforceableOrderError         the roles together would do what the order forbids
        └── TooLargeError                   more states than may be listed
"""

from __future__ import annotations

from dramaturg.actors import DramaturgError

__all__ = [
    "AmbiguousMessageError",
    "ChoiceError",
    "DuplicateRoleError",
    "EmptyRepetitionError",
    "EndUnseenError",
    "ProtocolError",
    "SelfMessageError",
    "TooLargeError",
    "UnenforceableOrderError",
    "UnknownRoleError",
    "UnreachableError",
]


class ProtocolError(DramaturgError, ValueError):
    """A declaration that cannot be; nothing was made.

    ``part`` is the part of the order that it is about, as text.
    """

    def __init__(self, *, part: str, problem: str) -> None:
        self.part = part
        self.problem = problem
        super().__init__(f"{part}: {problem}")


class UnknownRoleError(ProtocolError):
    """The order, the channels or a caller names a role that the protocol does not declare.

    Or a role that it does declare is given no players: then ``known`` are those that have some.
    """

    def __init__(
        self, *, part: str, role: str, known: tuple[str, ...], declared: bool = False
    ) -> None:
        self.role = role
        self.known = known
        names = ", ".join(known) or "none"
        problem = f"there is no role {role!r}; declared: {names}"
        if declared:
            problem = f"nobody is said to play {role!r}; players are given for: {names}"
        super().__init__(part=part, problem=problem)


class DuplicateRoleError(ProtocolError):
    """Two roles have one name, or a for-each of a role stands within one of the same role."""

    def __init__(self, *, part: str, role: str) -> None:
        self.role = role
        super().__init__(part=part, problem=f"the role {role!r} is there twice")


class SelfMessageError(ProtocolError):
    """A role sends to itself, which no other role could see."""

    def __init__(self, *, part: str, role: str) -> None:
        self.role = role
        super().__init__(part=part, problem=f"{role!r} sends a message to itself")


class EmptyRepetitionError(ProtocolError):
    """The body of a repetition may be over without a message, so nobody could count its rounds."""

    def __init__(self, *, part: str) -> None:
        super().__init__(part=part, problem="what is repeated may be nothing at all")


class UnreachableError(ProtocolError):
    """A part that can never come: no rounds, a branch that is there already, an unused role."""

    def __init__(self, *, part: str, why: str) -> None:
        self.why = why
        super().__init__(part=part, problem=f"it can never be reached: {why}")


class ChoiceError(ProtocolError):
    """Not everybody can follow a choice.

    ``roles`` are those who choose at the same time, or the one that cannot see what
    was chosen and yet has to act by it. Compare :class:`EndUnseenError`: there
    the role has nothing to do, and cannot know that.
    """

    def __init__(self, *, part: str, roles: tuple[str, ...], problem: str) -> None:
        self.roles = roles
        super().__init__(part=part, problem=problem)


class EndUnseenError(ProtocolError):
    """A role cannot know whether more is to come for it.

    Tell it, with a message that ends the repetition or that stands in each branch;
    or declare it ``Role(..., serves=True)``, which waits for ever and need not know.
    """

    def __init__(self, *, part: str, role: str) -> None:
        self.role = role
        super().__init__(
            part=part,
            problem=f"{role!r} cannot know when it is done:"
            " tell it, or declare it with serves=True",
        )


class AmbiguousMessageError(ProtocolError):
    """Two parts that run side by side send the same message over the same channel."""

    def __init__(self, *, part: str, sender: str, receiver: str, message: str) -> None:
        self.sender = sender
        self.receiver = receiver
        self.message = message
        super().__init__(
            part=part,
            problem=f"nobody can tell to which part a {message} from {sender!r} to {receiver!r}"
            " belongs",
        )


class UnenforceableOrderError(ProtocolError):
    """Each role keeps its own order, and together they do what the whole order forbids.

    ``trace`` is what happens before, ``event`` the message that should not be
    possible then; or None if they end, or wait for each other, too early.
    """

    def __init__(
        self, *, part: str, trace: tuple[str, ...], event: str | None, problem: str
    ) -> None:
        self.trace = trace
        self.event = event
        before = ", ".join(trace) or "nothing"
        super().__init__(part=part, problem=f"after {before}: {problem}")


class TooLargeError(ProtocolError):
    """An automaton has more states than may be listed; ask for fewer members of the many-roles."""

    def __init__(self, *, part: str, limit: int) -> None:
        self.limit = limit
        super().__init__(part=part, problem=f"its automaton has more than {limit} states")
