"""Scenarios on what stands in front of other actors: routers, breakers and bulkheads."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from dramaturg.actors import (
    Actor,
    ActorRef,
    Broadcast,
    ConsistentHash,
    DeadLetterReason,
    GetRoutees,
    LeastLoaded,
    Props,
    RoundRobin,
    Router,
    handler,
)
from dramaturg.protocols.testing import Faults, Simulation, SystemView
from dramaturg.supervision import (
    BreakerActor,
    BulkheadActor,
    ChildSpec,
    GetBreaker,
    GetBulkhead,
    Supervisor,
    SupervisorSpec,
)
from tests.simulated.case import Case
from tests.simulated.ledger import Item, Ledger
from tests.simulated.mailbox_kit import Close, Closer, Poisoned, Stopper, Talk, Talker, talk
from tests.simulated.requests_kit import Answers, Asker, Responder


@dataclass
class Places:
    """Which message was handled where."""

    ledger: Ledger
    at: dict[Item, str] = field(default_factory=dict[Item, str])
    latest: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])

    def begin(self, place: str, item: Item) -> None:
        self.ledger.begin(item)
        self.at[item] = place
        channel = (item.sender, place)
        if self.latest.get(channel, -1) > item.number:
            self.ledger.wrong.append(f"{item} comes after {self.latest[channel]} at {place}")
        self.latest[channel] = item.number


class Worker(Actor):
    """Takes what the router gives it."""

    def __init__(self, places: Places) -> None:
        self.places = places

    @handler
    def take(self, item: Item) -> tuple[str, Item]:
        self.places.begin(self.context.name, item)
        return ("re", item)


def places(sim: Simulation) -> Places:
    # Those of one sender keep their order at each routee, not among routees.
    return Places(Ledger(sim, in_order=False))


async def in_turns(sim: Simulation) -> None:
    """Each routee has its turn; one of them ends meanwhile."""
    books = places(sim)
    workers = [sim.system.spawn(Props(Worker, books), name=name) for name in "xyz"]
    router = sim.system.spawn(Router.group(workers, RoundRobin()), name="router")
    talk(sim, *[Props(Talker, books.ledger, router, 3)] * 2)

    def fair(view: SystemView) -> None:
        counts = [list(books.at.values()).count(name) for name in "xyz"]
        assert counts == [2, 2, 2], counts

    sim.at_rest(fair, "two for each")


async def in_turns_of_the_living(sim: Simulation) -> None:
    """A routee ends: what comes then goes to the others; what it had waiting is dead letters."""
    books = places(sim)
    workers = [sim.system.spawn(Props(Worker, books), name=name) for name in "xy"]
    router = sim.system.spawn(Router.group(workers, RoundRobin()), name="router")
    talk(sim, *[Props(Talker, books.ledger, router, 4)] * 2)
    sim.system.spawn(Props(Stopper, workers[0]), name="stopper").tell(Close())
    sim.sometimes(lambda view: "x" not in books.at.values() and len(books.at) > 7, "one does all")

    def gone(view: SystemView) -> None:
        actor: Any = view["/router"]
        assert [ref.name for ref in actor.get_routees(GetRoutees()).refs] == ["y"], "not removed"
        late = [item for item in books.ledger.dead if item in books.at]
        assert not late, f"{late[0]} is at {books.at[late[0]]}"

    sim.at_rest(gone, "it is removed")
    sim.always(_nothing_for_the_dead(books, workers[0]), "the dead get nothing")


def _nothing_for_the_dead(books: Places, ref: ActorRef[Worker]) -> Any:
    seen: list[int] = []

    def check(view: SystemView) -> None:
        if ref.is_alive():
            return
        seen.append(len(books.ledger.dead))
        assert seen[0] == seen[-1], "something was given to a routee that had ended"

    return check


async def by_key(sim: Simulation) -> None:
    """The same key goes to the same routee."""
    books = places(sim)
    workers = [sim.system.spawn(Props(Worker, books), name=name) for name in "xyz"]
    logic = ConsistentHash(key=_number_of)
    router = sim.system.spawn(Router.group(workers, logic), name="router")
    talk(sim, *[Props(Talker, books.ledger, router, 5)] * 2)

    def same(view: SystemView) -> None:
        for item, place in books.at.items():
            other = books.at.get(Item("ab"[item.sender == "a"], item.number), place)
            assert place == other, f"{item} at {place} and at {other}"

    sim.always(same, "the same key at the same place")


def _number_of(item: Item) -> int:
    return item.number


async def by_load(sim: Simulation) -> None:
    """Nobody gets a message while another one has fewer; those who have nothing take turns."""
    books = places(sim)
    workers = [sim.system.spawn(Props(Worker, books), name=name) for name in "xyz"]
    router = sim.system.spawn(Router.group(workers, LeastLoaded()), name="router")
    talk(sim, Props(Talker, books.ledger, router, 4), Props(Talker, books.ledger, router, 2))

    def even(view: SystemView) -> None:
        loads = [ref.cell.depth for ref in workers]
        # What was given is not taken back when others have handled theirs.
        assert max(loads) <= 2, loads

    sim.always(even, "nobody is overloaded")


async def pool_drained(sim: Simulation) -> None:
    """A pool is drained: what was sent before is handled, and the pool ends."""
    books = places(sim)
    router = sim.system.spawn(Router.pool(Props(Worker, books), 2, RoundRobin()), name="router")
    talk(sim, *[Props(Talker, books.ledger, router, 3)] * 2)
    sim.system.spawn(Props(Closer, router, books.ledger), name="closer").tell(Close())

    def kept(view: SystemView) -> None:
        assert set(books.at) == set(view["/closer"].before), "not what was sent before"

    sim.at_rest(kept, "what was sent before is handled")
    sim.at_rest(lambda view: not router.is_alive(), "it has ended")


class Mortal(Actor):
    """Ends when it is told to."""

    @handler
    def end(self, message: Close) -> None:
        self.context.stop_self()


async def pool_deserted(sim: Simulation) -> None:
    """A pool ends when all of its routees have."""
    router = sim.system.spawn(Router.pool(Props(Mortal), 3, RoundRobin()), name="router")
    sim.at_rest(lambda view: not router.is_alive(), "it has ended")
    for _ in range(3):
        router.tell(Close())


@dataclass(frozen=True)
class Poll:
    """Asked of all at once."""


class Voter(Actor):
    """Answers with its name, or fails."""

    def __init__(self, *, fails: bool) -> None:
        self.fails = fails

    @handler
    def vote(self, message: Poll) -> str:
        if self.fails:
            raise Poisoned
        return self.context.name


async def polled(sim: Simulation) -> None:
    """What is asked of all is answered by the first who answers; it fails if all do."""
    children = [
        ChildSpec(name, Props(Voter, fails=name != "y"), restart="temporary") for name in "xyz"
    ]
    sup = sim.system.spawn(Props(Supervisor, SupervisorSpec(children)), name="sup")
    await sup.started()
    refs = [ref for ref in (sim.system.lookup(f"/sup/{name}") for name in "xyz") if ref is not None]
    router = sim.system.spawn(Router.group(refs, RoundRobin()), name="router")
    assert await router.request(Broadcast(Poll())) == "y"
    assert sim.timers.now == 0


class Ill(Responder):
    """Fails on some."""

    @handler
    def answer(self, item: Item) -> tuple[str, Item]:
        self.begin(item)
        if item.number in FAILS_ON and item.sender != "cid":
            raise Poisoned
        return self.end(item)


FAILS_ON = (0, 2, 3)


class Patient(Asker):
    """Asks again and again, with a pause in between; notes how often it is turned away."""

    @handler
    async def talk(self, message: Talk) -> None:
        for number in range(self.count):
            item = Item(self.context.name, number)
            await self.answers.ask(self.ref, item, 100.0)
            if self.answers.outcomes[item] in ("Refused", "DeadlineExceeded"):
                # Turned away, also if it had given up by then.
                self.answers.ledger.excused.add(item)
            await asyncio.sleep(0.6)


class Pair(Patient):
    """Asks two things at once."""

    @handler
    async def talk(self, message: Talk) -> None:
        name = self.context.name
        for number in range(0, self.count, 2):
            both = [Item(name, number), Item(name, number + 1)]
            await asyncio.gather(*[self.answers.ask(self.ref, item, 100.0) for item in both])
            turned = [item for item in both if self.answers.outcomes[item] == "Refused"]
            self.answers.ledger.excused.update(turned)
            await asyncio.sleep(0.6)


@dataclass
class Circuit:
    """What goes through a breaker, seen from both sides."""

    answers: Answers
    behind: ActorRef[Any]
    state: str = "closed"
    passed: int = 0
    trials: int = 0

    def look(self, view: SystemView) -> None:
        breaker: Any = view["/breaker"]
        state = str(breaker.get_breaker(GetBreaker()).state.value)
        # A message on which its actor has failed is in the books only.
        ledger = self.answers.ledger
        expired = ledger.counts()[DeadLetterReason.EXPIRED]
        passed = len(ledger.begun) + expired + self.behind.cell.depth
        before, more = self.state, passed - self.passed
        self.state, self.passed = state, passed
        if state == before == "open":
            assert not more, "something goes through while it is open"
        self.trials = self.trials + more if state == before == "half_open" else 0
        assert self.trials <= 1, "two are let through on trial"
        assert (before, state) != ("open", "closed"), "it closes without a trial"
        if before == "closed" and state == "open":
            self._check_failures()

    def _check_failures(self) -> None:
        outcomes = [each for each in self.answers.outcomes.values() if each != "Refused"]
        if "DeadlineExceeded" not in outcomes:  # one that gave up is noted before its outcome
            assert outcomes[-2:] == ["ActorCrashed"] * 2, f"it opens after {outcomes[-2:]}"


async def broken(sim: Simulation) -> None:
    """While its circuit is open nothing goes through; then one call does, and decides."""
    circuit = await opened_by(sim, "ann", "bob")
    sim.at_rest(lambda view: "Refused" in circuit.answers.kinds, "it opens")
    sim.at_rest(lambda view: circuit.state == "closed", "it closes in the end")


async def broken_meanwhile(sim: Simulation) -> None:
    """As above; some of what was let through before succeeds while the circuit is open."""
    await opened_by(sim, "ann", "bob", "cid")


async def broken_in_pairs(sim: Simulation) -> None:
    """As above; two come at once also when the circuit is half open."""
    await opened_by(sim, "ann", "bob", asker=Pair)


async def opened_by(sim: Simulation, *names: str, asker: type[Patient] = Patient) -> Circuit:
    """Let some ask one who is ill now and then, through a breaker."""
    answers = books(sim)
    children = [ChildSpec("ill", Props(Ill, answers))]
    sup = sim.system.spawn(Props(Supervisor, SupervisorSpec(children, intensity=99)), name="sup")
    await sup.started()
    ill = sim.system.lookup("/sup/ill")
    assert ill is not None
    recipe = Props(BreakerActor, ill, max_failures=2, reset_timeout=1.0)
    breaker = sim.system.spawn(recipe, name="breaker")
    circuit = Circuit(answers, ill)
    sim.always(circuit.look, "the circuit keeps its rules")
    sim.sometimes(lambda view: "Refused" in answers.kinds, "somebody is turned away")
    sim.sometimes(lambda view: circuit.trials == 1, "one is let through on trial")
    for name in names:
        sim.system.spawn(Props(asker, answers, breaker, 8), name=name)
    return circuit


def books(sim: Simulation, *, in_order: bool = True) -> Answers:
    """Make books that know nothing of answers that somebody in front has given."""
    answers = Answers(sim, Ledger(sim, in_order=in_order))
    sim.properties.at_rest[:] = [each for each in sim.properties.at_rest if "late" not in each[0]]
    return answers


class Lamp(Actor):
    """By whose light others work."""

    @handler
    def shine(self, message: Poll) -> None: ...


class Busy(Responder):
    """Takes its time: as long as its lamp does, which may be any."""

    def __init__(self, answers: Answers, at_work: set[Item]) -> None:
        super().__init__(answers)
        self.at_work = at_work
        self.lamp = self.context.spawn(Lamp, name="lamp")

    @handler
    async def answer(self, item: Item) -> tuple[str, Item]:
        self.begin(item)
        self.at_work.add(item)
        await self.lamp.request(Poll())
        self.at_work.discard(item)
        return self.end(item)


async def held_back(sim: Simulation) -> None:
    """Two at a time are let through, of many; who finds no room is told so."""
    answers = books(sim)
    at_work: set[Item] = set()
    pool = Router.pool(Props(Busy, answers, at_work), 4, RoundRobin())
    front = sim.system.spawn(
        Props(BulkheadActor, sim.system.spawn(pool, name="pool"), max_in_flight=2, max_waiting=1),
        name="front",
    )
    sim.sometimes(lambda view: "Refused" in answers.kinds, "one finds no room")
    sim.sometimes(lambda view: _waiting(view) == 1, "one waits")
    sim.sometimes(lambda view: len(at_work) == 2, "two are at work")
    sim.always(lambda view: len(at_work) <= 2, "two at a time")
    sim.at_rest(lambda view: not _in_flight(view) and not _waiting(view), "all places are free")
    sim.at_rest(lambda view: answers.kinds <= {"reply", "Refused"}, "a reply, or no room")
    sim.at_rest(lambda view: view.now == 0, "at once")

    def told(view: SystemView) -> None:
        refused = {item for item, each in answers.outcomes.items() if each == "Refused"}
        dead = answers.ledger.dead
        assert set(dead) == refused, dead
        assert set(dead.values()) <= {DeadLetterReason.OVERFLOW}, dead

    sim.at_rest(told, "who found no room is a dead letter")
    for name in ("ann", "bob", "cid", "dan"):
        sim.system.spawn(Props(Asker, answers, front, 2), name=name)


def _status(view: SystemView) -> Any:
    front: Any = view["/front"]
    return front.get_bulkhead(GetBulkhead())


def _in_flight(view: SystemView) -> int:
    return int(_status(view).in_flight)


def _waiting(view: SystemView) -> int:
    return int(_status(view).waiting)


async def held_back_from_the_fallen(sim: Simulation) -> None:
    """A place is free again also when whoever had it fails the request."""
    answers = books(sim)
    children = [ChildSpec("it", Props(Responder, answers, poison=1))]
    sup = sim.system.spawn(Props(Supervisor, SupervisorSpec(children, intensity=99)), name="sup")
    await sup.started()
    it = sim.system.lookup("/sup/it")
    assert it is not None
    recipe = Props(BulkheadActor, it, max_in_flight=1, max_waiting=9)
    front = sim.system.spawn(recipe, name="front")
    sim.at_rest(lambda view: not _in_flight(view) and not _waiting(view), "all places are free")
    sim.at_rest(lambda view: answers.kinds == {"reply", "ActorCrashed"}, "all are answered")
    sim.at_rest(lambda view: view.now == 0, "at once")
    arrived: list[Item] = []
    sim.always(lambda view: _in_line(answers.ledger, arrived), "in their order")
    for name in ("ann", "bob", "cid"):
        sim.system.spawn(Props(Asker, answers, front, 3), name=name)


def _in_line(ledger: Ledger, arrived: list[Item]) -> None:
    arrived += [item for item in ledger.sent if item not in arrived]
    assert ledger.begun == arrived[: len(ledger.begun)], "one has overtaken another"


CASES = (
    Case("front/in turns", in_turns),
    Case("front/in turns, any sender first", in_turns, any_sender_first=True),
    Case("front/in turns of the living", in_turns_of_the_living),
    Case("front/by key", by_key, schedules=50),
    Case("front/by load", by_load),
    Case("front/pool drained", pool_drained),
    Case("front/pool deserted", pool_deserted),
    Case("front/polled", polled),
    Case("front/broken", broken, Faults(early_timers=2), schedules=200),
    Case("front/broken meanwhile", broken_meanwhile),
    Case("front/broken in pairs", broken_in_pairs),
    Case("front/held back", held_back),
    Case("front/held back from the fallen", held_back_from_the_fallen),
)
