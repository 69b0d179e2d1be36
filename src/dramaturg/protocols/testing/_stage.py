"""A simulated system that a test drives by hand: what is ready runs at once, time stands still.

Whatever the test does, a ``tell``, a ``spawn``, a request, everything that follows from it has
happened when the call returns, in the calm order. Only time does not pass: a timer rings, a
``sleep`` ends and a deadline passes when the test advances the clock.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

from dramaturg.actors import ActorFailed, DramaturgError
from dramaturg.actors._envelope import Envelope
from dramaturg.actors._reply import Reply
from dramaturg.protocols._borders import SECONDS, check_options, instance, optional
from dramaturg.protocols.testing._borders import check_kinds
from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._simulated_system import ReadyCells
from dramaturg.protocols.testing._simulation import Simulation

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from dramaturg.actors import ActorSystem
    from dramaturg.actors._cell import Cell

__all__ = ["Stage", "TimeStandsStillError", "VirtualClock", "stage_of"]

MOST_EVENTS = 100_000
"""So many events without any time between them: somebody goes on for ever."""


class TimeStandsStillError(DramaturgError, AssertionError):
    """A request of the test cannot be answered unless time passes, and only the test lets it.

    :param path: who was asked.
    :param message: what.
    :param next_timer: in how many seconds the next timer rings; None if none is set.
    """

    def __init__(self, *, path: str, message: object, next_timer: float | None) -> None:
        self.path = path
        self.message = message
        self.next_timer = next_timer
        then = (
            "no timer is set either"
            if next_timer is None
            else f"the next timer rings in {next_timer:g} s:"
            " `later = ref.ask(message, block=False)`, `clock.advance(...)`, `later.get()`"
        )
        super().__init__(f"{path} has not answered {message!r}, and all is quiet; {then}")


class VirtualClock:
    """Moves the time of a hand-driven system."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    @property
    def now(self) -> float:
        """Seconds of virtual time since the start."""
        return self._stage.now

    @property
    def next_timer(self) -> float | None:
        """In how many seconds the next timer rings; None if none is set."""
        return self._stage.next_timer()

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass: each timer rings at its own moment, and what follows happens.

        :raises OptionError: for less than 0 seconds, or no finite number of them.
        """
        check_options(seconds=(seconds, SECONDS))
        self._stage.wait_for(_never, seconds)

    def __repr__(self) -> str:
        return f"<VirtualClock at {self.now:g} s, next timer in {self.next_timer} s>"


class Stage:
    """One simulated system, and who drives it; what the fixtures ``system`` and ``clock`` are of.

    ::

        with Stage() as stage:
            store = stage.system.spawn(Store)
            assert store.ask(Get()) == 2
            stage.clock.advance(60)

    :param seed: of the system's random source and ids.
    :param allow: what of the outside may be used, see :class:`Simulation`.
    :param failures: where to note what actors failed with.
    :raises ScenarioError: for an option that cannot be used.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        allow: Collection[str] = (),
        failures: list[BaseException] | None = None,
    ) -> None:
        check_kinds(failures=(failures, optional(instance(list, "a list"))))
        self._simulation = Simulation(_nothing, seed=seed, allow=allow, horizon=math.inf)
        self._runs = True  # until it has begun
        self._asked: set[str] = set()
        self._told: list[BaseException] = []
        self.failures: list[BaseException] = [] if failures is None else failures
        """What actors failed with that nobody was told of; a test clears it that has looked."""
        self.clock = VirtualClock(self)
        cells: Any = self._simulation.cells
        # The simulation has handed them on already.
        cells.__class__ = _EagerCells
        cells.stage = self
        cells.sent = _Sent(self)
        self._simulation.begin()
        self.system.events.subscribe(self._actor_failed, ActorFailed)
        self._runs = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def system(self) -> ActorSystem:
        """The system; whole and real but for time and order."""
        return self._simulation.system

    @property
    def now(self) -> float:
        """Seconds of virtual time since the start."""
        return self._simulation.timers.now

    def next_timer(self) -> float | None:
        """Return in how many seconds the next timer rings."""
        due = min((each.due for each in self._simulation.timers.living()), default=None)
        return None if due is None else max(0.0, due - self.now)

    def run(self) -> None:
        """Let everything happen that needs no time; within what happens it does nothing.

        :raises ScenarioError: if there is no end to it.
        """
        if self._runs:
            return
        self._runs = True
        try:
            self._run()
        finally:
            self._runs = False

    def _run(self) -> None:
        simulation = self._simulation
        simulation._go_on()
        for _ in range(MOST_EVENTS):
            events = simulation.enabled()
            if not events or events[0].kind == "timer":
                self._look_for_failures()
                return
            simulation.execute(events[0])
        raise ScenarioError(
            thing=f"the system at {self.now:g} s",
            problem=f"goes on after {MOST_EVENTS:,} events, and no time passes",
            expected="that it comes to rest",
        )

    def wait_for(self, happened: Callable[[], bool], within: float) -> bool:
        """Let time pass until something has happened, at most so many seconds; tell whether."""
        until = self.now + within
        self.run()
        while not happened():
            if not self._ring_next(until):
                self._simulation.timers.now = until
                return False
        return True

    def _ring_next(self, until: float) -> bool:
        events = self._simulation.enabled()
        if not events or events[0].payload.due > until:
            return False
        self._runs = True
        try:
            self._simulation.execute(events[0])
        finally:
            self._runs = False
        self.run()
        return True

    def close(self) -> None:
        """End the system calmly, whatever it waits for."""
        self._runs = True
        self._simulation.close()

    def unread(self) -> list[BaseException]:
        """Return what went wrong and nobody has looked at."""
        told = [*map(id, self._told)]
        errors = [context.get("exception") for context in self._simulation.loop.errors]
        lost = [error for error in errors if isinstance(error, BaseException)]
        return [each for each in [*self.failures, *lost] if id(each) not in told]

    def note_told(self, error: BaseException | None) -> None:
        """Take note that the test has been told of a failure."""
        if error is not None:
            self._told.append(error)

    def runs(self) -> bool:
        """Tell whether what happens now is part of what an earlier call has set going."""
        return self._runs

    # -- what the test asks --------------------------------------------------------------------

    def asks(self, envelope: Envelope) -> None:
        """Take note of a request of the test's."""
        if envelope.headers is not None:
            self._asked.add(str(envelope.headers.message_id))

    def check_answered(self, envelope: Envelope) -> None:
        """Check that somebody who waits for the reply has it.

        :raises TimeStandsStillError: if not.
        """
        reply = envelope.reply
        if isinstance(reply, Reply) and not reply.done:
            raise TimeStandsStillError(
                path=reply.target.path, message=envelope.message, next_timer=self.next_timer()
            )

    def _actor_failed(self, event: ActorFailed) -> None:
        if event.message_id in self._asked:
            self._told.append(event.error)

    def _look_for_failures(self) -> None:
        system = self.system
        if system._failure is not None:
            self.failures.append(system._failure)
            system._failure = None


