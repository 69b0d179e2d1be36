"""Scenarios on supervisors: who is restarted with whom, in which order, and how often."""

from collections import deque
from typing import Any

from dramaturg.actors import Props
from dramaturg.protocols.testing import Faults, Simulation
from dramaturg.supervision import ChildSpec
from tests.simulated.case import Case
from tests.simulated.supervisor_kit import (
    Chief,
    Part,
    SlowPart,
    Timed,
    children_of,
    household,
    started,
    torment,
    with_plan,
)


async def strategy(sim: Simulation, name: str, part: type[Part]) -> None:
    """Permanent, transient and temporary children fail and leave, several at once."""
    house = household(
        sim,
        ChildSpec("a", part),
        ChildSpec("b", part, restart="transient"),
        ChildSpec("c", part),
        ChildSpec("d", part, restart="temporary"),
        strategy=name,
        intensity=20,
    )
    refs = await started(sim, house)
    sim.at_rest(lambda view: not house.over, "it goes on")
    torment(sim, refs, a="fall", b="fall leave", c="leave", d="fall")


async def one_for_one(sim: Simulation) -> None:
    await strategy(sim, "one_for_one", Part)


async def one_for_one_slow(sim: Simulation) -> None:
    await strategy(sim, "one_for_one", SlowPart)


async def one_for_all(sim: Simulation) -> None:
    await strategy(sim, "one_for_all", Part)


async def one_for_all_slow(sim: Simulation) -> None:
    await strategy(sim, "one_for_all", SlowPart)


async def rest_for_one(sim: Simulation) -> None:
    await strategy(sim, "rest_for_one", Part)


async def rest_for_one_slow(sim: Simulation) -> None:
    await strategy(sim, "rest_for_one", SlowPart)


async def all_together(sim: Simulation) -> None:
    """After a failure of one, the incarnations of all of its group have changed, of no other."""
    house = household(
        sim, *[ChildSpec(id_, Part) for id_ in "abc"], strategy="rest_for_one", intensity=9
    )
    refs = await started(sim, house)
    torment(sim, refs, b="fall")

    def changed(view: Any) -> None:
        latest = [house.members[id_].latest for id_ in "abc"]
        assert latest == [1, 2, 2], latest

    sim.at_rest(changed, "it and those after it are new")


async def all_for_one(sim: Simulation) -> None:
    house = household(
        sim,
        *[ChildSpec(id_, Part) for id_ in "ab"],
        ChildSpec("c", Part, restart="temporary"),
        ChildSpec("d", SlowPart, restart="transient"),
        strategy="one_for_all",
        intensity=9,
    )
    refs = await started(sim, house)
    torment(sim, refs, b="fall")

    def changed(view: Any) -> None:
        latest = [house.members[id_].latest for id_ in "abcd"]
        assert latest == [2, 2, 1, 2], latest
        assert refs["c"].cell.state != 0, "a temporary child outlives a restart of all"

    sim.at_rest(changed, "all are new but the temporary one")


async def failing_starts(sim: Simulation, name: str) -> None:
    """Starts fail while a group is restarted: they are tried again, and each try counts."""
    plan = deque([False, True, True, False])
    house = household(
        sim,
        ChildSpec("a", Part),
        ChildSpec("b", with_plan(Part, plan)),
        ChildSpec("c", Part),
        strategy=name,
        intensity=4,
    )
    refs = await started(sim, house)
    sim.sometimes(lambda view: house.gave_up, "it gives up")
    sim.sometimes(lambda view: not house.over and not plan, "it does not")
    top_failure_is_fine(sim)
    torment(sim, refs, a="fall", b="fall")


def top_failure_is_fine(sim: Simulation) -> None:
    """Let it be no failure of the run that a supervisor at the top gives up."""

    def forget(view: Any) -> None:
        sim.system._failure = None

    sim.always(forget, "forgets the failure of the system")


async def failing_starts_of_one(sim: Simulation) -> None:
    await failing_starts(sim, "one_for_one")


async def failing_starts_of_all(sim: Simulation) -> None:
    await failing_starts(sim, "one_for_all")


async def failing_starts_of_the_rest(sim: Simulation) -> None:
    await failing_starts(sim, "rest_for_one")


