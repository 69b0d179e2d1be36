"""Publishers, subscribers, and the books of what is published."""

from dataclasses import dataclass, field
from typing import Any

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorStopped,
    DeadLettered,
    DeadLetterReason,
    DeadlineExceeded,
    Props,
    handler,
)
from dramaturg.protocols import (
    Disconnected,
    GetTopicStatistics,
    Publish,
    SlowPolicy,
    Subscribe,
    Topic,
    Unsubscribe,
)
from dramaturg.protocols.testing import Simulation, SystemView
from dramaturg.supervision import ChildSpec, Supervisor, SupervisorSpec


@dataclass(frozen=True)
class News:
    """The n-th message of one publisher."""

    publisher: str
    number: int


DROPPED = (DeadLetterReason.OVERFLOW, DeadLetterReason.UNROUTABLE)
"""A topic counts as dropped what becomes a dead letter so; the second by a crash as it is told."""


@dataclass(frozen=True)
class Go:
    """Begin."""


@dataclass
class Paper:
    """What was published, and what became of it at each subscriber."""

    sim: Simulation
    published: list[News] = field(default_factory=list[News])
    """In the order in which their publishers sent them."""
    heard: dict[str, list[News]] = field(default_factory=dict[str, list[News]])
    """By the subscriber's name."""
    missed: dict[str, dict[News, DeadLetterReason]] = field(
        default_factory=dict[str, dict[News, DeadLetterReason]]
    )
    since: dict[str, int] = field(default_factory=dict[str, int])
    """How many had been published when a subscription was known to stand."""
    until: dict[str, int] = field(default_factory=dict[str, int])
    """How many had been published when its end was known."""
    ending: dict[str, int] = field(default_factory=dict[str, int])
    """How many had been published when its end was asked for."""
    policies: dict[str, SlowPolicy] = field(default_factory=dict[str, SlowPolicy])
    once: bool = False
    """Whether each is to subscribe but once."""
    restarts: bool = False
    """Whether a subscriber may crash on what it hears."""
    wrong: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.sim.system.events.subscribe(self._died, DeadLettered)
        self.sim.always(self.agree, "the papers agree")
        self.sim.at_rest(self.complete, "each subscriber has had its news")

    def hears(self, name: str, news: News) -> None:
        """Take note that a subscriber has begun with a message."""
        heard = self.heard.setdefault(name, [])
        if news in heard:
            self.wrong.append(f"{name} hears {news} twice")
        if self.missed.get(name, {}).get(news) not in (None, DeadLetterReason.CRASHED):
            self.wrong.append(f"{name} hears {news}, which it has missed")
        if any(each.publisher == news.publisher and each.number > news.number for each in heard):
            self.wrong.append(f"{name} hears {news} after {heard[-1]}")
        if self.published.index(news) >= self.until.get(name, len(self.published)):
            self.wrong.append(f"{name} hears {news} after the end of its subscription")
        heard.append(news)

    def agree(self, view: SystemView) -> None:
        assert not self.wrong, self.wrong[0]

    def owed(self, name: str) -> list[News]:
        """Return what a subscriber has to hear, or miss for a reason that is known."""
        if name in self.ending and self.sim._choices._any_sender_first:
            # The order to end it may have overtaken any of them.
            return []
        return self.published[self.since[name] : self.ending.get(name)]

    def complete(self, view: SystemView) -> None:
        for name in self.since:
            met = {*self.heard.get(name, ()), *self.missed.get(name, ())}
            met |= {*self.missed.get("topic", ())}
            lost = [news for news in self.owed(name) if news not in met]
            assert not lost, f"{name} has not had {lost[0]}"

    def _died(self, event: DeadLettered) -> None:
        letter = self.sim.system.dead_letters.get(event.letter_id)
        assert letter is not None
        news = letter.message
        if isinstance(news, Publish):
            news = news.message
        if not isinstance(news, News):
            return
        name = letter.target.rpartition("/")[2]
        missed = self.missed.setdefault(name, {})
        if news in missed:
            self.wrong.append(f"{name} misses {news} twice")
        if news in self.heard.get(name, ()) and letter.reason is not DeadLetterReason.CRASHED:
            self.wrong.append(f"{name} misses {news}, which it has heard")
        missed[news] = letter.reason


class Publisher(Actor):
    """Publishes its news one a turn, some of them under a name."""

    def __init__(self, paper: Paper, topic: ActorRef[Topic], count: int) -> None:
        self.paper = paper
        self.topic = topic
        self.count = count
        self.said = 0

    @handler
    def go(self, message: Go) -> None:
        news = News(self.context.name, self.said)
        self.paper.published.append(news)
        self.topic.tell(Publish(news, "news.today") if self.said % 2 else news)
        self.said += 1
        if self.said < self.count:
            self.actor_ref.tell(message)


class Reader(Actor):
    """Reads at once."""

    def __init__(self, paper: Paper) -> None:
        self.paper = paper
        self.told_off = 0

    @handler
    def read(self, news: News) -> Any:
        self.paper.hears(self.context.name, news)

    @handler
    def be_told(self, message: Disconnected) -> None:
        self.told_off += 1


