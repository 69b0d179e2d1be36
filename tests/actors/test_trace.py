"""A system with `trace=True`: each message knows its sender, and which message led to it."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from dramaturg.actors import (
    Actor,
    ActorFailed,
    ActorRef,
    ActorSystem,
    Bounded,
    DeadLetterReason,
    Directive,
    ManualClock,
    Overflow,
    Props,
    ThreadActor,
    handler,
)
from tests.actors.kit import Fail
from tests.actors.messaging_kit import BOXES, AsyncBox, Captured, Note, ThreadBox, Whom, held, until


@dataclass(frozen=True)
class Seen:
    """What an actor saw of one message."""

    actor: str
    sender: str | None
    message_id: UUID
    correlation_id: UUID
    causation_id: UUID | None


@dataclass(frozen=True)
class Route:
    """Goes from actor to actor, by tell or by request."""

    seen: list[Seen]
    rest: tuple[ActorRef[Any], ...]
    how: str = "tell"

    def note(self, actor: Actor) -> None:
        sender = actor.context.sender
        headers = actor.context._cell.message.headers
        self.seen.append(
            Seen(
                actor=actor.context.name,
                sender=None if sender is None else sender.name,
                message_id=headers.message_id,
                correlation_id=headers.correlation_id,
                causation_id=headers.causation_id,
            )
        )

    def next(self) -> "Route":
        return Route(self.seen, self.rest[1:], self.how)


class Def(Actor):
    @handler
    def route(self, message: Route) -> Any:
        message.note(self)
        if message.rest:
            if message.how == "tell":
                message.rest[0].tell(message.next())
            else:
                message.rest[0].ask(message.next(), block=False)


class Async(Actor):
    @handler
    async def route(self, message: Route) -> Any:
        message.note(self)
        if message.rest:
            if message.how == "tell":
                message.rest[0].tell(message.next())
            else:
                await message.rest[0].request(message.next())


class Thread(ThreadActor):
    @handler
    def route(self, message: Route) -> Any:
        message.note(self)
        if message.rest:
            if message.how == "tell":
                message.rest[0].tell(message.next())
            else:
                message.rest[0].ask(message.next())


KINDS = [Def, Async, Thread]


@pytest.mark.parametrize("how", ["tell", "request"])
@pytest.mark.parametrize("kinds", [(k,) * 3 for k in KINDS] + [tuple(KINDS), tuple(KINDS[::-1])])
async def test_sender_and_ids_go_through_three_hops(
    kinds: tuple[type[Actor], ...], how: str
) -> None:
    async with ActorSystem(trace=True) as system:
        first, second, third = (
            system.spawn(kind, name=name) for kind, name in zip(kinds, "abc", strict=True)
        )
        seen: list[Seen] = []
        first.tell(Route(seen, (second, third), how))
        await until(lambda: len(seen) == 3)

        a, b, c = seen
        assert [each.actor for each in seen] == ["a", "b", "c"]
        assert [each.sender for each in seen] == [None, "a", "b"]
        assert len({each.message_id for each in seen}) == 3
        assert {each.correlation_id for each in seen} == {a.message_id}
        assert (a.causation_id, b.causation_id, c.causation_id) == (
            None,
            a.message_id,
            b.message_id,
        )


async def test_each_message_from_outside_begins_a_chain_of_its_own() -> None:
    async with ActorSystem(trace=True) as system:
        ref = system.spawn(Async)
        seen: list[Seen] = []
        ref.tell(Route(seen, ()))
        await ref.request(Route(seen, ()))
        await ref.ask(Route(seen, ()), block=False)
        await asyncio.to_thread(ref.ask, Route(seen, ()))
        await ref.send(Route(seen, ()))
        await until(lambda: len(seen) == 5)

        assert len({each.correlation_id for each in seen}) == 5
        assert [each.sender for each in seen] == [None] * 5


@pytest.mark.parametrize("kind", KINDS)
async def test_a_message_told_in_a_hook_or_by_a_timer_names_its_sender(kind: type[Actor]) -> None:
    class Hooks(kind):  # type: ignore[misc,valid-type] # pyright: ignore[reportGeneralTypeIssues]
        def __init__(self, target: ActorRef[Any], seen: list[Seen]) -> None:
            self.target = target
            self.seen = seen

        def on_start(self) -> None:
            self.target.tell(Route(self.seen, ()))
            self.context.start_timer("key", "tick", after=1)

        @handler
        def tick(self, message: str) -> None:
            self.target.tell(Route(self.seen, ()))

    clock = ManualClock()
    async with ActorSystem(trace=True, clock=clock) as system:
        seen: list[Seen] = []
        ref = system.spawn(Props(Hooks, system.spawn(Def), seen), name="hooks")
        await ref.started()
        clock.advance(1)
        await until(lambda: len(seen) == 2)

        assert [each.sender for each in seen] == ["hooks", "hooks"]


@pytest.mark.parametrize("box", BOXES)
async def test_a_dead_letter_of_a_stopped_actor_has_sender_and_ids(box: type[Actor]) -> None:
    class Tells(Actor):
        @handler
        def tell(self, message: Whom) -> None:
            message.ref.tell(Note(1))

    async with ActorSystem(trace=True) as system:
        ref, tells = system.spawn(box), system.spawn(Tells, name="tells")
        await ref.stop(block=False)
        tells.tell(Whom(ref))
        await until(lambda: len(system.dead_letters) == 1)

        [letter] = system.dead_letters.list()
        assert (letter.reason, letter.sender) == (DeadLetterReason.STOPPED, "/tells")
        assert letter.message_id is not None
        assert letter.correlation_id == letter.causation_id is not None


async def test_a_message_that_waited_for_room_has_its_ids() -> None:
    async with ActorSystem(trace=True) as system:
        props = Props(AsyncBox).using(mailbox=Bounded(1, Overflow.BLOCK))
        ref = system.spawn(props)
        hold = await held(system, ref)
        await ref.send(Note(1))
        sending = asyncio.ensure_future(ref.send(Note(2)))
        ended = ref.stop(block=False)
        hold.release.set()
        await sending
        await ended

        letters = system.dead_letters.list()
        assert len(letters) == 2
        assert all(letter.message_id is not None for letter in letters)


async def test_the_report_of_a_failure_has_the_ids_of_its_message() -> None:
    failures: list[ActorFailed] = []
    async with ActorSystem(trace=True, logger=Captured().log) as system:
        system.events.subscribe(failures.append, ActorFailed)
        ref = system.spawn(Props(AsyncBox).using(policy=Directive.STOP))
        ref.tell(Fail(ValueError()))
        await until(lambda: len(failures) == 1)

        [letter] = system.dead_letters.list()
        assert failures[0].message_id == str(letter.message_id)
        assert failures[0].correlation_id == str(letter.correlation_id)
        assert failures[0].causation_id is None


@pytest.mark.parametrize("box", [AsyncBox, ThreadBox])
async def test_the_actors_log_is_bound_to_the_message(box: type[Actor]) -> None:
    class Logs(box):  # type: ignore[misc,valid-type] # pyright: ignore[reportGeneralTypeIssues]
        @handler
        def log(self, message: str) -> None:
            self.context.log.info("said", what=message)

    captured = Captured()
    async with ActorSystem("shop", trace=True, logger=captured.log) as system:
        ref = system.spawn(Logs, name="logs")
        await ref.request("hello")

        [entry] = captured.entries("said")
        assert entry["system"] == "shop"
        assert (entry["path"], entry["incarnation"], entry["what"]) == ("/logs", 1, "hello")
        assert entry["message_type"] == "str"
        assert UUID(entry["message_id"]) == UUID(entry["correlation_id"])
        assert entry["causation_id"] is None


async def test_a_system_that_does_not_trace_makes_no_ids() -> None:
    made: list[int] = []

    def ids() -> UUID:
        made.append(1)
        return UUID(int=len(made))

    async with ActorSystem(ids=ids) as system:
        for box in BOXES:
            ref = system.spawn(box)
            ref.tell(Note(1))
            await ref.request(Note(2))

    assert made == []
