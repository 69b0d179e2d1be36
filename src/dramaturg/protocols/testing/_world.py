"""A world of plain actors: a run of it goes on one event at a time, as somebody chooses.

Theory of operation
===================

What a handler returns is published when it has returned, so an event is atomic: a crash
falls between two handlers, and a crash between two sends of one handler is a drop.

Everything that may happen next is an :class:`~._event.Event`. Those that need nothing to go
wrong come from :meth:`World.enabled`, in the calm order: the oldest message first, then the
network heals, then who is down comes back, and only when no message can be delivered the
timers, the earliest first. Those of which the scenario allows only so many come from
:meth:`World.faults`.

Time stands still while a message can be delivered, and then jumps to the first timer. That a
timer rings earlier is a fault with a budget, or else each retransmission would make the space
of runs infinite. Where messages cannot be delivered because the network is parted, or their
receivers are down, time goes on: that is what a partition is for. This has no budget, since a
timeout may have to pass more than once until something happens. So while the network is parted
a retransmission can go on for ever; what bounds a run is the number of its events, after which
it goes on calmly, and calm is to heal first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.protocols._borders import shown
from dramaturg.protocols.testing._borders import FORBIDDEN, check_given, check_name
from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._event import Event
from dramaturg.protocols.testing._fault_targets import FaultTargets
from dramaturg.protocols.testing._faults import NO_FAULTS, OF_NODES, Faults, Network
from dramaturg.protocols.testing._flight import Flights
from dramaturg.protocols.testing._kernel import Sent, Step
from dramaturg.protocols.testing._outputs import NOTHING, Effects, SetTimer
from dramaturg.protocols.testing._places import told
from dramaturg.protocols.testing._plain import Blueprint
from dramaturg.protocols.testing._properties import Broken, Observer, Properties
from dramaturg.protocols.testing._view import View
from dramaturg.protocols.testing._world_delays import Delays
from dramaturg.protocols.testing._world_faults import WorldFaults

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from dramaturg.protocols.testing._flight import Flight
    from dramaturg.protocols.testing._properties import Check

__all__ = ["World"]


class World:
    """Plain actors, the messages between them, and what has to hold.

    A scenario is a function that fills a new one::

        def scenario(world: World) -> None:
            world.add("a", Ping())
            world.add("b", Pong())
            world.always(lambda view: view["a"].sent >= view["b"].got)

    :param network: what channels promise; default first in, first out.
    :param faults: the budgets of what may go wrong; default nothing does.
    :param free_timers: let each timer ring at any moment, whatever it is set to.
    """

    def __init__(
        self,
        *,
        network: Network = Network.FIFO,
        faults: Faults = NO_FAULTS,
        free_timers: bool = False,
    ) -> None:
        check_given(network=network, faults=faults, free_timers=free_timers)
        faults.forbid("a World", *OF_NODES, expected="a simulation of real systems")
        self.network = network
        self.budgets = faults
        self.free_timers = free_timers
        self.blueprints: dict[str, Blueprint] = {}
        self.actors: dict[str, Any] = {}
        self.down: set[str] = set()
        self.timers: dict[tuple[str, str], float] = {}
        self.now = 0.0
        self.history: list[Any] = []
        self.flights = Flights(network, self.blueprints)
        self.properties = Properties()
        self.steps: list[Step] = []
        self.part: frozenset[str] | None = None
        """One of the two parts that the network has fallen into."""
        self.delays = Delays()
        self._going_wrong = WorldFaults(self, faults)
        self._unfair = 0.0
        self._observer: Observer | None = None
        self._timer_events: dict[tuple[str, str], Event] = {}

    # -- what a scenario says ------------------------------------------------------------

    def add(self, name: str, actor: Any) -> None:
        """Add an actor under a name; the world takes it over.

        :raises ScenarioError: if the name is taken, or it is no plain actor.
        """
        check_name("add", name, FORBIDDEN)
        if name in self.blueprints:
            raise ScenarioError(
                thing=name, problem="is there already", expected="a name for each actor"
            )
        # Copies take time, in each of many runs.
        self.blueprints[name] = Blueprint(name, actor, to_copy=self._going_wrong.crashes)
        self.actors[name] = actor

    def send(self, sender: str, receiver: str, message: Any) -> None:
        """Put a message on its way before the run begins; the sender may be any name.

        :raises ScenarioError: if there is no such receiver, or the message cannot be hashed.
        """
        check_name("send", sender, FORBIDDEN)
        if not isinstance(receiver, str):
            raise self._nobody(sender, receiver, message)
        self._publish(sender, Effects(messages=((receiver, message),)))

    def always(self, check: Check, name: str | None = None) -> None:
        """Declare what holds after the start and after each event."""
        self.properties.add("always", check, name)

    def at_rest(self, check: Check, name: str | None = None) -> None:
        """Declare what holds when nothing is left to do."""
        self.properties.add("at_rest", check, name)

    def sometimes(self, check: Check, name: str | None = None) -> None:
        """Declare what holds at some moment of some run."""
        self.properties.add("sometimes", check, name)

    def eventually(
        self, check: Check, *, within: float | None = None, name: str | None = None
    ) -> None:
        """Declare what holds at some moment of each run.

        :param within: so many seconds of virtual time after the start, not counting those in
            which the network was parted or somebody down: nobody can promise anything then.
        """
        self.properties.add_later("eventually", None, check, within, name)

    def leads_to(
        self, cause: Check, effect: Check, *, within: float | None = None, name: str | None = None
    ) -> None:
        """Declare that whenever the one holds, the other holds then or later.

        :param within: as :meth:`eventually`, after the one began to hold.
        """
        self.properties.add_later("leads_to", cause, effect, within, name)

    # -- the run ---------------------------------------------------------------------------

    def begin(self) -> Broken | None:
        """Call everybody's ``on_start``; return the property that is broken already.

        :raises ScenarioError: if nobody has a name that crashes are asked for.
        """
        if not isinstance(self.budgets.crashes, int):
            targets = FaultTargets(self.budgets)
            targets.look(self.blueprints)
            targets.check()
        for name, blueprint in self.blueprints.items():
            self._publish(name, blueprint.start(self.actors[name]))
        self._observer = Observer(self.properties, View(self), lambda: self.now - self._unfair)
        return self._observer.look()

    def enabled(self) -> Sequence[Event]:
        deliveries = self.flights.deliverable(self.down, self.part)
        if self.delays.held or self.delays.slow:
            return self._enabled_in_spite_of_delays(deliveries)
        if deliveries and self.part is None and not self.down and not self.free_timers:
            return deliveries
        return self._and_more(deliveries, self.timers)

    def _enabled_in_spite_of_delays(self, deliveries: list[Event]) -> list[Event]:
        delays = self.delays
        events = self._and_more(delays.brisk(deliveries), delays.on_time(self.timers))
        return events or deliveries or self._timers(self.timers)

    def _and_more(self, events: list[Event], timers: Collection[tuple[str, str]]) -> list[Event]:
        """Add to deliveries what else may happen, if those are all there are."""
        ringing = timers and (not events or self.free_timers)
        if self.part is not None:
            events.append(self._going_wrong.heal)
        if self.down:
            events += [self._going_wrong.restart_of(name) for name in sorted(self.down)]
        if ringing:
            events += self._timers(timers)
        return events

    def faults(self) -> Sequence[Event]:
        return self._going_wrong.possible()

    def execute(self, event: Event) -> Broken | None:
        kind = event.kind
        sent: tuple[Sent, ...]
        noted = len(self.history)
        try:
            if kind in {"deliver", "reorder"}:
                sent = self._deliver(event.payload)
            elif kind in {"timer", "early", "skew"}:
                sent = self._ring(event.payload)
            else:
                sent = self._going_wrong.execute(event)
        except ScenarioError:
            raise
        except Exception as error:  # noqa: BLE001 - an actor may fail with anything
            self.steps.append(Step(event, (), ()))
            return Broken(f"{event.actor} raises {type(error).__name__}", told(error))
        if kind != "deliver":
            self._going_wrong.spend(event)
        self.steps.append(Step(event, sent, tuple(self.history[noted:])))
        return self._watch().look()

    def finish(self) -> Broken | None:
        return self._watch().rest()

    def decides_before_rest(self) -> bool:
        return self.properties.decide_before_rest

    def to_reach(self) -> list[str]:
        return [name for name, _ in self.properties.sometimes]

    def reached(self) -> frozenset[str]:
        return frozenset(self._watch().reached)

    def fields(self) -> Mapping[str, Mapping[str, Any]]:
        return {name: self.blueprints[name].fields(actor) for name, actor in self.actors.items()}

    def close(self) -> None:
        """Release nothing: there is nothing to release."""

    def _watch(self) -> Observer:
        if self._observer is None:
            raise ScenarioError(thing="World", problem="has not begun", expected="begin() first")
        return self._observer

    # -- one event ----------------------------------------------------------------------------

    def _deliver(self, flight: Flight) -> tuple[Sent, ...]:
        receiver = flight.receiver
        self.flights.take(flight)
        if self.delays.held:
            self.delays.held.discard(flight)
        effects = self.blueprints[receiver].message(
            self.actors[receiver], flight.sender, flight.message
        )
        return () if effects is NOTHING else self._publish(receiver, effects)

    def _ring(self, timer: tuple[str, str]) -> tuple[Sent, ...]:
        actor, name = timer
        due = self.timers.pop(timer)
        self.delays.end()
        if not self.free_timers and due > self.now:
            if self.down or self.part is not None:
                self._unfair += due - self.now
            self.now = due
        return self._publish(actor, self.blueprints[actor].timer(self.actors[actor], name))

    def _publish(self, actor: str, effects: Effects) -> tuple[Sent, ...]:
        """Let happen what a handler has returned."""
        sent: list[Sent] = []
        for receiver, message in effects.messages:
            if receiver not in self.blueprints:
                raise self._nobody(actor, receiver, message)
            sent.append(self.flights.send(actor, receiver, message))
        for timer in effects.timers:
            key = (actor, timer.name)
            if isinstance(timer, SetTimer):
                self.timers[key] = self.now + timer.after
            else:
                self.timers.pop(key, None)
        if effects.notes:
            self.history += effects.notes
        return tuple(sent)

    def _nobody(self, actor: str, receiver: object, message: object) -> ScenarioError:
        return ScenarioError(
            thing=actor,
            problem=f"sends {shown(message)} to {receiver!r}",
            expected=f"one of {', '.join(self.blueprints) or 'the actors, which are added first'}",
        )

    def publish_restart(self, actor: str, effects: Effects) -> tuple[Sent, ...]:
        """Let happen what ``on_restart`` has returned."""
        return self._publish(actor, effects)

    # -- timers --------------------------------------------------------------------------------

    def _timers(self, timers: Collection[tuple[str, str]]) -> list[Event]:
        """Return those of some timers that may ring without anything going wrong."""
        due = sorted(timers)
        if due and not self.free_timers:
            when = self.timers
            first = min(when[key] for key in due)
            due = [key for key in due if when[key] <= first]
        return [self.timer_event("timer", key) for key in due]

    def timer_event(self, kind: str, key: tuple[str, str]) -> Event:
        """Return the event that the timer rings."""
        actor, name = key
        if kind != "timer":
            return Event(kind, f"{kind} {actor}/{name}", actor, f"{kind} {actor}", key)
        event = self._timer_events.get(key)
        if event is None:
            event = Event(kind, f"timer {actor}/{name}", actor, f"timer {actor}", key)
            self._timer_events[key] = event
        return event
