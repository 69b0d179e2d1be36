"""A durable store against a plain model, over restarts and outages in any order."""

import asyncio
from typing import Any

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dramaturg.actors import ActorRef, ActorSystem, DurableDeadLetters, Props
from tests.actors.kit import within
from tests.actors.letters_kit import REGISTRY, Bill, Broken, Lives, Till, full
from tests.actors.messaging_kit import Captured, turns

CAPACITY = 6


class Letters(RuleBasedStateMachine):
    """The model: the numbers of the bills that are dead, by the ids of their letters."""

    system: ActorSystem
    letters: DurableDeadLetters
    journal: Broken
    gone: ActorRef[Any]
    till: ActorRef[Any] | None

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.lives = Lives()
        self.dead: dict[int, int] = {}
        self.away: list[int] = []
        """The numbers of those whose replay waits for the journal."""
        self.paid: list[int] = []
        self.expected: list[int] = []
        self.made = 0

    def run(self, awaitable: Any) -> Any:
        async def done() -> Any:
            return await awaitable

        return self.loop.run_until_complete(within(done()))

    @initialize()
    def begin(self) -> None:
        self.run(self._begin())

    async def _begin(self) -> None:
        self.journal = Broken(self.lives.store)
        self.letters = DurableDeadLetters(REGISTRY, capacity=CAPACITY)
        self.system = ActorSystem(
            "shop",
            journal=self.journal,
            dead_letters=self.letters,
            clock=self.lives.clock,
            logger=Captured().log,
        )
        await self.system.__aenter__()
        self.gone = self.system.spawn(Props(Till, self.paid), name="till")
        await self.gone.stop(block=False)

    @rule(how=st.sampled_from(["paid", "refuse"]), count=st.integers(1, 3))
    def bury(self, how: str, count: int) -> None:
        for _ in range(count):
            self.made += 1
            self.gone.tell(Bill(number=self.made, how=how))
            self._dies(self.made if how == "paid" else -self.made, self.letters.total)

    def _dies(self, number: int, id_: int) -> None:
        self.dead[id_] = number
        while len(self.dead) > CAPACITY:
            del self.dead[min(self.dead)]

    @rule(place=st.integers(0, CAPACITY))
    def discard(self, place: int) -> None:
        chosen = self.letters.list()[place : place + 2]
        assert self.letters.discard(chosen) == len(chosen)
        for each in chosen:
            del self.dead[each.id]

    @rule()
    def replay(self) -> None:
        self.run(self._replay())

    async def _replay(self) -> None:
        successor = self.system.spawn(Props(Till, self.paid), name="till")
        self.letters.replay(max_attempts=100)
        for _ in range(4):
            await turns()
        await self._idle()
        await successor.stop(block=False)
        sent, self.dead = [*self.dead.values()], {}
        if self.journal.problem is not None:
            self.away += sent
        else:
            self.expected += [number for number in sent if number > 0]
            self._die_again([number for number in sent if number < 0])

    def _die_again(self, numbers: list[int]) -> None:
        first = self.letters.total - len(numbers) + 1
        for place, number in enumerate(numbers):
            self._dies(number, first + place)

    async def _idle(self) -> None:
        if self.journal.problem is None:
            await within(self.letters.stored())

    @precondition(lambda self: self.journal.problem is None)
    @rule()
    def break_down(self) -> None:
        self.run(self._idle())
        self.journal.problem = full()

    @precondition(lambda self: self.journal.problem is None)
    @rule()
    def restart(self) -> None:
        self.run(self.system.shutdown())
        assert self.letters.lost == 0
        self.run(self._begin())

    @invariant()
    def the_store_has_what_the_model_has(self) -> None:
        if not hasattr(self, "letters") or self.journal.problem is not None:
            return
        found = {each.id: _number(each.message) for each in self.letters.list()}
        assert found == self.dead
        assert self.paid == self.expected
        assert not any(each.in_doubt for each in self.letters.list())

    @precondition(lambda self: self.journal.problem is not None)
    @rule()
    def mend(self) -> None:
        self.run(self._mend())

    async def _mend(self) -> None:
        self.journal.problem = None
        self.lives.clock.advance(60)
        await turns()
        await within(self.letters.stored())
        # What was to be replayed meanwhile has met an actor that was gone, and is dead again.
        away, self.away = self.away, []
        self._die_again(away)

    def teardown(self) -> None:
        if hasattr(self, "system"):
            self.journal.problem = None
            self.run(self.system.shutdown())
        self.loop.close()


def _number(bill: Bill) -> int:
    return bill.number if bill.how == "paid" else -bill.number


Letters.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestLetters = Letters.TestCase
