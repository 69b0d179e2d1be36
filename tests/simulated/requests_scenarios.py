"""Scenarios on requests: each has one outcome, the right one, and by its deadline."""

import asyncio
from dataclasses import dataclass
from typing import Any

from dramaturg.actors import Actor, ActorRef, DeadlineExceeded, Props, RequestCycleError, handler
from dramaturg.protocols.testing import Faults, Simulation
from dramaturg.supervision import ChildSpec, Supervisor, SupervisorSpec, TerminateChild
from tests.simulated.case import Case
from tests.simulated.ledger import Item, Ledger
from tests.simulated.mailbox_kit import Close, Stopper, Talk
from tests.simulated.requests_kit import Answers, Asker, Relay, Responder, SlowResponder


async def troupe(sim: Simulation, **recipes: Props[Any]) -> dict[str, ActorRef[Any]]:
    """Start some actors below a supervisor, by name; restarts are not limited."""
    children = [ChildSpec(name, recipe) for name, recipe in recipes.items()]
    spec = SupervisorSpec(children, intensity=99)
    sup = sim.system.spawn(Props(Supervisor, spec), name="sup")
    await sup.started()
    found = {name: sim.system.lookup(f"/sup/{name}") for name in recipes}
    return {name: ref for name, ref in found.items() if ref is not None}


def books(sim: Simulation, *, stashes: bool = False) -> Answers:
    return Answers(sim, Ledger(sim, stashes=stashes))


async def answered(sim: Simulation, recipe: Props[Any], answers: Answers) -> None:
    """Two ask one who refuses and fails now and then; either may crash meanwhile."""
    refs = await troupe(sim, responder=recipe)
    sim.at_rest(lambda view: view.now < 50, "nobody waits for a deadline")
    sim.sometimes(lambda view: {"reply", "Refused", "ActorCrashed"} <= answers.kinds, "all kinds")
    spec = SupervisorSpec(
        [ChildSpec(name, Props(Asker, answers, refs["responder"], 3)) for name in ("ann", "bob")],
        intensity=9,
    )
    sim.system.spawn(Props(Supervisor, spec), name="askers")


async def answered_plainly(sim: Simulation) -> None:
    answers = books(sim)
    await answered(sim, Props(Responder, answers, refused=1, poison=2), answers)


async def answered_slowly(sim: Simulation) -> None:
    answers = books(sim)
    await answered(sim, Props(SlowResponder, answers, 0.1, refused=1, poison=2), answers)


async def stopped(sim: Simulation) -> None:
    """The responder ends while it is asked."""
    answers = books(sim)
    ref = sim.system.spawn(Props(SlowResponder, answers, 0.1), name="responder")
    sim.at_rest(lambda view: view.now < 50, "nobody waits for a deadline")
    sim.at_rest(lambda view: answers.kinds <= {"reply", "ActorStopped"}, "a reply, or it stopped")
    for name in ("ann", "bob"):
        sim.system.spawn(Props(Asker, answers, ref, 2), name=name)
    sim.system.spawn(Props(Stopper, ref), name="stopper").tell(Close())


async def terminated(sim: Simulation) -> None:
    """The responder is a child that is terminated while it is asked."""
    answers = books(sim)
    refs = await troupe(sim, responder=Props(Responder, answers))
    sim.at_rest(lambda view: view.now < 50, "nobody waits for a deadline")
    for name in ("ann", "bob"):
        sim.system.spawn(Props(Asker, answers, refs["responder"], 2), name=name)
    sup = sim.system.lookup("/sup")
    assert sup is not None
    await sup.request(TerminateChild("responder"))


async def too_slow(sim: Simulation) -> None:
    """Two ask one who is too slow for both: some replies are late, some messages expire."""
    answers = books(sim)
    recipe = Props(SlowResponder, answers, 0.3, refused=1)
    ref = sim.system.spawn(recipe, name="responder")
    sim.sometimes(lambda view: view.system.late_replies > 0, "a reply is late")
    sim.sometimes(lambda view: len(answers.ledger.dead) > 0, "a message expires")
    for name, timeout in (("ann", 0.25), ("bob", 0.4)):
        sim.system.spawn(Props(Asker, answers, ref, 3, timeout), name=name)


async def too_slow_without_surprise(sim: Simulation) -> None:
    """As above; no deadline passes before its time, and none is overrun."""
    await too_slow(sim)
    sim.at_rest(lambda view: view.now < 2, "each gives up in time")


@dataclass(frozen=True)
class Outer:
    """What is asked of somebody who asks somebody else to answer it."""

    item: Item


