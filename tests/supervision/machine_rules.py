"""The rules of the state machine: each is done to a tree of actors and to the model of it."""

from collections.abc import Callable, Coroutine, Iterable, Iterator
from functools import partial
from itertools import permutations
from typing import Any, ClassVar, cast

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from dramaturg.actors import ActorRef, Props
from dramaturg.supervision import (
    ChildRefused,
    ChildSpec,
    DeleteChild,
    RestartChild,
    StartChild,
    SupervisorSpec,
    TerminateChild,
    WhichChildren,
)
from tests.actors.kit import within
from tests.supervision.kit import (
    Kind,
    Outcome,
    Script,
    ScriptedSupervisor,
    child,
    crash,
    leave,
)
from tests.supervision.machine_draws import (
    BELOW_SUB,
    ODD_STEP,
    PLACES,
    STEP,
    WORKERS,
    Plan,
    flags,
    options,
    outcomes,
    places,
    plans,
    workers,
)
from tests.supervision.machine_model import Model, Node
from tests.supervision.machine_stage import LoopStage, SimulatedStage, Stage
from tests.supervision.machine_watched import Watched


class Machine(RuleBasedStateMachine):
    """A tree of one or two supervisors; after each rule it comes to rest, and is compared."""

    kind: ClassVar[Kind]

    def __init__(self) -> None:
        super().__init__()
        self.script = Script()
        self.stage: Stage = LoopStage() if self.kind == "thread" else SimulatedStage(self.choose)
        self.system = self.stage.system
        self.order: st.DataObject | None = None
        """Whence it is drawn whose turn is next; None if that is calm."""
        self.calm = 0
        """So many of the next turns are not drawn."""
        self.cut_off = False
        """Hypothesis has had enough, in the midst of a step."""
        self.watched: Watched
        self.model: Model
        self.top: ActorRef[Any]
        self.supervisors_killed = 0

    @initialize(data=st.data(), top=flags(), sub=flags(), place=st.sampled_from([2, 0, 1, None]))
    def plant(
        self, data: st.DataObject, top: dict[str, Any], sub: dict[str, Any], place: int | None
    ) -> None:
        def specs(names: tuple[str, ...], auto_shutdown: str, pause: float) -> list[ChildSpec]:
            some = names[: data.draw(st.integers(1, len(names)))]
            drawn = options(auto_shutdown=auto_shutdown, pause=pause)
            return [child(self.script, each, self.kind, **data.draw(drawn)) for each in some]

        children = specs(WORKERS, top["auto_shutdown"], STEP)
        if place is not None:
            below = SupervisorSpec(specs(("x", "y"), sub["auto_shutdown"], ODD_STEP), **sub)
            start = Props(ScriptedSupervisor, self.script, below)
            drawn = data.draw(options(auto_shutdown=top["auto_shutdown"]))
            children.insert(place, ChildSpec("sub", start, **drawn))
        start = Props(ScriptedSupervisor, self.script, SupervisorSpec(children, **top))
        self.order = data
        self.do(self._plant(start))
        self.check()

    def choose(self, count: int) -> int:
        """Draw whose turn is next."""
        if self.order is None or self.calm:
            self.calm = max(0, self.calm - 1)
            return 0
        try:
            return self.order.draw(st.integers(0, count - 1), label="turn")
        except BaseException:
            self.cut_off = True
            raise

    async def _plant(self, start: Props[ScriptedSupervisor]) -> None:
        await self.stage.begin()
        self.watched = Watched(self.system)
        self.model = Model(ChildSpec("top", start))
        self.top = self.system.spawn(start, name="top")

    def teardown(self) -> None:
        self.order = None
        try:
            if hasattr(self, "model") and not self.cut_off:
                self._bring_down()
        finally:
            self.stage.close()

    def _bring_down(self) -> None:
        if self.model.root.up:
            self.model.die(self.model.root, "shutdown")
        self.do(self.system.shutdown())
        self.compare()
        assert not self.watched.live
        assert self.watched.started <= self.watched.ended

    # Ends.

    def _lives(self, place: str) -> Node | None:
        """Return who belongs there and runs."""
        return self.model.living(place)

    def _pick(self, data: st.DataObject, universe: tuple[str, ...]) -> str:
        """Draw one that lives, from those that there might be."""
        return data.draw(st.sampled_from(universe).filter(self._lives))

    def _end(
        self,
        place: str,
        plan: Plan,
        how: Callable[[ActorRef[Any]], object],
        kind: str,
    ) -> None:
        node = cast("Node", self._lives(place))
        for name, came in plan:
            self._plan(name, came)
        before = len(self.model.trace)
        self.do(self._tell(place, how))
        self.model.die(node, kind)
        if node.below and kind == "killed":
            self.supervisors_killed += 1
            end = len(self.model.trace)
            self._sort(before, end)
        self.check()

    def _sort(self, start: int, end: int) -> None:
        """Bring into one order the ends of those below a killed supervisor: it is side by side."""
        for trace in (self.model.trace, self.watched.trace):
            trace[start:end] = sorted(trace[start:end])

    async def _tell(self, place: str, how: Callable[[ActorRef[Any]], object]) -> None:
        ref = self.system.lookup(f"/top/{place}")
        assert ref is not None
        how(ref)

    def is_up(self) -> bool:
        return self.model.root.up

    def has_workers(self) -> bool:
        return any(map(self._lives, WORKERS + BELOW_SUB))

    def has_children(self) -> bool:
        return any(map(self._lives, PLACES))

    @precondition(has_workers)
    @rule(data=st.data(), plan=plans, times=st.integers(1, 4))
    def crash(self, data: st.DataObject, plan: Plan, times: int) -> None:
        place = self._pick(data, WORKERS + BELOW_SUB)
        for _ in range(times):
            if self._lives(place):
                self._end(place, plan, crash, "failed")
                plan = []

    @precondition(has_workers)
    @rule(data=st.data(), plan=plans, kind=st.sampled_from(["normal", "shutdown"]))
    def leave(self, data: st.DataObject, plan: Plan, kind: Any) -> None:
        place = self._pick(data, WORKERS + BELOW_SUB)
        self._end(place, plan, lambda ref: leave(ref, kind), kind)

    @precondition(has_children)
    @rule(data=st.data(), plan=plans)
    def kill(self, data: st.DataObject, plan: Plan) -> None:
        self._end(self._pick(data, PLACES), plan, lambda ref: ref.kill(), "killed")

    @precondition(lambda self: self.is_up() and self._lives("sub"))
    @rule(plan=plans)
    def stop_the_supervisor_below(self, plan: Plan) -> None:
        self._end("sub", plan, lambda ref: ref.request_stop(), "normal")

    @precondition(lambda self: self.is_up() and self.kind != "thread")
    @rule(below=st.sampled_from([WORKERS, BELOW_SUB]), data=st.data())
    def crash_two_at_once(self, below: tuple[str, ...], data: st.DataObject) -> None:
        first, second = data.draw(st.permutations(below).map(lambda each: each[:2]))
        if self._lives(first) and self._lives(second):
            # In this order, and nobody's turn between them; what comes of it in any order.
            self.calm = 2
            self.do(self._crash_both(first, second))
            self.calm = 0
            for place in (first, second):
                node = cast("Node", self._lives(place))
                self.model.die(node, "failed")
                if self.kind == "plain":
                    self.model.at_once(node)
            self.check()

    def _follow(self, ways: Iterable[Callable[[Model], None]]) -> None:
        """Let the model go the way that the tree has gone; the last one if it has gone none."""
        before = self.model
        for way in ways:
            self.model = before.fork()
            way(self.model)
            self.model.settle()
            if self.watched.trace == self.model.trace and self.script.begun == self.model.begun:
                return

    async def _crash_both(self, first: str, second: str) -> None:
        await self._tell(first, crash)
        await self._tell(second, crash)

    @precondition(is_up)
    @rule(kind=st.sampled_from(["shutdown", "killed"]))
    def end_of_the_tree(self, kind: str) -> None:
        """The top one ends, which is the end of the run: it has no supervisor."""
        if kind == "killed":
            before = len(self.model.trace)
            self.do(self._kill_the_top())
            self._kill_all(self.model.root)
            self.supervisors_killed += 1
            self._sort(before, len(self.model.trace))
        else:
            self.do(self._stop_the_top())
            self.model.die(self.model.root, "normal")
        self.check()

    async def _kill_the_top(self) -> None:
        self.top.kill()

    async def _stop_the_top(self) -> None:
        assert await within(self.top.stop(block=False))

    def _kill_all(self, node: Node) -> None:
        # What is below the killed one's supervisors is stopped by those, in order.
        for each in reversed(node.below):
            each.due = None
            if each.up:
                self.model.die(each, "shutdown")
                self.model.trace[-1] = ("end", each.path, "killed")
        node.below = []
        self.model.die(node, "killed")

    # Starts.

    @precondition(lambda self: not self.is_up())
    @rule()
    def plant_again(self) -> None:
        self.do(self._plant_again())
        self.model.start(self.model.root)
        self.check()

    async def _plant_again(self) -> None:
        start = cast("Props[Any]", self.model.root.spec.start)
        self.top = self.system.spawn(start, name="top")

    @precondition(is_up)
    @rule(place=places, came=outcomes)
    def plan_the_next_start(self, place: str, came: Outcome) -> None:
        self._plan(place.rpartition("/")[2], came)

    def _plan(self, name: str, came: Outcome) -> None:
        self.script.plan(name, came)
        self.model.plans[name].append(came)

    @precondition(is_up)
    @rule(seconds=st.integers(1, 8).map(lambda each: each * STEP))
    def advance(self, seconds: float) -> None:
        until = self.model.now + seconds
        while self.model.root.up:
            when = self.model.next_due()
            when = until if when is None else min(when, until)
            due = self.model.due(when)
            if self.kind == "thread" and len({each.above for each in due}) > 1:
                return  # nobody says which of two supervisors goes first
            self.stage.advance(when - self.model.now)
            if self.kind == "thread" or len(due) < 2:
                self.model.reach(when)
            else:
                self._follow(_rings(when, [each.path for each in due]))
            self.check()
            if when == until:
                return

    # Requests.

    def _ask(self, place: str, message: Any, answer: Callable[[Node, str], str]) -> None:
        above, _, id_ = place.rpartition("/")
        node = self._lives(above) if above else self.model.root
        if node is not None:
            got = self.do(self._request(node.path, message))
            assert got == answer(node, id_)
            self.check()

    async def _request(self, path: str, message: Any) -> str:
        ref = self.system.lookup(path)
        assert ref is not None
        try:
            await within(ref.request(message))
        except ChildRefused as refused:
            return refused.outcome
        return "ok"

    @precondition(is_up)
    @rule(place=workers, drawn=options(auto_shutdown="any_significant"))
    def start_child(self, place: str, drawn: dict[str, Any]) -> None:
        spec = child(self.script, place.rpartition("/")[2], self.kind, **drawn)
        self._ask(place, StartChild(spec), lambda above, _: self.model.start_child(above, spec))

    @precondition(is_up)
    @rule(place=places)
    def terminate_child(self, place: str) -> None:
        self._ask(place, TerminateChild(place.rpartition("/")[2]), self.model.terminate)

    @precondition(is_up)
    @rule(place=places)
    def restart_child(self, place: str) -> None:
        self._ask(place, RestartChild(place.rpartition("/")[2]), self.model.restart_child)

    @precondition(is_up)
    @rule(place=places)
    def delete_child(self, place: str) -> None:
        self._ask(place, DeleteChild(place.rpartition("/")[2]), self.model.delete_child)

    # What has to hold at rest.

    def do(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.stage.do(coroutine)

    def check(self) -> None:
        self.model.settle()
        self.compare()
        for node in self.model.root.family():
            if node.up and node.spec_below is not None:
                listed = self.do(self._listed(node.path))
                assert listed == [(each.spec.id, each.state) for each in node.below]
                self._check_refs(node)
        if not self.supervisors_killed:
            due = [each for each in self.model.root.family() if each.due is not None]
            assert self.stage.planned() == len(due)
            assert self.stage.next_due() == self.model.next_due()
        self.check_limits()

    def _check_refs(self, node: Node) -> None:
        """Check that there are refs of those who run or will, and of nobody who has no spec."""
        ref = self.system.lookup(node.path)
        assert ref is not None
        names = {*(ref.cell.children or {})}
        assert {each.spec.id for each in node.below if each.state != "down"} <= names
        assert names <= {each.spec.id for each in node.below}

    async def _listed(self, path: str) -> list[tuple[str, str]]:
        ref = self.system.lookup(path)
        assert ref is not None
        return [(each.id, each.state) for each in await within(ref.request(WhichChildren()))]

    def compare(self) -> None:
        """Check that what happened is what the model did, in the same order."""
        assert self.script.begun == self.model.begun
        assert self.watched.trace == self.model.trace
        assert not self.watched.problems
        ends = [each for each in self.model.trace if each[-1] == "failed"]
        assert self.watched.reported == [each[1] for each in ends]

    def check_limits(self) -> None:
        """Check that while a supervisor lives it keeps within its intensity."""
        for node in self.model.root.family():
            spec = node.spec_below
            if node.up and spec is not None:
                for last in node.restarts:
                    window = [each for each in node.restarts if last - spec.period <= each <= last]
                    assert len(window) <= spec.intensity


def _rings(when: float, due: list[str]) -> Iterator[Callable[[Model], None]]:
    """Say what may come of it that these are due: who is told first is open."""
    for order in permutations(due):
        yield partial(Model.reach, when=when, order=order)
