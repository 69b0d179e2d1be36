"""A work queue that delivers at least once, with workers that are supervised and crash."""

from dataclasses import dataclass
from typing import Any

from dramaturg.actors import Actor, ActorRef, Props, handler
from dramaturg.protocols.testing import Faults, Node, Simulation, SystemView
from dramaturg.supervision import ChildSpec, Supervisor, SupervisorSpec
from tests.protocols.testing.real_zoo.specimen import (
    NOBODY_ANSWERED,
    Go,
    Journal,
    Specimen,
    spawning,
)

TASKS = [1, 2]
WORKERS = ["w1", "w2"]


@dataclass(frozen=True)
class Lend:
    task: int
    queue: ActorRef[Any]


@dataclass(frozen=True)
class Done:
    task: int


@dataclass(frozen=True)
class Again:
    task: int


@dataclass(frozen=True)
class Result:
    task: int


class Queue(Actor):
    """Lends each task to one worker after the other until somebody says that it is done."""

    def __init__(self, node: Node, variant: str) -> None:
        self.variant = variant
        self.workers: list[ActorRef[Any]] = [node.ref(f"{name}/team/worker") for name in WORKERS]
        self.open = list(TASKS)
        self.attempts = 0

    @handler
    def go(self, message: Go) -> None:
        for task in TASKS:
            self.lend(task)

    def lend(self, task: int) -> None:
        self.attempts += 1
        self.workers[self.attempts % len(WORKERS)].tell(Lend(task, self.actor_ref))
        if self.attempts <= len(TASKS) or self.variant != "lends again only once":
            self.context.start_timer(task, Again(task), after=10.0)

    @handler
    def again(self, message: Again) -> None:
        if message.task in self.open:
            self.lend(message.task)

    @handler
    def done(self, message: Done) -> None:
        self.context.cancel_timer(message.task)
        if self.variant == "who is done is done with the oldest":
            del self.open[:1]
        elif message.task in self.open:
            self.open.remove(message.task)


class Worker(Actor):
    """Has the result of a task stored, and says that it is done when it is."""

    def __init__(self, node: Node, variant: str) -> None:
        self.variant = variant
        self.store = node.ref("store/store")

    @handler
    async def lend(self, message: Lend) -> None:
        if self.variant == "says that it is done before it is":
            message.queue.tell(Done(message.task))
        try:
            await self.store.request(Result(message.task), timeout=3.0)
        except NOBODY_ANSWERED:
            return
        message.queue.tell(Done(message.task))


class Store(Actor):
    def __init__(self, node: Node, variant: str) -> None:
        self.variant = variant
        self.journal = Journal(node.disk)

    @property
    def results(self) -> list[str]:
        return self.journal.lines

    @handler
    async def result(self, message: Result) -> None:
        if f"{message.task}" not in self.results or self.variant == "the store takes copies":
            await self.journal.add(f"{message.task}")


async def play(sim: Simulation, variant: str) -> None:
    await sim.node("store", spawning("store", Store, variant))
    for name in WORKERS:
        await sim.node(name, lambda node: start_worker(node, variant))
    await sim.node("q", spawning("queue", Queue, variant, go=True))

    def each_once(view: SystemView) -> bool:
        store = view["store/store"]
        return store is None or len(store.results) == len(set(store.results))

    sim.always(each_once)
    sim.at_rest(lambda view: len(view["store/store"].results) == len(TASKS), "all done")
    sim.sometimes(lambda view: view["q/queue"].attempts > len(TASKS), "a task is lent again")


async def start_worker(node: Node, variant: str) -> None:
    team = SupervisorSpec([ChildSpec("worker", Props(Worker, node, variant))], intensity=3)
    await node.system.spawn(Props(Supervisor, team), name="team").started()


SPECIMENS = (
    Specimen(
        "work queue",
        play,
        {
            "the store takes copies": "easy",
            "says that it is done before it is": "easy",
            "who is done is done with the oldest": "hard",
            "lends again only once": "easy",
        },
        faults=Faults(
            crashes={"w1/team/worker": 1, "w2/team/worker": 1},
            drops=2,
            early_timers=1,
            node_crashes={"store": 1},
        ),
    ),
)
