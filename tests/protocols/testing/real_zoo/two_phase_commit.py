"""Two-phase commit: presumed abort, journals on both sides, participants that ask."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dramaturg.actors import Actor, ActorRef, handler
from dramaturg.protocols.testing import Faults, Node, Simulation, SystemView
from tests.protocols.testing.real_zoo.specimen import (
    NOBODY_ANSWERED,
    Go,
    Journal,
    Specimen,
    spawning,
)

NAMES = ["p1", "p2"]
COMMIT, ABORT = "commit", "abort"


@dataclass(frozen=True)
class Prepare: ...


@dataclass(frozen=True)
class Query: ...


@dataclass(frozen=True)
class Ask: ...


@dataclass(frozen=True)
class Decision:
    outcome: str


class Coordinator(Actor):
    def __init__(self, node: Node, variant: str) -> None:
        self.variant = variant
        self.again = node.incarnation > 1
        self.journal = Journal(node.disk)
        self.decided: str | None = None
        self.participants: list[ActorRef[Any]] = [node.ref(f"{name}/part") for name in NAMES]

    @handler
    async def go(self, message: Go) -> None:
        written = self.journal.lines
        if written:
            self.decided = written[0]
        else:
            votes = [] if self.again else await self.votes()
            await self.decide(COMMIT if votes.count(True) == len(NAMES) else ABORT)
        for each in self.participants:
            each.tell(Decision(str(self.decided)))

    async def votes(self) -> list[bool]:
        return await asyncio.gather(*(self.vote(each) for each in self.participants))

    async def vote(self, participant: ActorRef[Any]) -> bool:
        try:
            return bool(await participant.request(Prepare(), timeout=2.0))
        except NOBODY_ANSWERED:
            return self.variant == "silence is a yes"

    async def decide(self, outcome: str) -> None:
        await self.journal.add(outcome, sync=self.variant != "decision not synced")
        self.decided = outcome

    @handler
    def query(self, message: Query) -> str | None:
        return self.decided


class Participant(Actor):
    def __init__(self, node: Node, variant: str, note: Callable[[Any], None]) -> None:
        self.variant = variant
        self.name = node.name
        self.note = note
        self.again = node.incarnation > 1
        self.journal = Journal(node.disk)
        self.coordinator = node.ref("c/coordinator")
        self.outcome: str | None = None

    @handler
    async def go(self, message: Go) -> None:
        written = self.journal.lines
        if {COMMIT, ABORT} & set(written):
            self.outcome = written[-1]
        elif written:
            self.actor_ref.tell(Ask())
        elif self.again:
            await self.end(ABORT)  # who has not voted may still say no

    @handler
    async def prepare(self, message: Prepare) -> bool:
        if self.outcome is None:
            await self.journal.add("yes", sync=self.variant != "vote not synced")
            self.context.start_timer("wait", Ask(), after=5.0)
        return self.outcome != ABORT

    @handler
    async def decision(self, message: Decision) -> None:
        await self.end(message.outcome)

    @handler
    async def ask(self, message: Ask) -> None:
        if self.outcome is not None:
            return
        outcome: str | None = None
        try:
            outcome = await self.coordinator.request(Query(), timeout=1.0)
        except NOBODY_ANSWERED:
            if self.variant == "aborts by itself after its vote":
                outcome = ABORT
        if outcome is None:
            self.context.start_timer("wait", Ask(), after=5.0)
        else:
            await self.end(outcome)

    async def end(self, outcome: str) -> None:
        if self.outcome is None:
            self.context.cancel_timer("wait")
            await self.journal.add(outcome)
            self.outcome = outcome
            self.note((self.name, outcome))


def waits(participant: Participant) -> bool:
    return bool(participant.journal.lines) and participant.outcome is None


async def play(sim: Simulation, variant: str) -> None:
    for name in NAMES:
        await sim.node(name, spawning("part", Participant, variant, sim.note, go=True))
    await sim.node("c", spawning("coordinator", Coordinator, variant, go=True))

    def outcomes(view: SystemView) -> set[str]:
        return {outcome for _, outcome in view.history}

    sim.always(lambda view: len(outcomes(view)) < 2, "all or nothing")
    sim.at_rest(lambda view: not any(waits(view[f"{name}/part"]) for name in NAMES), "nobody waits")
    sim.sometimes(lambda view: outcomes(view) == {COMMIT}, COMMIT)
    sim.sometimes(lambda view: outcomes(view) == {ABORT}, ABORT)


SPECIMENS = (
    Specimen(
        "two-phase commit",
        play,
        {
            "vote not synced": "easy",
            "decision not synced": "hard",
            "silence is a yes": "easy",
            "aborts by itself after its vote": "hard",
        },
        faults=Faults(node_crashes=1, drops=2, early_timers=1),
    ),
)
