"""A workflow as a Mermaid flowchart."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from dramaturg.protocols.workflows._step import (
    Action,
    Branch,
    FanOut,
    ForEach,
    Loop,
    Pause,
    Saga,
    Sequence,
    Switch,
    WaitFor,
)

if TYPE_CHECKING:
    from dramaturg.protocols.workflows._step import Step

__all__ = ["flowchart"]

End: TypeAlias = tuple[str, str]
"""A node, and what stands at the arrow that leaves it."""


def flowchart(root: Step) -> str:
    """Draw a step with all that is inside: control flow solid, undoing and recovery dotted."""
    chart = _Chart()
    chart.node("begin", "([begin])")
    ends = chart.draw(root, [("begin", "")])
    chart.node("done", "([done])")
    chart.link(ends, "done")
    return "\n".join(["flowchart TD", *chart.lines, *chart.links]) + "\n"


class _Chart:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.links: list[str] = []
        """Behind all nodes: a subgraph takes in what is named within it."""
        self._count = 0
        self._depth = 1

    def _say(self, line: str) -> None:
        self.lines.append("    " * self._depth + line)

    def node(self, key: str, shape: str) -> None:
        """Draw a node."""
        self._say(f"{key}{shape}")

    def link(self, sources: list[End], target: str, *, dotted: bool = False) -> None:
        """Draw arrows."""
        arrow = "-.->" if dotted else "-->"
        for source, said in sources:
            label = f'|"{_text(said)}"|' if said else ""
            self.links.append(f"    {source} {arrow}{label} {target}")

    def _key(self) -> str:
        self._count += 1
        return f"s{self._count}"

    def draw(self, step: Step, before: list[End]) -> list[End]:
        """Draw a step behind others; return the ends behind which the next one comes."""
        no: list[End] = []
        if step.options.when is not None:
            key = self._key()
            self.node(key, f'{{"{_text(step.name)}?"}}')
            self.link(before, key)
            before, no = [(key, "yes")], [(key, "no")]
        recover = step.options.on_error
        if recover is None or recover.step is None:
            return [*self._draw(step, before), *no]
        failing, ends = self._one_that_may_fail(step, before)
        key = self._key()
        self.node(key, f'["{_text(recover.step.name)}"]')
        self.link([(failing, "on error")], key, dotted=True)
        return [*ends, *no, (key, "")]

    def _one_that_may_fail(self, step: Step, before: list[End]) -> tuple[str, list[End]]:
        """Draw a step, and return from where its failure goes: of a group, from the whole."""
        if not step.inside:
            ends = self._draw(step, before)
            return ends[0][0], ends
        if isinstance(step, Saga):
            return self._group(f"saga {step.name}", step, before)
        key = self._begin_group(step.name)
        ends = self._draw(step, before)
        self._end_group()
        return key, ends

    def _draw(self, step: Step, before: list[End]) -> list[End]:  # noqa: PLR0911
        match step:
            case Saga():
                return self._group(f"saga {step.name}", step, before)[1]
            case Sequence(steps=steps):
                for each in steps:
                    before = self.draw(each, before)
                return before
            case Branch(then=then, otherwise=otherwise):
                key = self._fork(step, before)
                no = [(key, "no")]
                return [
                    *self.draw(then, [(key, "yes")]),
                    *(no if otherwise is None else self.draw(otherwise, no)),
                ]
            case Switch(cases=cases, default=default):
                key = self._fork(step, before)
                ends = [] if default is None else self.draw(default, [(key, "else")])
                for case, each in cases.items():
                    ends += self.draw(each, [(key, str(case))])
                return ends
            case FanOut():
                return self._fan_out(step, before)
            case Loop(body=body, at_most=most):
                key = self._fork(step, before)
                ends = self.draw(body, [(key, f"at most {most} times")])
                self.link([(end, said or "again") for end, said in ends], key)
                return ends
            case ForEach(body=body, limit=limit):
                key = self._key()
                many = "" if limit is None else f", {limit} at once"
                self.node(key, f'[["{_text(step.name)}: for each{many}"]]')
                self.link(before, key)
                return self.draw(body, [(key, "each")])
            case _:
                return self._leaf(step, before)

    def _fork(self, step: Step, before: list[End]) -> str:
        key = self._key()
        self.node(key, f'{{"{_text(step.name)}"}}')
        self.link(before, key)
        return key

    def _fan_out(self, step: FanOut, before: list[End]) -> list[End]:
        key, end = self._key(), self._key()
        self.node(key, f'[["{_text(step.name)}"]]')
        self.link(before, key)
        self.node(end, f'[["{_text(step.join.name)}"]]')
        for name, each in step.branches.items():
            mark = f"{name} (optional)" if name in step.optional else name
            self.link(self.draw(each, [(key, mark)]), end)
        return [(end, "")]

    def _begin_group(self, name: str) -> str:
        key = self._key()
        self._say(f'subgraph {key}["{_text(name)}"]')
        self._depth += 1
        return key

    def _end_group(self) -> None:
        self._depth -= 1
        self._say("end")

    def _group(self, name: str, step: Sequence, before: list[End]) -> tuple[str, list[End]]:
        key = self._begin_group(name)
        for each in step.steps:
            before = self.draw(each, before)
        self._end_group()
        return key, before

    def _leaf(self, step: Step, before: list[End]) -> list[End]:
        key = self._key()
        match step:
            case Action(participant=participant):
                shape = f'["{_text(step.name)}<br/>{_text(participant.label)}"]'
            case WaitFor(event=event):
                shape = f'[/"wait for {_text(event)}"/]'
            case Pause(name=name):
                shape = f'[/"{_text(name)}"/]'
            case _:
                shape = f'["{_text(step.name)}"]'
        self.node(key, shape)
        self.link(before, key)
        if isinstance(step, Action) and step.compensate is not None:
            undo = self._key()
            self.node(undo, f'["{_text(step.compensate.name)}"]')
            self.link([(key, "undo")], undo, dotted=True)
        return [(key, "")]


def _text(text: str) -> str:
    plain = text.replace('"', "'").replace("#", "&num;").replace("%%", "% %")
    return "".join(each if each.isprintable() else " " for each in plain)
