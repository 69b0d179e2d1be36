"""Scenarios on timers: no tick of a timer that is not the actor's any more, and none too many."""

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from dramaturg.actors import Actor, ActorFailed, ActorRef, Directive, Props, handler
from dramaturg.protocols.testing import Faults, Simulation, SystemView
from dramaturg.supervision import ChildSpec
from tests.simulated.case import Case
from tests.simulated.mailbox_kit import Talk, supervised

UNTIL = 3.0
"""An incarnation that begins later starts no timers, so that a run comes to its end."""


@dataclass(frozen=True)
class Begin:
    """Start a timer; ``every`` for one that ticks again and again."""

    key: str
    after: float
    every: float | None = None
    fixed_rate: bool = False


@dataclass(frozen=True)
class Cancel:
    """Cancel a timer."""

    key: str


@dataclass(frozen=True)
class Fail:
    """Fail."""


@dataclass(frozen=True)
class Tick:
    """A tick: of the n-th timer that was started in this run."""

    key: str
    serial: int


@dataclass
class Ticks:
    """What every incarnation of one actor has started and heard; what is wrong with it."""

    sim: Simulation
    serial: int = 0
    valid: dict[str, int] = field(default_factory=dict[str, int])
    """The timers that run: by key which it is."""
    once: set[int] = field(default_factory=set[int])
    heard: list[tuple[float, Tick]] = field(default_factory=list[tuple[float, Tick]])
    wrong: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.sim.always(self.agree, "the ticks agree")

    def agree(self, view: SystemView) -> None:
        assert not self.wrong, self.wrong[0]

    def times(self, key: str) -> list[float]:
        return [time for time, tick in self.heard if tick.key == key]


class Clocked(Actor):
    """Starts and cancels timers as it is told; keeps books of them that it checks ticks by."""

    def __init__(self, ticks: Ticks, *first: Begin) -> None:
        self.ticks = ticks
        self.count = 0
        # What the incarnation before has started is none of this one's.
        ticks.valid.clear()
        for each in first if self.context.clock.monotonic() < UNTIL else ():
            self.start_one(each)

    @handler
    def start_one(self, message: Begin) -> None:
        self.ticks.serial += 1
        serial = self.ticks.serial
        self.ticks.valid[message.key] = serial
        if message.every is None:
            self.ticks.once.add(serial)
        self.context.start_timer(
            message.key,
            Tick(message.key, serial),
            after=message.after,
            every=message.every,
            fixed_rate=message.fixed_rate,
        )

    @handler
    def cancel_one(self, message: Cancel) -> None:
        known = self.ticks.valid.pop(message.key, None) is not None
        if self.context.cancel_timer(message.key) is not known:
            self.ticks.wrong.append(f"{message} says {not known}")

    @handler
    def fail(self, message: Fail) -> None:
        raise RuntimeError("told to")

    @handler
    def tick(self, message: Tick) -> Any:
        self.hear(message)

    def hear(self, tick: Tick) -> None:
        ticks = self.ticks
        ticks.heard.append((self.context.clock.monotonic(), tick))
        if ticks.valid.get(tick.key) != tick.serial:
            ticks.wrong.append(f"{tick} is heard, but {ticks.valid} run")
        if tick.serial in ticks.once:
            ticks.valid.pop(tick.key, None)


class SlowClocked(Clocked):
    """Takes its time over each tick, and may cancel or start its timer meanwhile."""

    @handler
    async def tick(self, message: Tick) -> None:
        self.hear(message)
        await asyncio.sleep(0.3)


class SelfCancelling(Clocked):
    """Cancels its timer in the handler of the third tick."""

    @handler
    def tick(self, message: Tick) -> None:
        self.hear(message)
        self.count += 1
        if self.count == 3:
            self.cancel_one(Cancel(message.key))


