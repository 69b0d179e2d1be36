"""Properties: when each is looked at, and what it says when it does not hold."""

from collections.abc import Callable
from typing import Any

import pytest

from dramaturg.protocols.testing import (
    Invoked,
    Noted,
    Output,
    RegisterModel,
    Returned,
    ScenarioError,
    View,
    World,
    events_in,
    explore,
    linearizable,
)
from tests.protocols.testing.worlds import Keeper, Ringing, Source, begun, do

Fill = Callable[[World], None]


def kept(*values: Any) -> Callable[[View], bool]:
    """Make a check that the keeper has got these."""
    return lambda view: bool(view["k"].got == list(values))


def one_by_one(world: World) -> None:
    world.add("s", Source("k", 1, 2))
    world.add("k", Keeper())


def verdict_of(fill: Fill) -> Any:
    def scenario(world: World) -> None:
        one_by_one(world)
        fill(world)

    return explore(scenario, schedules=3)


def broken_name(fill: Fill) -> str | None:
    verdict = verdict_of(fill)
    return None if verdict.failure is None else verdict.failure.property


def test_always_is_looked_at_after_the_start_and_after_each_event() -> None:
    seen: list[list[int]] = []

    def look(view: View) -> None:
        seen.append(list(view["k"].got))

    def fill(world: World) -> None:
        one_by_one(world)
        world.always(look)

    world = begun(fill)
    do(world, "deliver s->k #0", "deliver s->k #1")

    assert seen == [[], [1], [1, 2]]


CASES: list[tuple[Fill, str | None]] = [
    (lambda w: w.always(lambda v: len(v["k"].got) < 2, "few"), "always few"),
    (lambda w: w.always(lambda v: len(v["k"].got) < 3, "few"), None),
    (lambda w: w.always(lambda v: None), None),
    (lambda w: w.at_rest(kept(1), "one"), "at_rest one"),
    (lambda w: w.at_rest(kept(1, 2)), None),
    (lambda w: w.eventually(kept(1), name="one"), None),
    (lambda w: w.eventually(kept(2), name="two"), "eventually two"),
    (lambda w: w.leads_to(kept(1), kept(1, 2), name="both"), None),
    (lambda w: w.leads_to(kept(1), kept(1), name="same"), None),
    (lambda w: w.leads_to(kept(1, 2), kept(1), name="back"), "leads_to back"),
    (lambda w: w.leads_to(kept(3), kept(4), name="no cause"), None),
]


@pytest.mark.parametrize(("fill", "broken"), CASES)
def test_which_property_is_broken(fill: Fill, broken: str | None) -> None:
    assert broken_name(fill) == broken


def test_an_assertion_says_why() -> None:
    def explains(view: View) -> None:
        assert view["k"].got != [1], f"{view['k'].got} is too much"

    verdict = verdict_of(lambda w: w.always(explains))

    assert verdict.failure.property == "always explains"
    assert verdict.failure.detail.startswith("[1] is too much")


def test_what_has_to_hold_in_time_is_late_by_the_clock_of_the_world() -> None:
    def fill(world: World) -> None:
        world.add("t", Ringing(soon=2, late=9))
        world.eventually(lambda v: "late" in v["t"].got, within=5, name="late")

    verdict = explore(fill, schedules=2)

    assert verdict.failure is not None
    assert verdict.failure.detail == "did not hold within 5 s"
    assert verdict.failure.schedule == ("timer t/soon", "timer t/late")


def test_what_leads_to_something_has_its_time_from_then_on() -> None:
    def fill(world: World) -> None:
        world.add("t", Ringing(soon=2, late=9))
        world.leads_to(
            lambda v: "soon" in v["t"].got, lambda v: "late" in v["t"].got, within=7, name="late"
        )

    assert explore(fill, schedules=2).passed


def test_sometimes_fails_if_it_is_never_reached() -> None:
    verdict = verdict_of(lambda w: w.sometimes(kept(2, 1), "swapped"))

    assert (verdict.outcome, verdict.never) == ("fail", ("sometimes swapped",))
    assert verdict.failure is None
    assert "never reached: sometimes swapped" in str(verdict)


def test_a_handler_that_raises_fails_the_run() -> None:
    class Fragile(Keeper):
        def on_message(self, sender: str, message: Any) -> list[Output] | None:
            raise KeyError(message)

    def fill(world: World) -> None:
        world.add("f", Fragile())
        world.send("user", "f", "key")

    failure = explore(fill, schedules=1).failure

    assert failure is not None
    assert failure.property == "f raises KeyError"
    assert failure.detail.startswith("'key' (Fragile.on_message, tests/")


def test_a_view_shows_the_world() -> None:
    world = begun(one_by_one)
    do(world, "deliver s->k #0")
    view = View(world)
    seen = [list(view.actors), view.up("k"), list(view.history), view.in_flight, view.now]

    assert seen == [["s", "k"], True, [], (("s", "k", 2),), 0.0]
    with pytest.raises(ScenarioError, match=r"view\['z'\]: no such actor; expected one of s, k"):
        view["z"]


def test_bad_declarations_are_refused() -> None:
    world = World()
    world.always(both := lambda view: True, "same")
    with pytest.raises(ScenarioError, match="always same: is declared twice"):
        world.always(both, "same")
    with pytest.raises(ScenarioError, match=r"always\(1\): is no check"):
        world.always(1)  # type: ignore[arg-type]
    with pytest.raises(ScenarioError, match=r"leads_to\(2\): is no check"):
        world.leads_to(2, both)  # type: ignore[arg-type]
    with pytest.raises(ScenarioError, match=r"eventually\(within=0\): no time"):
        world.eventually(both, within=0)
    assert world.properties.names == ["always same"]


def test_a_verdict_on_the_history_is_a_check() -> None:
    class Liar(Keeper):
        """Notes a write that came back, and a read that does not see it."""

        def on_message(self, sender: str, message: Any) -> list[Output]:
            write = [Invoked("w", "write", 1), Returned("w")]
            return [Noted(each) for each in (*write, Invoked("r", "read"), Returned("r", 0))]

    def fill(world: World) -> None:
        world.add("k", Liar())
        world.send("user", "k", 1)
        world.always(
            lambda view: linearizable(events_in(view.history), RegisterModel(0)), "linearizable"
        )

    failure = explore(fill, schedules=1).failure

    assert failure is not None
    assert failure.detail.startswith("not linearizable: no place for read()=0 of r")
