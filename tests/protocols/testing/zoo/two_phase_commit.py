"""Two-phase commit (Gray, 1978): presumed abort, a durable decision, participants that ask."""

from typing import NamedTuple

from dramaturg.protocols.testing import CancelTimer, Faults, SetTimer, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen


class Prepare(NamedTuple): ...


class Vote(NamedTuple):
    yes: bool


class Query(NamedTuple): ...


class Decision(NamedTuple):
    commit: bool


class Coordinator(Actor):
    def __init__(self, variant: str, participants: list[str]) -> None:
        super().__init__(variant)
        self.durable = () if variant == "decision not durable" else ("decided",)
        self.participants = participants
        self.yes: list[str] = []
        self.decided: bool | None = None

    def on_start(self) -> Outputs:
        return [*[(each, Prepare()) for each in self.participants], SetTimer("votes", 10)]

    def vote(self, sender: str, yes: bool) -> Outputs:
        if self.decided is not None:
            return []
        if not yes:
            return self.decide(commit=False)
        self.yes.append(sender)
        by = self.yes if self.variant == "counts votes, not voters" else set(self.yes)
        return self.decide(commit=True) if len(by) == len(self.participants) else []

    def decide(self, *, commit: bool) -> Outputs:
        self.decided = commit
        timer = [] if self.variant == "late timeout" else [CancelTimer("votes")]
        return [*self.tell(), *timer]

    def tell(self) -> Outputs:
        assert self.decided is not None
        return [(each, Decision(self.decided)) for each in self.participants]

    def query(self, sender: str) -> Outputs:
        return [] if self.decided is None else [(sender, Decision(self.decided))]

    def on_timer(self, name: str) -> Outputs:
        return self.decide(commit=False)

    def on_restart(self) -> Outputs:
        return self.decide(commit=False) if self.decided is None else self.tell()


class Participant(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        lasting = ("outcome",) if variant == "vote not durable" else ("outcome", "voted")
        self.durable = lasting
        self.voted = False
        self.outcome: bool | None = None

    def prepare(self, sender: str) -> Outputs:
        if self.outcome is not None:
            return [(sender, Vote(self.outcome))]
        self.voted = True
        return [(sender, Vote(yes=True)), SetTimer("wait", 20)]

    def decision(self, sender: str, commit: bool) -> Outputs:
        if self.outcome is None:
            self.outcome = commit
        return [CancelTimer("wait")]

    def on_timer(self, name: str) -> Outputs:
        if self.variant == "aborts by itself after its vote":
            self.outcome = False
            return []
        return [("c", Query()), SetTimer("wait", 20)]

    def on_restart(self) -> Outputs:
        if self.outcome is not None:
            return []
        if self.voted:
            return self.on_timer("wait")
        self.outcome = False  # who has not voted may still say no
        return []


NAMES = ["p1", "p2", "p3"]


def fill(world: World, variant: str) -> None:
    world.add("c", Coordinator(variant, NAMES))
    for name in NAMES:
        world.add(name, Participant(variant))

    def outcomes(view: View) -> set[bool | None]:
        return {view[name].outcome for name in NAMES}

    world.always(lambda view: not {True, False} <= outcomes(view), "all or nothing")
    world.at_rest(
        lambda view: all(view[n].outcome is not None or not view[n].voted for n in NAMES),
        "nobody waits",
    )
    world.sometimes(lambda view: outcomes(view) == {True}, "commit")
    world.sometimes(lambda view: outcomes(view) == {False}, "abort")


SPECIMENS = (
    Specimen(
        "two-phase commit",
        fill,
        {
            "aborts by itself after its vote": Bug("easy", 8),
            "vote not durable": Bug("easy", 9),
            "late timeout": Bug("easy", 10),
            "decision not durable": Bug("hard", 11),
            "counts votes, not voters": Bug("hard", 9),
        },
        faults=Faults(crashes=1, drops=1, duplicates=1, early_timers=1),
    ),
)
