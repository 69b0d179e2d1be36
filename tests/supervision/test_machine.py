"""Whatever happens to a tree, in whatever order, it does what a naive model of OTP's rules does."""

from collections import defaultdict, deque
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias, cast

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from dramaturg.actors import (
    ActorEnded,
    ActorFailed,
    ActorRef,
    ActorStarted,
    ActorSystem,
    ExitReason,
    IncarnationEnded,
    LifecycleEvent,
    ManualClock,
    Props,
)
from dramaturg.supervision import (
    Backoff,
    ChildRefused,
    ChildSpec,
    DeleteChild,
    RestartChild,
    StartChild,
    Supervisor,
    SupervisorSpec,
    TerminateChild,
    WhichChildren,
)
from tests.actors.kit import within
from tests.actors.messaging_kit import Captured
from tests.supervision.kit import (
    Kind,
    Outcome,
    QuietLoop,
    Script,
    child,
    crash,
    follow,
    leave,
    next_call,
)


class ScriptedSupervisor(Supervisor):
    """A supervisor that starts as its script says."""

    def __init__(self, script: Script, spec: SupervisorSpec) -> None:
        super().__init__(spec)
        self._outcome: Outcome = script.begin(self)

    def init(self) -> SupervisorSpec:
        follow(self._outcome)
        return super().init()


# -- the model -----------------------------------------------------------------------------


@dataclass(eq=False)
class Node:
    """A child as the model knows it."""

    spec: ChildSpec
    path: str
    above: "Node | None"
    up: bool = False
    """Its supervisor believes that it runs."""
    died: bool = False
    """It has died, and its supervisor does not know yet."""
    due: tuple[float, int] | None = None
    """When its next restart is tried, and which one was planned first."""
    retries: int = -1
    up_since: float = 0.0
    below: "list[Node]" = field(default_factory=list["Node"])
    restarts: list[float] = field(default_factory=list[float])

    @property
    def spec_below(self) -> SupervisorSpec | None:
        props = cast("Props[Any]", self.spec.start)
        return props.args[1] if props.actor_class is ScriptedSupervisor else None

    @property
    def state(self) -> str:
        return "running" if self.up else "down" if self.due is None else "restarting"

    def find(self, id_: str) -> "Node | None":
        return next((each for each in self.below if each.spec.id == id_), None)

    def family(self) -> "Iterator[Node]":
        yield self
        for each in self.below:
            yield from each.family()


