"""The three kinds of timers, by the rules of gen_statem, and what is left of them afterwards."""

from dataclasses import replace
from typing import Any

import pytest

from dramaturg.actors import ActorCrashed, DeadLetterReason, OptionError
from dramaturg.protocols.state_machines import (
    EVENT_TIMEOUT,
    STATE_TIMEOUT,
    Timeout,
    UnknownTransition,
    after,
    entering,
    leaving,
    on,
    postpone,
    transitions,
)
from dramaturg.protocols.state_machines._alarms import Tick, first_due
from dramaturg.protocols.state_machines._records import Running
from tests.actors.kit import within
from tests.protocols.state_machines.kit import (
    BEAT,
    RETRY,
    A,
    B,
    Back,
    C,
    End,
    Go,
    Lab,
    Notes,
    Poke,
    S,
    World,
    advance,
    machine,
    moves,
    noting,
    status,
)


def seen(data: Notes, event: Timeout) -> Notes:
    """Note what timer it was."""
    return (*data, f"{event.kind} {event.name} {event.content}".strip())


def with_timers(*timings: Any) -> type[Lab]:
    """Declare a machine in which Go starts or changes timers, and all of them only note."""
    every = transitions(
        on(Go).at(A).keep().timing(*timings),
        on(Poke).at(A, B).keep(),
        on(Back).at(A).to(B),
        on(STATE_TIMEOUT, EVENT_TIMEOUT, RETRY, BEAT).at(A, B).keep().updating(seen),
        on(End)
        .at(B)
        .to(C)
        .timing(
            STATE_TIMEOUT.start(1.0), EVENT_TIMEOUT.start(1.0), RETRY.start(1.0), BEAT.start(1.0)
        ),
        on(STATE_TIMEOUT, EVENT_TIMEOUT, RETRY, BEAT).at(C).keep(),
    )
    return machine(every)


# -- the state timeout -----------------------------------------------------------------------


EXPIRING = machine(
    transitions(
        after(60.0).at(A).to(C).updating(seen),
        on(Go).at(A).to(B),
        on(Poke).at(A).keep(),
        on(End).at(A).repeat(),
        on(Back).at(B).to(A),
    )
)


async def test_after_so_long_in_a_state_its_timeout_comes() -> None:
    world = World()
    async with world.living(EXPIRING) as ref:
        assert (await advance(world, ref, 59.0)).state is A
        found = await advance(world, ref, 1.0)

        assert (found.state, found.data) == (C, ("state  None",))
        assert await moves(ref) == [("A", Timeout(kind="state"), "C")]


async def test_a_change_of_state_cancels_it_and_entering_starts_it_anew() -> None:
    world = World()
    async with world.living(EXPIRING) as ref:
        await advance(world, ref, 50.0)
        assert (await within(ref.request(Go()))).timers == ()
        await advance(world, ref, 100.0)
        await within(ref.request(Back()))
        assert (await advance(world, ref, 59.0)).state is A
        assert (await advance(world, ref, 1.0)).state is C


async def test_keeping_the_state_lets_it_go_on() -> None:
    world = World()
    async with world.living(EXPIRING) as ref:
        await advance(world, ref, 50.0)
        await within(ref.request(Poke()))
        assert (await advance(world, ref, 10.0)).state is C


async def test_repeating_the_state_begins_it_anew() -> None:
    world = World()
    async with world.living(EXPIRING) as ref:
        await advance(world, ref, 50.0)
        await within(ref.request(End()))
        assert (await advance(world, ref, 59.0)).state is A
        assert (await advance(world, ref, 1.0)).state is C


async def test_a_timeout_is_for_the_state_that_the_transition_leads_to() -> None:
    world = World()
    table = transitions(
        on(Go).at(A).to(B).timing(STATE_TIMEOUT.start(5.0)), on(STATE_TIMEOUT).at(B).to(C)
    )
    async with world.living(machine(table)) as ref:
        await within(ref.request(Go()))
        assert (await advance(world, ref, 5.0)).state is C


async def test_a_transition_may_give_a_state_more_time_than_it_says_itself() -> None:
    world = World()
    table = transitions(
        on(Go).at(A).to(B).timing(STATE_TIMEOUT.start(500.0)), after(5.0).at(B).to(C)
    )
    async with world.living(machine(table)) as ref:
        await within(ref.request(Go()))
        assert (await advance(world, ref, 499.0)).state is B
        assert (await advance(world, ref, 1.0)).state is C


