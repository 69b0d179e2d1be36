"""Back-off: its series, and the moments at which a supervisor restarts a child that has one."""

import math
from random import Random
from typing import Any

import pytest
from hypothesis import given, strategies as st

from dramaturg.actors import ActorStarted, OptionError
from dramaturg.supervision import (
    Backoff,
    ChildRestarting,
    DeleteChild,
    RestartChild,
    RestartLimitExceeded,
    TerminateChild,
)
from tests.actors.kit import ended, within
from tests.supervision.kit import (
    Kind,
    Outcome,
    Script,
    Tree,
    child,
    crash,
    leave,
    next_call,
    planted,
)


class NoRandom(Random):
    """A random source that nobody may draw from."""

    def random(self) -> float:
        pytest.fail("it drew")


class Fixed(Random):
    """A random source that draws one number only."""

    def __init__(self, drawn: float) -> None:
        super().__init__()
        self._drawn = drawn

    def random(self) -> float:
        return self._drawn


LARGEST = math.nextafter(1.0, 0.0)
"""The largest number that a random source draws."""


def series(backoff: Backoff, length: int, random: Random | None = None) -> list[float]:
    return [backoff.delay(each, random or NoRandom()) for each in range(length)]


# -- the series ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("backoff", "pauses"),
    [
        (Backoff(3, 30), [3, 6, 12, 24, 30, 30]),
        (Backoff(0.1, 2), [0.1, 0.2, 0.4, 0.8, 1.6, 2, 2]),
        (Backoff(1, 100, factor=10), [1, 10, 100, 100]),
        (Backoff(5, 5), [5, 5, 5]),
        (Backoff(2, 9, factor=1), [2, 2, 2]),
    ],
    ids=str,
)
def test_without_jitter_the_series_is_that_of_the_docstring(
    backoff: Backoff, pauses: list[float]
) -> None:
    assert series(backoff, len(pauses)) == pytest.approx(pauses, rel=1e-12)


def test_jitter_takes_up_to_its_part_off_each_pause() -> None:
    backoff = Backoff(3, 30, jitter=0.2)

    assert series(backoff, 5, Fixed(0.0)) == [3, 6, 12, 24, 30]
    assert series(backoff, 5, Fixed(LARGEST)) == pytest.approx([2.4, 4.8, 9.6, 19.2, 24])


def test_jitter_comes_from_the_random_source() -> None:
    backoff = Backoff(3, 30, jitter=0.2)

    assert series(backoff, 9, Random(7)) == series(backoff, 9, Random(7))
    assert series(backoff, 9, Random(7)) != series(backoff, 9, Random(8))


initials = st.floats(1e-6, 1e6)


@st.composite
def backoffs(draw: st.DrawFn) -> Backoff:
    initial = draw(initials)
    return Backoff(
        initial,
        initial * draw(st.floats(1.0, 1e6)),
        factor=draw(st.floats(1.0, 1e3)),
        jitter=draw(st.floats(0.0, 1.0)),
    )


@given(backoffs(), st.integers(0, 100) | st.integers(0, 10**9), st.floats(0.0, LARGEST))
def test_no_pause_is_above_the_maximum_or_below_nothing(
    backoff: Backoff, failures: int, drawn: float
) -> None:
    pause = backoff.delay(failures, Fixed(drawn))

    assert 0.0 <= pause <= backoff.maximum
    assert pause >= backoff.initial * (1.0 - backoff.jitter) * 0.999_999


@given(initials, st.floats(1.0, 1e6), st.floats(1.0, 1e3))
def test_pauses_never_get_shorter(initial: float, times: float, factor: float) -> None:
    pauses = series(Backoff(initial, initial * times, factor=factor), 30)

    assert pauses == sorted(pauses)


@pytest.mark.parametrize(
    "backoff",
    [
        Backoff(3, 30),
        Backoff(5, 5),
        Backoff(5, 5, factor=1),
        Backoff(1, 2, factor=1.000_001),
        Backoff(1, 7, factor=3),
    ],
    ids=str,
)
def test_after_a_million_failures_the_pause_is_the_longest(backoff: Backoff) -> None:
    longest = backoff.initial if backoff.factor == 1 else backoff.maximum

    assert backoff.delay(10**6, NoRandom()) == pytest.approx(longest)


def test_a_cap_that_is_too_far_off_to_be_reached_is_no_problem() -> None:
    backoff = Backoff(1e-300, 1e300)

    assert backoff.delay(10**6, NoRandom()) == 1e300


# -- the reset -------------------------------------------------------------------------------


@pytest.mark.parametrize(("up_for", "count"), [(0.0, 5), (16.4, 5), (16.5, 0), (99.0, 0)])
def test_after_half_the_sum_of_both_ends_the_count_begins_anew(up_for: float, count: int) -> None:
    assert Backoff(3, 30).next_count(4, up_for) == count


@pytest.mark.parametrize(("up_for", "count"), [(1.9, 5), (2.0, 0)])
def test_the_time_to_the_reset_may_be_given(up_for: float, count: int) -> None:
    assert Backoff(3, 30, reset_after=2).next_count(4, up_for) == count


def test_with_no_time_to_the_reset_the_count_never_rises() -> None:
    assert Backoff(3, 30, reset_after=0).next_count(4, 0.0) == 0


