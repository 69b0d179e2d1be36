"""The moments at which a supervisor restarts a child that has a back-off."""

from random import Random

import pytest

from dramaturg.supervision import Backoff, RestartLimitExceeded
from tests.supervision.kit import (
    Kind,
    Outcome,
    Script,
    Tree,
    child,
    crash,
    each_kind,
    leave,
    planted,
)

A_MOMENT = 1 / 1024
"""Seconds; a power of two, so that sums of times are exact."""


async def fail_and_see(tree: Tree, script: Script, pause: float) -> None:
    """Let the child fail, and check that it starts again exactly after the pause."""
    before = len(script.starts("/top/a"))
    now = tree.clock.monotonic()
    await tree.end_of("a", crash)
    assert await tree.states() == {"a": "restarting"}

    assert await tree.advance(pause - A_MOMENT) == {"a": "restarting"}
    assert len(script.starts("/top/a")) == before
    assert await tree.advance(A_MOMENT) == {"a": "running"}
    assert script.starts("/top/a")[before:] == [now + pause]


@each_kind
async def test_a_child_that_fails_again_and_again_restarts_at_exactly_the_moments_of_the_series(
    kind: Kind,
) -> None:
    script = Script()
    spec = child(script, "a", kind, backoff=Backoff(3, 30))

    async with planted([spec], intensity=10, period=1_000.0) as tree:
        for pause in (3, 6, 12, 24, 30, 30):
            await fail_and_see(tree, script, pause)


async def test_a_child_that_ends_normally_and_is_to_be_restarted_is_given_a_pause_too() -> None:
    script = Script()

    async with planted([child(script, "a", backoff=Backoff(3, 30))]) as tree:
        await tree.end_of("a", leave)

        assert await tree.states() == {"a": "restarting"}
        assert await tree.advance(3.0) == {"a": "running"}


@pytest.mark.parametrize("outcome", ["fail", "fail in init"])
@each_kind
async def test_a_start_that_fails_is_tried_again_after_the_next_pause(
    kind: Kind, outcome: Outcome
) -> None:
    script = Script()
    spec = child(script, "a", kind, backoff=Backoff(1, 8))

    async with planted([spec], intensity=10, period=1_000.0) as tree:
        script.plan("a", outcome, outcome, outcome, outcome)
        await tree.end_of("a", crash)
        for attempts, pause in enumerate((1, 2, 4, 8, 8), 1):
            assert await tree.advance(pause - A_MOMENT) == {"a": "restarting"}
            assert len(script.begun) == attempts
            await tree.advance(A_MOMENT)

        assert await tree.states() == {"a": "running"}
        # The first start, and then one after each pause.
        assert script.starts("/top/a") == [0, 1, 3, 7, 15, 23]


async def test_each_attempt_counts_for_the_intensity() -> None:
    script = Script()
    spec = child(script, "a", backoff=Backoff(1, 1))

    async with planted([spec], intensity=2, period=5.0) as tree:
        script.plan("a", "fail", "fail", "fail")
        await tree.end_of("a", crash)
        await tree.advance(1)
        await tree.advance(1)
        tree.clock.advance(1)

        await tree.events.first(RestartLimitExceeded, "/top")
        assert script.starts("/top/a") == [0, 1, 2]


async def test_pauses_keep_a_child_that_cannot_start_within_the_intensity() -> None:
    script = Script()
    spec = child(script, "a", backoff=Backoff(3, 3))

    async with planted([spec], intensity=1, period=2.0) as tree:
        for _ in range(50):
            script.plan("a", "fail")
        await tree.end_of("a", crash)
        for _ in range(50):
            assert await tree.advance(3) == {"a": "restarting"}

        assert await tree.advance(3) == {"a": "running"}


async def test_a_child_that_asks_to_be_ignored_is_not_tried_again() -> None:
    script = Script()

    async with planted([child(script, "a", backoff=Backoff(1, 8))]) as tree:
        script.plan("a", "ignore")
        await tree.end_of("a", crash)

        assert await tree.advance(1) == {"a": "down"}
        assert tree.clock.pending == 0


async def test_after_it_has_been_up_long_enough_the_pauses_begin_anew() -> None:
    script = Script()
    spec = child(script, "a", backoff=Backoff(1, 8, reset_after=5))

    async with planted([spec], intensity=10, period=1_000.0) as tree:
        for pause, up_for in ((1, 0.0), (2, 4.5), (4, 5.0), (1, 0.0), (2, 100.0), (1, 0.0)):
            await fail_and_see(tree, script, pause)
            await tree.advance(up_for)


async def test_a_first_failure_after_any_time_is_given_the_first_pause() -> None:
    script = Script()

    async with planted([child(script, "a", backoff=Backoff(1, 8))]) as tree:
        await tree.advance(100.0)

        await fail_and_see(tree, script, 1)


async def test_each_child_counts_for_itself() -> None:
    script = Script()
    specs = [child(script, each, backoff=Backoff(1, 8)) for each in "ab"]

    async with planted(specs, intensity=10, period=1_000.0) as tree:
        await tree.end_of("a", crash)
        await tree.advance(1)
        await tree.end_of("a", crash)
        await tree.end_of("b", crash)

        assert await tree.advance(1) == {"a": "restarting", "b": "running"}
        assert await tree.advance(1) == {"a": "running", "b": "running"}


async def test_jitter_is_drawn_from_the_systems_random_source() -> None:
    script = Script()
    drawn = Random(1)

    async with planted([child(script, "a", backoff=Backoff(8, 8, jitter=0.5))]) as tree:
        tree.system.random.seed(1)
        await tree.end_of("a", crash)
        pause = 8 * (1 - 0.5 * drawn.random())

        assert await tree.advance(pause - A_MOMENT) == {"a": "restarting"}
        assert await tree.advance(2 * A_MOMENT) == {"a": "running"}
