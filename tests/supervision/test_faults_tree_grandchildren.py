"""Whatever a child has spawned ends with it, in trees of any shape."""

from random import Random
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorEnded,
    ActorRef,
    ActorStarted,
    IncarnationEnded,
    LifecycleEvent,
    Props,
    ThreadActor,
    handler,
)
from dramaturg.supervision import ChildSpec, StartChild
from tests.actors.kit import Crash, Do, Fail, within
from tests.supervision.fault_world import orphans, started, turns, world
from tests.supervision.faults import silent


class Parent(Actor):
    """A plain actor that spawns children, and they theirs, as a plan says."""

    def __init__(self, plan: list[Any]) -> None:
        self.plan = plan

    def on_start(self) -> None:
        for kind, below in self.plan:
            self.context.spawn(Props(kind, below))

    @handler
    def do(self, message: Do) -> Any:
        return message.what(self)

    @handler
    def fail(self, message: Fail) -> None:
        raise message.error


class AsyncParent(Parent):
    @handler
    async def do(self, message: Do) -> Any:
        return message.what(self)


class ThreadParent(Parent, ThreadActor):
    pass


class InitParent(Parent):
    """Spawns already in ``__init__``."""

    def __init__(self, plan: list[Any]) -> None:
        super().__init__(plan)
        for kind, below in plan:
            self.context.spawn(Props(kind, below))

    def on_start(self) -> None:
        pass


PARENTS = [Parent, AsyncParent, InitParent]


def size(plan: list[Any]) -> int:
    return sum(1 + size(below) for _, below in plan)


def random_plan(random: Random, depth: int, kinds: list[Any]) -> list[Any]:
    if depth == 0:
        return []
    return [
        (random.choice(kinds), random_plan(random, depth - 1, kinds))
        for _ in range(random.randint(0, 3))
    ]


@pytest.mark.parametrize("kind", [Parent, AsyncParent, ThreadParent, InitParent])
async def test_the_grandchildren_of_a_child_that_crashes_end_with_it(kind: Any) -> None:
    plan: list[Any] = [(kind, [(kind, []), (kind, [])]), (kind, [])]
    async with world() as it:
        await it.supervise(ChildSpec("it", Props(kind, plan)))
        ref = it.ref()
        await within(it.ref().request(Do(lambda actor: None)))
        await it.events.until(lambda: len(it.events.of(ActorStarted)) == 6)
        before = [event.path for event in it.events.of(ActorStarted)]

        ref.tell(Fail(Crash()))
        await it.incarnations(1)
        await it.events.until(lambda: len(it.events.of(ActorStarted)) == 6 + 5)

        assert it.actors == 6
        below = {path for path in before if path.startswith("/sup/it/")}
        assert {event.path for event in it.events.of(ActorEnded)} == below
        assert not any(it.system.lookup(path) for path in below)


@pytest.mark.one_order("many thousand turns")
async def test_a_thousand_random_trees_leave_no_orphan() -> None:
    random = Random(4711)
    async with world(logger=silent()) as it:
        sup = await it.supervise()
        for number in range(1_000):
            plan = random_plan(random, 3, PARENTS)
            kind = random.choice(PARENTS)
            spec = ChildSpec("it", Props(kind, plan), restart="temporary")
            ref = await started(sup, StartChild(spec))
            # Also while those below still start.
            if random.random() < 0.5:
                await turns(random.randint(0, 5))
            match random.randrange(4):
                case 0:
                    ref.tell(Fail(Crash(number)))
                case 1:
                    ref.kill()
                case 2:
                    ref.request_stop()
                case _:
                    victims = descendants(ref)
                    for victim in random.sample(victims, min(3, len(victims))):
                        victim.kill()
                    ref.tell(Fail(Crash(number)))
            await it.events.until(lambda: not ref.is_alive())  # noqa: B023 - looked at at once
            assert it.actors == 1, f"tree {number} left {it.actors - 1}"

        assert it.system.statistics().actors_at_peak > 10
        assert len(it.events.of(ActorStarted)) > 2_000
        assert orphans(it.events.all) == {("/sup", 1)}
        assert balance(it.events.all) == {}


def descendants(ref: ActorRef[Any]) -> list[ActorRef[Any]]:
    found: list[ActorRef[Any]] = []
    cells = [*(ref.cell.children or {}).values()]
    while cells:
        cell = cells.pop()
        found.append(cell.ref)
        cells.extend((cell.children or {}).values())
    return found


def balance(events: list[LifecycleEvent]) -> dict[str, int]:
    """Return the paths at which more incarnations ended than started, or an end came twice."""
    ended: dict[tuple[str, int], int] = {}
    for event in events:
        if isinstance(event, ActorStarted):
            ended.pop((event.path, event.incarnation), None)
        if isinstance(event, IncarnationEnded):
            key = (event.path, event.incarnation)
            ended[key] = ended.get(key, 0) + 1
    return {path: count for (path, _), count in ended.items() if count > 1}
