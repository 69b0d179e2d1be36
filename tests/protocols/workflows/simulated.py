"""Workflows on a node that crashes, whose disk fails; and what has to hold at each moment.

The world outside the node remembers effects by their keys, and looks into the node's journal
whenever it is asked for one: what is intended must be there, and what has a result must not.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dramaturg.actors import DramaturgError, Message
from dramaturg.protocols.workflows import (
    Call,
    Retry,
    UnknownWorkflowInstance,
    Workflow,
    WorkflowFailed,
    any_of,
    fan_out,
    for_each,
    recover,
    saga,
    sequence,
    step,
)
from dramaturg.protocols.workflows._records import Ended, Intended, Succeeded
from dramaturg.supervision import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.protocols.testing import Simulation
    from dramaturg.protocols.workflows import Step
    from dramaturg.protocols.workflows._step import Action

__all__ = ["STORIES", "Story", "World", "told"]

TWICE = Retry(attempts=2, backoff=Backoff(0.1, 0.1))


class Goods(Message, name="tests.workflows.simulated.Goods"):
    """What the workflows take."""

    count: int = 2


@dataclass
class World:
    """What has happened outside, and what was wrong with it."""

    keys: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    effects: dict[str, None] = field(default_factory=dict[str, None])
    undone: dict[str, None] = field(default_factory=dict[str, None])
    """The keys of what was undone, in order."""
    wrong: list[str] = field(default_factory=list[str])
    ends: list[Any] = field(default_factory=list[Any])
    node: Any = None
    flow: Any = None

    def does(self, seconds: float = 0.1, *, fails: bool = False) -> Callable[[Any, Call], Any]:
        """Do something, once for each key."""

        async def act(value: Any, call: Call) -> Any:
            self._asked(call)
            self.effects[call.key] = None
            await asyncio.sleep(seconds)
            if fails:
                raise ConnectionError("no")
            return value

        return act

    def undoes(self) -> Callable[[Any, Call], Any]:
        """Undo something, once for each key; the second done must be the first undone."""

        async def act(_: Any, call: Call) -> None:
            self._asked(call)
            self.undone[str(call.undoes)] = None
            await asyncio.sleep(0.1)

        return act

    def stubborn(self) -> Callable[[Any, Call], Any]:
        """Answer the first attempt too late."""

        async def act(value: Any, call: Call) -> Any:
            self._asked(call)
            if call.attempt > 1:
                return "in time"
            try:
                await asyncio.sleep(50.0)
            except asyncio.CancelledError:
                await asyncio.sleep(1.0)
            return "too late"

        return act

    def _asked(self, call: Call) -> None:
        self.keys.setdefault(call.address, set()).add(call.key)
        stored = self.records()
        intended = [each for each in stored if isinstance(each, Intended)]
        if not any(
            (each.address, each.attempt) == (call.address, call.attempt) for each in intended
        ):
            self.wrong.append(f"{call.address} is done and not intended")
        if any(isinstance(each, Succeeded) and each.address == call.address for each in stored):
            self.wrong.append(f"{call.address} has a result and is done again")

    def records(self) -> list[Any]:
        """Return what the node's journal holds of the instance."""
        system = self.node.system
        shelf = system.journal.store.shelves.get("workflow/sold/1")
        codec = system.journal_codec(self.flow._family.registry)
        return [] if shelf is None else [codec.decode(e.payload, object) for e in shelf.events]

    def has_ended(self) -> bool:
        """Tell whether its end is stored."""
        return any(isinstance(each, Ended) for each in self.records())

    def fine(self) -> bool:
        """Tell whether nothing is wrong, ever."""
        return not self.wrong and all(len(keys) == 1 for keys in self.keys.values())


@dataclass(frozen=True)
class Story:
    """A workflow, and what has to be so when it is over."""

    make: Callable[[World], Step]
    ends: Callable[[World, Any], bool]
    cancels: bool = False