class Director(Actor):
    """Tells an actor what to do, each in a turn of its own, when its own timer says so."""

    def __init__(self, target: ActorRef[Clocked], *orders: tuple[float, Any]) -> None:
        self.target = target
        for number, (when, order) in enumerate(orders):
            self.context.start_timer(number, order, after=when)

    @handler
    def pass_on(self, message: object) -> None:
        self.target.tell(message)


async def cancelled(sim: Simulation) -> None:
    """A timer is cancelled about when it rings; then no tick of it is heard."""
    ticks = Ticks(sim)
    ref = await supervised(sim, ChildSpec("clocked", Props(Clocked, ticks, Begin("a", 1.0))))
    orders = [(1.0, Cancel("a")), (1.0, Begin("b", 0.0)), (1.0, Cancel("b"))]
    sim.system.spawn(Props(Director, ref, *orders), name="director")
    sim.sometimes(lambda view: ticks.times("a"), "the timer rings")
    sim.sometimes(lambda view: view.now >= 1 and not ticks.valid, "it is cancelled")


async def exchanged(sim: Simulation) -> None:
    """A timer is replaced about when it rings: only the new one is heard, and once."""
    ticks = Ticks(sim)
    ref = await supervised(sim, ChildSpec("clocked", Props(Clocked, ticks, Begin("a", 1.0))))
    orders = [(1.0, Begin("a", 1.0)), (1.0, Begin("a", 2.0)), (2.0, Begin("b", 0.5))]
    sim.system.spawn(Props(Director, ref, *orders), name="director")
    last = [Tick("a", 3), Tick("b", 4)]
    # A crash may take all of them with it.
    crashed: list[str] = []
    sim.system.events.subscribe(lambda _: crashed.append("once"), ActorFailed)
    sim.at_rest(lambda view: crashed or _all_once(ticks, last), "the last ones are heard")


def _all_once(ticks: Ticks, expected: list[Tick]) -> bool:
    heard = [tick for _, tick in ticks.heard]
    return len(heard) == len(set(heard)) and set(expected) <= set(heard)


async def restarted(sim: Simulation) -> None:
    """An actor fails about when its timers ring: the next incarnation hears its own only."""
    ticks = Ticks(sim)
    recipe = Props(Clocked, ticks, Begin("a", 1.0), Begin("b", 0.5, every=0.5))
    ref = await supervised(sim, ChildSpec("clocked", recipe))
    orders = [(0.2, Begin("c", 1.5)), (1.0, Fail()), (1.0, Cancel("b"))]
    sim.system.spawn(Props(Director, ref, *orders), name="director")
    await asyncio.sleep(4.0)
    ref.tell(Cancel("b"))


async def restarted_by_policy(sim: Simulation) -> None:
    """As above, by the actor's own policy."""
    ticks = Ticks(sim)
    recipe = Props(Clocked, ticks, Begin("a", 1.0), Begin("b", 0.5, every=0.5))
    ref = sim.system.spawn(recipe.using(policy=Directive.RESTART), name="clocked")
    orders = [(0.2, Begin("c", 1.5)), (1.0, Fail()), (1.0, Cancel("b"))]
    sim.system.spawn(Props(Director, ref, *orders), name="director")
    await asyncio.sleep(4.0)
    ref.tell(Cancel("b"))


async def at_a_fixed_rate(sim: Simulation) -> None:
    """Ticks are due at fixed times, whatever the handler takes, and catch up."""
    ticks = Ticks(sim)
    recipe = Props(SlowClocked, ticks, Begin("a", 0.2, every=0.2, fixed_rate=True))
    ref = sim.system.spawn(recipe, name="clocked")
    await asyncio.sleep(1.9)
    ref.tell(Cancel("a"))
    await asyncio.sleep(10)
    # Nine are due by then, and are handled one after the other.
    expected = [round(0.2 + 0.3 * number, 6) for number in range(9)]
    times = ticks.times("a")
    assert [round(each, 6) for each in times] == expected, times


