"""A stand-in that follows a script: which message comes next, and what it then does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, final

from dramaturg.actors import Actor, DramaturgError, handler
from dramaturg.protocols._borders import ACTOR_REF, Kind, check_options, instance, is_list, several
from dramaturg.protocols.testing._diagram import shown
from dramaturg.protocols.testing._probe_errors import UnexpectedMessageError, described
from dramaturg.protocols.testing._probe_inbox import matches

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors import ActorRef

__all__ = ["NO_REPLY", "Line", "Script", "ScriptNotFollowedError", "ScriptedActor"]


@final
class _NoReply:
    def __repr__(self) -> str:
        return "NO_REPLY"


NO_REPLY = _NoReply()
"""What a request is answered with that is left unanswered."""


class ScriptNotFollowedError(DramaturgError, AssertionError):
    """A scripted actor has not got what its script says.

    :param unexpected: what has come instead, in order.
    :param left: the lines that did not come.
    """

    def __init__(self, *, unexpected: Sequence[object], left: Sequence[Line]) -> None:
        self.unexpected = tuple(unexpected)
        self.left = tuple(left)
        said = [f"unexpected: {shown(each)}" for each in self.unexpected]
        said += [f"did not come: {each}" for each in self.left]
        super().__init__("; ".join(said))


def _is_send(value: object) -> bool:
    return is_list(value) and len(value) == PAIR and ACTOR_REF.fits(value[0])


def _is_error(value: object) -> bool:
    if isinstance(value, type):
        return issubclass(value, BaseException)
    return value is None or isinstance(value, BaseException)


PAIR = 2
_SENDS = several(Kind(_is_send, ""), "a list of pairs: an ActorRef, and what it is sent")
_RAISES = Kind(_is_error, "an exception, or None")


@final
@dataclass(frozen=True, slots=True)
class Line:
    """What comes, and what is then done: the sends first, in order, then the reply or the error.

    :param expected: a type, a value, or a function that says so of a message.
    :param reply: to the request; a function makes it from the message, ``NO_REPLY`` leaves the
        request unanswered.
    :param sends: receivers and messages.
    :param raises: what the handler raises.
    :raises OptionError: for sends or an error that are none.
    """

    expected: Any
    _: KW_ONLY
    reply: Any = None
    sends: Sequence[tuple[ActorRef[Any], Any]] = ()
    raises: BaseException | type[BaseException] | None = None

    def __post_init__(self) -> None:
        check_options(sends=(self.sends, _SENDS), raises=(self.raises, _RAISES))

    def fits(self, message: object) -> bool:
        """Tell whether it is what the line expects."""
        expected = self.expected
        if callable(expected) and not isinstance(expected, type):
            return bool(expected(message))
        return matches(expected, message)

    def __str__(self) -> str:
        return described(self.expected)


class Script:
    """Lines in their order, and how far they have come; for one actor in one run.

    ::

        script = Script(Line(Get, reply=3), Line(Put(2), sends=[(log, "put")]))
        store = system.spawn(Props(ScriptedActor, script))
        ...
        script.check()

    It goes on where it was when its actor is restarted.

    :raises OptionError: for what is no line.
    """

    def __init__(self, *lines: Line) -> None:
        for line in lines:
            check_options(line=(line, instance(Line, "a Line(...)")))
        self._lines = lines
        self._said = 0
        self.unexpected: list[Any] = []
        """What has come and was not what the next line expects."""

    @property
    def left(self) -> tuple[Line, ...]:
        """The lines that are still to come."""
        return self._lines[self._said :]

    def next_for(self, message: Any, *, who: str) -> Line:
        """Go on by one line.

        :raises UnexpectedMessageError: if the message is not what the next line expects; then
            that line is still to come.
        """
        if self.left and self.left[0].fits(message):
            self._said += 1
            return self._lines[self._said - 1]
        self.unexpected.append(message)
        expected = str(self.left[0]) if self.left else "nothing more"
        raise UnexpectedMessageError(who=who, expected=expected, message=message)

    def check(self) -> None:
        """Check that all lines have come, and nothing else.

        :raises ScriptNotFollowedError: if not.
        """
        if self.left or self.unexpected:
            raise ScriptNotFollowedError(unexpected=self.unexpected, left=self.left)

    def __repr__(self) -> str:
        return f"<Script, {self._said} of {len(self._lines)} lines said>"


class ScriptedActor(Actor):
    """Does what its script says; fails on what that does not expect."""

    def __init__(self, script: Script) -> None:
        check_options(script=(script, instance(Script, "a Script(...)")))
        self._script = script

    @handler
    def follow(self, message: object) -> Any:
        line = self._script.next_for(message, who=self.context.path)
        for receiver, each in line.sends:
            receiver.tell(each)
        if line.raises is not None:
            raise line.raises
        if line.reply is NO_REPLY:
            # Taking the message away tells the cell not to answer its request.
            self._cell.message = None
            return None
        if callable(line.reply):
            make: Callable[[Any], Any] = line.reply
            return make(message)
        return line.reply
