"""Who asks and who answers in the scenarios on requests, and the books of both."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorRef,
    ActorStopped,
    DeadLetterReason,
    DeadlineExceeded,
    DramaturgError,
    Refused,
    RequestCycleError,
    handler,
)
from dramaturg.protocols.testing import SimulatedCrash, Simulation, SystemView
from tests.simulated.ledger import Item, Ledger
from tests.simulated.mailbox_kit import Poisoned, Talk

FATES: dict[type[DramaturgError], DeadLetterReason] = {
    ActorCrashed: DeadLetterReason.CRASHED,
    ActorStopped: DeadLetterReason.STOPPED,
}
"""Whoever gets one of these errors has asked with a message that is a dead letter so."""


@dataclass
class Answers:
    """What became of each request: one outcome, and the right one."""

    sim: Simulation
    ledger: Ledger
    asked: dict[Item, float] = field(default_factory=dict[Item, float])
    """By when each has to be answered."""
    outcomes: dict[Item, str] = field(default_factory=dict[Item, str])
    made: int = 0
    """How many answers there were, refusals included."""

    def __post_init__(self) -> None:
        self.sim.at_rest(self.all_answered, "each request has an outcome")
        self.sim.at_rest(self.late_ones_counted, "late replies are counted")
        self.sim.at_rest(lambda view: not view.system.waits_for, "nobody is noted to wait")

    @property
    def kinds(self) -> set[str]:
        return set(self.outcomes.values())

    async def ask(
        self, ref: ActorRef[Any], item: Item, timeout: float, by: float | None = None
    ) -> None:
        """Make a request, and note what came of it.

        :param by: its deadline, if that is to be another one than of the timeout.
        """
        now = self.sim.timers.now
        self.asked[self.ledger.send(item)] = now + timeout if by is None else by
        try:
            answer = await ref.request(item, timeout=timeout)
        except asyncio.CancelledError:
            self._note(item, "asker gone")
            raise
        except (ActorCrashed, ActorStopped) as error:
            self._note(item, type(error).__name__)
            expected = FATES[type(error)]
            if self.ledger.dead.get(item) is not expected:
                self._wrong(f"{item} has {error!r}, but is {self.ledger.dead.get(item)}")
        except SimulatedCrash:  # before it was sent
            self.ledger.excused.add(item)
            self._note(item, "asker gone")
            raise
        except RequestCycleError:
            self.ledger.excused.add(item)
            self._note(item, "RequestCycleError")
        except DeadlineExceeded:
            self._note(item, "DeadlineExceeded")
        except Refused:
            self._note(item, "Refused")
        else:
            self._note(item, "reply")
            if answer != ("re", item):
                self._wrong(f"{item} is answered {answer}")

    def made_for(self, item: Item) -> tuple[str, Item]:
        """Make the answer to a request."""
        self.made += 1
        return ("re", item)

    def all_answered(self, view: SystemView) -> None:
        open_ones = [item for item in self.asked if item not in self.outcomes]
        assert not open_ones, f"{open_ones[0]} hangs"

    def late_ones_counted(self, view: SystemView) -> None:
        taken = sum(each in ("reply", "Refused") for each in self.outcomes.values())
        late = view.system.late_replies
        assert self.made == taken + late, f"{self.made} made, {taken} taken, {late} late"

    def _note(self, item: Item, outcome: str) -> None:
        if item in self.outcomes:
            self._wrong(f"{item} has two outcomes: {self.outcomes[item]}, {outcome}")
        self.outcomes[item] = outcome

    def _wrong(self, what: str) -> None:
        self.ledger.wrong.append(what)


class Asker(Actor):
    """Makes its requests, one after the other; asks on where it was when it is restarted."""

    def __init__(
        self, answers: Answers, ref: ActorRef[Any], count: int, timeout: float = 100.0
    ) -> None:
        self.answers = answers
        self.ref = ref
        self.count = count
        self.timeout = timeout
        self.actor_ref.tell(Talk())

    @handler
    async def talk(self, message: Talk) -> None:
        name = self.context.name
        done = sum(item.sender == name for item in self.answers.asked)
        for number in range(done, self.count):
            await self.answers.ask(self.ref, Item(name, number), self.timeout)


class Responder(Actor):
    """Answers at once; refuses some requests, and fails on some."""

    def __init__(self, answers: Answers, *, refused: int = -1, poison: int = -1) -> None:
        self.answers = answers
        self.refused = refused
        self.poison = poison

    @handler
    def answer(self, item: Item) -> Any:
        self.begin(item)
        return self.end(item)

    def begin(self, item: Item) -> None:
        self.answers.ledger.begin(item)
        deadline = self.context.deadline
        if deadline is None or deadline > self.answers.asked[item]:
            self.answers.ledger.wrong.append(f"{item} has the deadline {deadline}")
        elif self.context.clock.monotonic() > deadline:
            self.answers.ledger.wrong.append(f"{item} is handled after its deadline")

    def end(self, item: Item) -> tuple[str, Item]:
        if item.number == self.poison:
            raise Poisoned
        answer = self.answers.made_for(item)
        if item.number == self.refused:
            raise Refused("not this one")
        return answer


class SlowResponder(Responder):
    """Takes its time for each request."""

    def __init__(self, answers: Answers, takes: float, **options: int) -> None:
        super().__init__(answers, **options)
        self.takes = takes

    @handler
    async def answer(self, item: Item) -> tuple[str, Item]:
        self.begin(item)
        await asyncio.sleep(self.takes)
        return self.end(item)


class Relay(Responder):
    """Passes requests on."""

    def __init__(self, answers: Answers, ref: ActorRef[Any]) -> None:
        super().__init__(answers)
        self.ref = ref

    @handler
    def answer(self, item: Item) -> tuple[str, Item]:
        return self.context.forward(self.ref)
