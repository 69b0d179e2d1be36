"""From a scenario on a whole actor system to a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.protocols.testing._borders import check_given, check_scenario
from dramaturg.protocols.testing._every_schedule import EverySchedule
from dramaturg.protocols.testing._explore import investigate, limits_of, of_the_run
from dramaturg.protocols.testing._fault_targets import FaultTargets
from dramaturg.protocols.testing._faults import NO_FAULTS, Faults, Network
from dramaturg.protocols.testing._replay import Replayed, replay_again
from dramaturg.protocols.testing._simulation import Simulation, SystemScenario

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from dramaturg.protocols.testing._verdict import Verdict

__all__ = ["explore_system", "replay_system"]


def explore_system(
    scenario: SystemScenario,
    *,
    faults: Faults = NO_FAULTS,
    schedules: int | None = None,
    events: int = 1_000,
    seed: int | None = None,
    allow: Collection[str] = (),
    any_sender_first: bool = False,
    network: Network = Network.FIFO,
    horizon: float = 3_600.0,
    exhaustive: bool = False,
) -> Verdict:
    """Look for a schedule of a whole actor system that breaks a property.

    ::

        async def scenario(sim: Simulation) -> None:
            store = sim.system.spawn(Store, name="store")
            sim.always(lambda view: view["/store"].value >= 0)
            await store.request(Take(1))

        explore_system(scenario).check()

    Each run has a system of its own, on virtual time, in this thread; a running event loop waits
    meanwhile. Everything but time and order is real. Blocking actors cannot be simulated.

    :param scenario: an ``async def`` function; it fails if it raises, or still waits in the end.
    :param faults: ``crashes``, by the beginnings of paths, ``early_timers`` and ``slow``; with
        nodes all the others, too.
    :param schedules, events, seed: see :func:`explore`.
    :param allow, any_sender_first, network, horizon: see :class:`Simulation`.
    :param exhaustive: try every schedule, but for those that differ only in the order of events
        at different actors (see ``_every_schedule``), up to ``schedules`` of them; the verdict
        says whether it is ``complete``. Implies ``any_sender_first``.
    :raises ScenarioError: if it is no scenario, or something in it was not awaited; if faults
        need nodes that it does not have, or name whom there was in no run.
    :raises NotReproducibleError: if the same schedule does not lead to the same run.
    :raises EscapeError: if an actor uses what is not controlled.
    """
    check_given(schedules=schedules, events=events, seed=seed, faults=faults)
    check_given(any_sender_first=any_sender_first, exhaustive=exhaustive)
    targets = FaultTargets(faults)
    make = _maker(
        scenario,
        targets,
        faults=faults,
        allow=allow,
        any_sender_first=any_sender_first or exhaustive,
        network=network,
        horizon=horizon,
        find_out_touched=exhaustive,
    )
    schedules, seed = of_the_run(schedules, seed)
    limits = limits_of(schedules, events)
    search = EverySchedule(make, limits) if exhaustive else None
    return investigate(
        make, seed=seed, limits=limits, search=search, targets=targets, horizon=horizon
    )


def replay_system(
    scenario: SystemScenario,
    token: str | Sequence[str],
    *,
    faults: Faults = NO_FAULTS,
    allow: Collection[str] = (),
    any_sender_first: bool = False,
    network: Network = Network.FIFO,
    horizon: float = 3_600.0,
) -> Replayed:
    """Run one schedule of a system again, from its token or its names.

    What is not possible any more is skipped and told; after the last name the run goes on
    calmly.

    :raises ScenarioError: if it is no token or no scenario.
    :raises ForeignScheduleError: if nothing but the calm run is possible of it.
    :raises EscapeError: as :func:`explore_system`.
    """
    check_given(faults=faults)
    make = _maker(
        scenario,
        FaultTargets(faults),
        faults=faults,
        allow=allow,
        any_sender_first=any_sender_first,
        network=network,
        horizon=horizon,
    )
    return replay_again(make, token)


def _maker(
    scenario: SystemScenario, targets: FaultTargets, **options: Any
) -> Callable[[], Simulation]:
    check_scenario(scenario, system=True)
    check_given(**options)

    def make() -> Simulation:
        simulation = Simulation(scenario, **options)
        simulation.look_for(targets)
        return simulation

    return make