def told(story: Story) -> Callable[[Simulation], Any]:
    """Make a scenario: a node that starts the instance once, and always brings it back."""

    async def scenario(sim: Simulation) -> None:
        world = World()

        async def begin(node: Any) -> None:
            world.node = node
            world.flow = Workflow("sold", story.make(world), takes=Goods)
            node.work = asyncio.create_task(_work(world, story))

        await sim.node("shop", begin)
        sim.always(lambda _: world.fine(), "each is intended, and done under one key")
        sim.at_rest(lambda _: _is_over(world, story), "it has ended as it should")
        await asyncio.sleep(300)

    return scenario


async def _work(world: World, story: Story) -> None:
    system, flow = world.node.system, world.flow
    while True:
        try:
            was_known = await _is_known(world)
            found = await flow.resume(system)
            if not was_known:
                await flow.start(system, Goods(), id="1")
            elif "1" not in found and not world.has_ended():
                world.wrong.append("it was not brought back")
            if story.cancels:
                await flow.cancel(system, "1")
            world.ends.append(await flow.result(system, "1"))
        except WorkflowFailed as failed:
            world.ends.append(failed.status)
        except UnknownWorkflowInstance:
            world.wrong.append("it was forgotten")
        except DramaturgError:
            await asyncio.sleep(0.5)
            continue
        if await flow.ids(system):
            world.wrong.append("it is listed as running")
        return


async def _is_known(world: World) -> bool:
    """Tell whether it was started, without bringing it back."""
    head = await world.node.system.journal.head("workflow/sold/1")
    return bool(head.sequence)


def _is_over(world: World, story: Story) -> bool:
    if not world.ends or any(each != world.ends[0] for each in world.ends):
        return False
    ended = Counter(type(each).__name__ for each in world.records())["Ended"]
    return ended == 1 and story.ends(world, world.ends[0])


# -- the stories -------------------------------------------------------------------------------


def _pair(world: World, name: str, seconds: float = 0.1) -> Action:
    return step(name, world.does(seconds), compensate=world.undoes())


def _sold(world: World) -> Step:
    return saga(
        _pair(world, "a"),
        _pair(world, "b"),
        step("c", world.does(fails=True), retry=TWICE),
    )


def _in_order(world: World, end: Any) -> bool:
    return end == "compensated" and [*world.undone] == ["sold/1/b", "sold/1/a"]


def _raced(world: World) -> Step:
    race = fan_out(
        {
            "slow": saga(_pair(world, "s1"), _pair(world, "s2", 60.0), name="slow"),
            "slower": sequence(_pair(world, "s3"), _pair(world, "s4", 70.0), name="slower"),
            "fast": sequence(_pair(world, "f1", 5.0), step("f2", world.does())),
        },
        join=any_of(),
        name="race",
    )
    lost = saga(_pair(world, "x"), step("no", world.does(fails=True)), on_error=recover(1))
    return sequence(race, lost)


def _loser_is_undone(world: World, end: Any) -> bool:
    undone = [*world.undone]
    lost = ("s1", "s2", "s3", "s4", "x")
    return end == 1 and sorted(undone) == [f"sold/1/{each}" for each in lost]


def _items(world: World) -> Step:
    lines = for_each(lambda goods: range(goods.count), _pair(world, "line"), limit=2, name="lines")
    return sequence(_pair(world, "first"), lines, _pair(world, "last", 100.0))


def _all_are_undone(world: World, end: Any) -> bool:
    begun = {each.key for each in world.records() if isinstance(each, Intended)}
    return end == "compensated" and {*world.undone} == {e for e in begun if "!" not in e}


def _late(world: World) -> Step:
    return step("a", world.stubborn(), timeout=5.0, retry=TWICE)


def _in_time(_: World, end: Any) -> bool:
    return bool(end == "in time")


STORIES: dict[str, Story] = {
    "cancelled": Story(_items, _all_are_undone, cancels=True),
    "late": Story(_late, _in_time),
    "raced": Story(_raced, _loser_is_undone),
    "sold": Story(_sold, _in_order),
}
