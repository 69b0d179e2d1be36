"""The tree as text, as a chart and for rich; each golden text is what a user sees."""

import io
import json
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from dramaturg.actors import Actor, ActorSystem, OptionError, UsageError
from dramaturg.actors._errors import MissingExtraError
from dramaturg.actors._health import (
    ActorHealth,
    Degradation,
    HealthTotals,
    Place,
    SystemHealth,
)
from dramaturg.actors._health_recorder import HealthRecorder
from dramaturg.actors._tree_text import DEEPEST, render

ROOT = Place(None, "")
TIME = datetime(2000, 1, 1, tzinfo=UTC)
FORMS = ["text", "mermaid", "json", "rich"]


def actor(
    name: str, *children: ActorHealth, place: Place | None = None, **fields: Any
) -> ActorHealth:
    """Make one with a few fields that matter; places of children are of no matter here."""
    plain: dict[str, Any] = {
        "place": place or Place(ROOT, name),
        "actor_class": "Worker",
        "kind": "loop",
        "state": "running",
        "incarnation": 1,
        "restarts": 0,
        "mailbox_depth": 0,
        "oldest_age": None,
        "status": "healthy",
        "reason": None,
        "degraded": None,
        "restarts_in_window": None,
        "intensity": None,
        "period": None,
        "children": children,
    }
    return ActorHealth(**plain | fields)


def system(*children: ActorHealth, **fields: Any) -> SystemHealth:
    root = actor("", *children, place=ROOT, actor_class="Root", **fields)
    return SystemHealth(
        system="shop",
        status=root.status,
        time=TIME,
        monotonic=0.0,
        totals=HealthTotals(actors=1_003, queued=12, dead_letters=3, restarts=2),
        degraded=tuple(each for each in root.walk() if each.reason is not None),
        tree=root,
    )


def suspended(name: str) -> ActorHealth:
    return actor(name, state="suspended", status="failing", reason="suspended: Crash: it")


def reduced(name: str, **fields: Any) -> ActorHealth:
    degradation = Degradation(
        rung="cached\nprices",
        reason="upstream\nis down",
        since=0.0,
        since_time=TIME,
        rungs_left=1,
    )
    reason = degradation.reason
    return actor(name, status="degraded", reason=reason, degraded=degradation, **fields)


def lines(text: str) -> list[str]:
    return text.splitlines()[1:]


# -- text --------------------------------------------------------------------------------


def test_the_first_line_is_about_the_system() -> None:
    assert render(system()) == (
        "shop: healthy, actors 1,003, queued 12, dead letters 3, restarts 2"
    )


def test_what_is_wrong_with_the_system_stands_in_the_first_line() -> None:
    text = render(system(status="degraded", reason="the system is stopping"))

    assert text.startswith("shop: degraded, ")
    assert text.endswith(" [degraded: the system is stopping]")


def test_the_text_draws_who_is_below_whom() -> None:
    tree = system(actor("a", actor("b", actor("c")), actor("d")), actor("e", actor("f")))

    assert lines(render(tree)) == [
        "├── a (Worker) running",
        "│   ├── b (Worker) running",
        "│   │   └── c (Worker) running",
        "│   └── d (Worker) running",
        "└── e (Worker) running",
        "    └── f (Worker) running",
    ]


@pytest.mark.parametrize(
    ("shown", "line"),
    [
        (actor("a", incarnation=3, restarts=2), "a (Worker) running, incarnation 3, restarts 2"),
        (actor("a", mailbox_depth=1_200), "a (Worker) running, queue 1,200"),
        (actor("a", mailbox_depth=2, oldest_age=0.0), "a (Worker) running, queue 2"),
        (
            actor("a", mailbox_depth=2, oldest_age=3.25),
            "a (Worker) running, queue 2 (oldest 3.2 s)",
        ),
        (
            actor("a", restarts_in_window=1, intensity=5, period=60.0),
            "a (Worker) running, children's restarts 1 of 5 in 60 s",
        ),
        (suspended("a"), "a (Worker) suspended [failing: suspended: Crash: it]"),
        (
            reduced("a"),
            "a (Worker) running [degraded to cached prices, rungs left 1: upstream is down]",
        ),
        (
            reduced("a", actor_class="", state="stopped"),
            "a stopped [degraded to cached prices, rungs left 1: upstream is down]",
        ),
        (actor("a", actor_class="test.<locals>.Worker"), "a (Worker) running"),
    ],
    ids=["restarted", "queue", "new", "old", "supervisor", "suspended", "reduced", "lost", "local"],
)
def test_a_line_says_what_is_not_as_usual(shown: ActorHealth, line: str) -> None:
    assert lines(render(system(shown))) == [f"└── {line}"]


def test_of_many_children_the_first_are_shown_and_the_others_counted() -> None:
    text = lines(render(system(*(actor(f"w{i}") for i in range(1000)))))

    assert len(text) == 21
    assert text[19:] == ["├── w19 (Worker) running", "└── ... and 980 more"]


def test_the_limit_is_how_many_children_are_shown() -> None:
    tree = system(actor("a", actor("b"), actor("c"), actor("d")))

    assert lines(render(tree, limit=2)) == [
        "└── a (Worker) running",
        "    ├── b (Worker) running",
        "    ├── c (Worker) running",
        "    └── ... and 1 more",
    ]
    assert "more" not in render(tree, limit=3)