async def intensity_plain(sim: Simulation) -> None:
    """Five seconds apart are within the period, which is closed; more are not."""
    house = household(sim, ChildSpec("a", Part), intensity=1, period=5.0)
    refs = await started(sim, house)
    a = refs["a"]
    orders = [(1.0, a, "fall"), (6.5, a, "fall"), (11.5, a, "fall")]
    sim.system.spawn(Props(Timed, *orders), name="timed")
    sim.at_rest(
        lambda view: house.gave_up == 1 and len(house.attempts) == 2, "the third is too much"
    )
    top_failure_is_fine(sim)


async def intensity_early(sim: Simulation) -> None:
    house = household(sim, ChildSpec("a", Part), ChildSpec("b", SlowPart), intensity=2, period=5.0)
    refs = await started(sim, house)
    a, b = refs["a"], refs["b"]
    orders = [(1.0, a), (3.0, b), (6.2, a), (8.5, b), (11.6, a), (16.7, b)]
    sim.system.spawn(Props(Timed, *[(when, ref, "fall") for when, ref in orders]), name="timed")
    sim.sometimes(lambda view: house.gave_up, "it gives up")
    sim.sometimes(lambda view: not house.gave_up and view.now > 16, "it does not")
    top_failure_is_fine(sim)


async def given_up(sim: Simulation) -> None:
    """A supervisor gives up; the one above it makes it anew, with all of its children."""
    below = household(
        sim, ChildSpec("a", Part), ChildSpec("b", SlowPart), path="/top/sub", intensity=1
    )
    above = household(
        sim, ChildSpec("sub", Props(Chief, below)), path="/top", intensity=9, period=100.0
    )
    below.above = above
    await started(sim, above)
    refs = children_of(sim, below)
    sim.at_rest(lambda view: not above.over and not below.over, "all goes on in the end")
    sim.sometimes(lambda view: below.gave_up == 1, "it gives up")
    sim.at_rest(lambda view: refs == children_of(sim, below), "the refs are the same")
    # One that gives up anyway may have been made to crash.
    sim.at_rest(
        lambda view: 0 <= 1 + below.gave_up + crashed(below) - below.incarnations <= 1, "anew"
    )
    torment(sim, refs, a="fall fall", b="fall")


def crashed(house: Any) -> int:
    """Count how often the supervisor itself was made to crash."""
    path = house.path
    return sum(step.event.kind == "crash" and step.event.actor == path for step in house.sim.steps)


async def given_up_below_nobody(sim: Simulation) -> None:
    """What gives up at the top fails the system; its children have ended before."""
    house = household(sim, *[ChildSpec(id_, SlowPart) for id_ in "abc"], intensity=0)
    refs = await started(sim, house)
    failed: list[BaseException] = []

    def note(view: Any) -> None:
        failure, sim.system._failure = sim.system._failure, None
        failed.extend([] if failure is None else [failure])

    sim.always(note, "notes the failure")
    sim.at_rest(lambda view: house.over and len(failed) == 1, "it has failed the system")
    torment(sim, refs, b="fall")


CRASH = Faults(crashes={"/sup/": 1})
CASES = (
    Case("supervisor/one_for_one", one_for_one, CRASH),
    Case("supervisor/one_for_one, any sender first", one_for_one_slow, CRASH, True),
    Case("supervisor/one_for_all", one_for_all, CRASH),
    Case("supervisor/one_for_all, slowly", one_for_all_slow, CRASH),
    Case("supervisor/rest_for_one", rest_for_one, CRASH),
    Case("supervisor/rest_for_one, slowly", rest_for_one_slow, CRASH, True),
    Case("supervisor/all together", all_together),
    Case("supervisor/all for one", all_for_one),
    Case("supervisor/failing starts of one", failing_starts_of_one, CRASH),
    Case("supervisor/failing starts of all", failing_starts_of_all, CRASH),
    Case("supervisor/failing starts of the rest", failing_starts_of_the_rest, CRASH),
    Case("supervisor/intensity", intensity_plain),
    Case("supervisor/intensity, early", intensity_early, Faults(early_timers=3)),
    Case("supervisor/given up", given_up, Faults(crashes={"/top/sub": 1})),
    Case("supervisor/given up below nobody", given_up_below_nobody),
)
