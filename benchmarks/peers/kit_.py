"""The kit: schedules of plain actors and of real ones, and every state of the classics.

Operations are events that happened in some schedule, or states that were reached; all that a search
does for them is paid: choosing, naming, checking, making each world anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from time import process_time
from typing import Any, Final

from benchmarks._sample import Run, Sample, Suite, expect
from benchmarks.peers._kit_cast import COMMIT, GAME, HOPS, parties, players
from dramaturg.actors import Actor, ActorRef, handler
from dramaturg.protocols.testing import (
    Model,
    Simulation,
    Verdict,
    View,
    World,
    explore,
    explore_all,
    explore_system,
)
from tests.protocols.testing.classics.abd import abd
from tests.protocols.testing.classics.paxos import paxos
from tests.protocols.testing.classics.single_copy import single_copy
from tests.protocols.testing.classics.two_phase_commit import two_phase_commit
from tests.protocols.testing.zoo import ZOO
from tests.protocols.testing.zoo.two_phase_commit import NAMES

_FAULTY_COMMIT: Final = 15
"""About so many events has a two-phase commit in which something goes wrong."""


# -- plain actors ------------------------------------------------------------------------------


def _ping_pong(world: World) -> None:
    for name, player in players().items():
        world.add(name, player)
    world.send("pong", "ping", HOPS)
    world.send("ping", "pong", HOPS)
    world.at_rest(lambda view: view["ping"].hits + view["pong"].hits == GAME, "all hit back")


def _commit(world: World) -> None:
    for name, actor in parties().items():
        world.add(name, actor)

    def outcomes(view: View) -> set[bool | None]:
        return {view[name].outcome for name in NAMES}

    world.always(lambda view: not {True, False} <= outcomes(view), "all or nothing")
    world.at_rest(lambda view: outcomes(view) == {True}, "all commit")


def _with_faults(*, schedules: int) -> Verdict:
    specimen = next(each for each in ZOO if each.name == "two-phase commit")
    return explore(
        specimen.scenario("correct"),
        network=specimen.network,
        faults=specimen.faults,
        schedules=schedules,
    )


# -- real actors -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Token:
    left: int
    back: ActorRef[Any]


class _Player(Actor):
    def __init__(self) -> None:
        self.hits = 0

    @handler
    def hit(self, token: _Token) -> None:
        self.hits += 1
        if token.left:
            token.back.tell(_Token(token.left - 1, self.context.ref))


async def _real_ping_pong(sim: Simulation) -> None:
    ping, pong = (sim.system.spawn(_Player, name=name) for name in ("ping", "pong"))
    await asyncio.gather(ping.started(), pong.started())
    sim.at_rest(lambda view: view["/ping"].hits + view["/pong"].hits == GAME, "all hit back")
    ping.tell(_Token(HOPS, pong))
    pong.tell(_Token(HOPS, ping))


@dataclass(frozen=True, slots=True)
class _Ask:
    number: int


class _Echo(Actor):
    @handler
    def ask(self, message: _Ask) -> int:
        return message.number


@dataclass(frozen=True, slots=True)
class _Begin:
    echo: ActorRef[_Echo]


class _Asker(Actor):
    @handler
    async def begin(self, message: _Begin) -> int:
        echo = message.echo
        return sum([await echo.request(_Ask(number)) for number in range(HOPS)])


async def _real_requests(sim: Simulation) -> None:
    echo = sim.system.spawn(_Echo, name="echo")
    askers = [sim.system.spawn(_Asker, name=name) for name in ("ann", "bob")]
    totals = await asyncio.gather(*[each.request(_Begin(echo)) for each in askers])
    expect(HOPS * (HOPS - 1), sum(totals))


# -- the workloads -----------------------------------------------------------------------------


def _explored(search: Callable[..., Verdict], size: int, *, exactly: bool = False) -> Run:
    def run(n: int) -> Sample:
        schedules = max(1, n // size)
        started = process_time()
        verdict = search(schedules=schedules)
        spent = process_time() - started
        verdict.check()
        expect(schedules, verdict.schedules)
        if exactly:
            expect(schedules * size, verdict.events)
        return Sample(verdict.events, spent)

    return run


def _all_states(make: Callable[[], Model], states: int) -> Run:
    def run(n: int) -> Sample:
        times = max(1, n // states)
        spent = 0.0
        for _ in range(times):
            model = make()
            started = process_time()
            found = explore_all(model)
            spent += process_time() - started
            expect(states, found.states if found.verdict == "pass" else 0)
        return Sample(times * states, spent)

    return run


STATES: Final[Mapping[str, tuple[Callable[[], Model], int]]] = {
    "kit-states-commit-3": (partial(two_phase_commit, 3), 288),
    "kit-states-commit-5": (partial(two_phase_commit, 5), 8_832),
    "kit-states-single-copy": (single_copy, 93),
    "kit-states-abd": (abd, 544),
    "kit-states-paxos": (paxos, 16_668),
}
"""The models by which model checkers are compared, and how many states Stateright finds in them."""

_SUITE: Final[Suite] = {
    "kit-ping-pong": _explored(partial(explore, _ping_pong), GAME, exactly=True),
    "kit-commit": _explored(partial(explore, _commit), COMMIT, exactly=True),
    "kit-commit-faults": _explored(_with_faults, _FAULTY_COMMIT),
    "kit-actors-ping-pong": _explored(partial(explore_system, _real_ping_pong), GAME),
    "kit-actors-requests": _explored(partial(explore_system, _real_requests), 2 * HOPS),
    **{name: _all_states(make, states) for name, (make, states) in STATES.items()},
}

CONTENDERS: Final[Mapping[str, Suite]] = {"dramaturg kit": _SUITE}
