"""What is wrong with a machine is said when it is declared."""

from enum import Enum
from typing import Any, cast

import pytest

from dramaturg.actors import (
    HandlerDefinitionError,
    Message,
    OptionError,
    Request,
    StartFailed,
    UsageError,
)
from dramaturg.protocols.state_machines import (
    EVENT_TIMEOUT,
    STATE_TIMEOUT,
    AmbiguousTransitionError,
    MachineDefinitionError,
    NoExitError,
    StateMachine,
    Timeout,
    Timer,
    TimerMismatchError,
    UnknownStateError,
    UnreachableStateError,
    after,
    entering,
    leaving,
    on,
    postpone,
    transitions,
)
from tests.actors.kit import within
from tests.protocols.state_machines.kit import (
    END,
    LINE,
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
    doing,
    machine,
    noting,
)


class Other(Enum):
    """States of another machine."""

    A = 1


class Receipt(Message):
    """What is promised."""


class Buy(Request[Receipt]):
    """An event that promises something."""


def yes(data: Notes, event: Any) -> bool:
    return True


def also(data: Notes, event: Any) -> bool:
    return True


def test_a_state_to_which_nothing_leads_is_an_error() -> None:
    with pytest.raises(UnreachableStateError) as raised:
        machine(transitions(on(Go).at(A).to(C), END))

    assert raised.value.states == ("B",)
    assert raised.value.machine == "Made"
    assert isinstance(raised.value, UsageError)


def test_a_state_from_which_nothing_leads_away_has_to_be_final() -> None:
    with pytest.raises(NoExitError) as raised:
        machine(transitions(LINE, END, on(Poke).at(C).keep()), final=())

    assert raised.value.states == ("C",)


def test_a_final_state_cannot_be_left() -> None:
    with pytest.raises(MachineDefinitionError, match="is final"):
        machine(transitions(LINE, END, on(Back).at(C).to(A)))


def test_in_a_final_state_nothing_can_be_postponed() -> None:
    with pytest.raises(MachineDefinitionError, match="is final"):
        machine(transitions(LINE, END, postpone(Back).at(C)))


def test_two_transitions_for_one_event_without_guards_are_ambiguous() -> None:
    with pytest.raises(AmbiguousTransitionError) as raised:
        machine(transitions(LINE, END, on(Go).at(A).to(C)))

    assert raised.value.state == "A"
    assert raised.value.transitions == ("Go -> B", "Go -> C")


def test_what_stands_behind_a_weaker_guard_is_ambiguous() -> None:
    strict = on(Go).at(A).to(C).when(also, yes)
    with pytest.raises(AmbiguousTransitionError):
        machine(transitions(LINE.when(yes), END, strict))


def test_guarded_transitions_for_one_event_are_alternatives() -> None:
    made = machine(transitions(LINE.when(yes), END, on(Go).at(A).to(C).when(also)))

    assert "Go [also]" in made.diagram()


def test_postponing_and_taking_an_event_in_one_state_is_ambiguous() -> None:
    with pytest.raises(AmbiguousTransitionError):
        machine(transitions(postpone(Go).at(A), LINE, END))


@pytest.mark.parametrize(
    "part",
    [
        on(Poke).at(Other.A).keep(),
        on(Poke).at(A).to(Other.A),
        entering(Other.A).do(doing("x")),
        leaving(cast("Any", "A")).do(doing("x")),
    ],
    ids=["from", "to", "entering", "leaving"],
)
def test_what_is_no_state_of_the_machine_is_refused(part: Any) -> None:
    with pytest.raises(UnknownStateError) as raised:
        machine(transitions(LINE, END, part))

    assert raised.value.states == ("A", "B", "C")


@pytest.mark.parametrize(
    ("declared", "part"),
    [
        ({"initial": None}, "initial"),
        ({"initial": Other.A}, "initial"),
        ({"final": C}, "final"),
        ({"table": LINE}, "table"),
        ({"max_postponed": -1}, "max_postponed"),
    ],
    ids=["no state", "another's", "no set", "no table", "no number"],
)
def test_a_declaration_that_cannot_be_names_the_part(declared: Any, part: str) -> None:
    with pytest.raises(MachineDefinitionError) as raised:
        machine(**{"table": transitions(LINE, END), **declared})

    assert raised.value.part == part


def test_a_final_state_of_another_machine_is_refused() -> None:
    with pytest.raises(UnknownStateError):
        machine(transitions(LINE, END), final=(Other.A,))


def test_a_transition_to_the_state_it_comes_from_has_to_say_keep_or_repeat() -> None:
    with pytest.raises(MachineDefinitionError, match="say keep"):
        machine(transitions(LINE, END, on(Poke).at(A, B).to(B)))


def test_a_state_that_a_part_names_twice_is_refused() -> None:
    with pytest.raises(MachineDefinitionError, match="twice"):
        machine(transitions(LINE, END, on(Poke).at(A, A).keep()))


