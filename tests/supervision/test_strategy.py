"""What the strategies decide, for every small tree, against the rules written down naively."""

from collections.abc import Iterator
from itertools import product
from typing import get_args

import pytest

from dramaturg.supervision import (
    ChildView,
    RestartPlan,
    after_exit,
    plan_restart,
    shuts_down,
    stop_order,
)
from dramaturg.supervision._strategy import AutoShutdown, RestartType, Strategy

STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
RESTART_TYPES: tuple[RestartType, ...] = get_args(RestartType)
AUTO_SHUTDOWNS: tuple[AutoShutdown, ...] = get_args(AutoShutdown)

NAMES = "abcd"

each_strategy = pytest.mark.parametrize("strategy", STRATEGIES)


def trees() -> Iterator[tuple[ChildView, ...]]:
    """Make all trees of up to four children, alive or not, of each restart type."""
    sorts = [*product(RESTART_TYPES, (True, False))]
    for size in range(1, len(NAMES) + 1):
        for chosen in product(sorts, repeat=size):
            yield tuple(
                ChildView(name, restart, alive)
                for name, (restart, alive) in zip(NAMES, chosen, strict=False)
            )


def cases() -> Iterator[tuple[tuple[ChildView, ...], str]]:
    """Make all trees, with each child in turn that can have failed and is to be restarted."""
    for tree in trees():
        for child in tree:
            if child.restart != "temporary" and not child.alive:
                yield tree, child.id


def ids(children: list[ChildView]) -> tuple[str, ...]:
    return tuple(child.id for child in children)


def is_in_order_of(tree: tuple[ChildView, ...], chosen: tuple[str, ...]) -> bool:
    """Tell whether the ids are a subsequence of those of the tree."""
    rest = iter(child.id for child in tree)
    return all(each in rest for each in chosen)


# -- a model: what each child goes through ---------------------------------------------------


def is_concerned(strategy: Strategy, child: str, failed: str) -> bool:
    """Say of one child whether a restart concerns it, by its place in the order alone."""
    return {
        "one_for_one": child == failed,
        "simple_one_for_one": child == failed,
        "one_for_all": True,
        "rest_for_one": child >= failed,
    }[strategy]


def expected(strategy: Strategy, tree: tuple[ChildView, ...], failed: str) -> RestartPlan:
    """Plan a restart child by child."""
    stop: list[str] = []
    forget: list[str] = []
    start: list[str] = []
    for child in tree:
        if not is_concerned(strategy, child.id, failed):
            continue
        if child.alive:
            stop.insert(0, child.id)
        if child.restart == "temporary":
            forget.append(child.id)
        else:
            start.append(child.id)
    return RestartPlan(tuple(stop), tuple(forget), tuple(start))


@each_strategy
def test_every_small_tree_is_restarted_by_the_rules(strategy: Strategy) -> None:
    for tree, failed in cases():
        assert plan_restart(strategy, tree, failed) == expected(strategy, tree, failed)


def test_there_is_every_small_tree() -> None:
    assert sum(1 for _ in trees()) == 6 + 6**2 + 6**3 + 6**4
    assert sum(1 for _ in cases()) == sum(size * 2 * 6 ** (size - 1) for size in (1, 2, 3, 4))


# -- what holds of every plan ----------------------------------------------------------------


@each_strategy
def test_children_start_in_the_order_of_their_specs(strategy: Strategy) -> None:
    for tree, failed in cases():
        assert is_in_order_of(tree, plan_restart(strategy, tree, failed).start)


@each_strategy
def test_children_stop_in_the_reverse_of_the_order_in_which_they_start(strategy: Strategy) -> None:
    for tree, failed in cases():
        assert is_in_order_of(tree, plan_restart(strategy, tree, failed).stop[::-1])


@each_strategy
def test_whoever_is_forgotten_is_not_started(strategy: Strategy) -> None:
    for tree, failed in cases():
        plan = plan_restart(strategy, tree, failed)

        assert not {*plan.forget} & {*plan.start}


@each_strategy
def test_only_temporary_children_are_forgotten_and_only_they_are_never_started(
    strategy: Strategy,
) -> None:
    for tree, failed in cases():
        plan = plan_restart(strategy, tree, failed)
        temporary = {child.id for child in tree if child.restart == "temporary"}

        assert {*plan.forget} <= temporary
        assert not {*plan.start} & temporary


