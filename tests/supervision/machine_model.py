"""A naive model of a tree of supervisors, by OTP's rules."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, cast

from dramaturg.actors import Props
from dramaturg.supervision import ChildSpec, SupervisorSpec
from tests.supervision.kit import Outcome, ScriptedSupervisor


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

    def fork(self) -> "Model":
        """Return another one that is at rest at the same point."""
        assert not self._news
        # Specs are values, and lead to what the real tree is made from.
        return deepcopy(self, {id(each.spec): each.spec for each in self.root.family()})

    def living(self, place: str) -> Node | None:
        """Return who belongs at a place below the top one and runs."""
        node: Node | None = self.root
        for name in place.split("/"):
            node = None if node is None or not node.up else node.find(name)
        return node if node is not None and node.up else None

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
            # Any attempt that is due will do, as in OTP.
            self._news.append(lambda: self._try(node, node.due))

    def _try(self, node: Node, due: tuple[float, int] | None) -> None:
        if self._is_managed(node) and node.due is not None and node.due == due:
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

    def reach(self, when: float, order: "Sequence[str] | None" = None) -> None:
        """Move time on to where something is due, or to where nothing is before.

        :param order: the paths of those that are due, if what follows from each comes before
            the next; default all at once, as planned.
        """
        self.now = when
        due = {each.path: each for each in self.due(when)}
        for each in sorted(due.values(), key=lambda each: cast("tuple[float, int]", each.due)):
            if order is None:
                self._news.append(lambda node=each, at=each.due: self._try(node, at))  # type: ignore[misc]
        for path in order or ():
            node = due[path]
            if node.due is not None and node.due[0] <= when:
                self._try(node, node.due)
                self.settle()
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