def test_children_with_trouble_in_or_below_them_are_shown_before_others() -> None:
    tree = system(actor("a"), actor("b"), actor("c", suspended("d")), actor("e"), suspended("f"))

    assert lines(render(tree, limit=3)) == [
        "├── a (Worker) running",
        "├── c (Worker) running",
        "│   └── d (Worker) suspended [failing: suspended: Crash: it]",
        "├── f (Worker) suspended [failing: suspended: Crash: it]",
        "└── ... and 2 more",
    ]


def deep(levels: int) -> SystemHealth:
    shown = actor("d")
    for _ in range(levels - 1):
        shown = actor("d", shown)
    return system(shown)


def test_what_is_too_deep_for_any_screen_is_counted() -> None:
    text = lines(render(deep(10_000)))

    assert len(text) == DEEPEST + 1
    assert text[-1].strip() == f"└── ... and {10_000 - DEEPEST:,} more below"
    assert "more" not in render(deep(DEEPEST))


async def test_a_real_system_is_drawn() -> None:
    class Clerk(Actor):
        pass

    class Shop(Actor):
        def __init__(self) -> None:
            self.context.spawn(Clerk, name="ann")

    async with ActorSystem("town") as town:
        town.spawn(Shop, name="shop")
        text = render(HealthRecorder(town).picture())

    assert text == (
        "town: healthy, actors 2, queued 0, dead letters 0, restarts 0\n"
        "└── shop (Shop) running\n"
        "    └── ann (Clerk) running"
    )


# -- the other forms -----------------------------------------------------------------------


def test_the_chart_has_a_box_for_each_actor_and_an_arrow_from_its_parent() -> None:
    tree = system(actor("a", reduced("b")), suspended("c"))

    assert render(tree, form="mermaid").splitlines() == [
        "flowchart TD",
        "    classDef degraded fill:#fff3bf,stroke:#e67700",
        "    classDef failing fill:#ffe3e3,stroke:#c92a2a",
        '    a0["shop#58; healthy, actors 1,003, queued 12, dead letters 3, restarts 2"]',
        '    a1["a #40;Worker#41; running"]',
        "    a0 --> a1",
        (
            '    a2["b #40;Worker#41; running #91;degraded to cached prices,'
            ' rungs left 1#58; upstream is down#93;"]:::degraded'
        ),
        "    a1 --> a2",
        (
            '    a3["c #40;Worker#41; suspended #91;failing#58; suspended#58; Crash#58; it#93;"]'
            ":::failing"
        ),
        "    a0 --> a3",
    ]


def test_no_name_can_break_out_of_its_box() -> None:
    chart = render(system(actor('"]-->x%%{`<b>#quot;;é')), form="mermaid")

    (line,) = (line for line in chart.splitlines() if line.startswith("    a1["))
    name = "#34;#93;--#62;x#37;#37;#123;#96;#60;b#62;#35;quot#59;#59;é"
    assert line == f'    a1["{name} #40;Worker#41; running"]'


def test_a_chart_may_be_limited_too() -> None:
    chart = render(system(*(actor(f"w{i}") for i in range(5))), form="mermaid", limit=2)

    assert '    a3["... and 3 more"]' in chart.splitlines()
    assert "w2" not in chart


def test_the_json_is_that_of_the_picture_and_whole() -> None:
    tree = system(*(actor(f"w{i}") for i in range(50)))

    text = render(tree, form="json", limit=1)

    assert json.loads(text) == tree.to_dict()
    assert len(json.loads(text)["actors"]) == 51


def printed(renderable: Any) -> str:
    out = io.StringIO()
    Console(file=out, width=400, force_terminal=False).print(renderable)
    return out.getvalue()


def test_rich_prints_the_same_lines() -> None:
    tree = system(actor("a", actor("b"), actor("[bold]c")), suspended("d"))

    text = printed(render(tree, form="rich"))

    assert [line.rstrip() for line in text.splitlines()] == render(tree).splitlines()


def test_rich_shows_trouble_in_colour() -> None:
    tree: Any = render(system(actor("a"), reduced("b"), suspended("c")), form="rich")

    assert [child.label.style for child in tree.children] == ["", "yellow", "bold red"]


def test_rich_draws_deep_trees_too() -> None:
    assert "more below" in printed(render(deep(10_000), form="rich"))


def test_without_rich_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich.tree", None)

    with pytest.raises(MissingExtraError) as caught:
        render(system(), form="rich")

    assert (caught.value.package, caught.value.extra) == ("rich", "rich")
    assert "pip install 'dramaturg[rich]'" in str(caught.value)
    assert isinstance(caught.value, UsageError)
    assert isinstance(caught.value, ImportError)
    assert isinstance(caught.value.__cause__, ImportError)


@pytest.mark.parametrize("form", ["html", "", None, 7, ["text"]])
def test_a_form_that_is_not_there_is_refused(form: Any) -> None:
    with pytest.raises(OptionError) as caught:
        render(system(), form=form)

    assert (caught.value.option, caught.value.value) == ("form", form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("limit", [0, -1, 2.5, "20", None])
def test_a_limit_that_cannot_be_is_refused(form: Any, limit: Any) -> None:
    with pytest.raises(OptionError) as caught:
        render(system(), form=form, limit=limit)

    assert (caught.value.option, caught.value.value) == ("limit", limit)
