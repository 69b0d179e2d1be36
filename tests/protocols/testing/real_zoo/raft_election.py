"""The election of Raft (Ongaro and Ousterhout, 2014): one vote a term, one leader a term."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dramaturg.actors import Actor, ActorRef, handler
from dramaturg.protocols.testing import Faults, Network, Node, Simulation, SystemView
from tests.protocols.testing.real_zoo.specimen import Go, Journal, Specimen, spawning

NAMES = ["n1", "n2", "n3"]
TRIES = 3


@dataclass(frozen=True)
class Elect: ...


@dataclass(frozen=True)
class Vote:
    term: int
    candidate: str
    answer: ActorRef[Any]


@dataclass(frozen=True)
class Ballot:
    term: int
    voter: str


@dataclass(frozen=True)
class Heartbeat:
    term: int


class Member(Actor):
    def __init__(self, node: Node, variant: str, note: Callable[[Any], None]) -> None:
        self.variant = variant
        self.name = node.name
        self.note = note
        self.journal = Journal(node.disk)
        self.others: list[ActorRef[Any]] = [
            node.ref(f"{name}/member") for name in NAMES if name != node.name
        ]
        self.term = 0
        self.voted = ""
        self.candidate = False
        self.votes: set[str] = set()
        for line in self.journal.lines:
            term, self.voted = line.split(":")
            self.term = int(term)

    @handler
    def go(self, message: Go) -> None:
        self.wait()

    def wait(self) -> None:
        if self.term < TRIES:
            patience = 10.0 + NAMES.index(self.name)
            self.context.start_timer("election", Elect(), after=patience)

    @handler
    async def elect(self, message: Elect) -> None:
        self.term += 1
        self.voted = self.name
        self.candidate = True
        self.votes = {self.name}
        await self.keep()
        for each in self.others:
            each.tell(Vote(self.term, self.name, self.actor_ref))
        self.wait()

    async def keep(self) -> None:
        await self.journal.add(f"{self.term}:{self.voted}", sync=self.variant != "vote not synced")

    def meet(self, term: int) -> None:
        """Follow whoever has a greater term."""
        if term > self.term:
            self.term = term
            self.candidate = False
            self.voted = ""

    @handler
    async def vote(self, message: Vote) -> None:
        self.meet(message.term)
        free = self.voted in {"", message.candidate} or self.variant == "votes twice"
        if message.term < self.term or not free:
            return
        self.voted = message.candidate
        await self.keep()
        message.answer.tell(Ballot(self.term, self.name))
        self.wait()

    @handler
    def ballot(self, message: Ballot) -> None:
        self.meet(message.term)
        old = message.term < self.term and self.variant != "counts old votes"
        if not self.candidate or old:
            return
        self.votes.add(message.voter)
        if len(self.votes) * 2 > len(NAMES):
            self.candidate = False
            self.context.cancel_timer("election")
            self.note((self.term, self.name))
            for each in self.others:
                each.tell(Heartbeat(self.term))

    @handler
    def heartbeat(self, message: Heartbeat) -> None:
        if message.term >= self.term:
            self.meet(message.term)
            self.candidate = False
            self.context.cancel_timer("election")


def one_leader_a_term(view: SystemView) -> bool:
    return len({term for term, _ in view.history}) == len(set(view.history))


async def play(sim: Simulation, variant: str) -> None:
    for name in NAMES:
        await sim.node(name, spawning("member", Member, variant, sim.note, go=True))
    sim.always(one_leader_a_term)
    sim.sometimes(lambda view: len({name for _, name in view.history}) > 1, "two leaders")


SPECIMENS = (
    Specimen(
        "Raft election",
        play,
        {
            "votes twice": "easy",
            "counts old votes": "hard",
            "vote not synced": "hard",
        },
        network=Network.UNORDERED,
        faults=Faults(drops=1, node_crashes=1, early_timers=2, skews=1, partitions=1),
    ),
)