class _EagerCells(ReadyCells):
    """Lets what is ready run at once."""

    stage: Stage

    def add(self, cell: Cell) -> None:
        super().add(cell)
        if self.stage.runs():
            return
        asked = tuple(_requests(self.sent))
        for envelope in asked:
            self.stage.asks(envelope)
        self.stage.run()
        for envelope in asked:
            self.stage.check_answered(envelope)


class _Sent(list[Any]):
    """What was sent; whom the test asks while it is busy will not answer before time passes."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage

    def append(self, item: Any) -> None:
        super().append(item)
        if self._stage.runs():
            return
        for envelope in _requests([item]):
            reply = envelope.reply
            if isinstance(reply, Reply) and not reply.target.idle:
                self.pop()
                self._stage.check_answered(envelope)


def _requests(sent: list[Any]) -> Iterator[Envelope]:
    for each in sent:
        envelope = each if isinstance(each, Envelope) else each[0]
        if envelope.reply is not None and envelope.sender is None:
            yield envelope


def stage_of(system: ActorSystem) -> Stage | None:
    """Return who drives a system by hand; None if nobody does."""
    cells = getattr(system, "cells", None)
    return cells.stage if isinstance(cells, _EagerCells) else None


def _never() -> bool:
    return False


async def _nothing(_: Simulation) -> None:
    """Leave all to the test."""