class Middle(Actor):
    """Asks on, with more patience than whoever asks it."""

    def __init__(self, answers: Answers, inner: ActorRef[Any]) -> None:
        self.answers = answers
        self.inner = inner

    @handler
    async def ask_on(self, message: Outer) -> None:
        deadline = self.context.deadline
        assert deadline is not None
        await self.answers.ask(self.inner, message.item, 60, by=deadline)
        # It is held no longer than whoever has asked it waits.
        if self.context.clock.monotonic() > deadline:
            self.answers.ledger.wrong.append("the deadline is not that of the outer request")
        if self.answers.outcomes[message.item] != "reply":
            raise DeadlineExceeded(waiting_for=self.inner.path, timeout=60)


async def inherited(sim: Simulation) -> None:
    """A request made while handling another one waits no longer than that may."""
    ledger = Ledger(sim)
    answers = Answers(sim, ledger)
    inner = sim.system.spawn(Props(SlowResponder, answers, 0.7), name="inner")
    middles = [
        sim.system.spawn(Props(Middle, answers, inner), name=name) for name in ("left", "right")
    ]
    sim.sometimes(lambda view: "DeadlineExceeded" in answers.kinds, "it is too late for some")
    sim.sometimes(lambda view: "reply" in answers.kinds, "and not for others")
    await asyncio.gather(
        *[
            middle.request(Outer(Item(middle.name, number)), timeout=1.0)
            for number in range(2)
            for middle in middles
        ],
        return_exceptions=True,
    )


class Friend(Actor):
    """When asked by name asks its own friend; which closes a circle if that one does the same."""

    def __init__(self, friends: dict[str, ActorRef[Any]], whom: str, caught: list[str]) -> None:
        self.friends = friends
        self.whom = whom
        self.caught = caught

    @handler
    async def ask_on(self, message: Outer) -> str:
        hops = message.item.number
        if not hops:
            return self.context.name
        next_one = Outer(Item(message.item.sender, hops - 1))
        try:
            return str(await self.friends[self.whom].request(next_one))
        except RequestCycleError as error:
            self.caught.append(error.path[0])
            return "a circle"


async def ring(sim: Simulation, whom: dict[str, str], hops: int) -> tuple[list[str], list[Any]]:
    """Ask each of some friends at once, who ask each other; return who caught a circle."""
    friends, caught = dict[str, ActorRef[Any]](), list[str]()
    for name, friend in whom.items():
        friends[name] = sim.system.spawn(Props(Friend, friends, friend, caught), name=name)
    sim.at_rest(lambda view: view.now == 0, "nobody waits for a deadline")
    sim.at_rest(lambda view: not view.system.waits_for, "nobody is noted to wait")
    asked = [friends[name].request(Outer(Item(name, hops))) for name in whom]
    return caught, await asyncio.gather(*asked, return_exceptions=True)


async def circle(sim: Simulation) -> None:
    """Three ask each other in a circle: it is found, and nobody hangs."""
    whom = {"ann": "bob", "bob": "cid", "cid": "ann"}
    sim.sometimes(lambda view: "caught" in view.history, "a circle is closed")
    caught, results = await ring(sim, whom, 2)
    if caught:
        sim.note("caught")
    assert all(isinstance(each, str) for each in results), results


async def no_circle(sim: Simulation) -> None:
    """Several ask the same ones, in no circle: none is found."""
    caught, results = await ring(sim, {"ann": "cid", "bob": "cid", "cid": "dan", "dan": ""}, 0)
    whom = {"eve": "gus", "fay": "gus", "gus": "hal", "hal": "hal"}
    friends = dict[str, ActorRef[Any]]()
    for name, friend in whom.items():
        friends[name] = sim.system.spawn(Props(Friend, friends, friend, caught), name=name)
    asked = [
        friends[name].request(Outer(Item(name, hops)))
        for hops, name in ((2, "eve"), (2, "fay"), (1, "gus"), (2, "eve"))
    ]
    results += await asyncio.gather(*asked)
    assert not caught, f"{caught} found circles"
    assert results[4:] == ["hal"] * 4, results


class Starter(Friend):
    """Asks on in a task of its own, and does not wait for that."""

    tasks: set[asyncio.Task[str]]

    @handler
    async def start_task(self, message: Close) -> None:
        self.tasks = {asyncio.create_task(self.ask_on(Outer(Item("task", 1))))}

    @handler
    async def be_busy(self, message: Talk) -> None:
        await asyncio.sleep(0.5)


async def held_up_by_nothing(sim: Simulation) -> None:
    """What a task in the background waits for closes no circle."""
    friends, caught = dict[str, ActorRef[Any]](), list[str]()
    for name, friend in {"ann": "bob", "bob": "ann"}.items():
        friends[name] = sim.system.spawn(Props(Starter, friends, friend, caught), name=name)
    friends["ann"].tell(Close())
    friends["ann"].tell(Talk())
    assert await friends["bob"].request(Outer(Item("bob", 1))) == "ann"
    assert not caught, f"{caught} found circles"
    await asyncio.sleep(1)
    starter: Any = friends["ann"].cell.actor
    assert [await each for each in starter.tasks] == ["bob"]