async def test_the_hook_of_a_state_has_the_last_word_on_its_timers() -> None:
    world = World()
    table = transitions(
        on(Go).at(A).to(B).timing(RETRY.start(500.0)),
        leaving(A).timing(RETRY.start(50.0)),
        entering(B).timing(RETRY.start(5.0)),
        on(RETRY).at(B).to(C),
    )
    async with world.living(machine(table)) as ref:
        await within(ref.request(Go()))
        assert (await advance(world, ref, 5.0)).state is C


async def test_how_long_may_depend_on_data_and_event() -> None:
    def patience(data: Notes, event: Any) -> float | None:
        return 10.0 if data else None

    world = World()
    table = transitions(
        after(patience).at(A).to(C),
        on(Go).at(A).repeat().updating(noting("x")),
        on(End).at(A).to(B),
        on(End).at(B).to(C),
    )
    async with world.living(machine(table)) as ref:
        assert (await advance(world, ref, 1_000.0)).timers == ()
        await within(ref.request(Go()))
        assert (await advance(world, ref, 10.0)).state is C


async def test_an_impossible_time_fails_the_actor_and_is_not_stored() -> None:
    table = transitions(
        on(Go).at(A).to(B).timing(RETRY.start(lambda data, event: -1.0)), on(RETRY).at(B).to(C)
    )
    async with World().living(machine(table)) as ref:
        with pytest.raises(ActorCrashed) as raised:
            await within(ref.request(Go()))
        assert (await status(ref)).sequence == 1

    assert isinstance(raised.value.__cause__, OptionError)


# -- named timers and the event timeout --------------------------------------------------------


async def test_named_timers_run_side_by_side_and_outlive_a_change_of_state() -> None:
    world = World()
    async with world.living(with_timers(RETRY.start(5.0, "r"), BEAT.start(3.0, "b"))) as ref:
        await within(ref.request(Go()))
        await within(ref.request(Back()))
        found = await advance(world, ref, 5.0)

    assert found.data == ("named beat b", "named retry r")


async def test_starting_a_timer_replaces_the_one_of_its_name() -> None:
    world = World()
    made = with_timers(RETRY.start(5.0, "first"), RETRY.start(8.0, "second"))
    async with world.living(made) as ref:
        await within(ref.request(Go()))
        await advance(world, ref, 4.0)
        await within(ref.request(Go()))
        assert (await advance(world, ref, 7.0)).data == ()
        assert (await advance(world, ref, 1.0)).data == ("named retry second",)


async def test_a_timer_can_be_cancelled() -> None:
    world = World()
    async with world.living(with_timers(RETRY.start(5.0), RETRY.cancel(), BEAT.cancel())) as ref:
        assert (await within(ref.request(Go()))).timers == ()
        assert (await advance(world, ref, 10.0)).data == ()


async def test_an_update_exchanges_the_content_and_lets_the_timer_run_on() -> None:
    world = World()
    made = with_timers(RETRY.start(5.0, "old"), RETRY.update("new"))
    async with world.living(made) as ref:
        await within(ref.request(Go()))
        assert (await advance(world, ref, 4.9)).data == ()
        assert (await advance(world, ref, 0.1)).data == ("named retry new",)


async def test_an_update_of_a_timer_that_does_not_run_lets_it_run_out_at_once() -> None:
    async with World().living(with_timers(RETRY.update(lambda data, event: "new"))) as ref:
        await within(ref.request(Go()))
        assert (await status(ref)).data == ("named retry new",)


async def test_any_event_cancels_the_event_timeout() -> None:
    world = World()
    async with world.living(with_timers(EVENT_TIMEOUT.start(5.0))) as ref:
        await within(ref.request(Go()))
        await advance(world, ref, 4.0)
        await within(ref.request(Poke()))
        assert (await advance(world, ref, 10.0)).data == ()


async def test_if_no_event_comes_the_event_timeout_does() -> None:
    world = World()
    async with world.living(with_timers(EVENT_TIMEOUT.start(5.0, "quiet"))) as ref:
        await within(ref.request(Go()))
        assert (await advance(world, ref, 5.0)).data == ("event  quiet",)


