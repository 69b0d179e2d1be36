"""Where an actor is in its life."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["DOWN", "RUNNING", "STOPPED", "State"]


class State(IntEnum):
    """Where an actor is in its life; only a ``RUNNING`` one handles messages."""

    RUNNING = 0
    STARTING = 1
    """``on_start`` has not ended yet."""
    SUSPENDED = 2
    """It has failed and waits for the decision about it."""
    RESTARTING = 3
    """Its children are stopping; then a new instance takes over."""
    STOPPING = 4
    """Its children are stopping; then ``on_stop`` runs."""
    DOWN = 5
    """Its incarnation is over; its supervisor decides whether another one follows."""
    STOPPED = 6


# For the hot path: a module's name is found faster than an enum's member.
RUNNING = State.RUNNING
DOWN = State.DOWN
STOPPED = State.STOPPED
