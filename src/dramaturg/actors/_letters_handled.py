"""Letters by hand: who sees to them, and what they say."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias, final

from dramaturg.actors._dead_letters import DeadLetter, Replayed
from dramaturg.actors._errors import OptionError
from dramaturg.actors._message import PlainRequest
from dramaturg.actors._ref import ActorRef

__all__ = ["HandleLetter", "Handled", "LetterHandler", "LetterVerdict", "asked"]


class LetterVerdict(Enum):
    """What a handler of dead letters says about one."""

    SETTLED = "settled"
    """It has been seen to, and is no longer dead."""
    LEFT = "left"
    """It stays as it is."""
    REPLAY = "replay"
    """It is to be sent again."""


@final
@dataclass(frozen=True, slots=True)
class HandleLetter(PlainRequest[LetterVerdict]):
    """Asks an actor to see to a dead letter."""

    letter: DeadLetter


LetterHandler: TypeAlias = (
    Callable[[DeadLetter], LetterVerdict | Awaitable[LetterVerdict]] | ActorRef[Any]
)
"""Sees to dead letters: a function, ``def`` or ``async def``, or an actor (`HandleLetter`)."""


@final
@dataclass(frozen=True, slots=True)
class Handled:
    """What handlers made of some letters."""

    settled: int
    left: int
    replayed: Replayed
    failed: tuple[tuple[int, BaseException], ...] = ()
    """The ids of letters on which the handler failed, and how; they are left."""


async def asked(handler: LetterHandler, letter: DeadLetter) -> LetterVerdict:
    """Ask a handler about a letter.

    :raises OptionError: if it says nothing of a :class:`LetterVerdict`.
    """
    answer: Any
    if isinstance(handler, ActorRef):
        answer = await handler.request(HandleLetter(letter))
    else:
        answer = handler(letter)
        if inspect.isawaitable(answer):
            answer = await answer
    if not isinstance(answer, LetterVerdict):
        raise OptionError(option="the handler's answer", value=answer, expected="a LetterVerdict")
    return answer
