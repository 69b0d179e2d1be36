"""A half-open original and its fallback side by side: who gets which message."""

from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorStarted,
    Bounded,
    IncarnationEnded,
    Overflow,
    Props,
    handler,
)
from dramaturg.supervision import Backoff, ChildRecovered, ChildSpec
from tests.actors.kit import Crash, Do, Fail, Note, nothing, within
from tests.supervision.fault_world import world
from tests.supervision.faults import AsyncChild, LoopChild, Script, ThreadChild, raising
from tests.supervision.test_ladder import EVERY, IT, boom, climb_back, ladder, path, step_down

each_kind = pytest.mark.parametrize("kind", [LoopChild, AsyncChild, ThreadChild])

LONG = 5.0
"""Seconds that an attempt may take: the default."""


class OneSeat(Actor):
    """Is served under its ref all the time, and asked directly only by its supervisor."""

    def __init__(self, served: list[str], text: str) -> None:
        self.served = served
        self.text = text

    @handler
    def note(self, message: Note) -> str:
        self.served.append(self.text)
        return self.text

    @handler
    def fail(self, message: Fail) -> None:
        raise message.error


async def test_no_request_reaches_an_original_that_is_being_tried() -> None:
    """The original is up and idle just then: whoever asks could have it answer within the call."""
    served: list[str] = []
    replies: list[str] = []
    async with world() as it:
        ref: Any = None

        async def ask() -> None:
            replies.append(await ref.request(Note("hello")))

        def probe() -> Any:
            # The original is up, and its supervisor is about to ask it.
            asking = ask()
            try:
                asking.send(None)
            except StopIteration:
                return Fail(Crash("ill"))
            asking.close()
            return Fail(Crash("ill"))

        spec = ChildSpec(
            "it",
            Props(OneSeat, served, "original"),
            fallbacks=(Props(OneSeat, served, "fallback"),),
            probe=probe,
        )
        await it.supervise(spec, intensity=0)
        ref = it.ref()
        await step_down(it)
        it.clock.advance(EVERY)
        await it.incarnations(2)
        await within(ref.request(Note("afterwards")))

        assert served == ["fallback", "fallback"]
        assert replies != ["original"]


@pytest.mark.one_order("threads")
async def test_what_is_told_during_an_attempt_goes_to_the_fallback() -> None:
    original, fallback = Script(), Script()
    async with world() as it:
        hang = it.hang()
        spec = ladder((ThreadChild, original), (LoopChild, fallback), probe=lambda: Do(hang))
        await it.supervise(spec, intensity=0)
        ref = it.ref()
        await step_down(it)
        it.clock.advance(EVERY)
        await hang.reached()
        for number in range(3):
            ref.tell(Note(number))
        assert await within(ref.request(Do(path))) == f"{IT}~1"

        assert [text for text, _ in fallback.handled] == [0, 1, 2]
        hang.release()
        await it.events.first(ChildRecovered)
        assert original.handled == []


async def test_an_original_with_a_full_and_waiting_mailbox_is_asked_past_it() -> None:
    original = Script()
    mailbox = Bounded(1, Overflow.BLOCK)
    async with world() as it:
        spec = ChildSpec(
            "it",
            Props(LoopChild, original).using(mailbox=mailbox),
            fallbacks=(Props(LoopChild, Script()),),
            probe=lambda: Do(nothing),
        )
        await it.supervise(spec, intensity=0)
        await step_down(it)
        await within(it.ref().send(Note(1)))
        await climb_back(it)
        assert await within(it.ref().request(Do(path))) == IT


async def test_a_recovery_while_the_fallbacks_restart_is_due_calls_that_off() -> None:
    fallback = Script()
    async with world() as it:
        spec = ladder(
            (LoopChild, Script()),
            (LoopChild, fallback),
            backoff=Backoff(20.0, 20.0),
            probe_every=25.0,
        )
        await it.supervise(spec, intensity=1)
        ref = it.ref()
        ref.tell(boom())
        await it.passes(20.0)
        ref.tell(boom())
        await it.passes(20.0)
        assert await within(ref.request(Do(path))) == IT, "more than 5 s between them"


async def test_messages_for_a_rung_that_is_exhausted_are_served_by_the_original_after_all() -> None:
    """The rung below has not come up yet when the original answers."""
    original, broken = Script(), Script().on("__init__", raising(Crash("broken")))
    fallback = Script()
    async with world() as it:
        rungs = [(LoopChild, original), (LoopChild, fallback), (LoopChild, broken)]
        spec = ladder(*rungs, (LoopChild, Script()), backoff=Backoff(3.0, 3.0), probe_every=4.0)
        await it.supervise(spec, intensity=0)
        ref = it.ref()
        ref.tell(boom())
        await it.passes(3.0)
        assert await within(ref.request(Do(path))) == f"{IT}~1"
        ref.tell(boom())
        ref.tell(Note("waits"))
        await it.passes(3.0)
        assert broken.births == 1

        await it.passes(1.0)

        assert await within(ref.request(Do(path))) == IT
        assert original.handled == [("waits", 2)]
        assert it.actors == 2
        assert it.system.lookup(f"{IT}~1") is None


async def test_attempts_go_on_while_the_fallbacks_step_down() -> None:
    original = Script()
    async with world() as it:
        rungs = [(LoopChild, original), (LoopChild, Script()), (LoopChild, Script())]
        await it.supervise(ladder(*rungs), intensity=0)
        ref = it.ref()
        await step_down(it)
        it.clock.advance(4.0)
        await step_down(it)
        await climb_back(it, after=1.0)

        assert await within(ref.request(Do(path))) == IT
        assert [each.incarnation for each in it.events.of(ActorStarted, IT)] == [1, 2]
        assert [each.incarnation for each in it.events.of(IncarnationEnded, IT)] == [1]
