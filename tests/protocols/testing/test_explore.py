"""The search, and what it reports: found, shortened, reproducible, readable."""

import subprocess
import sys
from itertools import count, pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from dramaturg.protocols.testing import (
    Faults,
    Network,
    NotReproducibleError,
    Output,
    ScenarioError,
    SetTimer,
    SimulationFailed,
    World,
    explore,
    from_token,
    replay,
    to_token,
)
from dramaturg.protocols.testing._faults_follow import FaultsFollow
from dramaturg.protocols.testing._pickers import FaultsCompete, Swarm
from dramaturg.protocols.testing._run import run
from dramaturg.protocols.testing._walks import Uniform
from tests.protocols.testing.lost_update import SHORTEST, careful, lost_update
from tests.protocols.testing.worlds import Keeper, Source

SEEDS = range(20)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_lost_update_is_found_with_any_seed_and_shown_in_its_shortest_form(seed: int) -> None:
    verdict = explore(lost_update, seed=seed)

    assert verdict.outcome == "fail"
    assert verdict.schedules < 50
    failure = verdict.failure
    assert failure is not None
    assert (failure.property, len(failure.schedule)) == ("at_rest both_count", SHORTEST)
    # Calm is: both read, so that one update is lost in the calm run already.
    assert failure.departures == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_the_careful_store_passes_and_says_how_much_was_tried(seed: int) -> None:
    verdict = explore(careful, seed=seed, network=Network.UNORDERED)

    assert verdict.passed
    assert verdict.check() is verdict
    assert (verdict.schedules, verdict.truncated, verdict.never) == (500, 0, ())
    assert str(verdict).startswith("pass: 500 schedules, ")


def test_the_same_seed_tries_the_same_schedules() -> None:
    assert explore(lost_update, seed=7) == explore(lost_update, seed=7)


def test_a_failed_check_raises_the_report() -> None:
    verdict = explore(lost_update)

    with pytest.raises(SimulationFailed) as raised:
        verdict.check()
    assert raised.value.verdict is verdict
    assert str(raised.value) == str(verdict)


REPORT = """\
at_rest both_count

     store     a       b
1      |<------|       |     ('read', None)
2      |<--------------|     ('read', None)
3      |------>|       |     ('value', 0)
4      |-------------->|     ('value', 0)
5      |<------|       |     ('write', 1)
6      |<--------------|     ('write', 1)
7      |------>|       |     ('written', 1)
8      |-------------->|     ('written', 1)

8 events, 0 out of the calm order; found by calm in run 1, with 8 events
  b.done: False -> True
replay: """

MERMAID = """\
sequenceDiagram
    participant store as store
    participant a as a
    participant b as b
    a->>store: ('read', None)
    b->>store: ('read', None)
    store->>a: ('value', 0)
    store->>b: ('value', 0)
    a->>store: ('write', 1)
    b->>store: ('write', 1)
    store->>a: ('written', 1)
    store->>b: ('written', 1)
"""


def test_the_report_draws_the_run() -> None:
    failure = explore(lost_update).failure

    assert failure is not None
    assert str(failure) == REPORT + failure.token
    assert failure.mermaid() == MERMAID


def test_the_report_says_where_it_parts_from_a_run_that_passed() -> None:
    def scenario(world: World) -> None:
        world.add("a", Source("c", 1))
        world.add("b", Source("c", 2))
        world.add("c", Keeper())
        world.at_rest(lambda view: view["c"].got == [1, 2], "in order")

    failure = explore(scenario).failure

    assert failure is not None
    assert failure.schedule == ("deliver b->c #0", "deliver a->c #0")
    assert failure.departures == 1
    assert failure.parting == (
        "parts from a run that passed at event 1: there deliver a->c #0, here deliver b->c #0"
    )


def test_faults_stand_in_the_diagram() -> None:
    def scenario(world: World) -> None:
        world.add("a", Source("c", 1))
        world.add("c", Keeper())
        world.at_rest(lambda view: view["c"].got == [1], "arrived")

    failure = explore(scenario, faults=Faults(drops=1)).failure

    assert failure is not None
    assert "1      |------x|     1   (drop)" in str(failure)
    assert "a-xc: 1" in failure.mermaid()


# -- replay ----------------------------------------------------------------------------


