"""What happens to a child, or to those around it, while its restart is put off."""

from typing import Any

import pytest

from dramaturg.actors import ActorStarted, IncarnationEnded
from dramaturg.supervision import (
    Backoff,
    ChildRestarting,
    DeleteChild,
    RestartChild,
    TerminateChild,
)
from tests.actors.kit import ended, within
from tests.supervision.kit import Script, child, crash, leave, next_call, planted


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
        await tree.events.until(lambda: len(tree.events.of(IncarnationEnded, "/top/a")) == 2)
        assert await tree.states() == {"a": "restarting"}


async def test_a_pause_is_not_cut_short_by_one_that_ended_at_the_same_moment_as_anothers() -> None:
    script = Script()
    pause = Backoff(3, 30)
    specs = [child(script, name, backoff=pause) for name in ("a", "b")]

    async with planted(specs, strategy="one_for_all", intensity=9) as tree:
        await tree.end_of("b", crash)
        await tree.end_of("a", crash)
        script.plan("a", "fail")

        # Both are due: b's attempt is made for the whole group, and fails with a.
        assert await tree.advance(3.0) == {"a": "restarting", "b": "down"}

        assert script.starts("/top/a") == [0.0, 3.0]
        assert await tree.advance(6.0) == {"a": "running", "b": "running"}
        assert script.starts("/top/a") == [0.0, 3.0, 9.0]
