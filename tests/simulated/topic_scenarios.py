"""Scenarios on topics: who gets what, in which order, and what becomes of the rest."""

import asyncio
from collections.abc import Callable
from typing import Any

from dramaturg.actors import DeadLetterReason, Props
from dramaturg.protocols import Disconnect, DropNewest, DropOldest, Park, SlowPolicy
from dramaturg.protocols.testing import Faults, Simulation, SystemView
from dramaturg.supervision import ChildSpec
from tests.simulated.case import Case
from tests.simulated.ledger import Ledger
from tests.simulated.mailbox_kit import Close, Closer, Stopper, supervised
from tests.simulated.topic_kit import (
    FickleReader,
    Go,
    Paper,
    Reader,
    SlowReader,
    adds_up,
    publish,
    subscribe,
    topic_of,
)


async def published(sim: Simulation) -> None:
    """Two publish while others subscribe, and one ends its subscription."""
    paper = Paper(sim)
    topic = await topic_of(sim)
    adds_up(sim, paper, topic)
    readers = [
        sim.system.spawn(Props(cls, paper), name=name)
        for name, cls in (("x", Reader), ("y", SlowReader), ("z", Reader))
    ]
    subscribe(sim, paper, topic, *readers[:2])
    subscribe(sim, paper, topic, readers[2], ends=True)
    sim.sometimes(lambda view: len(paper.heard.get("z", ())) == 2, "one ends in between")
    publish(sim, paper, topic, 3, 3)


async def slow(
    sim: Simulation, policy: SlowPolicy, check: Callable[[Paper, SystemView], None]
) -> None:
    """One is slower than what is published; another one is not, and sees nothing of that."""
    paper = Paper(sim, policies={"y": policy})
    topic = await topic_of(sim)
    adds_up(sim, paper, topic)
    quick = sim.system.spawn(Props(Reader, paper), name="x")
    late = sim.system.spawn(Props(SlowReader, paper), name="y")
    subscribe(sim, paper, topic, quick, late)
    sim.always(lambda view: not paper.missed.get("x"), "who is quick misses nothing")
    sim.at_rest(lambda view: check(paper, view), "as it was asked for")
    sim.always(lambda view: _with_it(topic, late) <= _most(policy), "within the limit")
    publish(sim, paper, topic, 3, 3)
    await asyncio.sleep(10)
    publish_more(sim, "p")


def publish_more(sim: Simulation, name: str) -> None:
    """Let a publisher that has said all say one thing more."""
    ref = sim.system.lookup(f"/{name}")
    assert ref is not None
    ref.tell(Go())


def _with_it(topic: Any, ref: Any) -> int:
    """Return how many messages of the topic are with a subscriber, by its own mailbox."""
    return int(ref.cell.depth) + (ref.cell.message is not None)


def _most(policy: SlowPolicy) -> int:
    if isinstance(policy, DropOldest):
        return 1
    # Who is disconnected is told so besides.
    return getattr(policy, "limit", 99) + isinstance(policy, Disconnect)


async def dropping_newest(sim: Simulation) -> None:
    def check(paper: Paper, view: SystemView) -> None:
        # After a pause it hears what comes.
        last, heard = paper.published[-1], paper.heard["y"]
        assert last in heard, f"{last} is missed after a pause"
        assert len(heard) >= min(2, len(paper.owed("y"))), f"only {heard}"

    await slow(sim, DropNewest(2), check)


async def dropping_oldest(sim: Simulation) -> None:
    def check(paper: Paper, view: SystemView) -> None:
        heard = paper.heard["y"]
        # The two that were the newest before the pause, and what came after it.
        newest = paper.owed("y")[-3:]
        assert all(each in heard for each in newest), f"one of {newest} is missed"

    await slow(sim, DropOldest(2), check)


async def parked(sim: Simulation) -> None:
    def check(paper: Paper, view: SystemView) -> None:
        owed, heard = paper.owed("y")[:-1], paper.heard["y"]
        assert len(heard) > min(len(owed), 4), f"only {heard}"

    await slow(sim, Park(1, 3), check)


async def disconnected(sim: Simulation) -> None:
    """Whoever is too slow is told so once, and gets no more."""
    paper = Paper(sim, policies={"y": Disconnect(2)}, once=True)
    topic = await topic_of(sim)
    quick = sim.system.spawn(Props(Reader, paper), name="x")
    late = sim.system.spawn(Props(SlowReader, paper), name="y")
    subscribe(sim, paper, topic, quick, late)

    def check(view: SystemView) -> None:
        actor: Any = topic.cell.actor
        gone = bool(paper.missed.get("y"))
        there = "y" in [each.name for each in actor._memory.subscribers]
        assert actor._memory.disconnected == gone == view["/y"].told_off, "told off otherwise"
        assert there is not gone, "it is still there" if there else "it is gone"
        overflowed = list(paper.missed.get("y", {}).values())
        assert overflowed == [DeadLetterReason.OVERFLOW] * gone, overflowed
        if gone:
            # It is not owed what was published after the one that was too much.
            paper.ending["y"] = paper.published.index(next(iter(paper.missed["y"]))) + 1
            heard = [paper.published.index(each) for each in paper.heard.get("y", ())]
            assert len(heard) >= 2, heard

    sim.sometimes(lambda view: paper.missed.get("y"), "it is too slow")
    sim.properties.at_rest.insert(0, ("at_rest told off", check))
    publish(sim, paper, topic, 3, 3)


