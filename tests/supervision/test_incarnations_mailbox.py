"""A child keeps ref, name and mailbox over its restarts, unless it is to lose its mailbox."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import ActorCrashed, ActorStopped, DeadLetterReason
from dramaturg.supervision import Backoff
from tests.actors.kit import Crash, Do, Note, within
from tests.supervision.fault_world import turns, world
from tests.supervision.faults import (
    LONG,
    AsyncChild,
    Kind,
    Script,
    birth,
    child,
    each_hanging,
    each_kind,
    with_plain,
)
from tests.supervision.incarnations_kit import crash


@with_plain
async def test_ref_name_and_place_stay_over_restarts(kind: Kind) -> None:
    async with world() as it:
        await it.supervise(child(kind, Script()))
        ref = it.ref()
        known = {ref: "a place in a dictionary"}
        urn = ref.actor_urn

        for number in range(1, 4):
            await crash(ref)
            assert ref.cell.incarnation == number + 1

        assert it.ref() is ref
        assert known[it.ref()] == "a place in a dictionary"
        assert (ref.path, ref.name, ref.actor_urn) == ("/sup/it", "it", urn)
        assert it.actors == 2


@with_plain
async def test_the_message_that_crashed_is_not_handled_again(kind: Kind) -> None:
    tried: list[int] = []

    def fall(actor: Any) -> None:
        tried.append(actor.birth)
        raise Crash

    message = Do(fall)
    async with world() as it:
        await it.supervise(child(kind, Script()))
        ref = it.ref()

        ref.tell(message)
        assert await within(ref.request(Do(birth))) == 2

        assert tried == [1]
        [letter] = it.system.dead_letters.list()
        assert letter.message is message
        assert letter.reason is DeadLetterReason.CRASHED
        assert isinstance(letter.error, ActorCrashed)
        assert isinstance(letter.error.__cause__, Crash)
        assert letter.error.incarnation == 1


@each_hanging
async def test_a_request_that_is_pending_at_a_crash_fails_at_once_and_those_queued_are_answered(
    kind: Kind,
) -> None:
    async with world() as it:
        hang = it.hang()
        error = Crash("after a while")

        def fall_later(actor: Any) -> Any:
            if kind is AsyncChild:
                return fall_async(actor)
            hang(actor)
            raise error

        async def fall_async(actor: Any) -> None:
            await hang(actor)
            raise error

        script = Script()
        await it.supervise(child(kind, script, backoff=Backoff(10.0, 10.0)))
        ref = it.ref()
        pending = asyncio.ensure_future(ref.request(Do(fall_later), timeout=LONG))
        await hang.reached()
        queued = [asyncio.ensure_future(ref.request(Note(n), timeout=LONG)) for n in range(5)]
        later = [ref.ask(Note(n), block=False) for n in range(5, 10)]
        await turns()

        hang.release()
        # Before the next instance is there.
        with pytest.raises(ActorCrashed) as caught:
            await within(pending)
        assert caught.value.__cause__ is error
        assert script.births == 1
        assert not any(answer.done() for answer in queued)
        await it.planned(6)
        await it.passes(10.0)

        assert [await within(answer) for answer in queued] == [2] * 5
        assert [await within(answer) for answer in later] == [2] * 5
        assert sorted(script.handled) == [(n, 2) for n in range(10)]


@with_plain
async def test_keep_mailbox_false_sends_what_is_queued_to_the_dead_letters(kind: Kind) -> None:
    answers: list[Any] = []

    def send_and_fall(actor: Any) -> None:
        for number in range(5):
            actor.actor_ref.tell(Note(number))
        answers.append(actor.actor_ref.ask(Note("asked"), block=False))
        raise Crash

    script = Script()
    async with world() as it:
        await it.supervise(child(kind, script, keep_mailbox=False))
        ref = it.ref()

        ref.tell(Do(send_and_fall))
        await it.incarnations(1)
        with pytest.raises(ActorStopped):
            await within(answers[0])

        assert it.letters(DeadLetterReason.STOPPED) == [0, 1, 2, 3, 4, "asked"]
        assert await within(ref.request(Note("for the second"))) == 2
        assert script.handled == [("for the second", 2)]


@each_kind
@pytest.mark.parametrize("where", ["handler", "on_stop"])
async def test_keep_mailbox_false_holds_also_if_the_child_stops(kind: Kind, where: str) -> None:
    def send_and_stop(actor: Any) -> None:
        if where == "handler":
            actor.actor_ref.tell(Note("queued"))
        actor.stop()

    script = Script()
    if where == "on_stop":
        script.on("on_stop", lambda actor: actor.actor_ref.tell(Note("queued")), birth=1)
    async with world() as it:
        await it.supervise(child(kind, script, keep_mailbox=False))
        ref = it.ref()

        ref.tell(Do(send_and_stop))
        await it.incarnations(1)

        assert await within(ref.request(Do(birth))) == 2
        assert it.letters(DeadLetterReason.STOPPED) == ["queued"]
        assert script.handled == []


@each_hanging
async def test_keep_mailbox_false_holds_also_if_the_child_is_killed(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script()
        await it.supervise(child(kind, script, keep_mailbox=False))
        ref = it.ref()
        ref.tell(Do(hang))
        await hang.reached()
        ref.tell(Note("queued"))

        ref.kill()
        await it.incarnations(1)

        assert await within(ref.request(Do(birth))) == 2
        assert it.letters(DeadLetterReason.STOPPED) == ["queued"]
        assert script.handled == []


@with_plain
async def test_the_class_may_say_whether_it_keeps_its_mailbox_and_the_spec_goes_before(
    kind: Kind,
) -> None:
    class Forgetful(kind):  # type: ignore[misc]
        keep_mailbox = False

    def send_and_fall(actor: Any) -> None:
        actor.actor_ref.tell(Note("queued"))
        raise Crash

    async with world() as it:
        scripts = [Script(), Script()]
        await it.supervise(
            child(Forgetful, scripts[0], "own"),
            child(Forgetful, scripts[1], "spec", keep_mailbox=True),
        )
        for name in ("own", "spec"):
            it.ref(f"/sup/{name}").tell(Do(send_and_fall))
            await it.incarnations(1, f"/sup/{name}")
            assert await within(it.ref(f"/sup/{name}").request(Do(birth))) == 2

        assert scripts[0].handled == []
        assert scripts[1].handled == [("queued", 2)]
