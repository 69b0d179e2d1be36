"""What was cut short and has not ended yet: how long anybody waits for it.

An attempt may swallow its cancellation and go on for ever. It cannot be ended by force, so it is
abandoned when its time is over: nobody waits for it any more, and what it gives is ignored.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from dramaturg.protocols.workflows._events import AttemptAbandoned
from dramaturg.protocols.workflows._messages import Ticked

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors import ActorContext

__all__ = ["GRACE", "Ending"]

GRACE = 5.0
"""Seconds that an attempt has to end once it is cut short; as long as a supervisor's child has."""


@final
@dataclass(frozen=True, slots=True)
class _One:
    address: str
    attempt: int
    task: asyncio.Task[None]


@final
class Ending:
    """The tasks that were cut short, each until it has ended or its time is over.

    :param name: of the instance.
    :param drained: called when none is left.
    """

    def __init__(self, context: ActorContext, name: str, *, drained: Callable[[], None]) -> None:
        self._context = context
        self._name = name
        self._drained = drained
        self._serial = 0
        self._known: dict[int, _One] = {}
        self._gates: list[tuple[set[int], asyncio.Event]] = []
        self._is_stopped = False

    def __bool__(self) -> bool:
        return bool(self._known)

    def add(self, address: str, task: asyncio.Task[None], attempt: int = 0) -> None:
        """Wait for the end of a task: of an attempt, or, with 0, of what ends one elsewhere."""
        self._serial += 1
        serial = self._serial
        self._known[serial] = _One(address, attempt, task)
        tick = Ticked(address, "grace", serial)
        self._context.start_timer((serial, "grace"), tick, after=GRACE)
        task.add_done_callback(lambda _: self._take_out(serial))

    def gate(self) -> asyncio.Event:
        """Return what is set when nobody waits any more for those that are there now."""
        gate = asyncio.Event()
        if self._known:
            self._gates.append((set(self._known), gate))
        else:
            gate.set()
        return gate

    def time_is_up(self, serial: int) -> None:
        """Wait no more for one that has not ended."""
        one = self._known.get(serial)
        if one is None:
            return
        if one.attempt:
            self._abandon(one)
        self._take_out(serial)

    def stop(self) -> None:
        """Call nobody any more."""
        self._is_stopped = True

    def _take_out(self, serial: int) -> None:
        if self._is_stopped or self._known.pop(serial, None) is None:
            return
        self._context.cancel_timer((serial, "grace"))
        for left, gate in tuple(self._gates):
            left.discard(serial)
            if not left:
                gate.set()
                self._gates.remove((left, gate))
        if not self._known:
            self._drained()

    def _abandon(self, one: _One) -> None:
        context = self._context
        event = AttemptAbandoned(
            path=context.path,
            time=context.clock.time(),
            instance=self._name,
            step=one.address,
            attempt=one.attempt,
            grace=GRACE,
        )
        log = context.log.bind(instance=self._name, step=one.address, attempt=one.attempt)
        log.warning("attempt_abandoned", grace=GRACE)
        context.system.events.publish(event)
        # Its result is for nobody; that it was there at last may explain what happened outside.
        one.task.add_done_callback(lambda _: log.info("abandoned_attempt_ended"))
