"""What lets a test run on the simulated runtime as well as on the real one.

``tests/any_order_plugin.py`` runs async tests once more inside a :class:`Simulation`. There
the kits take the system from here, so that each turn of its actors is an event that is
chosen; and they wait by :func:`rest` and :func:`moment` where they would let the loop go on.
The system's clock is the test's own if it has one, most often a ``ManualClock``: what that makes
ready when it advances is chosen among like all else.
"""

import asyncio
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, WeakKeyDictionary, ref

import structlog

from dramaturg.actors import ActorSystem

if TYPE_CHECKING:
    from dramaturg.protocols.testing import Simulation

# A simulation leads to its loop: held from here, neither would ever go.
_SIMULATIONS: "WeakKeyDictionary[asyncio.AbstractEventLoop, ReferenceType[Simulation]]" = (
    WeakKeyDictionary()
)


def enter(sim: "Simulation") -> None:
    """Let what runs on the simulation's loop find it."""
    _SIMULATIONS[sim.loop] = ref(sim)


def _here() -> "Simulation | None":
    found = _SIMULATIONS.get(asyncio.get_running_loop())
    return None if found is None else found()


def new_system(name: str = "test", **options: Any) -> ActorSystem:
    """Make an actor system: of the simulation in which the test runs, or a real one."""
    sim = _here()
    if sim is None:
        return ActorSystem(name, **options)
    # Only here: the tests of the runtime do not load the kit.
    from dramaturg.protocols.testing._simulated_system import SimulatedSystem  # noqa: PLC0415
    from dramaturg.protocols.testing._simulated_time import SimulatedClock  # noqa: PLC0415

    for fixed in ("hold_limit", "trace"):
        options.pop(fixed, None)
    silence = structlog.wrap_logger(None, processors=[_drop], wrapper_class=structlog.BoundLogger)
    given: dict[str, Any] = {"logger": silence, "clock": SimulatedClock(sim.timers), **options}
    return SimulatedSystem(name, sim.cells, **given)


async def rest() -> bool:
    """Wait until nothing is left to do at this moment, if this is a simulation; tell whether."""
    sim = _here()
    if sim is not None:
        await sim.idle()
    return sim is not None


async def moment() -> None:
    """Let the others go on: on a real loop for one round, in a simulation until they rest."""
    if not await rest():
        await asyncio.sleep(0)


def _drop(*_: Any) -> Any:
    raise structlog.DropEvent