class Model:
    """Does at once, one after the other, what the runtime does in turns."""

    def __init__(self, root: ChildSpec) -> None:
        self.now = 0.0
        self.begun: list[tuple[float, str]] = []
        self.trace: list[tuple[str, ...]] = []
        self.plans: defaultdict[str, deque[Outcome]] = defaultdict(deque)
        self.gave_up = 0
        self._news: deque[Callable[[], None]] = deque()
        self._planned = 0
        self.root = Node(root, "/top", None)
        self.start(self.root)

    # Starts.

    def start(self, node: Node) -> str:
        node.due = None
        self.begun.append((self.now, node.path))
        plan = self.plans[node.spec.id]
        came = (plan.popleft() if plan else "ok").removesuffix(" in init")
        if came == "ok" and node.spec_below is not None:
            came = self._boot(node, node.spec_below)
        if came == "ok":
            node.up, node.died, node.up_since = True, False, self.now
            self.trace.append(("up", node.path))
        else:
            self.trace.append(("end", node.path, "failed" if came == "fail" else "normal"))
        return came

    def _boot(self, node: Node, spec: SupervisorSpec) -> str:
        node.below = [Node(each, f"{node.path}/{each.id}", node) for each in spec.children]
        node.restarts = []
        for each in [*node.below]:
            came = self.start(each)
            if came == "fail":
                self._stop_below(node)
                return "fail"
            if came == "ignore" and each.spec.restart == "temporary":
                node.below.remove(each)
        return "ok"

    # Ends.

    def stop(self, node: Node) -> None:
        """Let its supervisor stop it."""
        if node.up and not node.died:
            self._stop_below(node)
            self.trace.append(("end", node.path, "shutdown"))
        node.up = node.died = False

    def _stop_below(self, node: Node) -> None:
        for each in reversed(node.below):
            each.due = None
            self.stop(each)

    def die(self, node: Node, kind: str) -> None:
        """Let it end by itself, or be killed."""
        if kind != "killed":
            self._stop_below(node)
        for each in reversed(node.below):
            each.due = None
            if each.up:
                self.trace.append(("end", each.path, "killed"))
                each.up = False
        self.trace.append(("end", node.path, kind))
        node.died = True
        if node.above is None:
            node.up = False
        else:
            self._news.append(lambda: self._exited(node, clean=kind in {"normal", "shutdown"}))

    def at_once(self, node: Node) -> None:
        """Let an actor without hooks begin again in its own turn, if only that is to be done."""
        above, spec = cast("Node", node.above), node.spec
        flags = cast("SupervisorSpec", above.spec_below)
        if (
            flags.strategy == "one_for_one"
            and spec.restart != "temporary"
            and spec.backoff is None
            and self._within(above) < flags.intensity
            and len(self._news) == 1
        ):
            self._news.popleft()()

    def settle(self) -> None:
        while self._news:
            self._news.popleft()()

    # What follows an end.

    def _is_managed(self, node: Node) -> bool:
        above = node.above
        return above is not None and above.up and not above.died and node in above.below

    def _exited(self, node: Node, *, clean: bool) -> None:
        if not (self._is_managed(node) and node.up and node.died):
            return
        above = cast("Node", node.above)
        node.up = node.died = False
        restart = node.spec.restart
        if restart == "permanent" or (restart == "transient" and not clean):
            self._restart(node)
            return
        if restart == "temporary":
            above.below.remove(node)
        if node.spec.significant and self._is_last(above, node):
            self.die(above, "shutdown")

    def _is_last(self, above: Node, node: Node) -> bool:
        others = [each for each in above.below if each is not node and each.spec.significant]
        any_will_do = cast("SupervisorSpec", above.spec_below).auto_shutdown == "any_significant"
        return any_will_do or all(each.state == "down" for each in others)

    def _restart(self, node: Node) -> None:
        backoff = node.spec.backoff
        if backoff is None:
            self._attempt(node)
            return
        # Of this very shape: doubled, capped, and reset after half the sum of both.
        reset_after = (backoff.initial + backoff.maximum) / 2
        node.retries = 0 if self.now - node.up_since >= reset_after else node.retries + 1
        self._plan(node)

    def _plan(self, node: Node) -> None:
        backoff = node.spec.backoff
        pause = 0.0
        if backoff is not None:
            pause = min(backoff.maximum, backoff.initial * 2.0 ** max(0, node.retries))
        self._planned += 1
        node.due = (self.now + pause, self._planned)
        if backoff is None:
            self._news.append(lambda: self._try(node))

    def _try(self, node: Node) -> None:
        if self._is_managed(node) and node.due is not None:
            self._attempt(node)

    def _attempt(self, node: Node) -> None:
        above = cast("Node", node.above)
        spec = cast("SupervisorSpec", above.spec_below)
        above.restarts.append(self.now)
        if self._within(above) > spec.intensity:
            node.due = None
            self.gave_up += 1
            self.die(above, "shutdown")
            return
        for each in self._stopped_group(above, spec, node):
            came = self.start(each)
            if came == "fail":
                each.retries += each.spec.backoff is not None
                self._plan(each)
                return

    def _within(self, above: Node) -> int:
        period = cast("SupervisorSpec", above.spec_below).period
        return sum(self.now - period <= each <= self.now for each in above.restarts)

    def _stopped_group(self, above: Node, spec: SupervisorSpec, node: Node) -> list[Node]:
        if spec.strategy == "one_for_one":
            return [node]
        first = 0 if spec.strategy == "one_for_all" else above.below.index(node)
        reach = above.below[first:]
        for each in reversed(reach):
            self.stop(each)
        group = [each for each in reach if each.spec.restart != "temporary"]
        above.below[first:] = group
        for each in group:
            each.due = None
        return group

    # Time.

    def next_due(self) -> float | None:
        dues = [each.due[0] for each in self.root.family() if each.due is not None]
        return min(dues, default=None)

    def due(self, when: float) -> list[Node]:
        return [each for each in self.root.family() if each.due is not None and each.due[0] <= when]

    def reach(self, when: float) -> None:
        """Move time on to where something is due, or to where nothing is before."""
        self.now = when
        due = self.due(when)
        for each in sorted(due, key=lambda each: cast("tuple[float, int]", each.due)):
            self._news.append(lambda node=each: self._try(node))  # type: ignore[misc]
        self.settle()

    # Requests.

    def start_child(self, above: Node, spec: ChildSpec) -> str:
        if spec.significant and cast("SupervisorSpec", above.spec_below).auto_shutdown == "never":
            return "bad_spec"
        found = above.find(spec.id)
        if found is not None:
            return "already_started" if found.up else "already_present"
        node = Node(spec, f"{above.path}/{spec.id}", above)
        above.below.append(node)
        came = self.start(node)
        if came == "fail" or (came == "ignore" and spec.restart == "temporary"):
            above.below.remove(node)
        return "start_failed" if came == "fail" else "ok"

    def terminate(self, above: Node, id_: str) -> str:
        node = above.find(id_)
        if node is None:
            return "not_found"
        node.due = None
        self.stop(node)
        if node.spec.restart == "temporary":
            above.below.remove(node)
        return "ok"

    def restart_child(self, above: Node, id_: str) -> str:
        node = above.find(id_)
        if node is None or node.state != "down":
            return "not_found" if node is None else node.state
        return "start_failed" if self.start(node) == "fail" else "ok"

    def delete_child(self, above: Node, id_: str) -> str:
        node = above.find(id_)
        if node is None or node.state != "down":
            return "not_found" if node is None else node.state
        above.below.remove(node)
        return "ok"