async def forwarded(sim: Simulation) -> None:
    """Requests are passed on, with sender and deadline; who does the work may crash."""
    answers = books(sim)
    refs = await troupe(sim, worker=Props(SlowResponder, answers, 0.1, refused=1))
    sim.at_rest(lambda view: view.now < 50, "nobody waits for a deadline")
    relay = sim.system.spawn(Props(Relay, answers, refs["worker"]), name="relay")
    for name in ("ann", "bob"):
        sim.system.spawn(Props(Asker, answers, relay, 3), name=name)


async def forwarded_to_the_dead(sim: Simulation) -> None:
    """Requests are passed on to one that ends."""
    answers = books(sim)
    worker = sim.system.spawn(Props(Responder, answers), name="worker")
    relay = sim.system.spawn(Props(Relay, answers, worker), name="relay")
    sim.at_rest(lambda view: view.now < 50, "nobody waits for a deadline")
    for name in ("ann", "bob"):
        sim.system.spawn(Props(Asker, answers, relay, 2), name=name)
    sim.system.spawn(Props(Stopper, worker), name="stopper").tell(Close())


async def forwarded_to_the_asker(sim: Simulation) -> None:
    """Passing a request on to who has made it closes a circle, and so it fails."""
    answers = books(sim)
    far = dict[str, ActorRef[Any]]()
    relay = sim.system.spawn(Props(_Back, far), name="relay")
    far["asker"] = sim.system.spawn(Props(Asker, answers, relay, 1), name="asker")
    sim.at_rest(lambda view: answers.kinds == {"RequestCycleError"}, "the circle is found")
    sim.at_rest(lambda view: view.now == 0, "at once")


class _Back(Actor):
    def __init__(self, far: dict[str, ActorRef[Any]]) -> None:
        self.far = far

    @handler
    def pass_on(self, item: Item) -> None:
        self.context.forward(self.far["asker"])


class Deferring(Responder):
    """Puts requests aside until it is told to answer them."""

    def __init__(self, answers: Answers) -> None:
        super().__init__(answers)
        self.opened = False

    @handler
    def answer(self, item: Item) -> tuple[str, Item]:
        if not self.opened:
            return self.context.stash()
        self.begin(item)
        return self.end(item)

    @handler
    def open(self, message: Close) -> None:
        self.opened = True
        self.context.unstash_all()


async def deferred(sim: Simulation) -> None:
    """A request that was put aside is answered later, by the one answer."""
    answers = books(sim, stashes=True)
    ref = sim.system.spawn(Props(Deferring, answers), name="responder")
    sim.at_rest(lambda view: answers.kinds == {"reply"}, "all have replies")
    for name in ("ann", "bob", "cid"):
        sim.system.spawn(Props(Asker, answers, ref, 2), name=name)
    sim.system.spawn(Props(_Opener, ref), name="opener").tell(Close())
    sim.sometimes(lambda view: len(ref.cell.more().stash or ()) > 1, "several are put aside")


class _Opener(Actor):
    def __init__(self, target: ActorRef[Deferring]) -> None:
        self.target = target

    @handler
    def close(self, message: Close) -> None:
        self.target.tell(message)


CRASHES = Faults(crashes={"/sup/responder": 1, "/askers/": 1})
CASES = (
    Case("requests/answered plainly", answered_plainly, CRASHES),
    Case("requests/answered plainly, any sender first", answered_plainly, CRASHES, True),
    Case("requests/answered slowly", answered_slowly, CRASHES),
    Case("requests/answered slowly, any sender first", answered_slowly, CRASHES, True),
    Case("requests/stopped", stopped),
    Case("requests/terminated", terminated, any_sender_first=True),
    Case("requests/too slow", too_slow, Faults(early_timers=2)),
    Case("requests/too slow, in time", too_slow_without_surprise, any_sender_first=True),
    Case("requests/inherited", inherited),
    Case("requests/circle", circle),
    Case("requests/circle, any sender first", circle, any_sender_first=True),
    Case("requests/no circle", no_circle),
    Case("requests/held up by nothing", held_up_by_nothing),
    Case("requests/forwarded", forwarded, Faults(crashes={"/sup/worker": 1})),
    Case("requests/forwarded to the dead", forwarded_to_the_dead),
    Case("requests/forwarded to the asker", forwarded_to_the_asker),
    Case("requests/deferred", deferred),
)
