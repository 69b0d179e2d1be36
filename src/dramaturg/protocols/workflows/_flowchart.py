"""A workflow as a Mermaid flowchart."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


def flowchart(root: Step) -> str:
    """Draw a step with all that is inside: control flow solid, undoing and recovery dotted."""
    chart = _Chart()
    chart.node("begin", "([begin])")
    ends = chart.draw(root, ["begin"], "")
    chart.node("done", "([done])")
    chart.link(ends, "done", "")
    return "\n".join(["flowchart TD", *chart.lines]) + "\n"


class _Chart:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self._count = 0
        self._depth = 1

    def _say(self, line: str) -> None:
        self.lines.append("    " * self._depth + line)

    def node(self, key: str, shape: str) -> None:
        """Draw a node."""
        self._say(f"{key}{shape}")

    def link(self, sources: list[str], target: str, said: str, *, dotted: bool = False) -> None:
        """Draw arrows."""
        arrow = "-.->" if dotted else "-->"
        label = f'|"{_text(said)}"|' if said else ""
        for source in sources:
            self._say(f"{source} {arrow}{label} {target}")

    def _key(self) -> str:
        self._count += 1
        return f"s{self._count}"

    def draw(self, step: Step, before: list[str], said: str) -> list[str]:
        """Draw a step behind others; return the nodes behind which the next one comes."""
        if step.options.when is not None:
            key = self._key()
            self.node(key, f'{{"{_text(step.name)}?"}}')
            self.link(before, key, said)
            ends = [*self._draw(step, [key], "yes"), key]
        else:
            ends = self._draw(step, before, said)
        recover = step.options.on_error
        if recover is not None and recover.step is not None:
            key = self._key()
            self.node(key, f'["{_text(recover.step.name)}"]')
            self.link(ends[:1], key, "on error", dotted=True)
            ends = [*ends, key]
        return ends

    def _draw(self, step: Step, before: list[str], said: str) -> list[str]:  # noqa: PLR0911
        match step:
            case Saga():
                return self._group(step, before, said)
            case Sequence(steps=steps):
                for each in steps:
                    before, said = self.draw(each, before, said), ""
                return before
            case Branch(then=then, otherwise=otherwise):
                key = self._fork(step, before, said)
                no = [key] if otherwise is None else self.draw(otherwise, [key], "no")
                return [*self.draw(then, [key], "yes"), *no]
            case Switch(cases=cases, default=default):
                key = self._fork(step, before, said)
                ends = [
                    end for case, each in cases.items() for end in self.draw(each, [key], str(case))
                ]
                return [*ends, *(self.draw(default, [key], "else") if default else [])]
            case FanOut():
                return self._fan_out(step, before, said)
            case Loop(body=body, at_most=most):
                key = self._fork(step, before, said)
                ends = self.draw(body, [key], f"at most {most} times")
                self.link(ends, key, "again")
                return ends
            case ForEach(body=body, limit=limit):
                key = self._key()
                many = "" if limit is None else f", {limit} at once"
                self.node(key, f'[["{_text(step.name)}: for each{many}"]]')
                self.link(before, key, said)
                return self.draw(body, [key], "each")
            case _:
                return self._leaf(step, before, said)

    def _fork(self, step: Step, before: list[str], said: str) -> str:
        key = self._key()
        self.node(key, f'{{"{_text(step.name)}"}}')
        self.link(before, key, said)
        return key

    def _fan_out(self, step: FanOut, before: list[str], said: str) -> list[str]:
        key, end = self._key(), self._key()
        self.node(key, f'[["{_text(step.name)}"]]')
        self.link(before, key, said)
        self.node(end, f'[["{_text(step.join.name)}"]]')
        for name, each in step.branches.items():
            mark = f"{name} (optional)" if name in step.optional else name
            self.link(self.draw(each, [key], mark), end, "")
        return [end]

    def _group(self, step: Saga, before: list[str], said: str) -> list[str]:
        self._say(f'subgraph {self._key()}["saga {_text(step.name)}"]')
        self._depth += 1
        for each in step.steps:
            before, said = self.draw(each, before, said), ""
        self._depth -= 1
        self._say("end")
        return before

    def _leaf(self, step: Step, before: list[str], said: str) -> list[str]:
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
        self.link(before, key, said)
        if isinstance(step, Action) and step.compensate is not None:
            undo = self._key()
            self.node(undo, f'["{_text(step.compensate.name)}"]')
            self.link([key], undo, "undo", dotted=True)
        return [key]


def _text(text: str) -> str:
    plain = text.replace('"', "'").replace("#", "&num;").replace("%%", "% %")
    return "".join(each if each.isprintable() else " " for each in plain)
