"""What workflows tell of themselves, on the system's event stream."""

from __future__ import annotations

from dataclasses import dataclass

from dramaturg.actors import LifecycleEvent

__all__ = ["AttemptAbandoned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptAbandoned(LifecycleEvent):
    """An attempt that was cut short has not ended in time, and nobody waits for it any more.

    It may still run, and have its effect after the next attempt, or what undoes it, has had its
    own; its result is ignored. ``path`` is the coordinator's.

    :param instance: the id under which the journal knows the instance.
    :param step: its address.
    :param grace: the seconds that it had.
    """

    instance: str
    step: str
    attempt: int
    grace: float
