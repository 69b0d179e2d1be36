"""Probes: what they take, what they complain of, whom they answer."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorStopped,
    ActorSystem,
    BlockingCallError,
    OptionError,
    Refused,
    Terminated,
    handler,
)
from dramaturg.protocols.testing import (
    AsyncTestProbe,
    NoMessageError,
    NothingToReplyError,
    Simulation,
    Stage,
    TestProbe,
    UnexpectedMessageError,
    explore_system,
)


@dataclass(frozen=True)
class Subscribe:
    to: ActorRef[Any]
    after: float = 0


@dataclass(frozen=True)
class News:
    number: int


@dataclass(frozen=True)
class Forward:
    to: ActorRef[Any]
    question: str


class Paper(Actor):
    """Sends news to its subscribers, and what they send back to all."""

    def __init__(self) -> None:
        self.numbers = 0

    @handler
    def subscribe(self, message: Subscribe) -> None:
        if message.after:
            self.context.start_timer("news", Subscribe(message.to), after=message.after)
            return
        self.numbers += 1
        message.to.tell(News(self.numbers))

    @handler
    async def ask(self, message: Forward) -> Any:
        return await message.to.request(message.question)

    @handler
    def letter(self, message: str) -> None:
        assert self.context.sender is not None
        self.context.sender.tell(message.upper())

    @handler
    def stop_it(self, message: int) -> None:
        if message:
            raise KeyError(message)
        self.context.stop_self()


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


@pytest.fixture
def paper(stage: Stage) -> ActorRef[Paper]:
    return stage.system.spawn(Paper, name="paper")


@pytest.fixture
def probe(stage: Stage) -> TestProbe:
    return TestProbe(stage.system, name="probe")


# -- in virtual time ---------------------------------------------------------------------------


def test_a_message_is_expected_by_type(paper: ActorRef[Paper], probe: TestProbe) -> None:
    paper.tell(Subscribe(probe.ref))

    news = probe.expect_message(News)

    assert news.number == 1
    assert probe.sender == paper


def test_a_message_is_expected_by_value(paper: ActorRef[Paper], probe: TestProbe) -> None:
    paper.tell(Subscribe(probe.ref))

    assert probe.expect_message(News(1)) == News(1)


def test_any_message_may_be_expected(probe: TestProbe) -> None:
    probe.ref.tell(3)

    assert probe.expect_message() == 3
    assert probe.sender is None


def test_another_message_is_an_error_that_says_both(
    paper: ActorRef[Paper], probe: TestProbe
) -> None:
    paper.tell(Subscribe(probe.ref))

    with pytest.raises(UnexpectedMessageError) as raised:
        probe.expect_message(str)

    assert str(raised.value) == "/probe expected str; News(number=1) from /paper came"
    assert isinstance(raised.value, AssertionError)


def test_no_message_is_an_error_after_virtual_time(stage: Stage, probe: TestProbe) -> None:
    with pytest.raises(NoMessageError, match="/probe expected News within 60 s; nothing came"):
        probe.expect_message(News, within=60)

    assert stage.now == 60


def test_time_passes_only_until_the_message_comes(
    stage: Stage, paper: ActorRef[Paper], probe: TestProbe
) -> None:
    paper.tell(Subscribe(probe.ref, after=7))

    probe.expect_message(News, within=60)

    assert stage.now == 7


def test_without_a_limit_no_time_passes(
    stage: Stage, paper: ActorRef[Paper], probe: TestProbe
) -> None:
    paper.tell(Subscribe(probe.ref, after=7))

    with pytest.raises(NoMessageError):
        probe.expect_message(News)
    probe.expect_no_message()

    assert stage.now == 0


def test_silence_is_expected_for_a_time(
    stage: Stage, paper: ActorRef[Paper], probe: TestProbe
) -> None:
    paper.tell(Subscribe(probe.ref, after=7))

    probe.expect_no_message(within=6.5)
    assert stage.now == 6.5

    with pytest.raises(UnexpectedMessageError, match="expected no message; News"):
        probe.expect_no_message(within=1)


def test_fishing_passes_over_what_is_not_wanted(paper: ActorRef[Paper], probe: TestProbe) -> None:
    for after in (0, 1, 2):
        paper.tell(Subscribe(probe.ref, after=after))
    paper.tell(Subscribe(probe.ref))

    assert probe.fish(lambda news: news.number == 3, within=5) == News(3)


def test_fishing_in_vain_tells_what_was_passed_over(probe: TestProbe) -> None:
    probe.ref.tell(1)
    probe.ref.tell(2)

    with pytest.raises(NoMessageError, match="within 3 s; 1, 2 came"):
        probe.fish(lambda _: False, within=3)


def test_several_messages_are_taken_at_once(paper: ActorRef[Paper], probe: TestProbe) -> None:
    for _ in range(3):
        paper.tell(Subscribe(probe.ref))

    assert probe.receive_n(2) == (News(1), News(2))
    assert probe.waiting == (News(3),)


def test_too_few_messages_stay_where_they_are(probe: TestProbe) -> None:
    probe.ref.tell("only")

    with pytest.raises(NoMessageError, match="2 messages within 1 s; 'only' came"):
        probe.receive_n(2, within=1)

    assert probe.waiting == ("only",)


def test_a_request_is_answered(stage: Stage, paper: ActorRef[Paper], probe: TestProbe) -> None:
    later = paper.ask(Forward(probe.ref, "how many?"), block=False)
    assert probe.expect_message(str) == "how many?"
    assert probe.sender == paper

    probe.reply(5)

    assert later.get() == 5
    assert stage.now == 0


def test_a_request_is_refused(probe: TestProbe) -> None:
    later = probe.ref.ask("how many?", block=False)
    probe.expect_message()

    probe.fail(Refused("none of yours"))

    with pytest.raises(Refused, match="none of yours"):
        later.get()


def test_a_sender_is_told_the_reply(stage: Stage, probe: TestProbe) -> None:
    other = TestProbe(stage.system, name="other")
    other.tell(probe.ref, "ping")
    probe.expect_message("ping")

    probe.reply("pong")

    assert other.expect_message(str) == "pong"
    assert other.sender == probe.ref


def test_a_reply_to_nobody_is_an_error(probe: TestProbe) -> None:
    with pytest.raises(NothingToReplyError, match="it has taken no message"):
        probe.reply()
    probe.ref.tell("anonymous")
    probe.expect_message()
    with pytest.raises(NothingToReplyError, match="'anonymous' is no request"):
        probe.reply()
    with pytest.raises(NothingToReplyError):
        probe.fail(Refused())


def test_who_waits_for_a_probe_that_stops_is_told(stage: Stage, probe: TestProbe) -> None:
    later = probe.ref.ask("how many?", block=False)

    probe.ref.stop()

    with pytest.raises(ActorStopped):
        later.get()


def test_a_probe_sends_as_itself(paper: ActorRef[Paper], probe: TestProbe) -> None:
    probe.tell(paper, "hello")

    assert probe.expect_message(str) == "HELLO"


def test_the_end_of_an_actor_is_expected(paper: ActorRef[Paper], probe: TestProbe) -> None:
    probe.watch(paper)
    paper.tell(0)

    assert probe.expect_terminated(paper) == Terminated(paper)


def test_an_end_that_does_not_come_is_an_error(paper: ActorRef[Paper], probe: TestProbe) -> None:
    probe.watch(paper)

    with pytest.raises(NoMessageError, match="the end of /paper within 2 s"):
        probe.expect_terminated(paper, within=2)
    probe.ref.tell("else")
    with pytest.raises(UnexpectedMessageError, match="expected the end of /paper; 'else' came"):
        probe.expect_terminated(paper)


def test_a_time_that_cannot_be_is_refused(probe: TestProbe) -> None:
    with pytest.raises(OptionError, match="within=-1"):
        probe.expect_no_message(within=-1)


def test_its_repr_says_how_much_waits(probe: TestProbe) -> None:
    probe.ref.tell(1)

    assert repr(probe) == "<TestProbe /probe, 1 waiting>"
    assert not TestProbe.__test__


# -- in real systems ---------------------------------------------------------------------------


def test_a_probe_waits_in_a_thread() -> None:
    with ActorSystem(trace=True) as system:
        paper = system.spawn(Paper)
        probe = TestProbe(system)
        probe.watch(paper)
        paper.tell(Subscribe(probe.ref))

        assert probe.expect_message(News) == News(1)
        assert probe.sender == paper
        probe.expect_no_message(within=0)
        paper.tell(0)
        assert probe.expect_terminated(paper) == Terminated(paper)
        with pytest.raises(NoMessageError):
            probe.fish(lambda _: True, within=0)


async def test_a_probe_that_blocks_is_refused_on_the_loop() -> None:
    async with ActorSystem() as system:
        probe = TestProbe(system)
        with pytest.raises(BlockingCallError, match="AsyncTestProbe"):
            probe.expect_message()


async def test_a_probe_of_coroutines_is_awaited() -> None:
    async with ActorSystem(trace=True) as system:
        paper = system.spawn(Paper)
        probe = AsyncTestProbe(system)
        probe.watch(paper)
        for _ in range(5):
            paper.tell(Subscribe(probe.ref))

        assert await probe.expect_message(News) == News(1)
        assert await probe.receive_n(2) == (News(2), News(3))
        assert await probe.fish(lambda news: news.number == 5) == News(5)
        request = asyncio.create_task(paper.request(Forward(probe.ref, "?")))
        assert await probe.expect_message("?") == "?"
        probe.reply("!")
        assert await request == "!"
        await probe.expect_no_message(within=0)
        paper.tell(0)
        assert await probe.expect_terminated(paper) == Terminated(paper)


async def test_a_probe_of_coroutines_says_what_is_missing() -> None:
    async with ActorSystem() as system:
        probe = AsyncTestProbe(system)
        with pytest.raises(NoMessageError, match="within 0 s"):
            await probe.expect_message(within=0)
        with pytest.raises(NoMessageError, match="2 messages"):
            await probe.receive_n(2, within=0)
        with pytest.raises(NoMessageError, match="another message"):
            await probe.fish(lambda _: False, within=0)
        probe.ref.tell(1)
        with pytest.raises(UnexpectedMessageError, match="expected no message; 1 came"):
            await probe.expect_no_message(within=3)


def test_a_probe_in_a_scenario_waits_in_virtual_time() -> None:
    async def scenario(sim: Simulation) -> None:
        paper = sim.system.spawn(Paper)
        probe = AsyncTestProbe(sim.system, name="probe")
        paper.tell(Subscribe(probe.ref, after=1_000))
        await probe.expect_no_message(within=999)
        assert await probe.expect_message(News, within=5) == News(1)
        assert sim.system.clock.monotonic() == 1_000

    explore_system(scenario, schedules=20).check()