async def on_time(sim: Simulation) -> None:
    """A handler that takes no time hears the ticks of a fixed rate when they are due."""
    ticks = Ticks(sim)
    recipe = Props(Clocked, ticks, Begin("a", 0.5, every=0.25, fixed_rate=True))
    ref = sim.system.spawn(recipe, name="clocked")
    await asyncio.sleep(1.6)
    ref.tell(Cancel("a"))
    await asyncio.sleep(10)
    assert ticks.times("a") == [0.5, 0.75, 1.0, 1.25, 1.5], ticks.times("a")


async def with_a_pause(sim: Simulation) -> None:
    """With a fixed pause the next tick is due so long after the last was handled."""
    ticks = Ticks(sim)
    ref = sim.system.spawn(Props(SlowClocked, ticks, Begin("a", 0.2, every=0.2)), name="clocked")
    await asyncio.sleep(1.9)
    ref.tell(Cancel("a"))
    await asyncio.sleep(10)
    times = [round(each, 6) for each in ticks.times("a")]
    assert times == [0.2, 0.7, 1.2, 1.7], times


async def cancelled_by_itself(sim: Simulation) -> None:
    """A repeated timer is cancelled in the handler of its tick, and is heard no more."""
    ticks = Ticks(sim)
    silent: Any = _Silent(sim)
    every, rate = Begin("a", 0.5, every=0.5), Begin("a", 0.5, every=0.5, fixed_rate=True)
    for name, begin in (("every", every), ("rate", rate)):
        sim.system.spawn(Props(SelfCancelling, Ticks(silent), begin), name=name)
    ref = await supervised(sim, ChildSpec("clocked", Props(SelfCancelling, ticks, every)))
    sim.system.spawn(Props(Director, ref, (1.5, Fail())), name="director")
    for name in ("/every", "/rate"):
        sim.at_rest(_heard_thrice(name), f"{name} is heard three times")


def _heard_thrice(path: str) -> Any:
    def check(view: SystemView) -> bool:
        ticks: Ticks = view[path].ticks
        return len(ticks.heard) == 3 and not ticks.wrong

    return check


class _Silent:
    """A simulation that takes no properties: those of several actors would have one name."""

    def __init__(self, sim: Simulation) -> None:
        self.timers = sim.timers

    def always(self, *_: object) -> None:
        """Take it, and do nothing."""


async def in_order(sim: Simulation) -> None:
    """Timers ring in the order in which they are due, and stand behind what came before."""
    ticks = Ticks(sim)
    begins = [Begin("c", 3.0), Begin("a", 1.0), Begin("d", 3.5), Begin("b", 2.0)]
    sim.system.spawn(Props(Clocked, ticks, *begins), name="clocked")
    await asyncio.sleep(10)
    heard = [(time, tick.key) for time, tick in ticks.heard]
    assert heard == [(1.0, "a"), (2.0, "b"), (3.0, "c"), (3.5, "d")], heard


