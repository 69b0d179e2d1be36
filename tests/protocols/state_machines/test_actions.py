"""Actions run when the transition is stored, at least once, under one key."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import (
    ActorCrashed,
    ActorStopped,
    DeadLetterReason,
    DeadlineExceeded,
    Directive,
    Refused,
)
from dramaturg.protocols.state_machines import (
    InsertError,
    Step,
    Timeout,
    entering,
    leaving,
    on,
    postpone,
    transitions,
)
from tests.actors.kit import ended, within
from tests.protocols.state_machines.kit import (
    END,
    A,
    B,
    Back,
    C,
    End,
    Go,
    Lab,
    Notes,
    Poke,
    World,
    doing,
    machine,
    moves,
    noting,
    status,
)


def keyed(lab: Lab, step: Step[Any, Notes]) -> None:
    lab.log.append(step.key)


def breaking(times: int) -> Any:
    """Return an action that fails so often."""

    def act(lab: Lab, step: Step[Any, Notes]) -> str:
        lab.log.append(step.key)
        if len(lab.log) <= times:
            raise RuntimeError("broken")
        return "done"

    return act


async def test_an_action_is_told_what_has_happened() -> None:
    def look(lab: Lab, step: Step[Poke, Notes]) -> Any:
        return step.event, step.data, step.source, step.target

    table = transitions(on(Poke).at(A).to(B).updating(noting("x")).do(look), END)
    async with World().living(machine(table)) as ref:
        assert await within(ref.request(Poke())) == (Poke(), ("x",), A, B)


async def test_each_action_of_each_transition_has_a_key_of_its_own() -> None:
    world = World()
    table = transitions(on(Go).at(A).to(B).do(keyed, keyed), on(Poke).at(B).keep().do(keyed), END)
    async with world.living(machine(table)) as ref:
        for event in (Go(), Poke(), Poke()):
            await within(ref.request(event))

    assert world.log == ["/lab/2/0", "/lab/2/1", "/lab/5/0", "/lab/7/0"]


async def test_an_async_action_holds_the_machine() -> None:
    gate = asyncio.Event()

    async def wait(lab: Lab, step: Step[Any, Notes]) -> None:
        await gate.wait()
        lab.log.append("through")

    world = World()
    table = transitions(on(Go).at(A).to(B).do(wait), on(Poke).at(B).keep().do(doing("poke")), END)
    async with world.living(machine(table)) as ref:
        ref.tell(Go())
        poked = asyncio.ensure_future(ref.request(Poke()))
        for _ in range(10):
            await asyncio.sleep(0)
        assert world.log == []
        gate.set()
        await within(poked)

    assert world.log == ["through", ("poke", "B")]


async def test_an_action_that_fails_is_run_again_under_its_key() -> None:
    world = World()
    table = transitions(on(Go).at(A).to(B).do(breaking(1)), END)
    async with world.living(machine(table)) as ref:
        with pytest.raises(ActorCrashed):
            await within(ref.request(Go()))
        found = await status(ref)

    assert world.log == ["/lab/2/0", "/lab/2/0"]
    assert found.state is B
    assert world.letters == [(Go(), DeadLetterReason.CRASHED)]


async def test_actions_that_are_done_are_not_run_again() -> None:
    world = World()
    table = transitions(on(Go).at(A).to(B).do(keyed, breaking(2), keyed), END)
    async with world.living(machine(table)) as ref:
        ref.tell(Go())
        await status(ref)

    assert world.log == ["/lab/2/0", "/lab/2/1", "/lab/2/1", "/lab/2/2"]


async def test_an_action_is_run_again_in_another_system() -> None:
    world = World()
    table = transitions(on(Go).at(A).to(B).do(breaking(1)), END)
    made = machine(table)
    async with world.living(made, policy=Directive.STOP) as ref:
        with pytest.raises(ActorCrashed):
            await within(ref.request(Go()))
    async with world.living(made) as ref:
        assert (await status(ref)).state is B

    assert world.log == ["/lab/2/0", "/lab/2/0"]


async def test_a_killed_machine_runs_its_action_again() -> None:
    async def hang(lab: Lab, step: Step[Any, Notes]) -> None:
        lab.log.append(step.key)
        started.set()
        if len(lab.log) == 1:
            await asyncio.Event().wait()

    started = asyncio.Event()
    world = World()
    made = machine(transitions(on(Go).at(A).to(B).do(hang), END))
    async with world.living(made) as ref:
        asked = asyncio.ensure_future(ref.request(Go()))
        await within(started.wait())
        ref.kill()
        with pytest.raises(ActorStopped):
            await within(asked)
    async with world.living(made) as ref:
        assert (await status(ref)).sequence == 3

    assert world.log == ["/lab/2/0", "/lab/2/0"]


async def test_the_hook_of_the_first_state_is_run_again_too() -> None:
    world = World()
    table = transitions(on(Go).at(A).to(B), entering(A).do(breaking(1)), END)
    async with world.living(machine(table)) as ref:
        assert (await status(ref)).sequence == 2

    assert world.log == ["/lab/1/0", "/lab/1/0"]


async def test_a_refusal_of_an_action_is_its_result_and_the_transition_stands() -> None:
    def refuse(lab: Lab, step: Step[Any, Notes]) -> None:
        lab.log.append("asked")
        raise Refused("no cover", limit=3)

    world = World()
    made = machine(transitions(on(Go).at(A).to(B).do(refuse, doing("next")), END))
    async with world.living(made) as ref:
        with pytest.raises(Refused) as raised:
            await within(ref.request(Go()))
        assert (await status(ref)).state is B
    async with world.living(made) as ref:
        assert (await status(ref)).state is B

    assert raised.value.details == {"limit": 3}
    assert world.log == ["asked", ("next", "B")]


async def test_a_refusal_for_which_nobody_waits_is_a_dead_letter() -> None:
    def refuse(lab: Lab, step: Step[Any, Notes]) -> None:
        raise Refused

    world = World()
    table = transitions(on(Go).at(A).to(B).inserting(Back()), on(Back).at(B).keep().do(refuse), END)
    async with world.living(machine(table)) as ref:
        await within(ref.request(Go()))
        await status(ref)

    assert world.letters == [(Back(), DeadLetterReason.REFUSED)]


async def test_events_that_actions_insert_come_before_all_that_is_queued() -> None:
    def insert(lab: Lab, step: Step[Go, Notes]) -> None:
        step.insert(Poke(number=2))

    table = transitions(
        on(Go).at(A).to(B).inserting(Poke(number=1)).do(insert),
        on(Poke).at(B).keep(),
        END,
    )
    async with World().living(machine(table)) as ref:
        ref.tell(Go())
        ref.tell(End())
        found = await moves(ref)

    assert [event for _, event, _ in found] == [Go(), Poke(number=1), Poke(number=2), End()]


async def test_inserted_events_that_were_not_taken_come_first_after_a_restart() -> None:
    table = transitions(
        on(Go).at(A).to(B).inserting(Back(), Poke()),
        on(Back).at(B).keep().do(breaking(1)),
        on(Poke).at(B).keep(),
        END,
    )
    world = World()
    async with world.living(machine(table)) as ref:
        ref.tell(Go())
        ref.tell(End())
        found = await moves(ref)

    assert [event for _, event, _ in found] == [Go(), Back(), Poke(), End()]
    assert world.letters == [(Back(), DeadLetterReason.CRASHED)]


@pytest.mark.parametrize("hook", [entering(B), leaving(A)], ids=["entering", "leaving"])
async def test_a_hook_cannot_insert_events(hook: Any) -> None:
    def insert(lab: Lab, step: Step[Any, Notes]) -> None:
        step.insert(Poke())

    table = transitions(on(Go).at(A).to(B), on(Poke).at(B).keep(), END, hook.do(insert))
    async with World().living(machine(table), policy=Directive.STOP) as ref:
        with pytest.raises(ActorCrashed) as raised:
            await within(ref.request(Go()))

    assert isinstance(raised.value.__cause__, InsertError)


@pytest.mark.parametrize("event", [7, Timeout(kind="state")], ids=["no message", "the timers' own"])
async def test_an_action_inserts_nothing_but_messages(event: Any) -> None:
    def insert(lab: Lab, step: Step[Any, Notes]) -> None:
        step.insert(event)

    table = transitions(on(Go).at(A).to(B).do(insert), END)
    async with World().living(machine(table), policy=Directive.STOP) as ref:
        with pytest.raises(ActorCrashed) as raised:
            await within(ref.request(Go()))

    assert isinstance(raised.value.__cause__, InsertError)


async def test_the_deadline_of_who_asked_does_not_cut_an_action_short() -> None:
    """It ends the wait. What an action asks others has its own time, and fails the machine."""
    began = [asyncio.Event(), asyncio.Event()]

    async def ask(lab: Lab, step: Step[Go, Notes]) -> Any:
        lab.log.append(lab.context.deadline)
        other = lab.context.lookup("/other")
        assert other is not None
        began[lab.context.incarnation - 1].set()
        return await other.request(Poke(), timeout=20.0)

    other = machine(transitions(postpone(Poke).at(A), on(Go).at(A).to(B), END))
    world = World()
    made = machine(transitions(on(Go).at(A).to(B).do(ask), END))
    async with world.living(made) as ref:
        world.system.spawn(other, name="other")
        asked = asyncio.ensure_future(ref.request(Go(), timeout=2.0))
        await within(began[0].wait())
        world.clock.advance(3.0)
        with pytest.raises(DeadlineExceeded):
            await within(asked)
        assert world.letters == []
        world.clock.advance(17.0)
        await within(began[1].wait())
        assert world.letters == [(Go(), DeadLetterReason.CRASHED)]
        ref.kill()

    assert world.log == [None, None]


async def test_a_resumed_machine_finishes_first_what_it_has_begun() -> None:
    world = World()
    table = transitions(
        on(Go).at(A).to(B).do(breaking(2)), on(Poke).at(B).keep().do(doing("poke")), END
    )
    async with world.living(machine(table), policy=Directive.RESUME) as ref:
        for event in (Go(), Poke(number=1)):
            with pytest.raises(ActorCrashed):
                await within(ref.request(event))
        await within(ref.request(Poke(number=2)))

    assert world.log == ["/lab/2/0"] * 3 + [("poke", "B")]


async def test_an_action_may_stop_the_machine() -> None:
    table = transitions(on(Go).at(A).to(B), END, entering(C).do(lambda lab, step: lab.stop()))
    async with World().living(machine(table)) as ref:
        await within(ref.request(Go()))
        assert (await within(ref.request(End()))).state is C
        await ended(ref)
