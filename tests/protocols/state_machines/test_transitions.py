"""What an event leads to, and that one which leads nowhere changes nothing."""

import copy
import pickle
from typing import Any

import pytest

from dramaturg.actors import DeadLetterReason, Message, Refused, Request, handler
from dramaturg.protocols.state_machines import (
    GuardedTransition,
    MachineDataError,
    MachineStatus,
    NoTransition,
    Timeout,
    UnknownTransition,
    entering,
    leaving,
    on,
    transitions,
)
from tests.actors.kit import within
from tests.protocols.state_machines.kit import (
    END,
    A,
    B,
    Back,
    C,
    End,
    Go,
    Notes,
    Poke,
    World,
    doing,
    machine,
    moves,
    noting,
    status,
)


class Ask(Request[str]):
    """A question that promises a text."""


class Count(Request[int]):
    """A query."""


class Never(Message):
    """What no table names."""


def is_odd(data: Notes, event: Poke) -> bool:
    return event.number % 2 == 1


def is_big(data: Notes, event: Poke) -> bool:
    return event.number > 10


HOOKS = transitions(
    on(Go).at(A).to(B).updating(noting("go")).do(doing("go")),
    on(Back).at(B).to(A).do(doing("back")),
    on(End).at(A, B).to(C),
    on(Poke).at(A, B).keep().updating(noting("poke")).do(doing("poke")),
    on(Ask).at(A).repeat().replying(lambda data, event: f"{data[-1]}!"),
    leaving(A).updating(noting("leave A")).do(doing("leave A")),
    entering(A, B).updating(noting("enter")).do(doing("enter")),
)
Hooked = machine(HOOKS)


async def test_a_request_is_answered_with_the_new_status() -> None:
    async with World().living(Hooked) as ref:
        found = await within(ref.request(Go()))

    assert isinstance(found, MachineStatus)
    assert (found.state, found.data) == (B, ("enter", "leave A", "go", "enter"))
    assert found.allowed == ("Back", "End", "Poke")


async def test_hooks_and_action_run_in_order_when_the_transition_is_stored() -> None:
    world = World()
    async with world.living(Hooked) as ref:
        await within(ref.request(Go()))

    assert world.log == [("enter", "A"), ("leave A", "B"), ("go", "B"), ("enter", "B")]


async def test_the_first_state_is_entered_too() -> None:
    world = World()
    async with world.living(Hooked) as ref:
        assert (await status(ref)).data == ("enter",)

    assert world.log == [("enter", "A")]


async def test_keeping_the_state_runs_no_hooks() -> None:
    world = World()
    async with world.living(Hooked) as ref:
        found = await within(ref.request(Poke()))

    assert found.data == ("enter", "poke")
    assert world.log == [("enter", "A"), ("poke", "A")]


async def test_repeating_the_state_enters_it_again_and_does_not_leave_it() -> None:
    world = World()
    async with world.living(Hooked) as ref:
        await within(ref.request(Ask()))

    assert world.log == [("enter", "A"), ("enter", "A")]


async def test_a_reply_is_made_of_the_new_data() -> None:
    async with World().living(Hooked) as ref:
        assert await within(ref.request(Ask())) == "enter!"


async def test_a_request_is_answered_with_what_the_last_action_returns() -> None:
    line = on(Poke).at(A).to(C).do(doing("x", "first"), doing("y", "second"), doing("z"))
    async with World().living(machine(transitions(line, on(Go).at(A).to(B), END))) as ref:
        assert await within(ref.request(Poke())) == "second"


async def test_a_request_that_promises_nothing_is_answered_with_nothing() -> None:
    class Quiet(Request[None]):
        """An event."""

    table = transitions(on(Go).at(A).to(B), END, on(Quiet).at(A).keep())
    async with World().living(machine(table)) as ref:
        answer: Any = await within(ref.request(Quiet()))

    assert answer is None


async def test_what_an_action_does_not_return_is_not_the_status_if_another_reply_is_due() -> None:
    table = transitions(on(Go).at(A).to(B), END, on(Ask).at(A).keep().do(doing("x")))
    async with World().living(machine(table)) as ref:
        assert await within(ref.request(Ask())) is None


async def test_an_event_that_the_state_does_not_know_is_refused_and_changes_nothing() -> None:
    async with World().living(Hooked) as ref:
        before = await status(ref)
        with pytest.raises(UnknownTransition) as raised:
            await within(ref.request(Back()))
        after = await status(ref)

    error = raised.value
    assert isinstance(error, NoTransition | Refused)
    assert (error.machine, error.state, error.event) == ("/lab", A, Back())
    assert error.allowed == ("Go", "End", "Poke", "Ask")
    assert after == before


@pytest.mark.parametrize("event", [Never(), Timeout(kind="state")], ids=["unknown", "forged"])
async def test_what_the_table_does_not_name_is_refused(event: Message) -> None:
    async with World().living(Hooked) as ref:
        with pytest.raises(UnknownTransition):
            await within(ref.request(event))
        assert (await status(ref)).sequence == 2


