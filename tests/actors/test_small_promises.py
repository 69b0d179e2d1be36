"""Ids of dead letters, subscriptions, plain requests, partial recipes, futures, starts."""

from dataclasses import dataclass
from typing import Any, assert_type

import pytest

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorSystem,
    DeadLettered,
    Future,
    OptionError,
    PlainRequest,
    Props,
    handler,
)
from tests.actors.kit import KINDS, Do, Events, Kind, Note, Puppet, nothing, settled, stop, within


async def test_a_letter_is_found_by_the_id_that_its_event_names() -> None:
    async with ActorSystem() as system:
        events = Events(system, DeadLettered)
        ref = system.spawn(Puppet)
        await stop(ref)
        ref.tell(Note(1))
        ref.tell(Note(2))

        first, second = (
            system.dead_letters.get(each.letter_id) for each in events.of(DeadLettered)
        )
        assert first is not None
        assert second is not None
        assert (first.message, second.message) == (Note(1), Note(2))
        assert system.dead_letters.get(second.id + 1) is None
        system.dead_letters.discard([first])
        assert system.dead_letters.get(first.id) is None


async def test_a_replay_names_the_letters_that_it_sent() -> None:
    async with ActorSystem() as system:
        for name in ("back", "gone"):
            ref = system.spawn(Puppet, name=name)
            await stop(ref)
            ref.tell(Note(name))
        letter = system.dead_letters.list(target="/back")[0]
        await settled(system.spawn(Puppet, name="back"))

        assert system.dead_letters.replay().ids == (letter.id,)
        assert system.dead_letters.replay().ids == ()


async def test_an_actor_that_subscribes_twice_is_told_once() -> None:
    async with ActorSystem() as system:
        log: list[Any] = []
        ref = system.spawn(Props(Puppet, log))
        first = system.events.subscribe(ref, Note)
        assert system.events.subscribe(ref, Note) is first
        system.events.publish(Note("once"))
        await settled(ref)
        assert log == ["on_start", "once"]

        first.cancel()
        system.events.publish(Note("never"))
        await settled(ref)
        assert log == ["on_start", "once"]


async def test_other_types_are_another_subscription() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Puppet)
        assert system.events.subscribe(ref, Note) is not system.events.subscribe(ref, Do)


@dataclass(frozen=True)
class Add(PlainRequest[int]):
    one: int
    other: int


class Adder(Actor):
    def __init__(self, base: int = 0, *, step: int = 0) -> None:
        self.base = base + step

    @handler
    def add(self, message: Add) -> int:
        return self.base + message.one + message.other


async def test_a_plain_request_gives_what_it_promises() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Adder)
        total = await within(ref.request(Add(1, 2)))
        assert_type(total, int)
        later = ref.ask(Add(3, 4), block=False)
        assert_type(later, Future[int])

        assert (total, await within(later)) == (3, 7)


async def test_a_partial_recipe_holds_what_it_was_given() -> None:
    template: Props[Adder] = Props.partial(Adder, 10, step=5)  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType]
    async with ActorSystem() as system:
        assert await within(system.spawn(template).request(Add(1, 1))) == 17
    with pytest.raises(OptionError):
        Props.partial(int)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]


def test_a_future_is_done_once_it_has_a_value_or_an_error() -> None:
    good, bad = Future[int](), Future[int]()
    assert not good.is_done()
    good.set(1)
    bad.set_exception((ValueError, ValueError(), None))
    assert good.is_done()
    assert bad.is_done()


@pytest.mark.parametrize("kind", KINDS)
async def test_what_on_start_returns_is_the_value_of_started(kind: Kind) -> None:
    async def later(self: Any) -> str:
        return "open"

    def now(self: Any) -> str:
        return "open"

    cls = type("Opened", (kind,), {"on_start": later if kind is KINDS[1] else now})
    async with ActorSystem() as system:
        ref: ActorRef[Any] = system.spawn(cls)
        assert await within(ref.started()) == "open"
        assert await within(ref.started()) == "open"
        await within(ref.request(Do(nothing)))
        assert await within(system.spawn(Adder).started()) is None
