"""The declared protocols of dead letters and state machines, kept and broken."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from enum import Enum
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorSystem,
    DurableDeadLetters,
    HandleLetter,
    LetterVerdict,
    Message,
    Props,
    Request,
    TypeRegistry,
    handler,
)
from dramaturg.actors.journal import MemoryJournal
from dramaturg.protocols import Seen, by_request, letter_handled, letter_replayed
from dramaturg.protocols.state_machines import (
    GetDiagram,
    GetHistory,
    GetStatus,
    MachineDefinitionError,
    MachineStatus,
    NoTransition,
    StateMachine,
    on,
    transitions,
)
from tests.actors.kit import within
from tests.protocols.monitor_kit import attached

pytestmark = pytest.mark.timeout(30)


class Note(Message, name="declared.Note"):
    number: int = 0


class Till(Actor):
    @handler
    def note(self, message: Note) -> None:
        if message.number < 0:
            raise ValueError


class Sender(Actor):
    """Sends what is too late: what a store sends again has no sender in the tests."""

    def __init__(self, till: ActorRef[Any], *notes: Note) -> None:
        self.till = till
        self.notes = notes

    def on_start(self) -> None:
        for each in self.notes:
            self.till.tell(each)


class Desk(Actor):
    verdict: Any = LetterVerdict.SETTLED

    @handler
    def see(self, message: HandleLetter) -> Any:
        return self.verdict


class Undecided(Desk):
    verdict = "perhaps"


@asynccontextmanager
async def buried(*notes: Note) -> AsyncGenerator[tuple[ActorSystem, DurableDeadLetters]]:
    """Start a system whose till was not there when notes came, and is now."""
    letters = DurableDeadLetters(TypeRegistry(Note))
    async with ActorSystem(journal=MemoryJournal(), dead_letters=letters) as system:
        till = system.spawn(Till, name="till")
        await till.stop(block=False)
        await system.spawn(Props(Sender, till, *notes)).stop(block=False)
        await within(letters.stored())
        system.spawn(Till, name="till")
        yield system, letters


async def test_an_actor_decides_about_each_letter_once() -> None:
    async with buried(Note(), Note()) as (system, letters):
        desk = system.spawn(Desk)
        roles = {"store": None, "handler": desk}
        with attached(system, letter_handled(), roles, key=by_request) as (monitor, violations):
            handled = await within(letters.handle(desk))

            assert handled.settled == 2
            assert monitor.statistics().observations == 8
            assert monitor.finish() == ()
            assert violations == []


async def test_an_actor_that_does_not_decide_is_reported() -> None:
    async with buried(Note()) as (system, letters):
        desk = system.spawn(Undecided)
        roles = {"store": None, "handler": desk}
        with attached(system, letter_handled(), roles, key=by_request) as (monitor, violations):
            handled = await within(letters.handle(desk))

            assert handled.left == 1
            monitor.finish()
            assert {each.kind for each in violations} == {"unfinished"}


async def test_a_letter_is_sent_again_when_it_has_come_back() -> None:
    async with buried(Note(), Note(number=-1)) as (system, letters):
        roles: Any = {"store": None, "target": Till}
        protocol = letter_replayed(Note)
        with attached(system, protocol, roles, key=by_request) as (monitor, violations):
            for _ in range(3):
                letters.replay()
                await within(letters.stored())
                await within(letters.stored())
                if system.lookup("/till") is None:
                    system.spawn(Till, name="till")

            assert monitor.statistics().observations >= 8
            assert violations == []


def one_letter(_: Seen) -> str:
    return "one letter"


async def test_a_letter_that_is_sent_twice_at_once_is_reported() -> None:
    async with ActorSystem() as system:
        till = system.spawn(Till, name="till")
        roles: Any = {"store": None, "target": till}
        protocol = letter_replayed(Note)
        with attached(system, protocol, roles, key=one_letter) as (_, violations):
            till.tell(Note())
            till.tell(Note())
            await within(till.drain(block=False))

            assert "unexpected" in {each.kind for each in violations}


class Lamp(Enum):
    """What there is to be."""

    OFF = 0
    ON = 1


class Press(Request[str]):
    pass


class Break(Request[MachineStatus[Any, Any]]):
    pass


class Light(StateMachine[Lamp, None]):
    initial = Lamp.OFF
    table = transitions(
        on(Press).at(Lamp.OFF).to(Lamp.ON).replying(lambda data, event: "bright"),
        on(Press).at(Lamp.ON).to(Lamp.OFF).replying(lambda data, event: "dark"),
        on(Break).at(Lamp.ON).to(Lamp.OFF),
    )


async def test_a_machine_answers_each_request_once() -> None:
    async with ActorSystem(journal=MemoryJournal()) as system:
        light = system.spawn(Light)
        roles = {"client": None, "machine": light}
        with attached(system, Light.protocol(), roles, key=by_request) as (monitor, violations):
            assert await within(light.request(Press())) == "bright"
            await within(light.request(Break()))
            with pytest.raises(NoTransition):
                await within(light.request(Break()))
            for query in (GetStatus(), GetHistory(), GetDiagram()):
                await within(light.request(query))

            assert monitor.statistics().observations == 24
            assert monitor.finish() == ()
            assert violations == []


async def test_a_machine_that_answers_something_else_is_reported() -> None:
    class Wrong(Actor):
        @handler
        def press(self, message: Press) -> Any:
            return {"bright": True}

    async with ActorSystem() as system:
        light = system.spawn(Wrong)
        roles = {"client": None, "machine": light}
        with attached(system, Light.protocol(), roles, key=by_request) as (monitor, violations):
            await within(light.request(Press()))
            monitor.finish()

            assert {each.role for each in violations} == {"client", "machine"}


def test_a_machine_without_a_table_has_no_protocol() -> None:
    with pytest.raises(MachineDefinitionError):
        StateMachine.protocol()
