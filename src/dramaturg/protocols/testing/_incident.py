"""Incidents: what a real system did once, done again in a simulation."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast, final

from dramaturg.actors import ActorFailed, ActorRef
from dramaturg.protocols._borders import SECONDS, TEXTS, Kind, is_list, optional, several
from dramaturg.protocols.testing._borders import check_given, check_kinds, is_check, takes
from dramaturg.protocols.testing._diagram import mermaid, sequence_diagram
from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._faults import NO_FAULTS, Faults
from dramaturg.protocols.testing._incident_picker import Retracing
from dramaturg.protocols.testing._replay import ROOM
from dramaturg.protocols.testing._run import Run, run
from dramaturg.protocols.testing._simulation import Simulation

if TYPE_CHECKING:
    from dramaturg.actors import ActorSystem
    from dramaturg.protocols.testing._properties import Broken, Check
    from dramaturg.protocols.testing._simulated_time import SimulatedTimer

__all__ = ["IncidentRun", "IncidentSetup", "Outside", "RefAt", "replay_incident"]

IncidentSetup: TypeAlias = "Callable[[Simulation], Awaitable[object] | object]"
"""Spawns the actors of an incident in a simulation, and may declare what has to hold."""

RefAt: TypeAlias = "Callable[[str], ActorRef[Any]]"
"""Returns the ref of the actor at a path."""


class Outside(NamedTuple):
    """A message that nobody in the system has sent.

    :param at: seconds of virtual time since the start.
    :param path: of the actor that gets it.
    :param asks: whether it was a request.
    :param timeout: seconds until the request's deadline; default the system's.
    """

    at: float
    path: str
    message: Any
    asks: bool = False
    timeout: float | None = None


Outsides: TypeAlias = "Sequence[Outside | tuple[float, str, Any]]"


def _is_outside(value: Any) -> bool:
    if not is_list(value) or len(value) < PLAIN or not isinstance(value[1], str):
        return False
    return not isinstance(value, Outside) or optional(SECONDS).fits(value.timeout)


PLAIN = 3
"""So long is what stands for an ``Outside``."""
_MESSAGES = several(Kind(_is_outside, ""), "a list of Outside(...), or (at, path, message)")
_CHECK = optional(Kind(is_check, "a function of the view"))


def _is_outsides(value: object) -> bool:
    return takes(value, 1) if callable(value) else _MESSAGES.fits(value)


_OUTSIDE = Kind(_is_outsides, f"{_MESSAGES.expected}; or a function that makes one")


@final
@dataclass(frozen=True, slots=True)
class IncidentRun:
    """What came of an incident's replay.

    :param skipped: the names of the schedule that were not possible.
    :param failures: how actors have failed, in order.
    :param undelivered: the paths from outside at which nobody lived.
    """

    run: Run
    skipped: tuple[str, ...]
    failures: tuple[ActorFailed, ...]
    undelivered: tuple[str, ...]
    actors: tuple[str, ...]

    @property
    def broken(self) -> Broken | None:
        """The first property that did not hold, None if all did."""
        return self.run.broken

    def crashes(self, path: str) -> tuple[str, ...]:
        """Return the names of the errors that an actor has failed with."""
        return tuple(type(each.error).__name__ for each in self.failures if each.path == path)

    def diagram(self) -> str:
        """Draw the run as text."""
        return sequence_diagram(self.actors, self.run.steps)

    def mermaid(self) -> str:
        """Draw the run for Mermaid."""
        return mermaid(self.actors, self.run.steps)

    def __str__(self) -> str:
        lines: list[str] = []
        if self.broken is not None:
            lines.append(": ".join(each for each in self.broken if each))
        lines += [f"{each.path} failed with {each.error!r}" for each in self.failures]
        lines += [*([""] if lines else []), self.diagram(), ""]
        lines += [f"not possible any more: {name}" for name in self.skipped]
        lines += [f"nobody lives at {path}: not sent" for path in self.undelivered]
        if self.run.truncated:
            lines.append(f"cut off after {self.run.events:,} events")
        return "\n".join(lines).rstrip()


def replay_incident(
    setup: IncidentSetup,
    *,
    outside: Outsides | Callable[[RefAt], Outsides] = (),
    schedule: Sequence[str] = (),
    at_rest: Check | None = None,
    faults: Faults = NO_FAULTS,
    allow: Collection[str] = (),
    horizon: float = 3_600.0,
) -> IncidentRun:
    """Let actors do again what they did when it was recorded.

    ::

        replayed = replay_incident(
            shop,
            outside=[(0.0, "/ann", Sell()), (0.2, "/bob", Sell())],
            schedule=["deliver scenario->/ann #0", "deliver /ann->/store #0"],
        )
        assert "ValueError" not in replayed.crashes("/store"), str(replayed)

    Messages are delivered in the order of the schedule; for each to become possible actors
    start, timers ring and messages from outside are sent, also early. What is still not possible
    is skipped and told. After the last name the run goes on calmly to its end. Each actor takes
    the messages of different senders in any order, as the schedule has it.

    :param setup: spawns the actors; sends nothing.
    :param outside: what comes from outside, in its order, at its times; or a function that makes
        it, if messages hold refs.
    :param schedule: names of events, as ``Recording.to_test`` writes them.
    :param at_rest: what has to hold in the end, beside what the setup declares.
    :param faults: budgets for the crashes in the schedule.
    :param allow: see :class:`Simulation`; ``horizon`` too.
    :raises ScenarioError: if the setup is no function, an option cannot be used, a time is not
        one, or there is nobody at the path that a message is to have a ref of.
    :raises EscapeError: if an actor uses what is not controlled.
    """
    check_given(faults=faults, allow=allow, horizon=horizon)
    check_kinds(
        outside=(outside, _OUTSIDE),
        schedule=(schedule, TEXTS),
        at_rest=(at_rest, _CHECK),
    )
    incident = _Incident(setup, outside, at_rest)

    def make() -> Simulation:
        return Simulation(
            incident.main, faults=faults, allow=allow, any_sender_first=True, horizon=horizon
        )

    return incident.replayed(make, schedule)


class _Incident:
    """The scenario of one replay."""

    def __init__(
        self,
        setup: IncidentSetup,
        outside: Outsides | Callable[[RefAt], Outsides],
        at_rest: Check | None,
    ) -> None:
        if not callable(setup) or not takes(setup, 1):
            raise ScenarioError(
                thing=repr(setup), problem="is no setup", expected="a function of the Simulation"
            )
        self._setup = setup
        self._outside = outside
        self._at_rest = at_rest
        self.sends: list[SimulatedTimer] = []
        self.failures: list[ActorFailed] = []
        self.undelivered: list[str] = []
        self._asked: set[asyncio.Task[None]] = set()

    def replayed(self, make: Callable[[], Simulation], schedule: Sequence[str]) -> IncidentRun:
        """Run it, in the order of a schedule."""
        retracing = Retracing(schedule, self.sends)
        actors: list[str] = []
        ran = run(
            make,
            retracing,
            most=len(schedule) + ROOM,
            look=lambda kernel: actors.extend(kernel.fields()),
        )
        return IncidentRun(
            run=ran,
            skipped=tuple(retracing.skipped),
            failures=tuple(self.failures),
            undelivered=tuple(self.undelivered),
            actors=tuple(dict.fromkeys(actors)),
        )

    async def main(self, sim: Simulation) -> None:
        """Set everything up, and plan what comes from outside."""
        sim.system.events.subscribe(self.failures.append, ActorFailed)
        if self._at_rest is not None:
            sim.at_rest(self._at_rest)
        made = self._setup(sim)
        if inspect.isawaitable(made):
            await made
        start = sim.timers.now
        for each in self._messages(sim):
            planned = each if isinstance(each, Outside) else Outside(*each[:3])
            if not SECONDS.fits(planned.at):
                raise ScenarioError(
                    thing=f"outside at {planned.at!r}", problem="no time", expected="0 or more"
                )
            clock = sim.system.clock
            timer = clock.call_at(start + planned.at, self.send, sim.system, planned)
            self.sends.append(cast("SimulatedTimer", timer))

    def _messages(self, sim: Simulation) -> Outsides:
        if not callable(self._outside):
            return self._outside

        def ref(path: str) -> ActorRef[Any]:
            found = sim.system.lookup(path)
            if found is None:
                raise ScenarioError(
                    thing=path, problem="nobody lives there", expected="an actor of the setup"
                )
            return found

        made = self._outside(ref)
        check_kinds(outside=(made, _MESSAGES))
        return made

    def send(self, system: ActorSystem, planned: Outside) -> None:
        """Send a message whose time has come."""
        ref = system.lookup(planned.path)
        if ref is None:
            self.undelivered.append(planned.path)
        elif planned.asks:
            task = asyncio.ensure_future(_ask(ref, planned))
            self._asked.add(task)
            task.add_done_callback(self._asked.discard)
        else:
            with contextlib.suppress(Exception):  # a full mailbox is the sender's trouble
                ref.tell(planned.message)


async def _ask(ref: ActorRef[Any], planned: Outside) -> None:
    with contextlib.suppress(Exception):  # what the asker makes of an error is not recorded
        await ref.request(planned.message, timeout=planned.timeout)
