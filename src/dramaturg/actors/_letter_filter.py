"""Which dead letters somebody asks for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, final

from dramaturg.actors._errors import OptionError, said
from dramaturg.actors._letter_reason import DeadLetterReason
from dramaturg.actors._type_name import type_name

if TYPE_CHECKING:
    from dramaturg.actors._dead_letters import DeadLetter
    from dramaturg.actors._ref import ActorRef

__all__ = ["LetterFilter", "LostMessage", "name_of", "shown", "storable"]

LONGEST_TEXT = 2_000
"""So many characters of a message's repr are kept, or of an error."""


@final
@dataclass(frozen=True, slots=True)
class LostMessage:
    """Stands for a message that is not there any more, in a letter that was read from the journal.

    ``text`` is what its repr was, cut after 2,000 characters; ``why`` says what kept it from being
    stored, or from being read.
    """

    type_name: str
    text: str
    why: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFilter:
    """What a letter has to be; see :meth:`DeadLetters.list`.

    :raises OptionError: for what cannot be, as a time without a zone.
    """

    reason: DeadLetterReason | None
    target: str | ActorRef[Any] | None
    message_type: type | str | None
    since: datetime | None
    until: datetime | None
    text: str | None
    requester_told: bool | None
    where: Callable[[DeadLetter], bool] | None

    def __post_init__(self) -> None:
        for option, (is_fine, expected) in _EXPECTED.items():
            value = getattr(self, option)
            if value is not None and not is_fine(value):
                raise OptionError(option=option, value=value, expected=f"{expected}; or None")

    def fits(self, letter: DeadLetter) -> bool:
        """Tell whether a letter is wanted."""
        return (
            (self.reason is None or letter.reason is self.reason)
            and (self.target is None or _lies_below(letter.target, _path(self.target)))
            and (self.since is None or letter.time >= self.since)
            and (self.until is None or letter.time < self.until)
            and (self.message_type is None or _is_of(letter.message, self.message_type))
            and (self.text is None or _says(letter, self.text.casefold()))
            and self.requester_told in (None, letter.requester_told)
            and (self.where is None or bool(self.where(letter)))
        )


def _path(target: object) -> Any:
    return getattr(target, "path", target)


def _is_a_path(value: object) -> bool:
    path = _path(value)
    return isinstance(path, str) and path.startswith("/")


def _has_a_zone(value: object) -> bool:
    return isinstance(value, datetime) and value.tzinfo is not None


_EXPECTED: Final[Mapping[str, tuple[Callable[[object], bool], str]]] = {
    "reason": (lambda value: isinstance(value, DeadLetterReason), "a DeadLetterReason"),
    "target": (_is_a_path, 'the path of an actor, "/...", or a ref'),
    "message_type": (lambda value: isinstance(value, type | str), "a class, or its name"),
    "since": (_has_a_zone, "a time with a zone"),
    "until": (_has_a_zone, "a time with a zone"),
    "text": (lambda value: isinstance(value, str), "a text"),
    "requester_told": (lambda value: isinstance(value, bool), "True, False"),
    "where": (callable, "a function of the letter"),
}


def name_of(message: object) -> str:
    """Return the name of a message's type: the one under which it is stored, if it has one."""
    if isinstance(message, LostMessage):
        return message.type_name
    try:
        return type_name(type(message))
    except Exception:  # noqa: BLE001 - it has none, or no class that could be asked
        return type(message).__qualname__


def shown(message: object) -> str:
    """Return what a message's repr says, whatever that does; storable, and cut."""
    if isinstance(message, LostMessage):
        return message.text
    try:
        text = repr(message)
    except Exception as error:  # noqa: BLE001 - the user's method
        text = f"<{type(message).__qualname__}, whose repr fails: {said(error)}>"
    return storable(text)


def storable(text: str) -> str:
    """Cut a text, and replace what no codec takes."""
    return text[:LONGEST_TEXT].encode("utf-8", "backslashreplace").decode()


def _lies_below(path: str, wanted: str) -> bool:
    given = wanted.rstrip("/")
    if "*" not in given:
        return (path + "/").startswith(given + "/")
    names, patterns = path.split("/"), given.split("/")
    if len(names) < len(patterns):
        return False
    return all(_matches(*pair) for pair in zip(names, patterns, strict=False))


def _matches(name: str, pattern: str) -> bool:
    if "*" not in pattern:
        return name == pattern
    parts = [re.escape(each) for each in pattern.split("*")]
    return re.fullmatch(".*".join(parts), name, re.DOTALL) is not None


def _is_of(message: object, wanted: type | str) -> bool:
    if isinstance(wanted, type):
        return isinstance(message, wanted)
    return wanted in (name_of(message), type(message).__qualname__)


def _says(letter: DeadLetter, text: str) -> bool:
    if text in shown(letter.message).casefold():
        return True
    return letter.error is not None and text in said(letter.error).casefold()
