"""Durable dead letters: how one is seen to, and how one is sent again.

They are listed, discarded and ordered to be sent again by plain calls, which are no messages.
"""

from __future__ import annotations

from dramaturg.actors import HandleLetter, LetterVerdict
from dramaturg.protocols._order import choice, repeat, sequence
from dramaturg.protocols._protocol import Protocol
from dramaturg.protocols._role import Role

__all__ = ["letter_handled", "letter_replayed"]

STORE = Role("store")


def letter_handled() -> Protocol:
    """Declare that an actor is shown a letter, and says once what is to become of it.

    Monitor it ``by_request``; the store is None.
    """
    handler = Role("handler", serves=True)
    return Protocol(
        "letter_handled",
        roles=(STORE, handler),
        order=sequence(
            STORE >> handler @ HandleLetter,
            (handler >> STORE @ LetterVerdict) | (handler >> STORE @ Exception),
        ),
        about="A dead letter is shown to an actor, which decides about it once.",
    )


def letter_replayed(message: type, *answers: type) -> Protocol:
    """Declare that a letter is sent again only when it has come back: it is handled, or it failed.

    All replays of a letter have its message id, so monitor it ``by_request``. The store is None.

    :param answers: what the target's handler returns; default None.
    """
    store, target = Role("store", serves=True), Role("target", serves=True)
    ends = [*(answers or (type(None),)), Exception]
    return Protocol(
        "letter_replayed",
        roles=(store, target),
        order=repeat(
            sequence(store >> target @ message, choice(*(target >> store @ each for each in ends)))
        ),
        about="A dead letter is sent again one time after the other.",
    )
