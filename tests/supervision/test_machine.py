"""Whatever happens to a tree, in whatever order, it does what a naive model of OTP's rules does."""

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.supervision.kit import Kind
from tests.supervision.machine_rules import Machine


def run(kind: Kind, examples: int) -> None:
    chosen: Kind = kind

    class OfOneKind(Machine):
        kind = chosen

    run_state_machine_as_test(
        OfOneKind,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


def test_a_tree_of_actors_on_the_loop_does_what_the_model_does() -> None:
    run("loop", 100)


def test_a_tree_of_actors_without_hooks_does_what_the_model_does() -> None:
    run("plain", 100)


def test_a_tree_of_actors_in_tasks_does_what_the_model_does() -> None:
    run("task", 60)


def test_a_tree_of_actors_on_threads_does_what_the_model_does() -> None:
    run("thread", 25)