async def topic_restarted(sim: Simulation) -> None:
    """The topic crashes: subscriptions, what waits and the counts outlive that."""
    paper = Paper(sim, policies={"y": Park(1, 9)})
    topic = await topic_of(sim, supervised=True)
    adds_up(sim, paper, topic)
    quick = sim.system.spawn(Props(Reader, paper), name="x")
    late = sim.system.spawn(Props(SlowReader, paper), name="y")
    subscribe(sim, paper, topic, quick, late)
    sim.at_rest(lambda view: _all_of(paper) <= HIT_BY_A_CRASH, "nobody misses anything else")
    publish(sim, paper, topic, 2, 3)


HIT_BY_A_CRASH = {DeadLetterReason.CRASHED, DeadLetterReason.UNROUTABLE}
"""What the topic was just handing over."""


def _all_of(paper: Paper) -> set[DeadLetterReason]:
    return {reason for missed in paper.missed.values() for reason in missed.values()}


async def subscriber_restarted(sim: Simulation) -> None:
    """A subscriber fails on what it reads, and stays subscribed."""
    paper = Paper(sim, policies={"y": Park(1, 9)}, restarts=True)
    topic = await topic_of(sim)
    adds_up(sim, paper, topic)
    fickle = await supervised(sim, ChildSpec("y", Props(FickleReader, paper)))
    subscribe(sim, paper, topic, fickle)
    publish(sim, paper, topic, 3, 3)


async def subscriber_ended(sim: Simulation) -> None:
    """A subscriber ends: it is removed, and what waits for it becomes dead letters."""
    paper = Paper(sim, policies={"y": Park(1, 9)}, once=True)
    topic = await topic_of(sim)
    quick = sim.system.spawn(Props(Reader, paper), name="x")
    late = sim.system.spawn(Props(SlowReader, paper), name="y")
    subscribe(sim, paper, topic, quick, late)

    def removed(view: SystemView) -> None:
        actor: Any = topic.cell.actor
        assert [each.name for each in actor._memory.subscribers] == ["x"], "it is still there"
        reasons = set(paper.missed.get("y", {}).values())
        assert reasons <= {DeadLetterReason.STOPPED}, reasons
        # Of what came when it was known to have gone nobody has made dead letters.
        owed = [each for each in paper.owed("y") if each not in paper.heard.get("y", ())]
        met = [each in paper.missed.get("y", {}) for each in owed]
        assert met == sorted(met, reverse=True), "one is lost"
        paper.ending["y"] = 0

    sim.properties.at_rest.insert(0, ("at_rest it is removed", removed))
    sim.sometimes(lambda view: len(paper.missed.get("y", ())) > 2, "several wait for it")
    publish(sim, paper, topic, 3, 3)
    sim.system.spawn(Props(Stopper, late), name="stopper").tell(Close())


async def topic_drained(sim: Simulation) -> None:
    """A topic is drained: what waits is handed over first."""
    paper = Paper(sim, policies={"y": Park(1, 9)})
    topic = await topic_of(sim)
    late = sim.system.spawn(Props(SlowReader, paper), name="y")
    subscribe(sim, paper, topic, late)
    publish(sim, paper, topic, 3)
    sim.sometimes(lambda view: _waiting(topic) > 1, "several wait")
    sim.at_rest(lambda view: not paper.missed.get("y"), "it misses nothing")
    sim.system.spawn(Props(Closer, topic, Ledger(sim)), name="closer").tell(Close())


async def topic_stopped(sim: Simulation) -> None:
    """A topic is stopped: what waits becomes dead letters of those for whom it waits."""
    paper = Paper(sim, policies={"y": Park(1, 9)})
    topic = await topic_of(sim)
    late = sim.system.spawn(Props(SlowReader, paper), name="y")
    subscribe(sim, paper, topic, late)
    publish(sim, paper, topic, 3)

    def reasons(view: SystemView) -> None:
        found = set(paper.missed.get("y", {}).values())
        assert found <= {DeadLetterReason.STOPPED}, found

    sim.always(reasons, "for it has stopped")
    sim.sometimes(lambda view: len(paper.missed.get("y", ())) > 1, "several wait")
    sim.system.spawn(Props(Stopper, topic), name="stopper").tell(Close())


def _waiting(topic: Any) -> int:
    actor = topic.cell.actor
    subscribers = () if actor is None else actor._memory.subscribers.values()
    return sum(len(each.waiting) for each in subscribers)


TOPIC = Faults(crashes={"/top/topic": 2})
READER = Faults(crashes={"/sup/y": 1})
CASES = (
    Case("topic/published", published, schedules=200),
    Case("topic/published, any sender first", published, any_sender_first=True),
    Case("topic/dropping newest", dropping_newest),
    Case("topic/dropping oldest", dropping_oldest),
    Case("topic/parked", parked),
    Case("topic/disconnected", disconnected),
    Case("topic/restarted", topic_restarted, TOPIC),
    Case("topic/restarted, any sender first", topic_restarted, TOPIC, True),
    Case("topic/subscriber restarted", subscriber_restarted, READER),
    Case("topic/subscriber ended", subscriber_ended),
    Case("topic/drained", topic_drained),
    Case("topic/stopped", topic_stopped, schedules=300),
)
