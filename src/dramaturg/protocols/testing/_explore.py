"""From a scenario to a verdict: search, shorten, check that it can be reproduced, report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from dramaturg.protocols.testing._errors import NotReproducibleError, ScenarioError
from dramaturg.protocols.testing._faults import NO_FAULTS, Faults, Network
from dramaturg.protocols.testing._replay import (
    Replayed,
    check_reproducible,
    from_token,
    replay as replay_schedule,
    to_token,
)
from dramaturg.protocols.testing._search import Found, Limits, Search, Searched
from dramaturg.protocols.testing._shrink import shrink
from dramaturg.protocols.testing._verdict import Failure, Verdict
from dramaturg.protocols.testing._world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dramaturg.protocols.testing._event import Schedule
    from dramaturg.protocols.testing._every_schedule import EverySchedule
    from dramaturg.protocols.testing._kernel import Kernel

__all__ = ["Scenario", "explore", "investigate", "limits_of", "replay"]

Scenario: TypeAlias = "Callable[[World], object]"
"""Fills a new world with actors and properties."""

MOST_TRUNCATED = 0.1
"""If a greater share of the runs was cut off, the verdict is unknown."""


def explore(
    scenario: Scenario,
    *,
    network: Network = Network.FIFO,
    faults: Faults = NO_FAULTS,
    free_timers: bool = False,
    schedules: int = 500,
    events: int = 1_000,
    seed: int = 0,
) -> Verdict:
    """Look for a schedule of plain actors that breaks a property.

    Runs in this thread, in virtual time. What is found is shortened, and replayed twice
    before it is reported.

    :param scenario: called with a new :class:`World` for each run.
    :param schedules: so many runs; ``events``: so many events in each.
    :param seed: the same seed tries the same schedules.
    :raises ScenarioError: if the scenario is not what a world needs.
    :raises NotReproducibleError: if the same schedule does not lead to the same run.
    """
    make = _maker(scenario, network, faults, free_timers=free_timers)
    return investigate(make, seed=seed, limits=limits_of(schedules, events))


def replay(
    scenario: Scenario,
    token: str | Sequence[str],
    *,
    network: Network = Network.FIFO,
    faults: Faults = NO_FAULTS,
    free_timers: bool = False,
) -> Replayed:
    """Run one schedule again, from its token or its names.

    What is not possible any more is skipped and told; after the last name the run goes on
    calmly.

    :raises ScenarioError: if it is no token, or the scenario is not what a world needs.
    """
    make = _maker(scenario, network, faults, free_timers=free_timers)
    schedule = from_token(token) if isinstance(token, str) else tuple(token)
    return replay_schedule(make, schedule)


def _maker(
    scenario: Scenario, network: Network, faults: Faults, *, free_timers: bool
) -> Callable[[], World]:
    def make() -> World:
        world = World(network=network, faults=faults, free_timers=free_timers)
        scenario(world)
        if not world.actors:
            raise ScenarioError(
                thing=getattr(scenario, "__qualname__", repr(scenario)),
                problem="adds no actor",
                expected="world.add(name, actor)",
            )
        return world

    return make


def limits_of(schedules: int, events: int) -> Limits:
    """Return the limits of a search.

    :raises ScenarioError: if they are not positive.
    """
    return Limits(_positive("schedules", schedules), _positive("events", events))


def _positive(option: str, value: int) -> int:
    if not isinstance(value, int) or value < 1:
        raise ScenarioError(
            thing=f"{option}={value!r}", problem="too few", expected="an int of at least 1"
        )
    return value


def investigate(
    make: Callable[[], Kernel],
    *,
    seed: int = 0,
    limits: Limits | None = None,
    search: EverySchedule | None = None,
) -> Verdict:
    """Do what :func:`explore` does, for any kernel.

    :param search: goes through all schedules, instead of some.

    :raises NotReproducibleError: if the same schedule does not lead to the same run.
    """
    # The calm run twice: what differs then would make every verdict worthless.
    check_reproducible(make, ())
    seen = (search or Search(make, seed=seed, limits=limits)).go()
    if seen.found is not None:
        failure = _failure(make, seen, seen.found, seed)
        return _verdict("fail", seen, seed, failure=failure)
    never = tuple(sorted(seen.to_reach - seen.reached))
    if never:
        return _verdict("fail", seen, seed, never=never)
    too_many = seen.truncated > MOST_TRUNCATED * seen.schedules
    if search is not None:
        return _verdict("pass" if seen.complete else "unknown", seen, seed, complete=seen.complete)
    return _verdict("unknown" if too_many or seen.livelock else "pass", seen, seed)


def _verdict(outcome: Any, seen: Searched, seed: int, **more: Any) -> Verdict:
    return Verdict(
        outcome=outcome,
        schedules=seen.schedules,
        events=seen.events,
        truncated=seen.truncated,
        livelock=seen.livelock,
        seed=seed,
        **more,
    )


def _failure(make: Callable[[], Kernel], seen: Searched, found: Found, seed: int) -> Failure:
    check_reproducible(make, found.run.schedule)
    shrunk = shrink(make, found.run, seed=seed)
    if shrunk is None or shrunk.run.broken is None:
        raise NotReproducibleError(
            step=len(found.run.schedule),
            first=str(found.run.broken),
            second="no failure",
            handler=None,
        )
    schedule = shrunk.run.schedule
    actors, difference = _last_event(make, schedule)
    return Failure(
        property=shrunk.run.broken.name,
        detail=shrunk.run.broken.detail,
        schedule=schedule,
        token=to_token(schedule),
        departures=shrunk.departures,
        strategy=found.strategy,
        found_in=found.schedule_number,
        found_with=found.run.events,
        actors=actors,
        steps=shrunk.run.steps,
        parting=_parting(schedule, seen.passing),
        difference=difference,
        instead_of=shrunk.instead_of,
    )


def _parting(schedule: Schedule, passing: Sequence[Schedule]) -> str | None:
    """Say where a schedule parts from the most similar one that passed."""
    best = -1
    other: Schedule = ()
    for each in passing:
        same = 0
        while same < min(len(each), len(schedule)) and each[same] == schedule[same]:
            same += 1
        if same > best:
            best, other = same, each
    if best < 0:
        return None
    there = other[best] if best < len(other) else "the end"
    here = schedule[best] if best < len(schedule) else "the end"
    return f"parts from a run that passed at event {best + 1}: there {there}, here {here}"


def _last_event(
    make: Callable[[], Kernel], schedule: Schedule
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the actors, and what the last event of a schedule has changed."""
    before: dict[str, dict[str, str]] = {}
    after: dict[str, dict[str, str]] = {}

    def look(kernel: Kernel) -> None:
        texts = before if len(kernel.steps) < len(schedule) else after
        texts.clear()
        texts.update(_texts(kernel.fields()))

    replay_schedule(make, schedule, look=look)
    changed = [
        f"{actor}.{field}: {before.get(actor, {}).get(field, 'not set')} -> {text}"
        for actor, fields in after.items()
        for field, text in fields.items()
        if before.get(actor, {}).get(field) != text
    ]
    return tuple(after), tuple(changed)


def _texts(fields: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    return {
        actor: {field: repr(value) for field, value in its.items()} for actor, its in fields.items()
    }
