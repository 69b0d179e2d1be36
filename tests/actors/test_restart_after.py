"""A policy may ask for a pause before a restart."""

import asyncio

import pytest

from dramaturg.actors import ActorFailed, ActorSystem, Failure, ManualClock, Props, Restart
from tests.actors.kit import KINDS, LIMIT, Crash, Do, Events, Fail, Kind, nothing, within


@pytest.mark.parametrize("kind", KINDS)
async def test_a_restart_waits_for_its_time_and_remembers_what_the_policy_said(kind: Kind) -> None:
    rows: list[int] = []

    def policy(failure: Failure) -> Restart:
        rows.append(failure.in_a_row)
        return Restart(after=2.0, in_a_row=failure.in_a_row + 1)

    clock = ManualClock()
    async with ActorSystem(clock=clock) as system:
        events = Events(system, ActorFailed)
        ref = system.spawn(Props(kind).using(policy=policy))
        for count in (1, 2):
            ref.tell(Fail(Crash()))
            await events.until(lambda count=count: len(events.all) == count)  # type: ignore[misc]
            async with asyncio.timeout(LIMIT):
                while not clock.pending:  # noqa: ASYNC110 - no event tells of the pause
                    await asyncio.sleep(0)
            answer = ref.ask(Do(nothing), block=False)
            clock.advance(1.99)
            assert not answer.is_done()
            clock.advance(0.01)
            await within(answer)

        assert rows == [-1, 0]
        assert ref.cell.incarnation == 3
