"""Replaying what was recorded: the order, what it takes to bring it about, and what is told."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from dramaturg.actors import Actor, ActorRef, Directive, handler
from dramaturg.protocols.testing import (
    EscapeError,
    Faults,
    IncidentRun,
    Outside,
    ScenarioError,
    Simulation,
    no_deadlock,
    replay_incident,
)
from tests.protocols.testing.incident_shop import (
    Clerk,
    Read,
    Sell,
    Take,
    careful,
    never_negative,
    open_shop,
    racy,
)

SALES = [Outside(0.0, "/ann", Sell(), asks=True), Outside(0.5, "/bob", Sell(), asks=True)]
SOLD_TWICE = [
    "deliver scenario->/ann #0",
    "deliver /ann->/store #0",
    "deliver scenario->/bob #0",
    "deliver /bob->/store #0",
    "deliver /bob->/store #1",
    "deliver /ann->/store #1",
]


@dataclass(frozen=True)
class Passed:
    to: ActorRef[Any]
    inner: object


def delivered(run: IncidentRun) -> list[str]:
    return [step.event.name for step in run.run.steps if step.event.kind == "deliver"]


def test_the_recorded_order_brings_the_crash_about() -> None:
    replayed = replay_incident(racy, outside=SALES, schedule=SOLD_TWICE)

    assert replayed.crashes("/store") == ("SoldTwiceError",)
    assert replayed.skipped == ()
    assert delivered(replayed)[:6] == SOLD_TWICE
    assert replayed.broken is not None
    assert replayed.broken.name == "system fails"
    text = str(replayed)
    assert text.startswith("system fails: SoldTwiceError")
    assert "/store failed with SoldTwiceError()" in text
    assert "Write(stock=0)" in replayed.diagram()
    assert replayed.mermaid().startswith("sequenceDiagram")


def test_without_the_order_nothing_happens() -> None:
    replayed = replay_incident(racy, outside=SALES)

    assert replayed.failures == ()
    assert replayed.broken is None


def test_what_is_not_possible_any_more_is_skipped_and_told() -> None:
    replayed = replay_incident(careful, outside=SALES, schedule=SOLD_TWICE, at_rest=never_negative)

    assert replayed.broken is None
    assert replayed.skipped == ("deliver /bob->/store #1", "deliver /ann->/store #1")
    assert "not possible any more: deliver /bob->/store #1" in str(replayed)


def test_a_property_of_the_setup_and_one_of_the_test_are_judged() -> None:
    def setup(sim: Simulation) -> None:
        careful(sim)
        sim.always(lambda view: view["/store"].stock == 1, "never sold")

    replayed = replay_incident(setup, outside=SALES)
    assert replayed.broken is not None
    assert replayed.broken.name == "always never sold"

    def unsold(view: Any) -> bool:
        return bool(view["/store"].stock == 1)

    replayed = replay_incident(careful, outside=SALES, at_rest=unsold)
    assert replayed.broken is not None
    assert replayed.broken.name == "at_rest unsold"


def test_messages_come_at_their_times_and_pairs_will_do() -> None:
    seen: list[tuple[float, object]] = []

    class Timed(Actor):
        @handler
        def take(self, message: object) -> None:
            seen.append((self.context.clock.monotonic(), message))

    def setup(sim: Simulation) -> None:
        sim.system.spawn(Timed, name="t")

    replay_incident(setup, outside=[(1.5, "/t", "late"), (0.25, "/t", "early")])
    assert seen == [(0.25, "early"), (1.5, "late")]


def test_an_actor_that_sleeps_is_woken_before_messages_that_were_taken_later() -> None:
    class Sleepy(Clerk):
        async def look_for_the_book(self) -> None:
            await asyncio.sleep(5)

    def setup(sim: Simulation) -> None:
        open_shop(sim.system, Sleepy)

    schedule = [*SOLD_TWICE[:2], "deliver /ann->/store #1", "deliver scenario->/store #0"]
    outside = [SALES[0], Outside(0.1, "/store", Read())]
    replayed = replay_incident(setup, outside=outside, schedule=schedule)

    assert delivered(replayed)[:4] == schedule
    assert replayed.skipped == ()


class Stashing(Actor):
    """Stashes everything until it is told to read, then takes it up."""

    def __init__(self) -> None:
        self.open = False
        self.taken: list[object] = []

    @handler
    def sell(self, message: Sell) -> None:
        if self.open:
            self.taken.append(message.title)
        else:
            self.context.stash()

    @handler
    def read(self, message: Read) -> None:
        self.open = True
        self.context.unstash_all()


def test_what_was_stashed_counts_once_as_in_a_recording() -> None:
    def setup(sim: Simulation) -> None:
        sim.system.spawn(Stashing, name="s")
        sim.at_rest(lambda view: view["/s"].taken == ["a", "b", "c"], "in order")

    outside = [(0, "/s", Sell("a")), (0, "/s", Sell("b")), (0, "/s", Read()), (0, "/s", Sell("c"))]
    schedule = [f"deliver scenario->/s #{number}" for number in range(4)]
    replayed = replay_incident(setup, outside=outside, schedule=schedule)

    assert replayed.broken is None
    assert replayed.skipped == ()
    assert len(delivered(replayed)) == 6


def test_messages_may_hold_refs() -> None:
    class Passing(Actor):
        @handler
        def pass_on(self, message: Passed) -> None:
            message.to.tell(message.inner)

    def setup(sim: Simulation) -> None:
        sim.system.spawn(Passing, name="p")
        sim.system.spawn(Stashing, name="s")

    replayed = replay_incident(setup, outside=lambda ref: [(0, "/p", Passed(ref("/s"), Read()))])

    assert delivered(replayed) == ["deliver scenario->/p #0", "deliver /p->/s #0"]
    with pytest.raises(ScenarioError):
        replay_incident(setup, outside=lambda ref: [(0, "/p", Passed(ref("/nobody"), Read()))])


def test_a_crash_in_the_schedule_happens_within_its_budget() -> None:
    class Lasting(Stashing):
        policy = Directive.RESTART

    def setup(sim: Simulation) -> None:
        sim.system.spawn(Lasting, name="s")

    schedule = ["deliver scenario->/s #0", "crash /s #0", "deliver scenario->/s #1"]
    outside = [(0, "/s", Read()), (0, "/s", Sell())]
    replayed = replay_incident(
        setup, outside=outside, schedule=schedule, faults=Faults(crashes={"/s": 1})
    )
    assert replayed.crashes("/s") == ("SimulatedCrash",)
    assert replayed.crashes("/other") == ()

    assert replay_incident(setup, outside=outside, schedule=schedule).skipped == ("crash /s #0",)


def test_actors_are_started_before_they_are_sent_anything() -> None:
    class Started(Stashing):
        def on_start(self) -> None:
            self.taken.append("started")

    def setup(sim: Simulation) -> None:
        sim.system.spawn(Started, name="s")

    schedule = ["deliver scenario->/s #0", "deliver scenario->/s #1"]
    outside = [(0, "/s", Read()), (0, "/s", Sell())]
    assert replay_incident(setup, outside=outside, schedule=schedule).skipped == ()


def test_a_message_to_nobody_is_told() -> None:
    replayed = replay_incident(careful, outside=[(0, "/eve", Sell())])

    assert replayed.undelivered == ("/eve",)
    assert "nobody lives at /eve: not sent" in str(replayed)


def test_a_request_may_have_a_deadline_of_its_own() -> None:
    class Late(Actor):
        @handler
        async def take(self, message: Take) -> bool:
            await asyncio.sleep(60)
            return True

    def setup(sim: Simulation) -> None:
        sim.system.spawn(Late, name="late")

    asked = Outside(0, "/late", Take(), asks=True, timeout=100)
    names = [step.event.name for step in replay_incident(setup, outside=[asked]).run.steps]
    assert "timer scenario:deadline #0" not in names
    asked = Outside(0, "/late", Take(), asks=True)
    names = [step.event.name for step in replay_incident(setup, outside=[asked]).run.steps]
    assert "timer scenario:deadline #0" in names


def test_it_can_be_combined_with_other_properties() -> None:
    async def setup(sim: Simulation) -> None:
        no_deadlock(sim)
        await racy(sim)

    assert replay_incident(setup, outside=SALES).broken is None


def test_who_waits_for_ever_for_a_name_does_not_hold_up_the_run() -> None:
    class Ticker(Actor):
        def __init__(self) -> None:
            self.context.start_timer("tick", Read(), every=1)

        @handler
        def read(self, message: Read) -> None: ...

    def setup(sim: Simulation) -> None:
        sim.system.spawn(Ticker, name="t")

    replayed = replay_incident(setup, schedule=["deliver /t->/nobody #0"], horizon=300)
    assert replayed.skipped == ("deliver /t->/nobody #0",)
    assert not replayed.run.truncated


@pytest.mark.parametrize("again", range(3))
def test_the_same_incident_is_the_same_run(again: int) -> None:
    runs = {str(replay_incident(racy, outside=SALES, schedule=SOLD_TWICE)) for _ in range(2)}
    assert len(runs) == 1


async def in_a_thread(sim: Simulation) -> None:
    await asyncio.to_thread(sim.note, "escaped")


REFUSED: list[tuple[Any, dict[str, Any], type[Exception]]] = [
    (None, {}, ScenarioError),
    (careful, {"outside": [(-1, "/ann", Sell())]}, ScenarioError),
    (careful, {"outside": [(float("nan"), "/ann", Sell())]}, ScenarioError),
    (careful, {"allow": ["everything"]}, ScenarioError),
    (in_a_thread, {}, EscapeError),
]


@pytest.mark.parametrize(("setup", "options", "error"), REFUSED)
def test_what_cannot_be_replayed_is_refused(
    setup: Any, options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        replay_incident(setup, **options)