@pytest.mark.parametrize(
    "part",
    [on(Go).at(A), on(Go).to(B), entering().do(doing("x")), cast("Any", Go)],
    ids=["no target", "no source", "no states", "no part"],
)
def test_an_unfinished_part_is_refused(part: Any) -> None:
    with pytest.raises(MachineDefinitionError):
        transitions(part)


@pytest.mark.parametrize(
    "make",
    [
        on,
        lambda: on(cast("Any", int)),
        lambda: on(Timeout),
        lambda: on(cast("Any", Go())),
        lambda: after(None),
        LINE.keep,
        lambda: LINE.do(cast("Any", "charge")),
        lambda: LINE.when(cast("Any", None)),
        lambda: LINE.updating(cast("Any", S)),
        lambda: LINE.replying(cast("Any", 7)),
        lambda: LINE.timing(cast("Any", RETRY)),
        lambda: LINE.named(""),
        lambda: transitions(postpone(Go).at(A).do(doing("x"))),
    ],
    ids=[
        "nothing",
        "no message",
        "the timers' own",
        "an instance",
        "never",
        "two targets",
        "no action",
        "no guard",
        "a class",
        "no reply",
        "no timing",
        "no name",
        "postponed and done",
    ],
)
def test_a_word_of_the_table_refuses_what_it_does_not_take(make: Any) -> None:
    with pytest.raises(MachineDefinitionError):
        make()


@pytest.mark.parametrize("seconds", [-1.0, float("inf"), float("nan"), "5"], ids=str)
def test_a_timer_takes_no_impossible_time(seconds: Any) -> None:
    with pytest.raises(OptionError):
        RETRY.start(seconds)
    with pytest.raises(OptionError):
        after(seconds)


def test_a_named_timer_has_a_name() -> None:
    with pytest.raises(OptionError):
        Timer("")


def test_a_timer_for_which_no_state_waits_is_an_error() -> None:
    with pytest.raises(TimerMismatchError) as raised:
        machine(transitions(LINE.timing(RETRY.start(1.0)), END))

    assert raised.value.timer == "timer 'retry'"


@pytest.mark.parametrize("timer", [RETRY, STATE_TIMEOUT, EVENT_TIMEOUT], ids=str)
def test_a_timer_that_nothing_starts_is_an_error(timer: Timer) -> None:
    with pytest.raises(TimerMismatchError):
        machine(transitions(LINE, END, on(timer).at(A).keep()))


def test_a_state_has_one_timeout() -> None:
    table = transitions(LINE, END, after(1.0).at(A).to(B).when(yes), after(2.0).at(A).to(C))
    with pytest.raises(TimerMismatchError, match="one timeout"):
        machine(table)


@pytest.mark.parametrize("event", [Poke(), Poke, 7], ids=["unknown", "a class", "no message"])
def test_an_inserted_event_has_to_be_one_of_the_table(event: Any) -> None:
    with pytest.raises(MachineDefinitionError, match="inserts"):
        machine(transitions(LINE.inserting(event), END))


def test_a_request_that_promises_something_has_to_be_answered_with_it() -> None:
    with pytest.raises(MachineDefinitionError, match="promises Receipt"):
        machine(transitions(LINE, END, on(Buy).at(A).keep()))
    machine(transitions(LINE, END, on(Buy).at(A).keep().replying(lambda data, event: Receipt())))


def test_the_initial_state_is_one_of_those_in_the_brackets() -> None:
    with pytest.raises(MachineDefinitionError) as raised:

        class Wrong(StateMachine[S, None]):  # pyright: ignore[reportUnusedClass]
            initial = Other.A
            table = transitions(on(Go).at(Other.A).keep())

    assert raised.value.part == "initial"


def test_what_cannot_be_stored_is_refused() -> None:
    class Go(Message):
        """The name is taken."""

    with pytest.raises(MachineDefinitionError) as raised:
        machine(transitions(LINE, END, on(Go).at(A).keep()))

    assert raised.value.part == "what it stores"


def test_on_recovered_is_the_machines_own() -> None:
    with pytest.raises(HandlerDefinitionError) as raised:

        class Wrong(Lab):  # pyright: ignore[reportUnusedClass]
            async def on_recovered(self) -> None:
                """Would leave it without timers."""

    assert raised.value.method == "on_recovered"


async def test_a_machine_without_a_table_does_not_start() -> None:
    with pytest.raises(StartFailed, match="table: is missing"):
        async with World().living(Lab):
            pass


def test_a_machine_without_a_table_cannot_be_drawn() -> None:
    with pytest.raises(MachineDefinitionError):
        Lab.diagram()


def test_a_part_is_a_value_and_can_be_used_again() -> None:
    away = on(End).to(C)
    table = transitions(LINE.updating(noting("x")), away.at(A), away.at(B), on(Go).at(B).to(A))

    assert LINE.updates == ()
    assert machine(table).diagram().count("--> C: End") == 2


async def test_a_subclass_inherits_the_table() -> None:
    class Heir(machine(transitions(LINE, END))):  # type: ignore[misc]
        """Begins elsewhere."""

        initial_data = ("heir",)

    async with World().living(Heir) as ref:
        assert (await within(ref.request(Go()))).data == ("heir",)
