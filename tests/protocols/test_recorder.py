"""The recorder on a live system: what it sees, keeps and costs; what can be read of it."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorSystem,
    Directive,
    Message,
    OptionError,
    Props,
    Refused,
    Request,
    SystemStateError,
    Terminated,
    ThreadActor,
    TypeRegistry,
    handler,
)
from dramaturg.actors._cell import Cell
from dramaturg.actors._tap import TappedCell
from dramaturg.protocols import AttachedRecorder, Monitor, Recorder, Recording, RecordingEntry
from tests.actors.messaging_kit import until
from tests.protocols.monitor_kit import TWO_PHASE_COMMIT, Account, Coordinator


class Double(Request[int]):
    number: int


class Note(Message):
    text: str


class Boom(Message): ...


class BoomError(Exception):
    """What an actor of these tests fails with."""


class Doubler(Actor):
    policy = Directive.RESTART

    @handler
    def double(self, message: Double) -> int:
        if message.number < 0:
            raise Refused("negative")
        return message.number * 2

    @handler
    def note(self, message: Note) -> None: ...

    @handler
    def boom(self, message: Boom) -> None:
        raise BoomError(message)


class SlowToStart(Doubler):
    """Is sent its first messages before its ``on_start`` has run."""

    async def on_start(self) -> None:
        await asyncio.sleep(0)


class Front(Actor):
    """Asks another one for each number."""

    def __init__(self, other: ActorRef[Doubler]) -> None:
        self.other = other

    @handler
    async def double(self, message: Double) -> int:
        return await self.other.request(message)


class Watcher(Actor):
    @handler
    def watch(self, message: Note) -> None:
        ref = self.context.lookup(message.text)
        assert ref is not None
        self.context.watch(ref)
        self.context.unwatch(ref)
        self.context.watch(ref)

    @handler
    def gone(self, message: Terminated) -> None: ...


def kinds(recording: Recording) -> list[str]:
    return [entry.kind for entry in recording]


def seen(recorder: AttachedRecorder, kind: str) -> list[RecordingEntry]:
    return [entry for entry in recorder.recording() if entry.kind == kind]


# -- what it sees ------------------------------------------------------------------------


async def test_a_request_is_seen_when_it_is_sent_received_and_answered() -> None:
    async with ActorSystem("shop") as system:
        with Recorder().attach(system) as recorder:
            ref = system.spawn(Doubler, name="d")
            assert await ref.request(Double(number=2)) == 4
            recording = recorder.recording()

    assert kinds(recording) == ["started", "sent", "received", "reply"]
    _, sent, received, reply = recording
    assert (sent.sender, sent.receiver, str(sent.message)) == (None, "/d", "Double(number=2)")
    assert (received.sender, received.receiver) == (None, "/d")
    assert (reply.sender, reply.receiver, str(reply.message)) == ("/d", None, "4")
    assert sent.message_id == received.message_id == reply.message_id
    assert sent.from_outside
    assert [entry.number for entry in recording] == [0, 1, 2, 3]
    assert recording.system == "shop"


async def test_what_a_message_leads_to_has_its_correlation_id_and_its_cause() -> None:
    async with ActorSystem() as system:
        with Recorder().attach(system) as recorder:
            back = system.spawn(Doubler, name="back")
            await system.spawn(Props(Front, back), name="front").request(Double(number=2))
            first, second = seen(recorder, "sent")

    assert (second.sender, second.receiver) == ("/front", "/back")
    assert second.correlation_id == first.message_id
    assert second.causation_id == first.message_id
    assert not second.from_outside


async def test_messages_that_come_before_an_actor_has_started_are_seen() -> None:
    async with ActorSystem() as system:
        with Recorder().attach(system) as recorder:
            ref = system.spawn(SlowToStart, name="s")
            ref.tell(Note(text="early"))
            await ref.started()
            await until(lambda: bool(seen(recorder, "received")))
            assert kinds(recorder.recording()) == ["sent", "started", "received"]


async def test_a_refusal_and_a_crash_are_answers_too() -> None:
    async with ActorSystem() as system:
        with Recorder().attach(system) as recorder:
            ref = system.spawn(Doubler, name="d")
            with pytest.raises(Refused):
                await ref.request(Double(number=-1))
            [refused] = seen(recorder, "error")
            assert (refused.error, refused.sender) == ("Refused", "/d")


@pytest.mark.usefixtures("unread_errors")
async def test_a_crash_and_what_follows_are_seen() -> None:
    async with ActorSystem() as system:
        with Recorder().attach(system) as recorder:
            ref = system.spawn(Doubler, name="d")
            ref.tell(Boom())
            await until(lambda: bool(seen(recorder, "restarted")))
            [failed] = seen(recorder, "failed")
            assert (failed.receiver, failed.error) == ("/d", "BoomError")
            assert "message, restart" in failed.detail
            await ref.stop(block=False)
            [ended] = seen(recorder, "ended")
            assert (ended.receiver, ended.detail) == ("/d", "normal")


async def test_a_dead_letter_is_seen() -> None:
    async with ActorSystem() as system:
        with Recorder().attach(system) as recorder:
            system.spawn(Account, name="a").tell(Note(text="?"))
            await until(lambda: bool(seen(recorder, "dead letter")))
            assert seen(recorder, "dead letter")[0].detail == "unhandled"


async def test_a_death_watch_is_seen_and_its_notice() -> None:
    async with ActorSystem() as system:
        with Recorder().attach(system) as recorder:
            ref = system.spawn(Doubler, name="d")
            system.spawn(Watcher, name="w").tell(Note(text="/d"))
            await until(lambda: len(seen(recorder, "watch")) == 2)
            await ref.stop(block=False)
            await until(lambda: len(seen(recorder, "received")) == 2)

            watch = seen(recorder, "watch")[0]
            assert (watch.sender, watch.receiver) == ("/w", "/d")
            assert len(seen(recorder, "unwatch")) == 1
            notice = seen(recorder, "received")[-1]
            assert (notice.sender, notice.receiver) == ("/d", "/w")
            assert str(notice.message).startswith("Terminated(")


def test_actors_on_threads_are_recorded_too() -> None:
    class OnThread(ThreadActor):
        @handler
        def double(self, message: Double) -> int:
            return message.number * 2

    with ActorSystem() as system, Recorder().attach(system) as recorder:
        assert system.spawn(OnThread).ask(Double(number=3)) == 6
        assert kinds(recorder.recording()) == ["started", "sent", "received", "reply"]


async def test_times_are_seconds_on_the_systems_clock_since_it_was_attached() -> None:
    from dramaturg.actors import ManualClock  # noqa: PLC0415 - only here

    clock = ManualClock(start=datetime(2026, 1, 1, tzinfo=UTC))
    async with ActorSystem(clock=clock) as system:
        clock.advance(5)
        with Recorder().attach(system) as recorder:
            clock.advance(2)
            await system.spawn(Doubler).request(Double(number=1))
            recording = recorder.recording()

    assert {entry.at for entry in recording} == {2.0}
    assert recording.began == datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC)


# -- attached and detached ---------------------------------------------------------------


async def test_actors_are_tapped_only_while_it_is_attached() -> None:
    async with ActorSystem() as system:
        before = system.spawn(Doubler)
        spawn = system.spawn_under
        recorder = Recorder().attach(system)
        assert type(before.cell) is TappedCell
        assert type(system.spawn(SlowToStart).cell) is TappedCell
        recorder.detach()
        recorder.detach()

        assert type(before.cell) is Cell
        assert type(system.spawn(Doubler).cell) is Cell
        assert system.spawn_under == spawn
        await before.request(Double(number=1))
        assert "received" not in kinds(recorder.recording())


async def test_two_recorders_and_a_monitor_do_not_disturb_each_other() -> None:
    async with ActorSystem() as system:
        one, other = Recorder().attach(system), Recorder().attach(system)
        roles: Any = {"coordinator": Coordinator, "participant": Account}
        with Monitor(TWO_PHASE_COMMIT, roles).attach(system):
            one.detach()
            await system.spawn(SlowToStart).request(Double(number=1))
            other.detach()

        assert kinds(one.recording()) == []
        assert kinds(other.recording()) == ["sent", "started", "received", "reply"]


async def test_the_end_of_the_system_detaches_it() -> None:
    async with ActorSystem() as system:
        recorder = Recorder().attach(system)
        system.spawn(Doubler, name="d")
    assert "detached" in repr(recorder)
    assert kinds(recorder.recording().where(actor="/d")) == ["started", "stopping", "ended"]


def test_it_cannot_be_attached_before_the_system_has_started() -> None:
    with pytest.raises(SystemStateError):
        Recorder().attach(ActorSystem())


@pytest.mark.parametrize("options", [{"limit": 0}, {"max_bytes": 10}])
def test_an_option_that_cannot_be_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        Recorder(**options)


async def test_only_the_newest_are_kept_and_what_is_missing_is_told() -> None:
    async with ActorSystem() as system:
        with Recorder(limit=5).attach(system) as recorder:
            ref = system.spawn(Doubler)
            for number in range(4):
                await ref.request(Double(number=number))
            recording = recorder.recording()

            assert len(recording) == 5
            assert (recording.dropped, recording[-1].number) == (8, 12)
            assert "8 earlier entries had to make room" in str(recording)
            assert recorder.statistics().entries == 13


# -- to read -----------------------------------------------------------------------------


@pytest.fixture
async def recording() -> Recording:
    async with ActorSystem("shop") as system:
        with Recorder(registry=TypeRegistry(Double)).attach(system) as recorder:
            back = system.spawn(Doubler, name="back")
            front = system.spawn(Props(Front, back), name="front")
            await front.request(Double(number=1))
            await front.request(Double(number=2))
            back.tell(Note(text="a; b # c"))
            await until(lambda: len(seen(recorder, "received")) == 5)
            return recorder.recording()


async def test_entries_can_be_chosen_by_actor_time_and_correlation(recording: Recording) -> None:
    first = recording[2]
    assert first.kind == "sent"

    of_front = recording.where(actor="/front")
    assert len(of_front) == 13
    assert all(entry.is_about("/front") for entry in of_front)
    led_to = recording.where(correlation=first.message_id)
    assert kinds(led_to) == ["sent", "received", "sent", "received", "reply", "reply"]
    late = recording.where(since=led_to[-1].at)
    early = recording.where(until=led_to[-1].at)
    assert len(early) + len(late) - 1 == len(recording)
    assert len(recording.where(actor="/front", correlation=first.message_id)) == 6
    assert recording[:2].entries == recording.entries[:2]
    assert recording.where(actor="/nobody").entries == ()


DIAGRAM = """\
    /front    /back   outside
