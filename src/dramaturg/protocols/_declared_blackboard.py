"""Blackboards: what a writer is answered, and what a follower is told."""

from __future__ import annotations

from types import NoneType

from dramaturg.actors import Refused
from dramaturg.protocols._blackboard_entry import Entry
from dramaturg.protocols._blackboard_messages import (
    BoardChanged,
    BoardContents,
    CompareAndSet,
    Delete,
    Follow,
    FollowEnded,
    FollowerStatus,
    Put,
    PutAll,
    Unfollow,
)
from dramaturg.protocols._order import NOTHING, choice, parallel, repeat, sequence
from dramaturg.protocols._protocol import Protocol
from dramaturg.protocols._role import Role
from dramaturg.protocols._topic_messages import Disconnected

__all__ = ["board_followed", "board_written"]

BOARD = Role("board", serves=True)


def board_written() -> Protocol:
    """Declare that each write is answered once: with what stands there now, or a refusal.

    Monitor it ``by_request``.
    """
    writer = Role("writer")
    answers = {Put: (Entry,), CompareAndSet: (Entry,), PutAll: (tuple,), Delete: (Entry, NoneType)}
    return Protocol(
        "board_written",
        roles=(writer, BOARD),
        order=choice(
            *(
                (writer >> BOARD @ ask).then(
                    choice(*(BOARD >> writer @ each for each in (*answer, Refused)))
                )
                for ask, answer in answers.items()
            )
        ),
        about="A blackboard answers each write once.",
    )


def board_followed() -> Protocol:
    """Declare that an actor asks to follow, and is told only then: what there is, and the changes.

    Its order to end that may cross with what it is told. Monitor it ``by_pair``, of a board and a
    follower that asks itself.
    """
    follower = Role("follower", serves=True)
    told = (BoardContents, BoardChanged, Disconnected, FollowEnded)
    return Protocol(
        "board_followed",
        roles=(follower, BOARD),
        order=sequence(
            follower >> BOARD @ Follow,
            parallel(
                (BOARD >> follower @ FollowerStatus) | (BOARD >> follower @ Refused),
                repeat(choice(*(BOARD >> follower @ each for each in told))),
                choice(NOTHING, sequence(follower >> BOARD @ Unfollow, BOARD >> follower @ bool)),
            ),
        ),
        about="A follower is told what a blackboard holds, and then each change.",
    )
