"""From a scenario to a verdict: search, shorten, check that it can be reproduced, report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from dramaturg._running_test import RUNNING
from dramaturg.protocols.testing._borders import check_filled, check_given, check_scenario
from dramaturg.protocols.testing._errors import NotReproducibleError
from dramaturg.protocols.testing._faults import NO_FAULTS, Faults, Network
from dramaturg.protocols.testing._replay import (
    Replayed,
    check_reproducible,
    replay as replay_schedule,
    replay_again,
    to_token,
)
from dramaturg.protocols.testing._search import Found, Limits, Search, Searched
from dramaturg.protocols.testing._shrink import shrink
from dramaturg.protocols.testing._unknown import why_unknown
from dramaturg.protocols.testing._verdict import Failure, Verdict
from dramaturg.protocols.testing._world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dramaturg.protocols.testing._event import Schedule
    from dramaturg.protocols.testing._every_schedule import EverySchedule
    from dramaturg.protocols.testing._fault_targets import FaultTargets
    from dramaturg.protocols.testing._kernel import Kernel

__all__ = ["SCHEDULES", "Scenario", "explore", "investigate", "limits_of", "of_the_run", "replay"]

Scenario: TypeAlias = "Callable[[World], object]"
"""Fills a new world with actors and properties."""

SCHEDULES = 500
"""So many runs, unless somebody says how many."""
MOST_TRUNCATED = 0.1
"""If a greater share of the runs was cut off, the verdict is unknown."""


def explore(
    scenario: Scenario,
    *,
    network: Network = Network.FIFO,
    faults: Faults = NO_FAULTS,
    free_timers: bool = False,
    schedules: int | None = None,
    events: int = 1_000,
    seed: int | None = None,
) -> Verdict:
    """Look for a schedule of plain actors that breaks a property.

    Runs in this thread, in virtual time. What is found is shortened, and replayed twice
    before it is reported.

    :param scenario: called with a new :class:`World` for each run.
    :param schedules: so many runs; default 500, or what ``--simulate-schedules`` of the pytest
        run says.
    :param events: so many events in each, and then as many calm ones: whatever is not at rest
        after that is cut off.
    :param seed: the same seed tries the same schedules; default 0, or ``--simulate-seed``.
    :raises ScenarioError: if the scenario is not what a world needs, or nobody in it has a name
        in ``faults``.
    :raises NotReproducibleError: if the same schedule does not lead to the same run.
    """
    check_given(schedules=schedules, events=events, seed=seed)
    make = _maker(scenario, network, faults, free_timers=free_timers)
    schedules, seed = of_the_run(schedules, seed)
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
    :raises ForeignScheduleError: if nothing but the calm run is possible of it.
    """
    return replay_again(_maker(scenario, network, faults, free_timers=free_timers), token)


def _maker(
    scenario: Scenario, network: Network, faults: Faults, *, free_timers: bool
) -> Callable[[], World]:
    check_scenario(scenario, system=False)
    check_given(network=network, faults=faults, free_timers=free_timers)

    def make() -> World:
        world = World(network=network, faults=faults, free_timers=free_timers)
        scenario(world)
        check_filled(world, scenario)
        return world

    return make


def of_the_run(schedules: int | None, seed: int | None, usual: int = SCHEDULES) -> tuple[int, int]:
    """Return how many schedules to try, and the seed: what the pytest run says, if nobody does.

    :param usual: so many, if there is no such run.
    """
    running = RUNNING.get()
    if schedules is None:
        schedules = usual
        if running is not None:
            schedules = running.schedules or usual * running.times
    if seed is None:
        seed = 0 if running is None else running.seed or 0
    return schedules, seed


def limits_of(schedules: int, events: int) -> Limits:
    """Return the limits of a search.

    :raises ScenarioError: if they are not positive.
    """
    check_given(schedules=schedules, events=events)
    return Limits(schedules, events)


def investigate(
    make: Callable[[], Kernel],
    *,
    seed: int = 0,
    limits: Limits | None = None,
    search: EverySchedule | None = None,
    targets: FaultTargets | None = None,
    horizon: float | None = None,
) -> Verdict:
    """Do what :func:`explore` does, for any kernel.

    :param search: goes through all schedules, instead of some.
    :param targets: whom faults were asked for, if the kernels look for them.
    :param horizon: what the kernels were made with, if they know it.
    :raises ScenarioError: if there was nobody of a name in the faults.
    :raises NotReproducibleError: if the same schedule does not lead to the same run.
    """
    limits = limits or Limits()
    # The calm run twice: what differs then would make every verdict worthless.
    check_reproducible(make, ())
    if targets is not None:
        targets.check_slashes()
    seen = (search or Search(make, seed=seed, limits=limits)).go()
    if seen.found is not None:
        failure = _failure(make, seen, seen.found, seed)
        return _verdict("fail", seen, seed, failure=failure)
    if targets is not None:
        targets.check()
    never = tuple(sorted(seen.to_reach - seen.reached))
    if never:
        return _verdict("fail", seen, seed, never=never)
    if search is not None:
        passes = seen.complete
    else:
        passes = not seen.livelock and seen.truncated <= MOST_TRUNCATED * seen.schedules
    complete = search is not None and seen.complete
    if passes:
        return _verdict("pass", seen, seed, complete=complete)
    why = why_unknown(seen, limits, horizon=horizon, every=search is not None)
    return _verdict("unknown", seen, seed, complete=complete, why=why)


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
    return Failure(
        property=shrunk.run.broken.name,
        detail=shrunk.run.broken.detail,
        schedule=schedule,
        token=to_token(schedule),
        departures=shrunk.departures,
        strategy=found.strategy,
        found_in=found.schedule_number,
        found_with=found.run.events,
        actors=shrunk.run.actors,
        steps=shrunk.run.steps,
        parting=_parting(schedule, seen.passing),
        difference=_last_changes(make, schedule),
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


def _last_changes(make: Callable[[], Kernel], schedule: Schedule) -> tuple[str, ...]:
    """Return what the last event of a schedule has changed."""
    before: dict[str, dict[str, str]] = {}
    after: dict[str, dict[str, str]] = {}

    def look(kernel: Kernel) -> None:
        texts = before if len(kernel.steps) < len(schedule) else after
        texts.clear()
        texts.update(_texts(kernel.fields()))

    replay_schedule(make, schedule, look=look)
    return tuple(
        f"{actor}.{field}: {before.get(actor, {}).get(field, 'not set')} -> {text}"
        for actor, fields in after.items()
        for field, text in fields.items()
        if before.get(actor, {}).get(field) != text
    )


def _texts(fields: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    return {
        actor: {field: repr(value) for field, value in its.items()} for actor, its in fields.items()
    }
