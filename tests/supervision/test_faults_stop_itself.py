"""A child that stops itself."""

from typing import Any

import pytest

from dramaturg.actors import ActorStopped, DeadLetterReason, ExitReason
from tests.actors.kit import Do, Note, within
from tests.supervision.fault_world import world
from tests.supervision.faults import Act, Kind, Script, birth, child, each_kind
from tests.supervision.stops_kit import each_restart_type, states, stop_self


def stop_with(reason: ExitReason) -> Act:
    def act(actor: Any) -> None:
        actor.context.stop_self(reason)

    return act


@each_kind
@each_restart_type
async def test_a_child_that_stops_itself(kind: Kind, restart: str) -> None:
    script = Script()
    async with world() as it:
        sup = await it.supervise(child(kind, script, restart=restart))
        ref = it.ref()

        ref.tell(Do(stop_self))
        await it.incarnations(1)

        assert it.ends() == ["normal"]
        assert script.hooks(1) == ["__init__", "on_start", "on_stop"]
        if restart == "permanent":
            assert await within(ref.request(Do(birth))) == 2
            assert await states(sup) == [("it", "running")]
            return
        await it.events.until(lambda: it.gone("/sup/it") == 1)
        assert await states(sup) == ([("it", "down")] if restart == "transient" else [])
        assert script.births == 1
        assert not ref.is_alive()
        assert it.actors == 1
        with pytest.raises(ActorStopped):
            await within(ref.request(Do(birth)))


@each_kind
@pytest.mark.parametrize(
    ("reason", "comes_back"),
    [
        (ExitReason("normal"), False),
        (ExitReason("shutdown"), False),
        (ExitReason("shutdown", tag="enough"), False),
        (ExitReason("failed"), True),
        (ExitReason("killed"), True),
    ],
    ids=str,
)
async def test_a_transient_child_is_restarted_if_its_reason_is_no_good_one(
    kind: Kind, reason: ExitReason, comes_back: bool
) -> None:
    script = Script()
    async with world() as it:
        sup = await it.supervise(child(kind, script, restart="transient"))
        ref = it.ref()

        ref.tell(Do(stop_with(reason)))
        await it.incarnations(1)

        if comes_back:
            assert await within(ref.request(Do(birth))) == 2
        else:
            await it.events.until(lambda: it.gone("/sup/it") == 1)
            assert await states(sup) == [("it", "down")]


@each_kind
async def test_what_is_queued_when_a_permanent_child_stops_is_handled_by_the_next_instance(
    kind: Kind,
) -> None:
    def send_and_stop(actor: Any) -> None:
        for number in range(5):
            actor.actor_ref.tell(Note(number))
        actor.stop()

    script = Script()
    async with world() as it:
        await it.supervise(child(kind, script))

        it.ref().tell(Do(send_and_stop))
        await it.incarnations(1)
        assert await within(it.ref().request(Do(birth))) == 2

        assert script.handled == [(number, 2) for number in range(5)]
        assert it.letters() == []


@each_kind
@pytest.mark.parametrize("restart", ["transient", "temporary"])
async def test_what_is_queued_when_a_child_stops_for_good_is_dead_letters(
    kind: Kind, restart: str
) -> None:
    answers: list[Any] = []

    def send_and_stop(actor: Any) -> None:
        actor.actor_ref.tell(Note("told"))
        answers.append(actor.actor_ref.ask(Note("asked"), block=False))
        actor.stop()

    script = Script()
    async with world() as it:
        await it.supervise(child(kind, script, restart=restart))

        it.ref().tell(Do(send_and_stop))
        await it.events.until(lambda: it.gone("/sup/it") == 1)

        with pytest.raises(ActorStopped):
            await within(answers[0])
        assert it.letters(DeadLetterReason.STOPPED) == ["told", "asked"]
        assert script.handled == []


@each_kind
async def test_a_child_that_stops_in_its_first_start_is_restarted_within_the_limit(
    kind: Kind,
) -> None:
    script = Script().on("on_start", stop_self, birth=1)
    async with world() as it:
        await it.supervise(child(kind, script), intensity=1)

        assert await within(it.ref().request(Do(birth))) == 2
        assert it.ends() == ["normal"]