class Lamp(Actor):
    """By whose light others read."""

    @handler
    def shine(self, message: Go) -> None: ...


class SlowReader(Reader):
    """Takes its time: as long as its lamp does, which may be any."""

    def __init__(self, paper: Paper) -> None:
        super().__init__(paper)
        self.lamp = self.context.spawn(Lamp, name="lamp")

    @handler
    async def read(self, news: News) -> None:
        self.paper.hears(self.context.name, news)
        await self.lamp.request(Go(), timeout=1_000)


class FickleReader(Reader):
    """Falls over the second thing that it reads in each incarnation."""

    def __init__(self, paper: Paper) -> None:
        super().__init__(paper)
        self.count = 0

    @handler
    def read(self, news: News) -> None:
        self.paper.hears(self.context.name, news)
        self.count += 1
        if self.count == 2:
            raise RuntimeError("cannot read")


class Subscription(Actor):
    """Subscribes for somebody, ends that, and subscribes again; for so long as it is told to."""

    def __init__(
        self, paper: Paper, topic: ActorRef[Topic], ref: ActorRef[Any], ends: bool
    ) -> None:
        self.paper = paper
        self.topic = topic
        self.ref = ref
        self.ends = ends

    @handler
    async def go(self, message: Go) -> None:
        try:
            await self.begin()
            if self.ends:
                await self.end()
        except (ActorStopped, DeadlineExceeded):  # nobody knows how it stands
            return

    async def begin(self) -> None:
        paper, name = self.paper, self.ref.name
        if name in paper.since:
            return
        slow = paper.policies.get(name)
        await self.topic.request(Subscribe(self.ref, News, slow=slow))
        since = len(paper.published)
        if not paper.once:
            # Another interest in the same changes nothing.
            await self.topic.request(Subscribe(self.ref, News, pattern="news.*"))
        paper.since[name] = since

    async def end(self) -> None:
        paper, name = self.paper, self.ref.name
        paper.ending[name] = len(paper.published)
        await self.topic.request(Unsubscribe(self.ref))
        paper.until[name] = len(paper.published)


async def topic_of(sim: Simulation, *, supervised: bool = False) -> ActorRef[Topic]:
    """Start a topic, below a supervisor or not."""
    if not supervised:
        return sim.system.spawn(Topic, name="topic")
    spec = SupervisorSpec([ChildSpec("topic", Topic)], intensity=9)
    sup = sim.system.spawn(Props(Supervisor, spec), name="top")
    await sup.started()
    found = sim.system.lookup("/top/topic")
    assert found is not None
    return found


def publish(sim: Simulation, paper: Paper, topic: ActorRef[Topic], *counts: int) -> None:
    """Let as many publishers begin."""
    for name, count in zip("pqr", counts, strict=False):
        sim.system.spawn(Props(Publisher, paper, topic, count), name=name).tell(Go())


def subscribe(
    sim: Simulation, paper: Paper, topic: ActorRef[Topic], *refs: ActorRef[Any], ends: bool = False
) -> list[ActorRef[Any]]:
    """Let each of some be subscribed; return who sees to that."""
    found: list[ActorRef[Any]] = []
    for ref in refs:
        made = sim.system.spawn(
            Props(Subscription, paper, topic, ref, ends), name=f"for-{ref.name}"
        )
        made.tell(Go())
        found.append(made)
    return found


def adds_up(sim: Simulation, paper: Paper, topic: ActorRef[Topic]) -> None:
    """Declare that the topic's counts agree with what was seen."""

    def check(view: SystemView) -> None:
        actor: Any = topic.cell.actor
        if actor is None:
            return
        counts = actor.get_statistics(GetTopicStatistics())
        for each in counts.subscriptions:
            name = each.ref.name
            total = each.delivered + each.dropped + each.waiting
            assert each.published == total, f"{each}"
            missed = [reason for reason in paper.missed.get(name, {}).values() if reason in DROPPED]
            assert each.dropped == len(missed), f"{each}: {len(missed)} missed"
            assert each.delivered >= len(paper.heard.get(name, ())), f"{each}: more heard"

    sim.always(check, "the counts add up")

    def at_the_end(view: SystemView) -> None:
        actor: Any = topic.cell.actor
        counts = actor.get_statistics(GetTopicStatistics())
        assert counts.published == len(paper.published), f"{counts}"
        for each in counts.subscriptions:
            assert not each.waiting, f"{each.ref.name} waits for {each.waiting}"
            assert not each.unhandled, f"{each.ref.name} has {each.unhandled}"
        heard = sum(len(each) for each in paper.heard.values())
        missed = sum(
            reason in DROPPED for each in paper.missed.values() for reason in each.values()
        )
        if not paper.restarts:
            assert counts.delivered == heard, f"{counts} {heard} heard"
        assert counts.dropped >= missed, f"{counts} {missed} missed"

    sim.at_rest(at_the_end, "and are those of all that was published")
