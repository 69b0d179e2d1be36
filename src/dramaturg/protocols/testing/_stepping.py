"""A run that a person, or a test, takes step by step."""

from __future__ import annotations

from inspect import iscoroutinefunction
from random import Random
from typing import TYPE_CHECKING, Any, Self

from dramaturg.actors import DramaturgError
from dramaturg.protocols._borders import INT, TEXT
from dramaturg.protocols.testing._borders import (
    check_filled,
    check_given,
    check_kinds,
    check_passed_on,
    check_scenario,
)
from dramaturg.protocols.testing._diagram import mermaid, sequence_diagram
from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._replay import schedule_of, to_token
from dramaturg.protocols.testing._simulation import Simulation
from dramaturg.protocols.testing._system_view import SystemView
from dramaturg.protocols.testing._view import View
from dramaturg.protocols.testing._world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dramaturg.protocols.testing._event import Event
    from dramaturg.protocols.testing._properties import Broken

__all__ = ["PropertyBrokenError", "Stepper"]

MOST_EVENTS = 10_000


class PropertyBrokenError(DramaturgError, AssertionError):
    """A step has broken a property; the run goes no further.

    :param name: which; ``detail``: what its check said.
    :param schedule: the names of the events that led to it.
    :param diagram: the run.
    """

    def __init__(self, *, name: str, detail: str, schedule: tuple[str, ...], diagram: str) -> None:
        self.name = name
        self.detail = detail
        self.schedule = schedule
        self.diagram = diagram
        said = f"{name}: {detail}" if detail else name
        super().__init__(f"{said}\n\n{diagram}\n\nreplay: {to_token(schedule)}")


