"""A tree of actors for people to look at: as text, as a Mermaid chart, as a rich renderable."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, final, overload

from dramaturg.actors._errors import MissingExtraError, OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dramaturg.actors._health import ActorHealth, Status, SystemHealth

__all__ = ["TextForm", "render"]

TextForm: TypeAlias = Literal["text", "mermaid", "json"]

DEEPEST = 64
"""Levels that are drawn. Deeper ones would be off every screen, and each line is as long
as it is deep."""

_STYLES: dict[Status, str] = {"healthy": "", "degraded": "yellow", "failing": "bold red"}


@overload
def render(health: SystemHealth, *, form: TextForm = "text", limit: int = 20) -> str: ...
@overload
def render(health: SystemHealth, *, form: Literal["rich"], limit: int = 20) -> Any: ...
def render(
    health: SystemHealth, *, form: TextForm | Literal["rich"] = "text", limit: int = 20
) -> Any:
    """See :meth:`ActorSystem.tree`."""
    if not isinstance(limit, int) or limit < 1:
        raise OptionError(option="limit", value=limit, expected="an int of at least 1")
    match form:
        case "text":
            return "\n".join(_text(health, limit))
        case "mermaid":
            return "\n".join(_mermaid(health, limit))
        case "json":
            return health.to_json()
        case "rich":
            return _rich(health, limit)
        case _:  # pyright: ignore[reportUnnecessaryComparison] - callers without a type checker
            raise OptionError(
                option="form", value=form, expected='"text", "mermaid", "json" or "rich"'
            )


# -- what is shown ----------------------------------------------------------------------


@final
@dataclass(frozen=True, slots=True)
class _Row:
    """One actor that is shown, or how many are not."""

    number: int
    parent: int | None
    """The number of the parent's row; None for the root."""
    last: bool
    """Whether it is the last one below its parent."""
    text: str
    status: Status


class _Shown(NamedTuple):
    """What is to become a row; a text for how many are not shown."""

    parent: int
    depth: int
    last: bool
    what: ActorHealth | str


@final
class _View:
    """Chooses what is shown of a picture."""

    def __init__(self, health: SystemHealth, limit: int) -> None:
        self._health = health
        self._limit = limit
        self._troubled: set[int] = set()
        """The ids of those who are not healthy, or have such below them."""
        self._below: dict[int, int] = {}
        """How many are below each, by id."""
        for actor in reversed([*health.tree.walk()]):
            children = actor.children
            self._below[id(actor)] = sum(self._below[id(child)] + 1 for child in children)
            if actor.reason is not None or any(id(each) in self._troubled for each in children):
                self._troubled.add(id(actor))

    def rows(self) -> Iterator[_Row]:
        """Yield the rows, parents before children."""
        root = self._health.tree
        yield _Row(0, None, last=True, text=_summary(self._health), status=root.status)
        left = self._shown_below(root, 0, 1)
        number = 0
        while left:
            parent, depth, last, what = left.pop()
            number += 1
            if isinstance(what, str):
                yield _Row(number, parent, last, what, "healthy")
            else:
                yield _Row(number, parent, last, _line(what), what.status)
                left += self._shown_below(what, number, depth + 1)

    def _shown_below(self, actor: ActorHealth, number: int, depth: int) -> list[_Shown]:
        """List what is shown right below an actor, the last first."""
        children = actor.children
        what: list[ActorHealth | str] = []
        if depth > DEEPEST and children:
            what.append(f"... and {self._below[id(actor)]:,} more below")
        else:
            what += self._chosen(children)
            if len(children) > len(what):
                what.append(f"... and {len(children) - len(what):,} more")
        last = len(what) - 1
        return [_Shown(number, depth, i == last, what[i]) for i in range(last, -1, -1)]

    def _chosen(self, children: tuple[ActorHealth, ...]) -> Iterable[ActorHealth]:
        """Choose some of the children: those with trouble before the others, in their order."""
        if len(children) <= self._limit:
            return children
        places = range(len(children))
        well_last = sorted(places, key=lambda i: id(children[i]) not in self._troubled)
        return [children[i] for i in sorted(well_last[: self._limit])]


# -- one line -------------------------------------------------------------------------------


def _summary(health: SystemHealth) -> str:
    totals = health.totals
    parts = [
        f"{health.system}: {health.status}",
        f"actors {totals.actors:,}",
        f"queued {totals.queued:,}",
        f"dead letters {totals.dead_letters:,}",
        f"restarts {totals.restarts:,}",
    ]
    return ", ".join(parts) + _trouble(health.tree)


def _line(actor: ActorHealth) -> str:
    # A class within a function is named after the function.
    cls = actor.actor_class.rpartition("<locals>.")[2]
    parts = [f"{actor.name} ({cls}) {actor.state}" if cls else f"{actor.name} {actor.state}"]
    if actor.incarnation > 1:
        parts.append(f"incarnation {actor.incarnation}")
    if actor.restarts:
        parts.append(f"restarts {actor.restarts:,}")
    if actor.restarts_in_window is not None:
        window = f"{actor.restarts_in_window} of {actor.intensity} in {actor.period:g} s"
        parts.append(f"children's restarts {window}")
    if actor.mailbox_depth:
        age = f" (oldest {actor.oldest_age:.1f} s)" if actor.oldest_age else ""
        parts.append(f"queue {actor.mailbox_depth:,}{age}")
    return ", ".join(parts) + _trouble(actor)


def _trouble(actor: ActorHealth) -> str:
    if actor.reason is None:
        return ""
    # A supervisor may give a reason of several lines; one actor is one line.
    reason = " ".join(actor.reason.split())
    if actor.degraded is None:
        return f" [{actor.status}: {reason}]"
    rung, left = " ".join(actor.degraded.rung.split()), actor.degraded.rungs_left
    return f" [{actor.status} to {rung}, rungs left {left}: {reason}]"


# -- the forms --------------------------------------------------------------------------------


def _text(health: SystemHealth, limit: int) -> Iterator[str]:
    margins = {0: ""}
    for row in _View(health, limit).rows():
        if row.parent is None:
            yield row.text
            continue
        margin = margins[row.parent]
        margins[row.number] = margin + ("    " if row.last else "│   ")
        yield f"{margin}{'└── ' if row.last else '├── '}{row.text}"


def _mermaid(health: SystemHealth, limit: int) -> Iterator[str]:
    yield "flowchart TD"
    yield "    classDef degraded fill:#fff3bf,stroke:#e67700"
    yield "    classDef failing fill:#ffe3e3,stroke:#c92a2a"
    for row in _View(health, limit).rows():
        mark = "" if row.status == "healthy" else f":::{row.status}"
        yield f'    a{row.number}["{_escaped(row.text)}"]{mark}'
        if row.parent is not None:
            yield f"    a{row.parent} --> a{row.number}"


def _escaped(text: str) -> str:
    """Write all that could mean something to Mermaid as the number of its character."""
    return "".join(each if each.isalnum() or each in " -_.," else f"#{ord(each)};" for each in text)


def _rich(health: SystemHealth, limit: int) -> Any:
    # By name: nothing that the runtime itself imports may need it.
    try:
        text, tree = import_module("rich.text"), import_module("rich.tree")
    except ImportError as error:
        raise MissingExtraError(call='tree(form="rich")', package="rich", extra="rich") from error
    made: dict[int, Any] = {}
    for row in _View(health, limit).rows():
        # Not as markup: a name may hold brackets.
        label = text.Text(row.text, style=_STYLES[row.status])
        made[row.number] = tree.Tree(label) if row.parent is None else made[row.parent].add(label)
    return made[0]
