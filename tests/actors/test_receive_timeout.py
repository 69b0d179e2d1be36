"""The receive timeout: one message when no other came for a while."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from dramaturg.actors import ActorRef, ActorSystem, Bounded, ManualClock, OptionError, Props
from tests.actors.kit import KINDS, AsyncPuppet, Do, Kind, Note, Puppet, settled, stop, within
from tests.ids import stable


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def system(clock: ManualClock) -> AsyncIterator[ActorSystem]:
    async with ActorSystem("silence", clock=clock) as system:
        yield system


class Quiet(Puppet):
    """Notes silence of 2 s."""

    def on_start(self) -> Any:
        self.context.set_receive_timeout(2.0, Note("silence"))


class AsyncQuiet(Quiet, AsyncPuppet):
    async def on_start(self) -> None:
        self.context.set_receive_timeout(2.0, Note("silence"))


def quiet(kind: Kind) -> Kind:
    """Make a kind of actor that notes silence."""
    if kind is Puppet:
        return Quiet
    return AsyncQuiet if kind is AsyncPuppet else type("ThreadQuiet", (Quiet, kind), {})


async def handled(ref: ActorRef[Any], other: ActorRef[Any]) -> None:
    """Let the actor run without sending it anything."""
    for _ in range(3):
        await settled(other)
    if ref.cell.extra is not None and ref.cell.extra.thread is not None:
        while not ref.cell.idle or ref.cell.depth:
            await settled(other)


@pytest.mark.parametrize("kind", KINDS)
async def test_silence_is_told_once_per_period(
    system: ActorSystem, clock: ManualClock, kind: Kind
) -> None:
    log: list[Any] = []
    ref, other = system.spawn(Props(quiet(kind), log)), system.spawn(AsyncPuppet)
    await within(ref.started())

    for expected in range(1, 4):
        clock.advance(1.9)
        await handled(ref, other)
        assert len(log) == expected - 1
        clock.advance(0.1)
        await handled(ref, other)
        assert log == ["silence"] * expected


@pytest.mark.parametrize("kind", KINDS)
async def test_each_message_starts_the_period_anew(
    system: ActorSystem, clock: ManualClock, kind: Kind
) -> None:
    log: list[Any] = []
    ref, other = system.spawn(Props(quiet(kind), log)), system.spawn(AsyncPuppet)
    for number in range(5):
        await settled(ref)
        clock.advance(1.9)
        ref.tell(Note(number))
        await handled(ref, other)

    assert log == [0, 1, 2, 3, 4]
    clock.advance(2.0)
    await handled(ref, other)
    assert log == [0, 1, 2, 3, 4, "silence"]


async def test_a_message_that_comes_before_the_silence_is_handled_wins(
    system: ActorSystem, clock: ManualClock
) -> None:
    log: list[Any] = []
    ref, other = system.spawn(Props(Quiet, log)), system.spawn(AsyncPuppet)
    await within(ref.started())
    clock.advance(2.0)  # the silence is in the mailbox now
    ref.tell(Note("message"))
    await handled(ref, other)

    assert log == ["message"]


async def test_it_can_be_ended_and_then_nothing_comes_not_even_what_is_queued(
    system: ActorSystem, clock: ManualClock
) -> None:
    def silence_and_end(actor: Any) -> None:
        clock.advance(2.0)
        actor.context.set_receive_timeout(None)

    log: list[Any] = []
    ref, other = system.spawn(Props(Quiet, log)), system.spawn(AsyncPuppet)
    await within(ref.request(Do(silence_and_end)))
    clock.advance(10.0)
    await handled(ref, other)

    assert log == []
    assert clock.pending == 0


async def test_a_new_one_replaces_the_old(system: ActorSystem, clock: ManualClock) -> None:
    log: list[Any] = []
    ref, other = system.spawn(Props(Quiet, log)), system.spawn(AsyncPuppet)
    await within(
        ref.request(Do(lambda actor: actor.context.set_receive_timeout(3.0, Note("longer"))))
    )
    clock.advance(2.9)
    await handled(ref, other)
    assert log == []
    clock.advance(0.1)
    await handled(ref, other)

    assert log == ["longer"]


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan"), "1"], ids=stable)
async def test_times_that_cannot_be_are_refused_and_the_old_one_stays(
    system: ActorSystem, clock: ManualClock, seconds: Any
) -> None:
    def set_wrongly(actor: Any) -> None:
        with pytest.raises(OptionError):
            actor.context.set_receive_timeout(seconds, Note("wrong"))

    log: list[Any] = []
    ref, other = system.spawn(Props(Quiet, log)), system.spawn(AsyncPuppet)
    await within(ref.request(Do(set_wrongly)))
    clock.advance(2.0)
    await handled(ref, other)

    assert log == ["silence"]


async def test_many_messages_at_once_are_all_handled(
    system: ActorSystem, clock: ManualClock
) -> None:
    for kind in KINDS:
        log: list[Any] = []
        ref = system.spawn(Props(quiet(kind), log))
        for number in range(200):
            ref.tell(Note(number))
        await settled(ref)

        assert log == [*range(200)]


async def test_a_full_mailbox_does_not_matter(system: ActorSystem, clock: ManualClock) -> None:
    log: list[Any] = []
    ref = system.spawn(Props(Quiet, log).using(mailbox=Bounded(1)))
    other = system.spawn(AsyncPuppet)
    await within(ref.started())
    clock.advance(2.0)
    await handled(ref, other)

    assert log == ["silence"]


async def test_it_ends_with_the_actor(system: ActorSystem, clock: ManualClock) -> None:
    log: list[Any] = []
    ref = system.spawn(Props(Quiet, log))
    await within(ref.started())
    await stop(ref)
    clock.advance(10.0)

    assert clock.pending == 0
    assert log == ["on_stop"]
