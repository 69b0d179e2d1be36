"""What the names of messages in a report stand for: ``AskPrice~7`` is one of those drawn."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dramaturg.protocols.testing._diagram import shown
from dramaturg.protocols.testing._single_actor_messages import Constant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dramaturg.protocols.testing._single_actor_kernel import Casting
    from dramaturg.protocols.testing._verdict import Verdict

__all__ = ["said_in", "with_messages_spelled"]

_SAID = re.compile(r"(?:say|illegal) \S+ (\w+)~(\d+) #\d+")


def said_in(texts: Iterable[str], casting: Casting) -> Iterator[tuple[type, int]]:
    """Return what the names in texts say to the actor: the types, and which of their messages."""
    types = {each.__name__: each for each in casting.pools}
    said = dict.fromkeys((each[1], int(each[2])) for text in texts for each in _SAID.finditer(text))
    for name, at in said:
        if name in types:
            yield types[name], at


def with_messages_spelled(verdict: Verdict, casting: Casting) -> Verdict:
    """Say in the report of a failure which messages its names stand for."""
    failure = verdict.failure
    if failure is None or failure.parting is None:
        return verdict
    spelled: list[str] = []
    for message, at in said_in([failure.parting], casting):
        made = casting.pools[message][at]
        if isinstance(made, Constant):
            spelled.append(f"{message.__name__}~{at} is {shown(made.message)}")
    if not spelled:
        return verdict
    parting = f"{failure.parting} ({', '.join(spelled)})"
    return replace(verdict, failure=replace(failure, parting=parting))