class Behind(Actor):
    """Tells itself something, and sets a timer that is due at once: that comes behind it."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @handler
    async def talk(self, message: Talk) -> None:
        self.context.start_timer("t", "tick", after=0)
        self.actor_ref.tell("told")
        await asyncio.sleep(1)

    @handler
    def hear(self, message: str) -> None:
        self.heard.append(message)


async def behind_what_came_before(sim: Simulation) -> None:
    sim.system.spawn(Behind, name="behind").tell(Talk())
    sim.at_rest(lambda view: view["/behind"].heard == ["told", "tick"], "in order")


@dataclass(frozen=True)
class Quiet:
    """Nobody has said anything for a while."""


class Listening(Actor):
    """Is told when nobody says anything for a second; checks that this is so."""

    def __init__(self, log: list[tuple[float, str]], *, at_once: bool) -> None:
        self.log = log
        self.note("begin")
        if at_once:
            self.context.set_receive_timeout(1.0, Quiet())

    def note(self, what: str) -> None:
        self.log.append((self.context.clock.monotonic(), what))

    @handler
    def hear(self, message: str) -> None:
        self.note(message)
        if message == "stop":
            self.context.set_receive_timeout(None)
        elif message == "listen":
            self.context.set_receive_timeout(1.0, Quiet())

    @handler
    def be_told(self, message: Quiet) -> None:
        self.note("quiet")

    @handler
    def fail(self, message: Fail) -> None:
        raise RuntimeError("told to")


def _quiet_when_quiet(log: list[tuple[float, str]]) -> Any:
    def check(view: SystemView) -> None:
        for (before, what), (now, then) in pairwise(log):
            if then == "quiet":
                assert what != "stop", f"told at {now}, though that was ended"
                assert round(now - before, 6) >= 1.0, f"told at {now}, {now - before} s after"

    return check


async def told_of_silence(sim: Simulation) -> None:
    """The timeout comes a second after the last message, and not after it was ended."""
    log: list[tuple[float, str]] = []
    ref = await supervised(sim, ChildSpec("listening", Props(Listening, log, at_once=True)))
    orders = [(0.5, "x"), (1.4, "y"), (3.6, "z"), (3.7, Fail()), (7.0, "stop")]
    sim.system.spawn(Props(Director, ref, *orders), name="director")
    sim.always(_quiet_when_quiet(log), "told only when it is quiet")
    await asyncio.sleep(20)
    # Each second after y at 1.4, and from the restart at 3.7 on.
    quiet = [round(time, 6) for time, what in log if what == "quiet"]
    assert quiet == [2.4, 3.4, 4.7, 5.7, 6.7], quiet


async def told_no_more(sim: Simulation) -> None:
    """A receive timeout ends when it is told to, and with the incarnation that has set it."""
    log: list[tuple[float, str]] = []
    recipe = Props(Listening, log, at_once=False)
    ref = await supervised(sim, ChildSpec("listening", recipe))
    orders = [(0.0, "listen"), (1.0, "x"), (2.5, "stop"), (5.0, "listen"), (6.5, Fail())]
    sim.system.spawn(Props(Director, ref, *orders), name="director")

    def told_in_its_time(view: SystemView) -> None:
        told = [what for _, what in log]
        for number, what in enumerate(told):
            if what == "quiet":
                last = next(each for each in reversed(told[:number]) if each in STATES)
                assert last == "listen", f"told after {last}"

    sim.always(told_in_its_time, "told only while it listens")
    sim.sometimes(lambda view: (6.0, "quiet") in log, "told before it fails")
    await asyncio.sleep(20)


STATES = ("begin", "listen", "stop")
CRASHES = Faults(crashes={"/sup/clocked": 1})
EARLY = Faults(crashes={"/sup/clocked": 1}, early_timers=2)
EARLY_AT_THE_TOP = Faults(crashes={"/clocked": 1}, early_timers=2)
CASES = (
    Case("timers/cancelled", cancelled, CRASHES),
    Case("timers/cancelled, early", cancelled, Faults(early_timers=2), True),
    Case("timers/exchanged", exchanged, CRASHES),
    Case("timers/exchanged, early", exchanged, EARLY, True),
    Case("timers/restarted", restarted, EARLY, schedules=300),
    Case("timers/restarted, any sender first", restarted, EARLY, True),
    Case("timers/restarted by policy", restarted_by_policy, EARLY_AT_THE_TOP),
    Case("timers/at a fixed rate", at_a_fixed_rate, schedules=30),
    Case("timers/on time", on_time, schedules=30),
    Case("timers/with a pause", with_a_pause, schedules=30),
    Case("timers/cancelled by itself", cancelled_by_itself, EARLY),
    Case("timers/in order", in_order, schedules=30),
    Case("timers/behind what came before", behind_what_came_before, schedules=50),
    Case("timers/told of silence", told_of_silence),
    Case("timers/told no more", told_no_more, Faults(early_timers=2)),
)
