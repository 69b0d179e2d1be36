"""From a scenario on a whole actor system to a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING

from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._every_schedule import EverySchedule
from dramaturg.protocols.testing._explore import investigate, limits_of
from dramaturg.protocols.testing._faults import NO_FAULTS, Faults, Network
from dramaturg.protocols.testing._replay import Replayed, from_token, replay
from dramaturg.protocols.testing._simulation import Simulation, SystemScenario

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from dramaturg.protocols.testing._verdict import Verdict

__all__ = ["explore_system", "replay_system"]


def explore_system(
    scenario: SystemScenario,
    *,
    faults: Faults = NO_FAULTS,
    schedules: int = 500,
    events: int = 1_000,
    seed: int = 0,
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

    Each run has a system of its own, on virtual time, in this thread; it may be called
    within a running event loop, which waits meanwhile. Actors are the real ones, and so are
    supervisors, timers, requests and ``async def`` handlers. Blocking actors cannot be simulated.

    :param scenario: an ``async def`` function; an ``AssertionError`` in it is a failure, and so
        is that it still waits when nothing is left to happen.
    :param faults: ``crashes``, by the beginnings of paths, ``early_timers`` and ``slow``; with
        nodes all the others, too.
    :param schedules: so many runs; ``events``: so many events in each.
    :param seed: the same seed tries the same schedules.
    :param allow: what of the outside may be used, see :class:`Simulation`.
    :param any_sender_first: let messages of different senders overtake each other.
    :param network: what the network between nodes promises.
    :param horizon: seconds of virtual time after which no timer rings any more.
    :param exhaustive: try every schedule, but for those that differ only in the order of events
        at different actors (see ``_every_schedule``), up to ``schedules`` of them; the verdict
        says whether it is ``complete``. Implies ``any_sender_first``.
    :raises ScenarioError: if it is no scenario, or faults need nodes that it does not have, or
        name a node that no run had.
    :raises NotReproducibleError: if the same schedule does not lead to the same run.
    :raises EscapeError: if an actor uses what is not controlled.
    """
    ever: set[str] = set()
    make = _maker(
        scenario,
        faults,
        allow,
        any_sender_first=any_sender_first or exhaustive,
        network=network,
        horizon=horizon,
        find_out_touched=exhaustive,
        ever=ever,
    )
    limits = limits_of(schedules, events)
    search = EverySchedule(make, limits) if exhaustive else None
    verdict = investigate(make, seed=seed, limits=limits, search=search)
    if verdict.failure is None:
        _check_nodes(faults, ever)
    return verdict


def _check_nodes(faults: Faults, ever: Collection[str]) -> None:
    """Check that each node that may crash has been there in some run: a typo lets all pass."""
    named = faults.node_crashes
    if not isinstance(named, Mapping):
        return
    never = sorted(name for name, budget in named.items() if budget and name not in ever)
    if never:
        raise ScenarioError(
            thing=f"Faults(node_crashes={dict(named)!r})",
            problem=f"names what was a node in no run: {', '.join(never)}",
            expected=f"some of {', '.join(sorted(ever))}",
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
    :raises EscapeError: as :func:`explore_system`.
    """
    make = _maker(
        scenario, faults, allow, any_sender_first=any_sender_first, network=network, horizon=horizon
    )
    return replay(make, from_token(token) if isinstance(token, str) else tuple(token))


def _maker(
    scenario: SystemScenario,
    faults: Faults,
    allow: Collection[str],
    *,
    any_sender_first: bool,
    network: Network,
    horizon: float,
    find_out_touched: bool = False,
    ever: set[str] | None = None,
) -> Callable[[], Simulation]:
    if not iscoroutinefunction(scenario):
        raise ScenarioError(
            thing=getattr(scenario, "__qualname__", repr(scenario)),
            problem="is no scenario of a system",
            expected="an `async def` function that takes the Simulation",
        )

    def make() -> Simulation:
        simulation = Simulation(
            scenario,
            faults=faults,
            allow=allow,
            any_sender_first=any_sender_first,
            network=network,
            horizon=horizon,
            find_out_touched=find_out_touched,
        )
        if ever is not None:
            simulation.nodes.ever = ever
        return simulation

    return make
