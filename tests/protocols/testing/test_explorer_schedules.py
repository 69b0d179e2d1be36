"""What the explorer finds can be replayed, event by event, in a world."""

import copy
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, assume, given, settings

from dramaturg.protocols.testing._explorer import explore_all
from dramaturg.protocols.testing._explorer_model import Model
from dramaturg.protocols.testing._faults import Faults, Network
from dramaturg.protocols.testing._properties import Broken
from dramaturg.protocols.testing._world import World
from tests.protocols.testing.classics.paxos import ForgetfulServer, paxos
from tests.protocols.testing.random_protocols import models
from tests.protocols.testing.worlds import Keeper


def replayed(model: Model, schedule: tuple[str, ...]) -> Broken | None:
    """Let the events of a schedule happen in a world; return what the last one breaks."""
    world = World(network=model.network, faults=model.faults, free_timers=model.free_timers)
    for name, actor in model.actors.items():
        world.add(name, copy.deepcopy(actor))
    for sent in model.sent:
        world.send(*sent)
    for name, check in model.always.items():
        world.always(check, name)
    broken = world.begin()
    for name in schedule:
        assert broken is None
        (event,) = [each for each in [*world.enabled(), *world.faults()] if each.name == name]
        broken = world.execute(event)
    return broken


def is_good(view: Any) -> bool:
    return not (view["a"].state == 2 and view["b"].state != 0)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(models())
def test_a_schedule_leads_a_world_to_the_same_failure(model: Model) -> None:
    model = replace(model, always={"good": is_good})
    result = explore_all(model, max_states=150)
    assume(result.schedule)

    assert replayed(model, result.schedule) is not None


def test_a_long_schedule_leads_a_world_to_the_same_failure() -> None:
    model = paxos(ForgetfulServer)
    schedule = explore_all(model).schedule

    assert len(schedule) > 10
    assert replayed(model, schedule) is not None


def schedule_to(*got: str, network: Network, faults: Faults, sent: str) -> tuple[str, ...]:
    model = Model(
        actors={"a": Keeper(), "x": Keeper()},
        sent=[("x", "a", message) for message in sent],
        network=network,
        faults=faults,
        always={"otherwise": lambda view: view["a"].got != list(got)},
    )
    schedule = explore_all(model).schedule
    assert replayed(model, schedule) is not None
    return schedule


def test_copies_have_names_of_their_own() -> None:
    schedule = schedule_to(
        "m", "m", "n", network=Network.FIFO, faults=Faults(duplicates=1), sent="mn"
    )

    assert sorted(schedule) == [
        "deliver x->a #0",
        "deliver x->a #0'1",
        "deliver x->a #1",
        "duplicate x->a #0",
    ]


def test_what_overtakes_keeps_its_name() -> None:
    schedule = schedule_to("n", "m", network=Network.FIFO, faults=Faults(reorders=1), sent="mn")

    assert schedule == ("reorder x->a #1", "deliver x->a #0")


def test_of_equal_messages_the_oldest_is_taken_first() -> None:
    schedule = schedule_to("m", "m", network=Network.UNORDERED, faults=Faults(), sent="mmm")

    assert schedule == ("deliver x->a #0", "deliver x->a #1")


def test_what_is_delivered_again_has_the_same_name() -> None:
    schedule = schedule_to("n", "m", "n", network=Network.REPEATING, faults=Faults(), sent="mn")

    assert schedule == ("deliver x->a #1", "deliver x->a #0", "deliver x->a #1")


def test_what_befalls_actors_and_the_network_is_named() -> None:
    model = Model(
        actors={"a": Keeper(), "b": Keeper(), "c": Keeper()},
        faults=Faults(partitions=1, crashes=1),
        sometimes={"crashed": lambda view: not view.up("b")},
        always={"up": lambda view: view.up("a")},
    )

    assert explore_all(model).schedule == ("crash a",)
    assert explore_all(replace(model, always={})).reached == {"crashed": ("crash b",)}
