"""A drawn plan as a workflow, with its participants."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

from dramaturg.actors import Actor, Directive, PlainRequest, Refused, handler
from dramaturg.protocols.workflows import (
    Call,
    Retry,
    Workflow,
    any_of,
    ask,
    branch,
    fan_out,
    for_each,
    loop,
    partial,
    pause,
    quorum,
    recover,
    saga,
    sequence,
    step,
    switch,
    wait_for,
)
from dramaturg.supervision import Backoff
from tests.crash.drawn import Leaf, Node

if TYPE_CHECKING:
    from dramaturg.protocols.workflows import Step
    from dramaturg.protocols.workflows._participant import Ask
    from tests.crash.effects import Effects

__all__ = ["Cast", "Helper"]

SOON = Backoff(0.001, 0.002)
LONG = 100.0
SHORT = 0.03


@dataclass(frozen=True)
class Do(PlainRequest[Any]):
    """What the helper is asked for."""

    what: Callable[[Any, Call], Any]
    value: Any
    call: Call


class Helper(Actor):
    """Does what it is asked for, one after the other; crashes if that fails."""

    policy = Directive.RESTART

    @handler
    async def do(self, request: Do) -> Any:
        return await request.what(request.value, request.call)


def _by_helper(what: Callable[[Any, Call], Any]) -> Ask:
    def asked(value: Any, call: Call) -> Do:
        return Do(what, value, call)

    return ask("/helper", asked)


class Cast:
    """Makes the workflows of a plan; their participants note what they are asked for."""

    def __init__(self, effects: Effects) -> None:
        self._effects = effects
        self.inner: dict[str, Workflow] = {}
        """The workflows that are steps of another, by the name of the step."""

    def workflow(self, name: str, root: Node) -> Workflow:
        """Declare a workflow."""
        return Workflow(name, self._step(name, root))

    # -- participants ------------------------------------------------------------------------

    def _does(self, leaf: Leaf) -> Callable[[Any, Call], Any]:
        async def act(value: Any, call: Call) -> Any:
            what, effects = f"{call.instance} {call.address}", self._effects
            before = effects.calls(call.key)
            given = f"{crc32(repr(value).encode()):x}"
            for _ in range(leaf.slow):
                await asyncio.sleep(0)
            if leaf.refuses and before >= leaf.fails:
                effects.note(what, call.key, value=given)
                raise Refused("no")
            effects.note(what, call.key, amount=1, value=given)
            if leaf.hangs:
                await asyncio.Event().wait()
            for _ in range(leaf.slow):
                await asyncio.sleep(0)
            if before < leaf.fails:
                raise ConnectionError("no")
            return crc32(call.key.encode()) % 1_000

        return act

    def _undoes(self, leaf: Leaf) -> Callable[[Any, Call], Any]:
        async def act(_: Any, call: Call) -> None:
            what, effects = f"{call.instance} {call.address}", self._effects
            before = effects.calls(call.key)
            await asyncio.sleep(0)
            effects.note(what, call.key, undoes=call.undoes)
            await asyncio.sleep(0)
            if before < (leaf.undo or 0):
                raise ConnectionError("try again")

        return act

    async def _counts(self, _: Any, call: Call) -> int:
        self._effects.note(f"{call.instance} {call.address}", call.key)
        return int(call.address.rpartition("]")[0].rpartition("[")[2])

    # -- steps -------------------------------------------------------------------------------

    def _step(self, flow: str, node: Node) -> Step:
        if isinstance(node, Leaf):
            return self._action(flow, node)
        match node.kind:
            case "pause":
                return pause(0.002, name=node.name, when=_when(node))
            case "wait":
                return wait_for(node.name, int)
            case "silence":
                return wait_for(f"never {node.name}", name=node.name)
            case "counter":
                return step(node.name, self._counts)
            case _:
                return self._group(flow, node)

    def _common(self, flow: str, node: Node) -> dict[str, Any]:
        on_error = node.on_error
        instead = self._step(flow, on_error) if isinstance(on_error, Node) else on_error
        return {
            "name": node.name,
            "on_error": recover(0) if instead == "value" else instead,
            "timeout": SHORT if node.timed else None,
        }

    def _action(self, flow: str, leaf: Leaf) -> Step:
        common = self._common(flow, leaf)
        if leaf.limited:
            common["timeout"] = SHORT if leaf.hangs else LONG
        does: Any = self._does(leaf)
        undoes: Any = self._undoes(leaf)
        if leaf.by_actor:
            does, undoes = _by_helper(does), _by_helper(undoes)
        undo = step(f"undo {leaf.name}", undoes, retry=Retry(attempts=4, backoff=SOON))
        return step(
            participant_=does,
            **common,
            when=_when(leaf),
            retry=Retry(attempts=leaf.attempts, backoff=SOON),
            compensate=None if leaf.undo is None else undo,
        )

    def _group(self, flow: str, node: Node) -> Step:  # noqa: C901, PLR0911 - one for each kind
        common = self._common(flow, node)
        if node.kind == "inner":
            within = self.workflow(f"{flow}-{node.name}", node.inner[0])
            self.inner[node.name] = within
            return step(participant_=within, **common)
        inner = [self._step(flow, each) for each in node.inner]
        branches = {each.name: each for each in inner}
        first = len(inner) - node.optional
        required = dict([*branches.items()][:first])
        optional = dict([*branches.items()][first:])
        late = self._step(flow, node.late) if isinstance(node.late, Node) else node.late
        match node.kind:
            case "sequence":
                return sequence(*inner, **common, when=_when(node))
            case "saga":
                return saga(*inner, **common, when=_when(node))
            case "branch":
                return branch(lambda _: not node.choice, *inner, **common)
            case "switch":
                return switch(lambda _: node.choice, dict(enumerate(inner)), **common)
            case "loop":
                last = node.times if node.choice else node.times - 1
                times = node.times + 1 - node.choice
                return loop(inner[0], until=lambda at: at >= last, at_most=times, **common)
            case "for_each":
                items = [*range(node.times)]
                return for_each(lambda _: items, inner[0], limit=node.choice or None, **common)
            case "race":
                return fan_out(branches, join=any_of(), **common)
            case "quorum":
                return fan_out(branches, join=quorum(node.times), late=late, **common)
            case "partial":
                return fan_out(optional=branches, join=partial(SHORT), **common)
            case _:
                return fan_out(required, optional=optional, **common)


def _when(node: Node) -> Callable[[Any], bool] | None:
    holds = node.when

    def asked(_: Any) -> bool:
        return bool(holds)

    return None if holds is None else asked