def test_a_token_replays_what_it_was_made_from() -> None:
    failure = explore(lost_update).failure
    assert failure is not None

    again = replay(lost_update, failure.token)

    assert again.run.schedule == failure.schedule == from_token(failure.token)
    assert again.run.broken is not None
    assert (again.run.broken.name, again.skipped) == (failure.property, ())


def test_a_replay_tells_what_was_not_possible_any_more_and_goes_on() -> None:
    again = replay(lost_update, ["deliver a->store #0", "crash store", "deliver a->store #0"])

    assert again.skipped == ("crash store", "deliver a->store #0")
    assert again.run.broken is not None


@pytest.mark.parametrize("token", ["", "v0:abc", "v1:!!!", "v1:abc", to_token(())[:-3]])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(ScenarioError, match="cannot be read"):
        replay(lost_update, token)


def test_a_token_replays_in_another_process_under_another_hash_seed() -> None:
    failure = explore(lost_update, seed=3).failure
    assert failure is not None
    program = (
        "from dramaturg.protocols.testing import replay\n"
        "from tests.protocols.testing.lost_update import lost_update\n"
        f"again = replay(lost_update, {failure.token!r})\n"
        f"assert again.run.schedule == {failure.schedule!r}, again\n"
        f"assert again.run.broken.name == {failure.property!r}, again\n"
    )
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=Path(__file__).parents[3],
            env={"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_code_that_differs_from_run_to_run_is_told_apart_from_a_failure() -> None:
    runs = count()

    class Moody(Keeper):
        def __init__(self) -> None:
            super().__init__()
            self.first = next(runs) % 2 == 0

        def on_message(self, sender: str, message: Any) -> list[Output]:
            return [("k", "even" if self.first else "odd")]

    def scenario(world: World) -> None:
        world.add("m", Moody())
        world.add("k", Keeper())
        world.send("user", "m", 1)
        world.always(lambda view: view["k"].got != ["odd"], "no odd ones")

    with pytest.raises(NotReproducibleError) as raised:
        explore(scenario)
    assert (raised.value.step, raised.value.handler) == (1, "m: deliver user->m #0")
    assert {"sent ['even']" in raised.value.first, "sent ['odd']" in raised.value.first} == {
        True,
        False,
    }


# -- limits ----------------------------------------------------------------------------


class Clockwork(Keeper):
    """Never comes to rest."""

    def on_start(self) -> list[Output]:
        return [SetTimer("tick", 1)]

    def on_timer(self, name: str) -> list[Output]:
        return [SetTimer("tick", 1)]


def test_what_never_comes_to_rest_is_unknown() -> None:
    def scenario(world: World) -> None:
        world.add("c", Clockwork())
        world.add("d", Clockwork())

    verdict = explore(scenario, schedules=5, events=20)

    assert (verdict.outcome, verdict.truncated, verdict.events) == ("unknown", 5, 40 + 4 * 20)
    assert "100% cut off" in str(verdict)


def test_a_circle_with_nothing_going_wrong_is_named_though_few_runs_get_into_it() -> None:
    class Ball(Keeper):
        """Passes what it gets on, for ever, if it has lost one message."""

        def __init__(self, other: str) -> None:
            super().__init__()
            self.other = other

        def on_message(self, sender: str, message: Any) -> list[Output]:
            return [(self.other, message)] if message == "again" else []

    class First(Ball):
        def on_start(self) -> list[Output]:
            return [(self.other, number) for number in range(20)]

    class Second(Ball):
        def on_message(self, sender: str, message: Any) -> list[Output]:
            if message == "again":
                return [(sender, message)]
            lost = message != len(self.got)
            self.got.append(message)
            return [(sender, "again")] if lost and message == 1 else []

    def scenario(world: World) -> None:
        world.add("a", First("b"))
        world.add("b", Second("a"))

    verdict = explore(scenario, faults=Faults(drops=1), schedules=100, events=50)

    assert verdict.outcome == "unknown"
    assert 0 < verdict.truncated <= 10
    assert sorted(verdict.livelock) == ["deliver a->b", "deliver b->a"]
    assert "over and over deliver" in str(verdict)


def test_what_only_takes_long_goes_in_no_circle() -> None:
    class Source:
        def on_message(self, sender: str, message: Any) -> list[Output]:
            return []

        def on_start(self) -> list[Output]:
            return [("b", number) for number in range(100)]

    class Sink:
        def on_message(self, sender: str, message: Any) -> list[Output]:
            return []

    def scenario(world: World) -> None:
        world.add("a", Source())
        world.add("b", Sink())
        world.sometimes(lambda _: True, "always reached")

    verdict = explore(scenario, faults=Faults(drops=1), schedules=20, events=20)

    assert verdict.truncated
    assert verdict.livelock == ()


def test_what_comes_again_and_again_is_drawn_once() -> None:
    def scenario(world: World) -> None:
        world.add("c", Clockwork())
        world.add("d", Clockwork())
        world.always(lambda view: view.now < 40, "soon")

    failure = explore(scenario).failure

    assert failure is not None
    assert len(failure.schedule) == 79
    assert str(failure).startswith("""\
always soon

        c       d
 1      *       |     timer c/tick
 2      |       *     timer d/tick
    ... the same 2 events 38 times more, up to 78
79      *       |     timer c/tick

79 events, """)


def test_one_run_is_enough_if_there_is_nothing_to_choose() -> None:
    def scenario(world: World) -> None:
        world.add("a", Source("c", 1, 2))
        world.add("c", Keeper())

    verdict = explore(scenario)

    assert (verdict.outcome, verdict.schedules) == ("pass", 1)


@pytest.mark.parametrize("limit", [{"schedules": 0}, {"events": -1}, {"schedules": 1.5}])
def test_limits_are_positive(limit: Any) -> None:
    with pytest.raises(ScenarioError, match="cannot be used; expected an int of at least 1"):
        explore(lost_update, **limit)


def test_a_scenario_has_actors() -> None:
    def empty(world: World) -> None: ...

    with pytest.raises(ScenarioError, match="empty: adds no actor"):
        explore(empty)


# -- where faults fall -----------------------------------------------------------------


class Counter(Keeper):
    """Forgets what it has counted when it crashes, and tells how far it came."""

    def on_message(self, sender: str, message: Any) -> list[Output]:
        self.got.append(message)
        return [("b", len(self.got))]


def counting(world: World) -> None:
    world.add("a", Counter())
    world.add("b", Keeper())
    world.add("c", Source("a", *range(6)))


def followed(seed: int, faults: Faults) -> tuple[str, ...]:
    """Let faults follow, in a run of the counter."""
    random = Random(seed)
    picker = FaultsFollow(Uniform(random), Swarm(random), random, most=6, length=12)

    def make() -> World:
        world = World(faults=faults, network=Network.UNORDERED)
        counting(world)
        return world

    return run(make, picker, most=100).schedule


def test_a_crash_that_follows_comes_right_after_something_that_happened_to_the_same_actor() -> None:
    befallen = 0
    back_at_once = 0
    for seed in SEEDS:
        schedule = followed(seed, Faults(crashes={"a": 1}))
        for before, crash, after in zip(schedule, schedule[1:], schedule[2:], strict=False):
            if crash == "crash a":
                befallen += before.startswith("deliver c->a")
                back_at_once += after == "restart a"

    # In the others nothing happened to it any more, or this kind of fault is switched off.
    assert befallen >= 5
    assert back_at_once >= 5


def test_a_drop_that_follows_takes_what_was_just_sent() -> None:
    newest = 0
    for seed in SEEDS:
        schedule = followed(seed, Faults(drops=1))
        for before, drop in pairwise(schedule):
            newest += before.startswith("deliver c->a") and drop.startswith("drop a->b")

    assert newest >= 5


def test_a_walk_that_is_unlucky_lets_timers_ring_only_so_often_before_the_network_heals() -> None:
    class Last:
        """Always the last choice: the timer, never to heal."""

        def choose(self, events: Any) -> Any:
            return events[-1]

    def make() -> World:
        world = World(faults=Faults(partitions=1))
        world.add("c", Clockwork())
        world.add("d", Keeper())
        return world

    random = Random(1)
    ran = run(make, FaultsCompete(Last(), Swarm(random)), most=200)

    parted = ran.schedule.index("partition c|d")
    assert 0 <= ran.schedule.index("heal") - parted <= 12
