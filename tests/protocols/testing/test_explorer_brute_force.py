"""The explorer finds what is found by copying whole worlds."""

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, assume, given, settings

from dramaturg.protocols.testing._explorer import explore_all
from dramaturg.protocols.testing._explorer_model import Model
from tests.protocols.testing.brute_force import World, fields_of, reachable
from tests.protocols.testing.random_protocols import models

MOST = 500

slowly = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


def looks_at_messages(view: Any) -> bool:
    return isinstance(view.in_flight, tuple)


def shown(view: Any, names: list[str]) -> object:
    fields = tuple(fields_of(view[name]) for name in names)
    return fields, frozenset(name for name in names if not view.up(name)), view.history


def small(model: Model) -> Model:
    """Return the model if it has few states, all told apart."""
    exact = replace(model, always={"looks": looks_at_messages})
    assume(explore_all(exact, max_states=MOST).complete)
    return exact


def worlds_of(model: Model) -> list[tuple[int, World]]:
    return list(reachable(model).values())


@slowly
@given(models())
def test_states_and_depth_are_those_of_copied_worlds(model: Model) -> None:
    model = small(model)

    result = explore_all(model)

    worlds = worlds_of(model)
    assert (result.states, result.depth) == (len(worlds), max(depth for depth, _ in worlds))


@slowly
@given(models())
def test_leaving_out_ignored_deliveries_hides_no_state_of_the_actors(model: Model) -> None:
    exact = small(model)
    seen: set[object] = set()

    def see(view: Any) -> None:
        seen.add(shown(view, list(model.actors)))

    explore_all(replace(model, always={"see": see}))

    assert seen == {world.shown() for _, world in worlds_of(exact)}


@slowly
@given(models())
def test_the_same_states_are_at_rest(model: Model) -> None:
    exact = small(model)
    seen: set[object] = set()

    def see(view: Any) -> None:
        seen.add(shown(view, list(model.actors)))

    explore_all(replace(model, at_rest={"see": see}))

    assert seen == {world.shown() for _, world in worlds_of(exact) if world.at_rest()}


def is_good(view: Any) -> bool:
    return not (view["a"].state == 2 and view["b"].state != 0)


@slowly
@given(models())
def test_a_counterexample_is_as_short_as_can_be(model: Model) -> None:
    exact = small(model)
    bad = [depth for depth, world in worlds_of(exact) if not is_good(world)]

    result = explore_all(replace(model, always={"good": is_good}))

    assert result.verdict == ("fail" if bad else "pass")
    assert len(result.schedule) == min(bad, default=0)
