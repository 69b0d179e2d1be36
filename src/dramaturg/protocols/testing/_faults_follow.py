"""Faults that follow at once upon what has just happened.

What is not durable is missed only if its actor crashes between the message that changed it
and the next one that asks for it, and what is lost or comes twice mostly matters for what was
just sent. A walk hits such a moment by luck alone; here it is aimed at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random

    from dramaturg.protocols.testing._event import Event
    from dramaturg.protocols.testing._kernel import Kernel
    from dramaturg.protocols.testing._pickers import Swarm
    from dramaturg.protocols.testing._walks import Walk

__all__ = ["FaultsFollow"]

OF_A_MESSAGE = frozenset({"drop", "duplicate", "delay"})
OF_WHICH = ("sender", "receiver", "number")
"""What tells one message from another, in the payload of a fault that befalls it."""


class FaultsFollow:
    """From steps drawn beforehand on, something goes wrong with what the next event is about.

    The actor that it happened to crashes before its next message, and in half of the runs comes
    back at once; or a message that it has just sent is lost, doubled or delayed. Faults of other
    kinds follow upon nothing, and happen at those steps.

    :param most: at so many steps at most.
    :param length: about how many steps a run has.
    """

    def __init__(self, walk: Walk, swarm: Swarm, random: Random, *, most: int, length: int) -> None:
        self._walk = walk
        self._swarm = swarm
        self._random = random
        count = random.randrange(most) + 1
        self._steps = sorted(random.randrange(max(1, length)) for _ in range(count))
        self._back_at_once = random.random() < 0.5  # noqa: PLR2004 - a coin
        self._back: str | None = None
        self._kind: str | None = None
        """What is to go wrong as soon as it can follow upon something."""

    def pick(self, kernel: Kernel) -> Event | None:
        enabled = kernel.enabled()
        if self._back is not None:
            name, self._back = self._back, None
            for event in enabled:
                if event.name == name:
                    return event
        due = self._steps and (not enabled or self._steps[0] <= len(kernel.steps))
        if due or self._kind is not None:
            wrong = self._go_wrong(kernel, at_rest=not enabled)
            if wrong is not None:
                return wrong
        if not enabled:
            return None
        return self._walk.choose(self._swarm.regular(enabled))

    def _go_wrong(self, kernel: Kernel, *, at_rest: bool) -> Event | None:
        wrong = self._swarm.faults(kernel)
        if self._kind is None:
            del self._steps[0]
            kinds = sorted({event.kind for event in wrong})
            if not kinds:
                return None
            self._kind = kinds[self._random.randrange(len(kinds))]
        its = [event for event in wrong if event.kind == self._kind]
        # Nothing more will come to follow upon when nothing is left to do.
        following = its if at_rest else _following(kernel, its)
        if not following:
            # Another kind has its chance when the budget for this one is spent.
            self._kind = self._kind if its else None
            return None
        self._kind = None
        event = following[self._random.randrange(len(following))]
        if event.kind == "crash" and self._back_at_once:
            self._back = f"restart {event.actor}"
        return event


def _following(kernel: Kernel, wrong: list[Event]) -> list[Event]:
    """Return the faults that have to do with the last event, or can with none."""
    if not kernel.steps:
        return []
    last = kernel.steps[-1]
    sent: set[tuple[Any, ...]] = {(each.sender, each.receiver, each.number) for each in last.sent}
    return [event for event in wrong if _follows(event, last.event.actor, sent)]


def _follows(event: Event, actor: str, sent: set[tuple[Any, ...]]) -> bool:
    if event.kind == "crash":
        return event.actor == actor
    if event.kind not in OF_A_MESSAGE:
        return True
    sender, receiver, number = (getattr(event.payload, each, None) for each in OF_WHICH)
    return (sender, receiver, number) in sent