# -- the rules -----------------------------------------------------------------------------

WORKERS = ("a", "b", "c")
BELOW_SUB = ("sub/x", "sub/y")
PLACES = (*WORKERS, "sub", *BELOW_SUB)
STEP = 0.5
"""Seconds; sums of powers of two, so that sums of times are exact."""
ODD_STEP = 0.5 + 1 / 64
"""Seconds; for those below, so that few things are due at the same moment."""

Plan: TypeAlias = list[tuple[str, Outcome]]

outcomes: st.SearchStrategy[Outcome] = st.sampled_from(
    ["fail", "ok", "fail in init", "ignore", "ignore in init"]
)
places = st.sampled_from(PLACES)
workers = st.sampled_from(WORKERS + BELOW_SUB)
plans = st.lists(st.tuples(st.sampled_from(["a", "b", "c", "sub", "x", "y"]), outcomes), max_size=3)
"""What comes of the next starts of some, by their names."""


@st.composite
def options(draw: st.DrawFn, *, auto_shutdown: str, pause: float = STEP) -> dict[str, Any]:
    """Draw what a child's spec says besides how it is made."""
    restart = draw(st.sampled_from(["permanent", "transient", "temporary"]))
    backoff = draw(st.sampled_from([None, None, None, Backoff(pause, 4 * pause)]))
    can_be = restart != "permanent" and auto_shutdown != "never"
    return {
        "restart": restart,
        "backoff": backoff,
        "significant": can_be and draw(st.booleans()),
    }