@each_strategy
def test_whoever_is_started_does_not_run_then(strategy: Strategy) -> None:
    for tree, failed in cases():
        plan = plan_restart(strategy, tree, failed)
        running = {child.id for child in tree if child.alive} - {*plan.stop}

        assert not {*plan.start} & running


@each_strategy
def test_only_who_runs_is_stopped_and_then_started_or_forgotten(strategy: Strategy) -> None:
    for tree, failed in cases():
        plan = plan_restart(strategy, tree, failed)

        assert {*plan.stop} <= {child.id for child in tree if child.alive}
        assert {*plan.stop} <= {*plan.start, *plan.forget}


@each_strategy
def test_whoever_failed_is_started_again(strategy: Strategy) -> None:
    for tree, failed in cases():
        plan = plan_restart(strategy, tree, failed)

        assert failed in plan.start
        assert failed not in plan.stop


@pytest.mark.parametrize("strategy", ["one_for_one", "simple_one_for_one"])
def test_one_for_one_never_looks_at_the_others(strategy: Strategy) -> None:
    class Untouchable(tuple[ChildView, ...]):
        __slots__ = ()

        def __iter__(self) -> Iterator[ChildView]:
            pytest.fail("it looked")

        def __getitem__(self, place: object) -> ChildView:  # type: ignore[override]
            pytest.fail("it looked")

    assert plan_restart(strategy, Untouchable(), "a") == RestartPlan(start=("a",))


def test_rest_for_one_leaves_those_before_alone() -> None:
    for tree, failed in cases():
        plan = plan_restart("rest_for_one", tree, failed)

        assert min(plan.stop + plan.forget + plan.start) >= failed


def test_a_group_has_those_who_had_no_actor_before() -> None:
    tree = (ChildView("a"), ChildView("b", "transient", alive=False), ChildView("c", alive=False))

    assert plan_restart("one_for_all", tree, "c").start == ("a", "b", "c")


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
def test_a_child_that_is_not_there_cannot_have_failed(strategy: Strategy) -> None:
    with pytest.raises(KeyError, match="nobody"):
        plan_restart(strategy, [ChildView("a")], "nobody")


# -- after an end ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("restart", "clean", "follows"),
    [
        ("permanent", True, "restart"),
        ("permanent", False, "restart"),
        ("transient", True, "keep"),
        ("transient", False, "restart"),
        ("temporary", True, "forget"),
        ("temporary", False, "forget"),
    ],
)
def test_what_follows_an_end_depends_on_the_restart_type(
    restart: RestartType, clean: bool, follows: str
) -> None:
    assert after_exit(restart, clean=clean) == follows


# -- the stop of all -------------------------------------------------------------------------


def test_all_who_run_stop_the_youngest_first() -> None:
    for tree in trees():
        assert stop_order(tree) == tuple(
            name for name in reversed(NAMES) for child in tree if child.id == name and child.alive
        )


def test_children_may_be_given_one_by_one() -> None:
    assert stop_order(iter([ChildView("a"), ChildView("b")])) == ("b", "a")


# -- the end of the supervisor ---------------------------------------------------------------


def groups() -> Iterator[list[ChildView]]:
    """Make all groups of up to three others: alive or not, significant or not, due or not."""
    sorts = [*product((True, False), repeat=3)]
    for size in range(4):
        for chosen in product(sorts, repeat=size):
            yield [
                ChildView(name, "transient", alive, significant, pending)
                for name, (alive, significant, pending) in zip(NAMES, chosen, strict=False)
            ]


ENDED = ChildView("z", "transient", alive=False, significant=True)


def test_any_significant_end_is_the_end() -> None:
    assert all(shuts_down("any_significant", ENDED, others) for others in groups())


def test_the_last_significant_end_is_the_end() -> None:
    for others in groups():
        left = 0
        for child in others:
            if child.significant and (child.alive or child.pending):
                left += 1

        assert shuts_down("all_significant", ENDED, others) == (left == 0)


def test_without_auto_shutdown_no_end_is_the_end() -> None:
    assert not any(shuts_down("never", ENDED, others) for others in groups())


@pytest.mark.parametrize("auto_shutdown", AUTO_SHUTDOWNS)
def test_the_end_of_a_child_that_is_not_significant_is_never_the_end(
    auto_shutdown: AutoShutdown,
) -> None:
    ended = ChildView("z", "transient", alive=False)

    assert not any(shuts_down(auto_shutdown, ended, others) for others in groups())