async def test_what_was_told_and_leads_nowhere_is_a_dead_letter() -> None:
    world = World()
    async with world.living(Hooked) as ref:
        ref.tell(Back())
        found = await status(ref)

    assert found.sequence == 2
    assert world.letters == [(Back(), DeadLetterReason.REFUSED)]


ODDLY = machine(
    transitions(
        on(Poke).at(A).to(B).when(is_odd, is_big),
        on(Poke).at(A).to(C).when(is_big),
        END,
    )
)


async def test_an_event_that_every_guard_holds_off_is_refused_and_changes_nothing() -> None:
    async with World().living(ODDLY) as ref:
        with pytest.raises(GuardedTransition) as raised:
            await within(ref.request(Poke(number=3)))
        found = await status(ref)

    assert raised.value.guards == ("is_big", "is_big")
    assert (found.state, found.sequence) == (A, 1)


@pytest.mark.parametrize(("number", "target"), [(13, "B"), (12, "C")], ids=["both", "one"])
async def test_the_first_transition_counts_whose_guards_all_hold(number: int, target: str) -> None:
    async with World().living(ODDLY) as ref:
        await within(ref.request(Poke(number=number)))

        assert await moves(ref) == [("A", Poke(number=number), target)]


async def test_an_update_that_gives_no_data_fails_the_actor_and_is_not_stored() -> None:
    table = transitions(on(Go).at(A).to(B).updating(lambda data, event: None), END)
    async with World().living(machine(table)) as ref:
        with pytest.raises(Exception, match="expected tuple") as raised:
            await within(ref.request(Go()))
        found = await status(ref)

    assert isinstance(raised.value.__cause__, MachineDataError)
    assert (found.state, found.sequence) == (A, 1)


async def test_an_inserted_event_of_no_type_of_the_table_fails_the_actor() -> None:
    table = transitions(on(Go).at(A).to(B).inserting(lambda data, event: Never()), END)
    async with World().living(machine(table)) as ref:
        with pytest.raises(Exception, match="that the table names") as raised:
            await within(ref.request(Go()))

    assert isinstance(raised.value.__cause__, MachineDataError)


async def test_a_machine_may_have_handlers_of_its_own() -> None:
    class Counting(machine(HOOKS)):  # type: ignore[misc]
        """Answers a query."""

        @handler
        def count(self, message: Count) -> int:
            return len(self.data)

    async with World().living(Counting) as ref:
        assert await within(ref.request(Count())) == 1


async def test_the_data_may_be_made_for_each_machine() -> None:
    class Named(machine(HOOKS)):  # type: ignore[misc]
        """Begins with its path."""

        def begin_with(self) -> Notes:
            return (self.context.path,)

    async with World().living(Named) as ref:
        assert (await status(ref)).data == ("/lab", "enter")


async def test_inserted_events_come_before_what_is_queued_and_in_their_order() -> None:
    first, second = Poke(number=1), Poke(number=2)
    table = transitions(
        on(Go).at(A).to(B).inserting(first, lambda data, event: second),
        on(Poke).at(B).keep().updating(noting("poke")),
        END,
    )
    async with World().living(machine(table)) as ref:
        ref.tell(Go())
        ref.tell(End())
        found = await moves(ref)

    assert [event for _, event, _ in found] == [Go(), first, second, End()]


async def test_an_inserted_event_comes_before_one_that_was_inserted_earlier() -> None:
    table = transitions(
        on(Go).at(A).to(B).inserting(Back(), End()),
        on(Back).at(B).keep().inserting(Poke()),
        on(Poke).at(B).keep(),
        END,
    )
    async with World().living(machine(table)) as ref:
        ref.tell(Go())
        found = await moves(ref)

    assert [event for _, event, _ in found] == [Go(), Back(), Poke(), End()]


async def test_an_inserted_event_that_leads_nowhere_is_a_dead_letter() -> None:
    world = World()
    table = transitions(on(Go).at(A).to(B).inserting(Poke()), on(Poke).at(A).keep(), END)
    async with world.living(machine(table)) as ref:
        answer = await within(ref.request(Go()))
        found = await status(ref)

    assert (answer.state, answer.sequence, found.sequence) == (B, 2, 3)
    assert world.letters == [(Poke(), DeadLetterReason.REFUSED)]


def test_a_refusal_survives_pickle_and_copy() -> None:
    error = GuardedTransition(
        machine="/lab", state=A, event=Go(), allowed=("End",), guards=("is_odd",)
    )

    for each in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - our own
        assert str(each) == str(error)
        assert (each.state, each.guards) == (A, ("is_odd",))


async def test_two_machines_of_a_class_have_journals_of_their_own() -> None:
    world = World()
    async with world.living(Hooked) as ref:
        other: Any = world.system.spawn(Hooked, name="other")
        await within(ref.request(Go()))

        assert (await status(other)).state is A
