"""The log of Raft (Ongaro and Ousterhout, 2014): what is committed stays, whoever leads."""

from typing import NamedTuple, TypeAlias

from dramaturg.protocols.testing import CancelTimer, Faults, Network, Noted, SetTimer, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

NAMES = ["n1", "n2", "n3"]
MAJORITY = 2
Log: TypeAlias = "tuple[tuple[int, str], ...]"


class Request(NamedTuple):
    term: int
    last: tuple[int, int]


class Ballot(NamedTuple):
    term: int


class Append(NamedTuple):
    term: int
    log: Log


class Appended(NamedTuple):
    term: int
    length: int


class Node(Actor):
    """Each leader adds one entry, and sends its whole log."""

    def __init__(self, variant: str, name: str) -> None:
        super().__init__(variant)
        lost = {"log not durable": "log", "vote not durable": "voted"}.get(variant)
        lasting = ("term", "voted", "log", "tries")
        self.durable = tuple(each for each in lasting if each != lost)
        self.name = name
        self.others = [each for each in NAMES if each != name]
        self.tries = 2
        self.term = 0
        self.voted: str | None = None
        self.log: Log = ()
        self.votes: set[str] | None = None
        self.stored: dict[str, int] | None = None

    def wait(self) -> Outputs:
        return [SetTimer("election", 10 + NAMES.index(self.name))] if self.tries else []

    def on_start(self) -> Outputs:
        return self.wait()

    def on_restart(self) -> Outputs:
        return self.wait()

    def last(self) -> tuple[int, int]:
        return (self.log[-1][0] if self.log else 0, len(self.log))

    def on_timer(self, name: str) -> Outputs:
        if name == "again":
            return self.send()
        self.tries -= 1
        self.term += 1
        self.voted = self.name
        self.votes = {self.name}
        self.stored = None
        return [*[(each, Request(self.term, self.last())) for each in self.others], *self.wait()]

    def meet(self, term: int) -> None:
        if term > self.term:
            self.term = term
            self.voted = None
            self.votes = None
            self.stored = None

    def request(self, sender: str, term: int, last: tuple[int, int]) -> Outputs:
        self.meet(term)
        newer = last >= self.last()
        if self.variant == "votes without a look at the log":
            newer = True
        if term < self.term or not newer or self.voted not in {None, sender}:
            return []
        self.voted = sender
        return [(sender, Ballot(term)), *self.wait()]

    def ballot(self, sender: str, term: int) -> Outputs:
        self.meet(term)
        if term < self.term or self.votes is None:
            return []
        self.votes.add(sender)
        if len(self.votes) < MAJORITY:
            return []
        self.votes = None
        self.log = (*self.log, (self.term, self.name))
        self.stored = {self.name: len(self.log)}
        return [CancelTimer("election"), SetTimer("again", 4), *self.send()]

    def send(self) -> Outputs:
        if self.stored is None:
            return []
        return [(each, Append(self.term, self.log)) for each in self.others]

    def append(self, sender: str, term: int, log: Log) -> Outputs:
        self.meet(term)
        if term < self.term and self.variant != "an old leader may write":
            return []
        self.votes = None
        if self.variant == "keeps what it has":
            self.log = (*self.log, *log[len(self.log) :])
        else:
            self.log = log
        return [(sender, Appended(term, len(log))), *self.wait()]

    def appended(self, sender: str, term: int, length: int) -> Outputs:
        self.meet(term)
        if term < self.term or self.stored is None:
            return []
        self.stored[sender] = max(length, self.stored.get(sender, 0))
        if sum(each >= length for each in self.stored.values()) < MAJORITY:
            return []
        return [Noted(self.log[:length])]


def committed_stays(view: View) -> bool:
    """Tell whether of any two logs that were committed one begins with the other."""
    longest: Log = max(view.history, key=len, default=())
    return all(each == longest[: len(each)] for each in view.history)


def fill(world: World, variant: str) -> None:
    for name in NAMES:
        world.add(name, Node(variant, name))
    world.always(committed_stays)
    world.sometimes(lambda view: any(len(each) > 1 for each in view.history), "two entries")


SPECIMENS = (
    Specimen(
        "Raft log",
        fill,
        {
            "votes without a look at the log": Bug("hard", None),
            "an old leader may write": Bug("hard", None),
            "log not durable": Bug("hard", None),
            "keeps what it has": Bug("hard", None),
        },
        network=Network.UNORDERED,
        faults=Faults(crashes=1, drops=1, early_timers=2),
    ),
)