class Stepper:
    """One run of a scenario, in which the caller says what happens next.

    ::

        with Stepper(two_sales) as run:
            run.enabled()                       # what may happen, the calm choice first
            run.deliver("scenario->/ann #0")    # by name
            run.step(0)                         # by number
            run.view["/store"].stock
            run.run()                           # calmly to the end
            print(run.diagram())

    In the interactive interpreter its ``repr`` lists what may happen.

    :param scenario: of a :class:`Simulation` if it is ``async def``, else of a :class:`World`.
    :param options: those of that class.
    :raises ScenarioError: as :func:`explore_system` and :func:`explore`.
    :raises PropertyBrokenError: if a property does not hold at the start.
    """

    def __init__(self, scenario: Callable[..., Any], **options: Any) -> None:
        self._kernel: Simulation | World
        self.view: Any
        """What checks get to see: ``run.view["/store"]`` is the actor."""
        check_scenario(scenario, system=None)
        system = iscoroutinefunction(scenario)
        check_passed_on("Stepper", options, Simulation if system else World, system=system)
        if system:
            simulation = self._kernel = Simulation(scenario, **options)
            self.view = SystemView(simulation)
        else:
            world = self._kernel = World(**options)
            self.view = View(world)
            scenario(world)
            check_filled(world, scenario)
        self.broken: Broken | None = None
        """The property that does not hold any more."""
        self.at_rest = False
        """Whether the run is over, and what has to hold then was looked at."""
        self._closed = False
        try:
            self._note(self._kernel.begin())
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """End the run, wherever it is; a simulated system is shut down. Twice is harmless."""
        if not self._closed:
            self._closed = True
            self._kernel.close()

    # -- looking -------------------------------------------------------------------------------

    def enabled(self) -> list[str]:
        """Return the names of what may happen next without anything going wrong, calm first."""
        return [] if self._closed else [event.name for event in self._kernel.enabled()]

    def faults(self) -> list[str]:
        """Return the names of what may go wrong next."""
        return [] if self._closed else [event.name for event in self._kernel.faults()]

    @property
    def schedule(self) -> tuple[str, ...]:
        """The names of what has happened."""
        return tuple(step.event.name for step in self._kernel.steps)

    @property
    def token(self) -> str:
        """What has happened as one word, for ``replay``."""
        return to_token(self.schedule)

    def diagram(self) -> str:
        """Draw what has happened as text."""
        return sequence_diagram(self._actors(), self._kernel.steps)

    def mermaid(self) -> str:
        """Draw what has happened for Mermaid."""
        return mermaid(self._actors(), self._kernel.steps)

    def _actors(self) -> tuple[str, ...]:
        # Those of steps too: an actor may have ended.
        of_steps = [step.event.actor for step in self._kernel.steps if step.event.actor]
        return tuple(dict.fromkeys([*self._kernel.fields(), *of_steps]))

    def __repr__(self) -> str:
        lines = [f"<Stepper after {len(self._kernel.steps)} events>"]
        if self.broken is not None:
            lines.append(f"  broken: {self.broken.name}")
        lines += [f"  [{at}] {name}" for at, name in enumerate(self.enabled())]
        lines += [f"  may go wrong: {name}" for name in self.faults()]
        return "\n".join(lines)

    # -- going on --------------------------------------------------------------------------------

    def step(self, what: str | int = 0) -> str:
        """Let one event happen, and return its name.

        :param what: its name, or its number in :meth:`enabled`; default the calm choice.
        :raises ScenarioError: if that is not possible now, or the run is over.
        :raises PropertyBrokenError: if a property does not hold after it.
        """
        event = self._event(what)
        self._note(self._kernel.execute(event))
        return event.name

    def deliver(self, what: str) -> str:
        """Deliver a message: ``deliver("a->b #0")`` is ``step("deliver a->b #0")``.

        Without a number it is the next from the one to the other.

        :raises ScenarioError: if it cannot be delivered now.
        :raises PropertyBrokenError: as :meth:`step`.
        """
        check_kinds(what=(what, TEXT))
        name = f"deliver {what}"
        if "#" not in what:
            found = [each for each in self.enabled() if each.startswith(f"{name} #")]
            name = found[0] if found else name
        return self.step(name)

    def run(self, *, calm: bool = True, seed: int = 0, most: int = MOST_EVENTS) -> tuple[str, ...]:
        """Go on to the end, see to what has to hold then, and return what has happened.

        :param calm: or else in a random order, drawn from ``seed``, still without faults.
        :param most: so many events at most.
        :raises ScenarioError: for an option that cannot be used.
        :raises PropertyBrokenError: if a property does not hold.
        """
        check_given(calm=calm, most=most)
        check_kinds(seed=(seed, INT))
        random = Random(seed)
        before = len(self._kernel.steps)
        for _ in range(most):
            events = self.enabled()
            if not events or self.broken is not None:
                break
            self.step(0 if calm else random.randrange(len(events)))
        if not self.enabled() and self.broken is None and not self._closed and not self.at_rest:
            self.at_rest = True
            self._note(self._kernel.finish())
        return self.schedule[before:]

    def replay(self, schedule: str | Sequence[str]) -> tuple[str, ...]:
        """Take the steps of a token, or of names; return those that were not possible.

        :raises ScenarioError: if it is no token.
        :raises PropertyBrokenError: as :meth:`step`.
        """
        names = schedule_of(schedule)
        skipped: list[str] = []
        for name in names:
            if name in self.enabled() or name in self.faults():
                self.step(name)
            else:
                skipped.append(name)
        return tuple(skipped)

    def _event(self, what: str | int) -> Event:
        if self._closed or self.broken is not None:
            state = "is closed" if self._closed else f"has broken {self.broken}"
            raise ScenarioError(thing="this run", problem=state, expected="another Stepper")
        enabled = list(self._kernel.enabled())
        if isinstance(what, int):
            if 0 <= what < len(enabled):
                return enabled[what]
        else:
            for event in [*enabled, *self._kernel.faults()]:
                if event.name == what:
                    return event
        possible = [*self.enabled(), *self.faults()]
        raise ScenarioError(
            thing=f"step({what!r})",
            problem="is not possible now",
            expected=", ".join(possible) or "nothing: the run is at rest",
        )

    def _note(self, broken: Broken | None) -> None:
        if broken is None:
            return
        self.broken = broken
        raise PropertyBrokenError(
            name=broken.name,
            detail=broken.detail,
            schedule=self.schedule,
            diagram=self.diagram(),
        )
