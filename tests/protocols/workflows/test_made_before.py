"""A declared no says that nothing was done; not what an earlier process may have done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.actors import ActorSystem, JournalUnavailable, ManualClock, Refused
from dramaturg.protocols.workflows import saga, step
from dramaturg.protocols.workflows._records import Failed
from tests.protocols.workflows.attack_kit import does
from tests.protocols.workflows.kit import Order, People, outcome, started, until, workflow
from tests.protocols.workflows.test_recovery import Recording, told

if TYPE_CHECKING:
    from dramaturg.actors.journal import Append
    from dramaturg.protocols.workflows import Step


def refused(who: People) -> Step:
    no = step("no", who.refuses("no"), compensate=who.undoes("no"))
    return saga(does(who, "a"), no)


async def test_an_attempt_that_is_made_again_is_undone_although_it_says_no() -> None:
    whole = await told(refused)
    assert whole.end == "'compensated'"
    intents = [
        count
        for count, order in enumerate(whole.journal.orders, 1)
        if any(b"Intended" in each and b"/no" in each for each in order.payloads)
    ]
    for count in intents:
        who = People()
        flow = workflow(refused(who))
        async with started(whole.journal.cut(count)) as system:
            assert await outcome(flow, system) == "compensated"
            history = await flow.history(system, "1")
        assert who.done == ["no"]
        assert who.undone == ["no", "a"]
        [failed] = [e.record for e in history.entries if isinstance(e.record, Failed)]
        assert failed.made_before


async def test_what_has_said_no_in_the_process_that_asked_has_done_nothing() -> None:
    who = People()
    async with started() as system:
        assert await outcome(workflow(refused(who)), system) == "compensated"
    assert who.undone == ["a"]


async def test_a_no_that_was_stored_is_the_same_no_after_a_restart() -> None:
    whole = await told(refused)
    for count in range(1, len(whole.journal.orders) + 1):
        failed = any(
            b"Failed" in each for order in whole.journal.orders[:count] for each in order.payloads
        )
        if failed:
            again = await told(refused, whole.journal.cut(count))
            assert "no" not in again.keys


class Forgets(Recording):
    """Refuses to store the first failure."""

    refuses = True

    def append(self, order: Append) -> Any:
        if self.refuses and any(b"workflow.Failed" in each for each in order.payloads):
            self.refuses = False
            raise JournalUnavailable(journal=self.name, problem="full", detail="no room")
        return super().append(order)


async def test_a_coordinator_that_is_restarted_does_not_trust_the_second_no() -> None:
    asked: list[int] = []
    undone: list[str] = []
    clock = ManualClock()

    def no(_: Order) -> None:
        asked.append(1)
        raise Refused("no")

    def undo(_: Order) -> None:
        undone.append("no")

    flow = workflow(saga(step("no", no, compensate=undo)))
    async with ActorSystem("test", journal=Forgets(), clock=clock, seed=1) as system:
        await flow.start(system, Order(), id="1")

        async def over() -> bool:
            clock.advance(1.0)
            return bool(await flow.ids(system, "compensated"))

        await until(over)
    assert (len(asked), undone) == (2, ["no"])
