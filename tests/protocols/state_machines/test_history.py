"""A machine tells what has happened to it, and draws itself."""

from enum import Enum
from typing import Any

from dramaturg.actors import ActorSystem, MemoryJournal, Refused
from dramaturg.protocols.state_machines import (
    GetDiagram,
    GetHistory,
    StateMachine,
    Step,
    after,
    entering,
    leaving,
    on,
    postpone,
    transitions,
)
from tests.actors.kit import within
from tests.protocols.state_machines.kit import (
    BEAT,
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
)


def charge(lab: Lab, step: Step[Any, Notes]) -> None:
    raise Refused("no cover")


def enough(data: Notes, event: Any) -> bool:
    return True


TABLE = transitions(
    on(Go).at(A).to(B).when(enough).do(charge).timing(BEAT.start(5.0)),
    postpone(Poke).at(A),
    on(Back).at(B).repeat(),
    on(BEAT).at(B).keep(),
    on(End).at(A, B).to(C),
    after(60.0).at(A).to(C),
    entering(A).do(doing("x")),
    leaving(B).do(doing("x")),
)

DRAWN = """\
stateDiagram-v2
    state "A" as A
    A: entering / act
    A: Poke (postponed)
    state "B" as B
    B: leaving / act
    B: timer 'beat'
    state "C" as C
    [*] --> A
    A --> B: Go [enough] / charge
    A --> C: End
    A --> C: state timeout (60 s)
    B --> B: Back (again)
    B --> C: End
    C --> [*]
"""


def test_a_machine_is_drawn_as_a_mermaid_state_diagram() -> None:
    assert machine(TABLE).diagram() == DRAWN


async def test_a_running_machine_marks_its_state() -> None:
    async with World().living(machine(TABLE)) as ref:
        drawn = await within(ref.request(GetDiagram()))

    assert drawn == DRAWN + "    classDef current stroke-width:4px\n    class A current\n"


def test_a_state_whose_name_is_a_word_of_mermaid_is_called_otherwise() -> None:
    words: Any = Enum("words", "start end")

    class Wordy(StateMachine[Any, None]):
        initial = words.start
        final = (words.end,)
        table = transitions(on(Go).at(words.start).to(words.end))

    assert '    state "end" as end_\n' in Wordy.diagram()
    assert "    start --> end_: Go\n" in Wordy.diagram()


async def test_the_history_tells_each_transition_and_what_else_was_stored() -> None:
    world = World()
    table = transitions(*TABLE, on(Poke).at(B).keep())
    async with world.living(machine(table)) as ref:
        world.clock.advance(1.0)
        ref.tell(Poke(number=7))
        ref.tell(Go())
        history = await within(ref.request(GetHistory()))

    assert history.transitions == (("A", Go(), "B"), ("B", Poke(number=7), "B"))
    assert str(history).splitlines() == [
        "/lab",
        "   1  2000-01-01 00:00:00  begins in A",
        "   2  2000-01-01 00:00:00  entering act is done",
        "   3  2000-01-01 00:00:01  Poke(number=7) is postponed",
        "   4  2000-01-01 00:00:01  A -- Go() --> B",
        "   5  2000-01-01 00:00:01  charge is done, refused: no cover",
        "   6  2000-01-01 00:00:01  B -- Poke(number=7) --> B",
    ]


async def test_the_history_tells_what_was_entered_again_and_what_was_dropped() -> None:
    world = World()
    async with world.living(machine(TABLE)) as ref:
        for event in (Poke(), Go(), Back()):
            ref.tell(event)
        history = await within(ref.request(GetHistory()))

    told = [each.what for each in history.entries]
    assert "B -- Back() --> B (again)" in told
    assert any(each.startswith("Poke(number=0) is dropped: /lab in B") for each in told)


async def test_the_history_names_the_message_that_led_to_it_in_a_traced_system() -> None:
    async with ActorSystem("test", journal=MemoryJournal(), trace=True) as system:
        ref = system.spawn(machine(TABLE), name="lab")
        await within(ref.request(End()))
        history = await within(ref.request(GetHistory()))

    assert history.entries[-1].cause is not None
    assert history.entries[0].cause is None
