"""Supervision: a child's life as its supervisor is told of it, and what a supervisor can be asked.

The messages of :func:`child_life` are lifecycle events: what the runtime tells of an actor
counts as told by the actor to its parent. Monitor it ``by_pair``; the requests ``by_request``.
"""

from __future__ import annotations

from types import NoneType

from dramaturg.actors import (
    ActorEnded,
    ActorFailed,
    ActorRestarted,
    ActorStarted,
    ActorStopping,
    IncarnationEnded,
)
from dramaturg.protocols._order import NOTHING, Order, choice, repeat, sequence
from dramaturg.protocols._protocol import Protocol
from dramaturg.protocols._role import Role
from dramaturg.supervision import (
    ChildRefused,
    ChildStarted,
    RestartChild,
    StartChild,
    TerminateChild,
)

__all__ = ["child_life", "child_restart", "child_start", "child_stop"]


def child_life() -> Protocol:
    """Declare how an actor below a supervisor starts, ends and comes back.

    Nothing is told of an incarnation before it has started, nothing after it has ended; a new one
    begins only then, and it is a restart unless it is the first. ``ActorEnded`` is told when the
    supervisor lets go of the child, which may still be started again (``RestartChild``).
    """
    child, supervisor = Role("child"), Role("supervisor", serves=True)

    def told(event: type) -> Order:
        return child >> supervisor @ event

    def perhaps(event: type) -> Order:
        return choice(told(event), NOTHING)

    end = sequence(
        perhaps(ActorFailed),
        told(ActorStopping),
        perhaps(ActorStopping),  # it was killed while it stopped
        told(IncarnationEnded),
    )
    again = sequence(perhaps(ActorEnded), told(ActorStarted), told(ActorRestarted), end)
    return Protocol(
        "child_life",
        roles=(child, supervisor),
        order=sequence(told(ActorStarted), end, repeat(again), perhaps(ActorEnded)),
        about="What a supervisor is told of one child's life.",
    )


def child_start() -> Protocol:
    """Declare that a supervisor is asked to start a new child, and answers once."""
    return _asked("child_start", StartChild, ChildStarted)


def child_stop() -> Protocol:
    """Declare that a supervisor is asked to stop a child, and answers once, when that has ended."""
    return _asked("child_stop", TerminateChild, NoneType)


def child_restart() -> Protocol:
    """Declare that a supervisor is asked to start a child again, and answers once."""
    return _asked("child_restart", RestartChild, ChildStarted)


def _asked(name: str, ask: type, answer: type) -> Protocol:
    operator, supervisor = Role("operator"), Role("supervisor", serves=True)
    order = sequence(
        operator >> supervisor @ ask,
        (supervisor >> operator @ answer) | (supervisor >> operator @ ChildRefused),
    )
    about = f"A supervisor answers each {ask.__name__} once."
    return Protocol(name, roles=(operator, supervisor), order=order, about=about)