async def test_a_refused_event_cancels_no_timer() -> None:
    world = World()
    async with world.living(with_timers(EVENT_TIMEOUT.start(5.0))) as ref:
        await within(ref.request(Go()))
        with pytest.raises(UnknownTransition):
            await within(ref.request(End()))
        assert (await advance(world, ref, 5.0)).data == ("event  None",)


@pytest.mark.parametrize("inserts", [False, True], ids=["postponed", "inserted"])
async def test_a_postponed_or_inserted_event_cancels_the_event_timeout(inserts: bool) -> None:
    line = on(Go).at(A).keep().timing(EVENT_TIMEOUT.start(5.0))
    table = transitions(
        line.inserting(Back()) if inserts else line,
        on(Back).at(A).keep(),
        postpone(Poke).at(A),
        on(End).at(A).to(B),
        on(EVENT_TIMEOUT).at(A).to(C),
        on(Poke).at(B).to(C),
    )
    world = World()
    async with world.living(machine(table)) as ref:
        await within(ref.request(Go()))
        if not inserts:
            ref.tell(Poke())
        assert (await status(ref)).timers == ()
        assert (await advance(world, ref, 5.0)).state is A


# -- no time -----------------------------------------------------------------------------------


async def test_a_timer_of_no_time_comes_behind_what_is_queued_and_before_the_mailbox() -> None:
    table = transitions(
        postpone(Poke).at(A),
        on(Go).at(A).to(B).timing(RETRY.start(0), BEAT.start(0.0)).inserting(Back()),
        on(Poke, Back, RETRY, BEAT).at(B).keep(),
        on(End).at(B).to(C),
    )
    async with World().living(machine(table)) as ref:
        for event in (Poke(), Go(), End()):
            ref.tell(event)
        found = [event for _, event, _ in await moves(ref)]

    ends = [Timeout(kind="named", name="retry"), Timeout(kind="named", name="beat")]
    assert found == [Go(), Back(), Poke(), *ends, End()]


async def test_a_state_timeout_of_no_time_is_cancelled_by_a_change_of_state() -> None:
    table = transitions(
        on(Go).at(A).keep().timing(STATE_TIMEOUT.start(0)).inserting(Back()),
        on(Back).at(A).to(B),
        on(STATE_TIMEOUT).at(A).to(C),
        on(End).at(B).to(C),
    )
    async with World().living(machine(table)) as ref:
        await within(ref.request(Go()))
        assert (await status(ref)).state is B


async def test_an_event_timeout_of_no_time_comes_only_if_nothing_is_queued() -> None:
    table = transitions(
        on(Go).at(A).keep().timing(EVENT_TIMEOUT.start(0)),
        on(Back).at(A).keep().timing(EVENT_TIMEOUT.start(0)).inserting(Poke()),
        on(Poke).at(A).keep().updating(noting("poke")),
        on(EVENT_TIMEOUT).at(A).to(B),
        on(End).at(B).to(C),
    )
    async with World().living(machine(table)) as ref:
        await within(ref.request(Back()))
        assert (await status(ref)).state is A
        await within(ref.request(Go()))
        assert (await status(ref)).state is B


# -- what is left of them ------------------------------------------------------------------------


async def test_a_timer_that_leads_nowhere_is_a_dead_letter_and_does_not_come_again() -> None:
    table = transitions(
        on(Go).at(A).to(B).timing(RETRY.start(5.0)), on(RETRY).at(A).to(C), on(End).at(B).to(C)
    )
    world = World()
    made = machine(table)
    async with world.living(made) as ref:
        await within(ref.request(Go()))
        assert (await advance(world, ref, 5.0)).timers == ()
        assert world.letters == [(Timeout(kind="named", name="retry"), DeadLetterReason.REFUSED)]

    async with world.living(made) as ref:
        assert (await advance(world, ref, 5.0)).timers == ()
        assert world.letters == []


@pytest.mark.parametrize("states", [(A, ()), (B, (Go(),))], ids=["A", "B"])
async def test_what_is_left_of_a_timeout_goes_on_after_a_restart(
    states: tuple[S, tuple[Any, ...]],
) -> None:
    expected, events = states
    made = machine(transitions(on(Go).at(A).to(B), after(60.0).at(A, B).to(C)))
    world = World()
    async with world.living(made) as ref:
        for event in events:
            await within(ref.request(event))
        await advance(world, ref, 20.0)
    world.clock.advance(30.0)

    async with world.living(made) as ref:
        assert (await advance(world, ref, 9.0)).state is expected
        assert (await advance(world, ref, 1.0)).state is C


