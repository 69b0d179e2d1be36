"""A machine goes on in any state, with its data, whatever became of the system."""

from enum import Enum
from typing import Any

import pytest

from dramaturg.actors import ActorCrashed, Directive, Message, StartFailed
from dramaturg.protocols.state_machines import StateMachine, after, on, postpone, transitions
from tests.actors.kit import within
from tests.protocols.state_machines.kit import (
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
    status,
)

LINES = (
    on(Go).at(A).to(B).updating(noting("go")).do(doing("go")),
    on(Back).at(B).to(A).updating(noting("back")),
    on(End).at(B).to(C).updating(noting("end")),
    on(Poke).at(A, B).keep().updating(noting("poke")),
)
TABLE = transitions(*LINES)


@pytest.mark.parametrize("snapshot_every", [None, 1, 2], ids=["no snapshots", "each", "other"])
@pytest.mark.parametrize(
    ("events", "state"),
    [((), A), ((Go(),), B), ((Go(), Back()), A), ((Go(), Poke(), End()), C)],
    ids=["at once", "B", "back", "end"],
)
async def test_it_goes_on_in_the_state_in_which_it_was(
    events: tuple[Message, ...], state: S, snapshot_every: int | None
) -> None:
    made = machine(TABLE, snapshot_every=snapshot_every)
    world = World()
    async with world.living(made) as ref:
        for event in events:
            await within(ref.request(event))
        before = await status(ref)
    done = list(world.log)

    async with world.living(made) as ref:
        assert await status(ref) == before
        assert before.state is state
    assert world.log == done


async def test_a_snapshot_holds_timers_and_postponed_events_and_what_is_under_way() -> None:
    def breaks(lab: Lab, step: Any) -> None:
        lab.log.append(step.key)
        if len(lab.log) == 1:
            raise RuntimeError("once")

    table = transitions(
        postpone(Poke).at(A, B),
        on(Back).at(A).keep().do(breaks),
        after(60.0).at(A, B).to(C),
        on(Go).at(A).to(B),
        on(Poke).at(C).keep().updating(noting("poke")),
    )
    made = machine(table, snapshot_every=1, keep_snapshots=1, delete_events=True)
    world = World()
    async with world.living(made, policy=Directive.STOP) as ref:
        ref.tell(Poke())
        with pytest.raises(ActorCrashed):
            await within(ref.request(Back()))
    async with world.living(made) as ref:
        found = await status(ref)
        assert world.log == ["/lab/3/0", "/lab/3/0"]
        assert (found.postponed, len(found.timers)) == ((Poke(),), 1)


async def test_the_data_it_began_with_are_stored() -> None:
    world = World()
    async with world.living(machine(TABLE, initial_data=("first",))) as ref:
        await status(ref)
    async with world.living(machine(TABLE, initial_data=("second",))) as ref:
        assert (await status(ref)).data == ("first",)


async def test_on_ready_runs_before_anything_goes_on() -> None:
    class Ready(machine(TABLE)):  # type: ignore[misc]
        """Notes its state."""

        async def on_ready(self) -> None:
            self.log.append(self.state.name)

    world = World()
    for _ in range(2):
        async with world.living(Ready) as ref:
            if (await status(ref)).state is A:
                await within(ref.request(Go()))

    assert world.log == ["A", ("go", "B"), "B"]


@pytest.mark.parametrize(
    ("table", "gone"),
    [
        (
            transitions(*LINES[1:], on(End).at(A).to(B), on(Go).at(B).keep()),
            "transition 'Go -> B' at A",
        ),
        (transitions(LINES[0].named("start"), *LINES[1:]), "transition 'Go -> B' at A"),
    ],
    ids=["gone", "renamed"],
)
async def test_a_transition_that_is_declared_no_more_fails_the_recovery(
    table: Any, gone: str
) -> None:
    world = World()
    async with world.living(machine(TABLE)) as ref:
        await within(ref.request(Go()))

    with pytest.raises(StartFailed, match=gone):
        async with world.living(machine(table)):
            pass


async def test_a_state_that_is_declared_no_more_fails_the_recovery() -> None:
    world = World()
    async with world.living(machine(TABLE)) as ref:
        await status(ref)

    other: Any = Enum("other", "X Y")

    class Other(StateMachine[Any, Notes]):
        initial = other.X
        final = (other.Y,)
        table = transitions(on(Go).at(other.X).to(other.Y))

        def __init__(self, log: list[Any]) -> None:
            self.log = log

    with pytest.raises(StartFailed, match="no state 'A'"):
        async with world.living(Other):  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
            pass


async def test_an_action_that_is_declared_no_more_fails_the_recovery() -> None:
    def broken(lab: Lab, step: Any) -> None:
        raise RuntimeError

    world = World()
    table = transitions(on(Go).at(A).to(C).do(broken), on(Back).at(A).to(B), on(End).at(B).to(C))
    async with world.living(machine(table), policy=Directive.STOP) as ref:
        with pytest.raises(ActorCrashed):
            await within(ref.request(Go()))

    changed = transitions(on(Go).at(A).to(C), on(Back).at(A).to(B), on(End).at(B).to(C))
    with pytest.raises(StartFailed, match="no actions broken of Go -> C"):
        async with world.living(machine(changed)):
            pass


async def test_a_name_makes_the_order_of_transitions_free_to_change() -> None:
    def small(data: Notes, event: Poke) -> bool:
        return event.number < 10

    def odd(data: Notes, event: Poke) -> bool:
        return event.number % 2 == 1

    first = on(Poke).at(A).keep().when(small).updating(noting("small")).named("small")
    second = on(Poke).at(A).keep().when(odd).updating(noting("odd")).named("odd")
    rest = (on(Go).at(A).to(B), on(End).at(B).to(C))
    world = World()
    async with world.living(machine(transitions(first, second, *rest))) as ref:
        await within(ref.request(Poke(number=1)))

    async with world.living(machine(transitions(second, first, *rest))) as ref:
        assert (await status(ref)).data == ("small",)
        assert (await within(ref.request(Poke(number=1)))).data == ("small", "odd")
