"""Runs that a person takes step by step."""

from typing import Any

import pytest

from dramaturg.protocols.testing import (
    Faults,
    Network,
    PropertyBrokenError,
    ScenarioError,
    Simulation,
    Stepper,
    World,
    replay_system,
)
from tests.protocols.testing.lost_update import careful as careful_update, lost_update
from tests.protocols.testing.shop import careful, racy

ANN_FIRST = (
    "deliver scenario->/ann #0",
    "deliver /ann->/store #0",
    "deliver /ann->/store #1",
    "deliver scenario->/bob #0",
    "deliver /bob->/store #0",
    "deliver /bob->/store #1",
)


def test_what_may_happen_is_listed_by_name() -> None:
    with Stepper(racy) as run:
        assert run.enabled() == ["deliver scenario->/ann #0", "deliver scenario->/bob #0"]
        assert run.faults() == []


def test_a_step_is_taken_by_name_or_number() -> None:
    with Stepper(racy) as run:
        assert run.step("deliver scenario->/bob #0") == "deliver scenario->/bob #0"
        assert run.step(1) == "deliver /bob->/store #0"
        assert run.step() == "deliver scenario->/ann #0"
        assert len(run.schedule) == 3


def test_a_message_is_delivered_by_its_channel() -> None:
    with Stepper(racy) as run:
        run.deliver("scenario->/ann #0")
        assert run.deliver("/ann->/store") == "deliver /ann->/store #0"


def test_the_actors_can_be_seen() -> None:
    with Stepper(careful) as run:
        run.run()
        assert run.view["/store"].stock == 0


def test_a_run_that_keeps_what_has_to_hold_ends_at_rest() -> None:
    with Stepper(racy) as run:
        for name in ANN_FIRST:
            run.step(name)
        assert run.run() == ()
        assert run.at_rest
        assert run.run() == ()


def test_a_run_that_does_not_says_so_with_its_diagram() -> None:
    with Stepper(racy) as run:
        with pytest.raises(PropertyBrokenError) as raised:
            run.run()

        assert raised.value.name == "at_rest none left"
        assert "replay: v1:" in str(raised.value)
        assert "/store" in raised.value.diagram
        assert run.broken is not None
        with pytest.raises(ScenarioError, match="another Stepper"):
            run.step()


def test_the_order_may_be_random_and_is_the_same_for_a_seed() -> None:
    def order(seed: int) -> tuple[str, ...]:
        world = Stepper(careful_update)
        return world.run(calm=False, seed=seed)

    assert order(3) == order(3)
    assert len({order(seed) for seed in range(10)}) > 1


def test_a_fault_is_a_step() -> None:
    with Stepper(careful, faults=Faults(crashes={"/store": 1})) as run:
        assert run.faults() == ["crash /store #0"]
        run.step("crash /store #0")
        assert run.faults() == []


def test_a_world_is_stepped_like_a_system() -> None:
    world = Stepper(lost_update, network=Network.UNORDERED)

    assert world.deliver("b->store #0") == "deliver b->store #0"
    world.step(0)

    assert world.view["store"].value == 0
    assert world.mermaid().startswith("sequenceDiagram")
    assert world.diagram().splitlines()[1].startswith("1      |<--------------|")


def test_the_token_is_that_of_a_replay() -> None:
    with Stepper(racy) as run:
        for name in ANN_FIRST:
            run.step(name)
        again = replay_system(racy, run.token)

    assert again.run.schedule == ANN_FIRST


def test_a_schedule_is_replayed_up_to_its_end_and_no_further() -> None:
    with Stepper(racy) as run:
        assert run.replay(["deliver scenario->/bob #0", "deliver nobody->/bob #0"]) == (
            "deliver nobody->/bob #0",
        )
        assert run.schedule == ("deliver scenario->/bob #0",)


@pytest.mark.parametrize("what", ["deliver /ann->/store #0", 2, -1, "nonsense"])
def test_what_is_not_possible_now_is_refused(what: Any) -> None:
    with Stepper(racy) as run:
        with pytest.raises(ScenarioError, match=r"expected deliver scenario->/ann #0, deliver"):
            run.step(what)
        assert run.schedule == ()


def test_a_message_that_is_not_on_its_way_is_refused() -> None:
    with Stepper(racy) as run, pytest.raises(ScenarioError, match="deliver /bob->/store"):
        run.deliver("/bob->/store")


def test_a_closed_run_is_over() -> None:
    run = Stepper(racy)
    run.close()
    run.close()

    assert run.enabled() == []
    with pytest.raises(ScenarioError, match="is closed"):
        run.step()


def test_its_repr_lists_what_may_happen() -> None:
    with Stepper(racy, faults=Faults(crashes={"/ann": 1})) as run:
        lines = repr(run).splitlines()

    assert lines[:4] == [
        "<Stepper after 0 events>",
        "  [0] deliver scenario->/ann #0",
        "  [1] deliver scenario->/bob #0",
        "  may go wrong: crash /ann #0",
    ]


def test_what_is_broken_from_the_start_is_told_at_once() -> None:
    async def scenario(sim: Simulation) -> None:
        raise AssertionError("no use")

    with pytest.raises(PropertyBrokenError, match="scenario: no use"):
        Stepper(scenario)


def test_a_world_without_actors_is_refused() -> None:
    def empty(world: World) -> None: ...

    with pytest.raises(ScenarioError, match="adds no actor"):
        Stepper(empty)