async def test_a_timeout_that_ended_while_nobody_was_there_comes_at_once() -> None:
    world = World()
    async with world.living(EXPIRING) as ref:
        await status(ref)
    world.clock.advance(3_600.0)

    async with world.living(EXPIRING) as ref:
        assert (await advance(world, ref, 0.0)).state is C


TICKING = machine(
    transitions(
        on(Go).at(A).to(B),
        entering(B).timing(RETRY.start(1.0)),
        on(RETRY).at(B).keep().updating(seen),
        leaving(B).timing(RETRY.cancel()),
        after(5.0).at(B).to(C),
    )
)
"""The timer that is started second is due first, and the other one cancels it."""


@pytest.mark.parametrize("is_down", [False, True], ids=["live", "down"])
async def test_overdue_timers_come_in_the_order_in_which_they_were_due(is_down: bool) -> None:
    world = World()
    async with world.living(TICKING) as ref:
        await within(ref.request(Go()))
        if not is_down:
            await advance(world, ref, 10.0)
            assert (await status(ref)).state is C
    world.clock.advance(10.0)
    async with world.living(TICKING) as ref:
        await advance(world, ref, 0.0)
        found = await status(ref)

    assert (found.state, found.data) == (C, ("named retry None",))


@pytest.mark.parametrize("is_down", [False, True], ids=["live", "down"])
async def test_an_overdue_timer_may_cancel_the_one_behind_it(is_down: bool) -> None:
    table = transitions(
        on(Go).at(A).keep().timing(BEAT.start(3.0), RETRY.start(2.0)),
        on(RETRY).at(A).keep().updating(seen).timing(BEAT.cancel()),
        on(BEAT).at(A).to(B),
        on(End).at(B).to(C),
    )
    made, world = machine(table), World()
    async with world.living(made) as ref:
        await within(ref.request(Go()))
        if not is_down:
            await advance(world, ref, 10.0)
            assert (await status(ref)).timers == ()
    world.clock.advance(10.0)
    async with world.living(made) as ref:
        await advance(world, ref, 0.0)
        found = await status(ref)

    assert (found.state, found.data, found.timers) == (A, ("named retry None",), ())


async def test_overdue_timers_of_one_instant_come_in_the_order_of_their_starts() -> None:
    made, world = with_timers(RETRY.start(2.0), BEAT.start(2.0)), World()
    async with world.living(made) as ref:
        await within(ref.request(Go()))
    world.clock.advance(10.0)
    async with world.living(made) as ref:
        await advance(world, ref, 0.0)
        assert (await status(ref)).data == ("named retry None", "named beat None")


def test_where_the_wall_clock_was_set_back_a_timer_does_not_come_before_its_time() -> None:
    early = Running(kind="named", name="beat", started=2, due=65.0, at_once=False, content=None)
    rung = replace(early, name="retry", started=1, due=110.0)
    tick = Tick("named", "retry", 1)

    assert first_due((rung, early), tick, 60.0) is rung
    assert first_due((rung, early), tick, 65.0) is early
    assert first_due((early,), tick, 110.0) is None


async def test_all_kinds_of_timers_are_there_again_with_their_contents() -> None:
    made = with_timers(
        STATE_TIMEOUT.start(7.0, "s"), RETRY.start(8.0, "r"), EVENT_TIMEOUT.start(9.0, "e")
    )
    world = World()
    async with world.living(made) as ref:
        await within(ref.request(Go()))
    async with world.living(made) as ref:
        assert len((await status(ref)).timers) == 3
        # The first of them is an event, which cancels the event timeout.
        assert (await advance(world, ref, 9.0)).data == ("state  s", "named retry r")


async def test_a_timer_of_no_time_that_was_not_taken_comes_first_after_a_restart() -> None:
    def breaks(lab: Lab, step: Any) -> None:
        lab.log.append(lab.context.incarnation)
        if len(lab.log) == 1:
            raise RuntimeError("once")

    table = transitions(on(Go).at(A).to(B).timing(RETRY.start(0)).do(breaks), on(RETRY).at(B).to(C))
    world = World()
    async with world.living(machine(table)) as ref:
        with pytest.raises(ActorCrashed):
            await within(ref.request(Go()))
        assert (await status(ref)).state is C

    assert world.log == [1, 2]