@st.composite
def flags(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what a supervisor's spec says besides its children."""
    return {
        "strategy": draw(st.sampled_from(["one_for_one", "one_for_all", "rest_for_one"])),
        "intensity": draw(st.sampled_from([2, 9, 1, 4, 0, 3])),
        "period": draw(st.sampled_from([2 * STEP, STEP, 10 * STEP])),
        "auto_shutdown": draw(st.sampled_from(["never", "any_significant", "all_significant"])),
    }


class Machine(RuleBasedStateMachine):
    """A tree of one or two supervisors; after each rule it comes to rest, and is compared."""

    kind: ClassVar[Kind]

    def __init__(self) -> None:
        super().__init__()
        self.script = Script()
        self.clock = ManualClock()
        self.loop = QuietLoop()
        # Formatting the traceback of each crash would take most of the time.
        silence = Captured().log
        self.system = ActorSystem("test", clock=self.clock, hold_limit=None, logger=silence)
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
        self.do(self._plant(start))
        self.check()

    async def _plant(self, start: Props[ScriptedSupervisor]) -> None:
        await self.system.__aenter__()
        self.watched = Watched(self.system)
        self.model = Model(ChildSpec("top", start))
        self.top = self.system.spawn(start, name="top")

    def teardown(self) -> None:
        try:
            if hasattr(self, "model"):
                self._bring_down()
        finally:
            self.loop.run(self.system.shutdown())
            self.loop.close()

    def _bring_down(self) -> None:
        if self.model.root.up:
            self.model.die(self.model.root, "shutdown")
        self.loop.run(self.system.shutdown())
        self.compare()
        assert not self.watched.live
        assert self.watched.started <= self.watched.ended

    # Ends.

    def _lives(self, place: str) -> Node | None:
        """Return who belongs there and runs."""
        node: Node | None = self.model.root
        for name in place.split("/"):
            node = None if node is None or not node.up else node.find(name)
        return node if node is not None and node.up else None

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
        nodes = [self._lives(first), self._lives(second)]
        if all(nodes):
            self.do(self._crash_both(first, second))
            for node in nodes:
                self.model.die(cast("Node", node), "failed")
                if self.kind == "plain":
                    self.model.at_once(cast("Node", node))
            self.check()

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
            if len({each.above for each in self.model.due(when)}) > 1:
                return  # nobody says which of two supervisors goes first
            self.do(self._advance(when - self.model.now))
            self.model.reach(when)
            self.check()
            if when == until:
                return

    async def _advance(self, seconds: float) -> None:
        self.clock.advance(seconds)

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
        async def until_quiet() -> Any:
            result = await coroutine
            await self.loop.quiet(self.system)
            return result

        return self.loop.run(until_quiet())

    def check(self) -> None:
        self.model.settle()
        self.compare()
        for node in self.model.root.family():
            if node.up and node.spec_below is not None:
                listed = self.loop.run(self._listed(node.path))
                assert listed == [(each.spec.id, each.state) for each in node.below]
                self._check_refs(node)
        if not self.supervisors_killed:
            due = [each for each in self.model.root.family() if each.due is not None]
            assert self.clock.pending == len(due)
            assert next_call(self.clock) == self.model.next_due()
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


class Watched:
    """What lifecycle events say, and what must be true of them in any tree."""

    def __init__(self, system: ActorSystem) -> None:
        self.trace: list[tuple[str, ...]] = []
        self.reported: list[str] = []
        self.live: dict[str, int] = {}
        self.started: set[str] = set()
        self.ended: set[str] = set()
        self.problems: list[str] = []
        system.events.subscribe(self._note, LifecycleEvent)

    def _note(self, event: LifecycleEvent) -> None:
        if event.path == "/":
            return
        if isinstance(event, ActorStarted):
            self._begins(event.path, event.incarnation)
        elif isinstance(event, IncarnationEnded):
            self._ends(event.path, event.incarnation, event.reason)
        elif isinstance(event, ActorFailed):
            self.reported.append(event.path)
        elif isinstance(event, ActorEnded):
            self._check(event.path not in self.live, f"{event.path} is gone and lives")
            self.ended.add(event.path)

    def _begins(self, path: str, incarnation: int) -> None:
        self._check(path not in self.live, f"{path} lives twice")
        self.live[path] = incarnation
        self.started.add(path)
        self.ended.discard(path)
        self.trace.append(("up", path))

    def _ends(self, path: str, incarnation: int, reason: ExitReason) -> None:
        lived = self.live.pop(path, incarnation)
        self._check(lived == incarnation, f"{path}: {incarnation} ended while {lived} lived")
        below = [each for each in self.live if each.startswith(f"{path}/")]
        self._check(not below, f"{below} outlived {path}")
        self.trace.append(("end", path, reason.kind))

    def _check(self, holds: bool, problem: str) -> None:
        # What a subscriber raises is logged and lost.
        if not holds:
            self.problems.append(problem)


def run(kind: Kind, examples: int) -> None:
    chosen: Kind = kind

    class OfOneKind(Machine):
        kind = chosen

    run_state_machine_as_test(
        OfOneKind,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


def test_a_tree_of_actors_on_the_loop_does_what_the_model_does() -> None:
    run("loop", 100)


def test_a_tree_of_actors_without_hooks_does_what_the_model_does() -> None:
    run("plain", 100)


def test_a_tree_of_actors_in_tasks_does_what_the_model_does() -> None:
    run("task", 60)


def test_a_tree_of_actors_on_threads_does_what_the_model_does() -> None:
    run("thread", 25)