# -- what cannot be --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "options"),
    [
        ("initial", {"initial": 0}),
        ("initial", {"initial": -1}),
        ("initial", {"initial": math.nan}),
        ("initial", {"initial": math.inf}),
        ("initial", {"initial": "1"}),
        ("initial", {"initial": None}),
        ("maximum", {"maximum": 0.5}),
        ("maximum", {"maximum": math.inf}),
        ("maximum", {"maximum": math.nan}),
        ("maximum", {"maximum": "9"}),
        ("factor", {"factor": 0.9}),
        ("factor", {"factor": math.inf}),
        ("factor", {"factor": math.nan}),
        ("factor", {"factor": "2"}),
        ("jitter", {"jitter": -0.1}),
        ("jitter", {"jitter": 1.1}),
        ("jitter", {"jitter": math.nan}),
        ("jitter", {"jitter": "0"}),
        ("reset_after", {"reset_after": -1}),
        ("reset_after", {"reset_after": math.inf}),
        ("reset_after", {"reset_after": math.nan}),
        ("reset_after", {"reset_after": "1"}),
    ],
    ids=str,
)
def test_a_value_that_cannot_be_is_named(option: str, options: dict[str, Any]) -> None:
    with pytest.raises(OptionError) as caught:
        Backoff(**{"initial": 1, "maximum": 2, **options})

    assert caught.value.option == option
    assert caught.value.value is options[option]


def test_the_ends_of_each_range_may_be() -> None:
    assert Backoff(1, 1, factor=1, jitter=1, reset_after=0).delay(0, Fixed(0.5)) == 0.5


# -- a supervisor that backs off -------------------------------------------------------------

A_MOMENT = 1 / 1024
"""Seconds; a power of two, so that sums of times are exact."""

each_kind = pytest.mark.parametrize("kind", ["loop", "task", "thread"])


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


# -- what wins over a pause ------------------------------------------------------------------


async def test_termination_during_the_pause_wins() -> None:
    script = Script()

    async with planted([child(script, "a", backoff=Backoff(3, 30))]) as tree:
        ref = tree.ref("a")
        await tree.end_of("a", crash)
        assert ref.is_alive()

        await within(tree.top.request(TerminateChild("a")))

        assert tree.clock.pending == 0
        assert not ref.is_alive()
        assert await tree.advance(100.0) == {"a": "down"}
        assert script.starts("/top/a") == [0]


async def test_a_stop_of_the_supervisor_during_the_pause_wins() -> None:
    script = Script()

    async with planted([child(script, "a", backoff=Backoff(3, 30))]) as tree:
        ref = tree.ref("a")
        await tree.end_of("a", crash)

        await within(tree.top.stop(block=False))

        assert tree.clock.pending == 0
        assert not ref.is_alive()
        tree.clock.advance(100.0)
        assert script.starts("/top/a") == [0]


async def test_a_kill_of_the_supervisor_during_the_pause_leaves_nothing_planned() -> None:
    script = Script()

    async with planted([child(script, "a", backoff=Backoff(3, 30))]) as tree:
        await tree.end_of("a", crash)

        tree.top.kill()
        await ended(tree.top)

        assert tree.clock.pending == 0


@pytest.mark.parametrize("request_", [RestartChild("a"), DeleteChild("a")], ids=str)
async def test_during_the_pause_a_child_can_only_be_terminated(request_: Any) -> None:
    script = Script()

    async with planted([child(script, "a", backoff=Backoff(3, 30))]) as tree:
        await tree.end_of("a", crash)

        with pytest.raises(ChildRestarting):
            await within(tree.top.request(request_))

        assert await tree.advance(3.0) == {"a": "running"}


async def test_a_restart_of_its_group_does_not_wait_for_the_pause() -> None:
    script = Script()
    specs = [child(script, "a", backoff=Backoff(3, 30)), child(script, "b")]

    async with planted(specs, strategy="one_for_all", intensity=5) as tree:
        await tree.end_of("a", crash)
        assert await tree.states() == {"a": "restarting", "b": "running"}

        await tree.end_of("b", crash)

        assert await tree.states() == {"a": "running", "b": "running"}
        assert tree.clock.pending == 0
        assert await tree.advance(3.0) == {"a": "running", "b": "running"}
        assert [path for _, path in script.begun] == ["/top/a", "/top/b"] * 2


async def test_its_siblings_run_on_until_the_pause_is_over() -> None:
    script = Script()
    specs = [child(script, "a", backoff=Backoff(3, 30)), child(script, "b")]

    async with planted(specs, strategy="one_for_all") as tree:
        await tree.end_of("a", crash)
        assert script.starts("/top/b") == [0]

        await tree.advance(3.0)

        assert script.starts("/top/b") == [0, 3]


async def test_a_failed_start_within_a_group_is_given_the_pause_of_the_child_that_failed() -> None:
    script = Script()
    specs = [child(script, "a"), child(script, "b", backoff=Backoff(3, 30)), child(script, "c")]

    async with planted(specs, strategy="rest_for_one", intensity=5) as tree:
        script.plan("b", "fail", "fail")
        await tree.end_of("a", crash)
        assert await tree.states() == {"a": "running", "b": "restarting", "c": "down"}

        assert next_call(tree.clock) == 3
        assert await tree.advance(3) == {"a": "running", "b": "restarting", "c": "down"}
        assert next_call(tree.clock) == 9
        assert await tree.advance(6) == {"a": "running", "b": "running", "c": "running"}
        assert script.starts("/top/a") == [0, 0]
        assert script.starts("/top/c") == [0, 9]


async def test_what_is_sent_during_the_pause_is_handled_after_it() -> None:
    script = Script()

    async with planted([child(script, "a", backoff=Backoff(3, 30))]) as tree:
        ref = tree.ref("a")
        await tree.end_of("a", crash)
        leave(ref)

        await tree.advance(3.0)

        # It has ended a second time, by the order that came during the pause.
        assert len(tree.events.of(ActorStarted, "/top/a")) == 2
        await tree.events.until(lambda: not tree.ref("a").cell.depth)
        assert await tree.states() == {"a": "restarting"}
