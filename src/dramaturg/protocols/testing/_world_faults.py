"""What goes wrong in a world of plain actors, and what mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._event import Event
from dramaturg.protocols.testing._faults import Network
from dramaturg.protocols.testing._partitions import partitions_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dramaturg.protocols.testing._faults import Faults
    from dramaturg.protocols.testing._flight import Flight
    from dramaturg.protocols.testing._kernel import Sent
    from dramaturg.protocols.testing._world import World

__all__ = ["WorldFaults"]


class WorldFaults:
    """The faults of one run, within their budgets."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self._faults = faults
        self._crashes = faults.crash_budgets()
        self._left = {
            "drop": faults.drops,
            "duplicate": faults.duplicates,
            "reorder": faults.reorders,
            "early": faults.early_timers,
            "skew": faults.skews,
            "partition": faults.partitions,
            "delay": faults.delays,
            "slow": faults.slow,
        }
        self._nothing = (
            world.network is not Network.REPEATING
            and not any(self._left.values())
            and not self.crashes
        )
        self.heal = Event("heal", "heal", "", "heal")
        self._restarts: dict[str, Event] = {}
        self._crash_events: dict[str, tuple[str, Event]] = {}
        """What the crash of an actor counts for, and the event."""
        self._partitions: list[Event] | None = None

    @property
    def crashes(self) -> bool:
        """Whether anybody may crash."""
        return any(self._crashes.values())

    def restart_of(self, name: str) -> Event:
        """Return the event that an actor comes back."""
        event = self._restarts.get(name)
        if event is None:
            event = Event("restart", f"restart {name}", name, f"restart {name}", name)
            self._restarts[name] = event
        return event

    def possible(self) -> list[Event]:
        """Return what may go wrong now."""
        if self._nothing:
            return []
        left = self._left
        world = self._world
        found: list[Event] = []
        if world.network is Network.REPEATING:
            found += world.flights.again(world.down, world.part)
        if left["early"] or left["skew"]:
            found += self._timers_out_of_turn()
        if self.crashes:
            found += self._possible_crashes()
        if left["drop"]:
            found += [each.befalls("drop") for each in world.flights.exposed()]
        if left["duplicate"]:
            found += [each.befalls("duplicate") for each in world.flights.exposed()]
        if left["reorder"] and world.network is Network.FIFO:
            overtaking = world.flights.out_of_turn(world.down, world.part)
            found += [each.befalls("reorder") for each in overtaking]
        if left["partition"] and world.part is None:
            found += self._possible_partitions()
        if left["delay"] or left["slow"]:
            found += self._possible_delays()
        return found

    def spend(self, event: Event) -> None:
        """Take what an event costs off its budget."""
        if event.kind in self._left:
            self._left[event.kind] -= 1
        elif event.kind == "crash":
            self._crashes[self._faults.crash_budget_of(event.actor)] -= 1

    def execute(self, event: Event) -> tuple[Sent, ...]:
        """Let it happen."""
        world = self._world
        kind = event.kind
        if kind == "crash":
            self._crash(event.actor)
        elif kind == "restart":
            world.down.discard(event.actor)
            effects = world.blueprints[event.actor].restart(world.actors[event.actor])
            return world.publish_restart(event.actor, effects)
        elif kind == "drop":
            world.flights.lose(event.payload)
        elif kind == "duplicate":
            world.flights.duplicate(event.payload)
        elif kind == "partition":
            world.part = event.payload
        elif kind == "delay":
            world.delays.held.add(event.payload)
        elif kind == "slow":
            world.delays.slow.add(event.actor)
        elif kind == "heal":
            world.part = None
        else:
            raise ScenarioError(thing=event.name, problem="is no event", expected="an enabled one")
        return ()

    def _crash(self, name: str) -> None:
        world = self._world
        blueprint = world.blueprints[name]
        blueprint.crash(world.actors[name])
        world.actors[name] = blueprint.after_crash(world.actors[name])
        world.down.add(name)
        world.delays.slow.discard(name)
        for key in [key for key in world.timers if key[0] == name]:
            del world.timers[key]
        if self._faults.lost_with_crash:
            lost: list[Flight] = [
                each for each in world.flights.all.values() if each.receiver == name
            ]
            for flight in lost:
                world.flights.lose(flight)

    def _possible_crashes(self) -> Iterator[Event]:
        down = self._world.down
        for name in self._world.blueprints:
            known = self._crash_events.get(name)
            if known is None:
                event = Event("crash", f"crash {name}", name, f"crash {name}", name)
                known = self._crash_events[name] = self._faults.crash_budget_of(name), event
            if name not in down and self._crashes[known[0]]:
                yield known[1]

    def _timers_out_of_turn(self) -> Iterator[Event]:
        world = self._world
        if not world.timers or world.free_timers:
            return
        quiet = not world.flights.deliverable(world.down, world.part)
        first = min(world.timers.values())
        for key, when in sorted(world.timers.items()):
            if when > first:
                if self._left["skew"]:
                    yield world.timer_event("skew", key)
            elif self._left["early"] and not quiet:
                yield world.timer_event("early", key)

    def _possible_delays(self) -> Iterator[Event]:
        world = self._world
        deliveries = world.flights.deliverable(world.down, world.part)
        if self._left["delay"]:
            for event in world.delays.brisk(deliveries):
                if world.flights.is_exposed(event.payload):
                    yield event.payload.befalls("delay")
        if self._left["slow"]:
            turns = {event.actor for event in deliveries} | {actor for actor, _ in world.timers}
            for name in world.blueprints:
                if name in turns and name not in world.delays.slow:
                    yield self._slowing(name)

    def _slowing(self, name: str) -> Event:
        return Event("slow", f"slow {name}", name, f"slow {name}", name)

    def _possible_partitions(self) -> list[Event]:
        if self._partitions is None:
            names = list(self._world.blueprints)
            self._partitions = partitions_of(names)
        return self._partitions
