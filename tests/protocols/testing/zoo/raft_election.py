"""The election of Raft (Ongaro and Ousterhout, 2014): one vote a term, one leader a term."""

from typing import NamedTuple

from dramaturg.protocols.testing import (
    CancelTimer,
    Faults,
    Network,
    Noted,
    SetTimer,
    View,
    World,
)
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

NAMES = ["n1", "n2", "n3"]
MAJORITY = 2


class Request(NamedTuple):
    term: int


class Ballot(NamedTuple):
    term: int
    granted: bool


class Heartbeat(NamedTuple):
    term: int


class Node(Actor):
    def __init__(self, variant: str, name: str) -> None:
        super().__init__(variant)
        lost = {"vote not durable": "voted", "term not durable": "term"}.get(variant)
        self.durable = tuple(each for each in ("term", "voted", "tries") if each != lost)
        self.name = name
        self.patience = 10 + NAMES.index(name)
        self.others = [each for each in NAMES if each != name]
        self.tries = 2
        self.term = 0
        self.voted: str | None = None
        self.candidate = False
        self.votes: set[str] = set()

    def wait(self) -> Outputs:
        return [SetTimer("election", self.patience)] if self.tries else []

    def on_start(self) -> Outputs:
        return self.wait()

    def on_restart(self) -> Outputs:
        return self.wait()

    def on_timer(self, name: str) -> Outputs:
        self.tries -= 1
        self.term += 1
        self.voted = None if self.variant == "does not vote for itself" else self.name
        self.candidate = True
        self.votes = {self.name}
        return [*[(each, Request(self.term)) for each in self.others], *self.wait()]

    def meet(self, term: int) -> None:
        """Follow whoever has a greater term."""
        if term > self.term:
            self.term = term
            self.candidate = False
            if self.variant != "keeps its vote in a new term":
                self.voted = None

    def request(self, sender: str, term: int) -> Outputs:
        self.meet(term)
        free = self.voted in {None, sender} or self.variant == "votes twice"
        granted = free and term == self.term
        if granted:
            self.voted = sender
        # It knows only whom it has voted for in the newest term.
        granted = granted or (term < self.term and self.variant == "votes in old terms")
        answered = term if granted else self.term
        return [(sender, Ballot(answered, granted)), *(self.wait() if granted else [])]

    def ballot(self, sender: str, term: int, granted: bool) -> Outputs:
        self.meet(term)
        old = term < self.term and self.variant != "counts old votes"
        if not self.candidate or old or not granted:
            return []
        self.votes.add(sender)
        if len(self.votes) < MAJORITY:
            return []
        self.candidate = False
        beats: Outputs = [(each, Heartbeat(self.term)) for each in self.others]
        return [Noted((self.term, self.name)), CancelTimer("election"), *beats]

    def heartbeat(self, sender: str, term: int) -> Outputs:
        if term < self.term:
            return []
        self.meet(term)
        self.candidate = False
        return [CancelTimer("election")]


def one_leader_a_term(view: View) -> bool:
    return len({term for term, _ in view.history}) == len(set(view.history))


def fill(world: World, variant: str) -> None:
    for name in NAMES:
        world.add(name, Node(variant, name))
    world.always(one_leader_a_term)
    world.at_rest(lambda view: bool(view.history), "somebody was elected")
    world.sometimes(lambda view: len({name for _, name in view.history}) > 1, "two leaders")


SPECIMENS = (
    Specimen(
        "Raft election",
        fill,
        {
            "votes twice": Bug("easy", 6),
            "does not vote for itself": Bug("easy", 6),
            "keeps its vote in a new term": Bug("easy", 29),
            "vote not durable": Bug("hard", 8),
            "term not durable": Bug("hard", 8),
            "counts old votes": Bug("hard", 8),
            "votes in old terms": Bug("hard", 7),
        },
        network=Network.UNORDERED,
        faults=Faults(drops=1, duplicates=1, crashes=1, early_timers=2),
    ),
)
