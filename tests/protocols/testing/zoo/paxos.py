"""Single-decree Paxos (Lamport, 1998): three acceptors, two proposers that learn."""

from typing import NamedTuple

from dramaturg.protocols.testing import CancelTimer, Faults, Network, SetTimer, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

ACCEPTORS = ["a1", "a2", "a3"]
MAJORITY = 2
NONE = (0, "")


class Prepare(NamedTuple):
    ballot: int


class Promise(NamedTuple):
    ballot: int
    accepted: tuple[int, str]


class Accept(NamedTuple):
    ballot: int
    value: str


class Accepted(NamedTuple):
    ballot: int


class Acceptor(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        lost = {"promise not durable": "promised", "acceptance not durable": "taken"}.get(variant)
        self.durable = tuple(name for name in ("promised", "taken") if name != lost)
        self.promised = 0
        self.taken = NONE

    def prepare(self, sender: str, ballot: int) -> Outputs:
        if ballot < self.promised:
            return []
        self.promised = ballot
        return [(sender, Promise(ballot, self.taken))]

    def accept(self, sender: str, ballot: int, value: str) -> Outputs:
        if ballot < self.promised and self.variant != "accepts any ballot":
            return []
        self.promised = max(ballot, self.promised)
        if self.variant == "accepting is no promise":
            self.promised = 0
        self.taken = (ballot, value)
        return [(sender, Accepted(ballot))]


class Proposer(Actor):
    def __init__(self, variant: str, number: int, value: str) -> None:
        super().__init__(variant)
        self.ballot = number
        self.tries = 2
        self.value = value
        self.promises: list[tuple[str, tuple[int, str]]] = []
        self.votes: list[str] = []
        self.proposed = ""
        self.decided: str | None = None

    def on_start(self) -> Outputs:
        return self.propose()

    def propose(self) -> Outputs:
        self.tries -= 1
        self.promises = []
        self.votes = []
        self.proposed = ""
        prepare: Outputs = [(each, Prepare(self.ballot)) for each in ACCEPTORS]
        return [*prepare, SetTimer("again", 10)] if self.tries else prepare

    def enough(self, votes: list[str]) -> bool:
        if self.variant == "half is a majority":
            return len(votes) >= len(ACCEPTORS) // 2
        return len(votes if self.variant == "counts messages" else set(votes)) >= MAJORITY

    def promise(self, sender: str, ballot: int, accepted: tuple[int, str]) -> Outputs:
        if ballot != self.ballot and self.variant != "takes old promises":
            return []
        self.promises.append((sender, accepted))
        if self.proposed or not self.enough([name for name, _ in self.promises]):
            return []
        self.proposed = self.choose([taken for _, taken in self.promises if taken != NONE])
        return [(each, Accept(self.ballot, self.proposed)) for each in ACCEPTORS]

    def choose(self, taken: list[tuple[int, str]]) -> str:
        if not taken or self.variant == "proposes its own value":
            return self.value
        if self.variant == "takes the lowest ballot's value":
            return min(taken)[1]
        return max(taken)[1]

    def accepted(self, sender: str, ballot: int) -> Outputs:
        if ballot != self.ballot and self.variant != "takes old acceptances":
            return []
        self.votes.append(sender)
        if not self.enough(self.votes):
            return []
        self.decided = self.decided or self.proposed or None
        return [CancelTimer("again")]

    def on_timer(self, name: str) -> Outputs:
        self.ballot += 2
        return self.propose()


def agree(view: View) -> bool:
    one, other = view["p1"].decided, view["p2"].decided
    return one is None or other is None or bool(one == other)


def fill(world: World, variant: str) -> None:
    for name in ACCEPTORS:
        world.add(name, Acceptor(variant))
    world.add("p1", Proposer(variant, 1, "x"))
    world.add("p2", Proposer(variant, 2, "y"))
    world.always(agree)
    world.sometimes(lambda view: None is not view["p1"].decided == view["p2"].decided, "both learn")


SPECIMENS = (
    Specimen(
        "Paxos",
        fill,
        {
            "half is a majority": Bug("easy", 8),
            "proposes its own value": Bug("easy", 16),
            "accepts any ballot": Bug("easy", 16),
            "promise not durable": Bug("hard", 18),
            "acceptance not durable": Bug("hard", 18),
            "accepting is no promise": Bug("hard", 16),
            "counts messages": Bug("hard", 16),
            "takes old promises": Bug("hard", 18),
            "takes old acceptances": Bug("hard", None),
            "takes the lowest ballot's value": Bug("hard", 22),
        },
        network=Network.UNORDERED,
        faults=Faults(drops=1, duplicates=1, crashes=1, early_timers=2),
    ),
)