1      |<----------------|      Double(number=1)
2      |------->|        |      Double(number=1)
3      |<-------|        |      2   (reply)
4      |---------------->|      2   (reply)
"""


async def test_it_is_drawn_as_text_and_for_mermaid(recording: Recording) -> None:
    first = recording.where(correlation=recording[2].message_id)

    assert f"{first.diagram()}\n" == DIAGRAM
    drawn = recording.mermaid().splitlines()
    assert drawn[:2] == ["sequenceDiagram", "    participant _front as /front"]
    assert "    outside->>_front: Double(number=1)" in drawn
    assert "    outside->>_back: Note(text='a#59; b #35; c')" in drawn


async def test_what_was_not_taken_up_and_what_failed_is_drawn(recording: Recording) -> None:
    sent = [entry for entry in recording if entry.kind != "received"]
    text = Recording(sent, system="shop", began=recording.began).diagram()
    assert "Double(number=1)   (not taken up)" in text
    assert Recording((), system="shop", began=recording.began).diagram() == ""


async def test_its_text_has_a_line_for_each_entry(recording: Recording) -> None:
    lines = str(recording).splitlines()
    assert lines[0].startswith("shop, recorded from ")
    assert len(lines) == len(recording) + 1
    assert lines[3].endswith(" sent outside -> /front Double(number=1)")
    assert repr(recording) == f"<Recording of shop: {len(recording)} entries>"
