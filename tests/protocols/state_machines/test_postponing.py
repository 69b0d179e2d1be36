"""Postponed events come again when the state changes, also after a restart."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import ActorStopped, DeadLetterReason, DeadlineExceeded
from dramaturg.protocols.state_machines import (
    AlreadyHandled,
    Timer,
    TooManyPostponed,
    UnknownTransition,
    after,
    on,
    postpone,
    transitions,
)
from dramaturg.protocols.state_machines._callers import Held
from tests.actors.kit import within
from tests.protocols.state_machines.kit import (
    A,
    B,
    Back,
    C,
    End,
    Go,
    Notes,
    Poke,
    World,
    advance,
    doing,
    machine,
    moves,
    noting,
    status,
)


def is_two(data: Notes, event: Poke) -> bool:
    return event.number == 2


def failing_once(lab: Any, step: Any) -> str:
    lab.log.append(step.event)
    if len(lab.log) == 1:
        raise RuntimeError("once")
    return "at last"


PATIENT = machine(
    transitions(
        postpone(Poke).at(A),
        on(Go).at(A).to(B),
        on(Back).at(A).keep().updating(noting("kept")),
        on(Poke).at(B).keep().updating(noting("poked")),
        on(End).at(B).to(C),
    )
)


def pokes(found: list[tuple[str, Any, str]]) -> list[int]:
    return [event.number for _, event, _ in found if isinstance(event, Poke)]


async def test_postponed_events_come_again_in_their_order_when_the_state_changes() -> None:
    async with World().living(PATIENT) as ref:
        for number in (1, 2, 3):
            ref.tell(Poke(number=number))
        before = await status(ref)
        ref.tell(Go())
        found = await moves(ref)

    assert [event.number for event in before.postponed] == [1, 2, 3]
    assert pokes(found) == [1, 2, 3]


async def test_keeping_the_state_does_not_take_them_up() -> None:
    async with World().living(PATIENT) as ref:
        ref.tell(Poke())
        ref.tell(Back())
        found = await status(ref)

    assert (found.data, found.postponed) == (("kept",), (Poke(),))


@pytest.mark.parametrize("repeats", [False, True], ids=["keep", "repeat"])
async def test_only_a_change_of_state_takes_them_up(repeats: bool) -> None:
    """Also if a guard would have them now: neither new data nor entering again is a change."""
    line = on(Back).at(A).updating(noting("x"))
    table = transitions(
        postpone(Poke).at(A).when(lambda data, event: not data),
        on(Poke).at(A).keep(),
        line.repeat() if repeats else line.keep(),
        on(Go).at(A).to(B),
        on(Poke).at(B).keep(),
        on(End).at(B).to(C),
    )
    async with World().living(machine(table)) as ref:
        ref.tell(Poke())
        ref.tell(Back())
        assert (await status(ref)).postponed == (Poke(),)
        await within(ref.request(Go()))
        assert (await status(ref)).postponed == ()


async def test_they_come_before_what_is_in_the_mailbox() -> None:
    async with World().living(PATIENT) as ref:
        ref.tell(Poke(number=1))
        ref.tell(Go())
        ref.tell(Poke(number=2))
        ref.tell(End())
        found = await moves(ref)

    assert [event for _, event, _ in found] == [Go(), Poke(number=1), Poke(number=2), End()]


async def test_who_asked_waits_for_the_answer() -> None:
    async with World().living(PATIENT) as ref:
        asked = asyncio.ensure_future(ref.request(Poke()))
        assert (await status(ref)).postponed == (Poke(),)
        assert not asked.done()
        await within(ref.request(Go()))

        assert (await within(asked)).data == ("poked",)


async def test_a_change_of_state_begins_again_with_the_oldest() -> None:
    """The second one changes the state, and the first, put aside again, comes before the third."""
    made = machine(
        transitions(
            on(Go).at(A).to(B),
            postpone(Poke).at(A),
            on(Poke).at(B).to(C).when(is_two),
            postpone(Poke).at(B),
            on(Poke).at(C).keep(),
        ),
    )
    async with World().living(made) as ref:
        for number in (1, 2, 3):
            ref.tell(Poke(number=number))
        ref.tell(Go())
        found = await moves(ref)

    assert pokes(found) == [2, 1, 3]


async def test_one_that_leads_nowhere_then_is_refused() -> None:
    world = World()
    table = transitions(postpone(Poke).at(A), on(Go).at(A).to(B), on(End).at(B).to(C))
    async with world.living(machine(table)) as ref:
        asked = asyncio.ensure_future(ref.request(Poke(number=1)))
        await status(ref)
        ref.tell(Poke(number=2))
        ref.tell(Go())
        with pytest.raises(UnknownTransition):
            await within(asked)
        assert (await status(ref)).postponed == ()

    assert world.letters == [(Poke(number=2), DeadLetterReason.REFUSED)]


async def test_no_more_are_postponed_than_there_is_room_for() -> None:
    made = machine(PATIENT.table or (), max_postponed=2)
    async with World().living(made) as ref:
        ref.tell(Poke(number=1))
        ref.tell(Poke(number=2))
        with pytest.raises(TooManyPostponed) as raised:
            await within(ref.request(Poke(number=3)))

        assert raised.value.capacity == 2
        assert len((await status(ref)).postponed) == 2


async def test_an_inserted_event_and_a_timer_can_be_postponed() -> None:
    beat = Timer("beat")
    table = transitions(
        on(Back).at(A).keep().inserting(Poke()).timing(beat.start(1.0, "tick")),
        postpone(Poke, beat).at(A),
        on(Go).at(A).to(B),
        on(Poke, beat).at(B).keep(),
        on(End).at(B).to(C),
    )
    world = World()
    async with world.living(machine(table)) as ref:
        ref.tell(Back())
        waiting = await advance(world, ref, 1.0)
        ref.tell(Go())
        found = await moves(ref)

    assert len(waiting.postponed) == 2
    assert [event for _, event, _ in found][2:] == list(waiting.postponed)
    assert waiting.postponed[1].content == "tick"


async def test_one_whose_deadline_has_passed_is_not_handled() -> None:
    world = World()
    async with world.living(PATIENT) as ref:
        asked = asyncio.ensure_future(ref.request(Poke(), timeout=2.0))
        await advance(world, ref, 3.0)
        with pytest.raises(DeadlineExceeded):
            await within(asked)
        found = await within(ref.request(Go()))
        assert await moves(ref) == [("A", Go(), "B")]

    assert found.data == ()
    assert world.letters == [(Poke(), DeadLetterReason.EXPIRED)]


async def test_they_outlive_the_system_but_for_what_has_expired() -> None:
    world = World()
    async with world.living(PATIENT) as ref:
        ref.tell(Poke(number=1))
        asked = asyncio.ensure_future(ref.request(Poke(number=2), timeout=2.0))
        await status(ref)
    with pytest.raises(ActorStopped):
        await within(asked)
    world.clock.advance(60.0)

    async with world.living(PATIENT) as ref:
        assert len((await status(ref)).postponed) == 2
        await within(ref.request(Go()))
        assert pokes(await moves(ref)) == [1]

    assert world.letters == [(Poke(number=2), DeadLetterReason.EXPIRED)]


FRAGILE = machine(
    transitions(
        postpone(Poke).at(A),
        on(Back).at(A).keep().do(failing_once),
        on(Go).at(A).to(B),
        on(Poke).at(B).keep().do(doing("poked", "answer")),
        on(End).at(B).to(C),
    )
)


async def test_who_asked_still_waits_after_a_restart() -> None:
    world = World()
    async with world.living(FRAGILE) as ref:
        asked = asyncio.ensure_future(ref.request(Poke()))
        await status(ref)
        ref.tell(Back())  # fails, and is run again
        found = await status(ref)
        assert not asked.done()
        await within(ref.request(Go()))

        assert await within(asked) == "answer"
        assert (found.postponed, (await status(ref)).postponed) == ((Poke(),), ())


async def test_who_asked_is_answered_by_the_incarnation_that_goes_on_with_the_change() -> None:
    """The change of state is stored when its action fails; the next one takes the event up."""
    table = transitions(
        postpone(Poke).at(A),
        on(Go).at(A).to(B).do(failing_once),
        on(Poke).at(B).keep().do(doing("poked", "answer")),
        on(Back).at(B).keep(),
        on(End).at(B).to(C),
    )
    world = World()
    async with world.living(machine(table)) as ref:
        asked = asyncio.ensure_future(ref.request(Poke()))
        await status(ref)
        ref.tell(Go())

        assert await within(asked) == "answer"

    assert world.letters == [(Go(), DeadLetterReason.CRASHED)]


async def test_who_asked_is_told_the_refusal_after_a_restart() -> None:
    table = transitions(
        postpone(Poke).at(A),
        on(Go).at(A).to(B).do(failing_once),
        on(End).at(B).to(C),
    )
    async with World().living(machine(table)) as ref:
        asked = asyncio.ensure_future(ref.request(Poke()))
        await status(ref)
        ref.tell(Go())

        with pytest.raises(UnknownTransition):
            await within(asked)


async def test_who_asked_is_told_that_the_machine_was_killed() -> None:
    world = World()
    async with world.living(PATIENT) as ref:
        asked = asyncio.ensure_future(ref.request(Poke()))
        await status(ref)
        ref.kill()
        with pytest.raises(ActorStopped):
            await within(asked)

    async with world.living(PATIENT) as ref:
        assert (await status(ref)).postponed == (Poke(),)


async def test_a_postponed_event_that_is_sent_again_is_not_handled_twice() -> None:
    world = World()
    async with world.living(PATIENT) as ref:
        ref.tell(Poke(number=1))
        again = Held(2, Poke(number=1))
        ref.tell(again)
        assert len((await status(ref)).postponed) == 1
        await within(ref.request(Go()))
        with pytest.raises(AlreadyHandled):
            await within(ref.request(again))
        assert pokes(await moves(ref)) == [1]


async def test_a_state_timeout_takes_them_up_too() -> None:
    table = transitions(
        postpone(Poke).at(A),
        after(5.0).at(A).to(B),
        on(Poke).at(B).to(C),
    )
    world = World()
    async with world.living(machine(table)) as ref:
        ref.tell(Poke())
        found = await advance(world, ref, 5.0)

    assert found.state is C
