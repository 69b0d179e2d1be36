"""Diagrams and pages: deterministic text, and a page in the docs that cannot go stale."""

import re
from pathlib import Path

import pytest

from dramaturg.actors import Message, Request
from dramaturg.protocols import (
    NOTHING,
    Channels,
    Protocol,
    Role,
    child_life,
    child_restart,
    child_start,
    child_stop,
    death_watch,
    each,
    one_of,
    page,
    parallel,
    request_response,
    request_with_deadline,
    request_with_retry,
    routed_to_all,
    routed_to_one,
    sequence,
    sequence_diagram,
    state_diagram,
    within,
)
from tests.protocols.monitor_kit import TWO_PHASE_COMMIT, Abort, Commit, Prepare, Vote

DOCS = Path(__file__).parents[2] / "docs" / "protocols.md"


class Ask(Request[int]):
    """What the pages of the docs ask with."""

    number: int


class Answer(Message):
    """What they are answered with."""

    number: int


DECLARED: list[Protocol] = [
    request_response(Ask, Answer),
    request_with_deadline(Ask, Answer, seconds=5.0),
    request_with_retry(Ask, Answer, seconds=1.0, attempts=2),
    death_watch(),
    child_life(),
    child_start(),
    child_stop(),
    child_restart(),
    routed_to_one(Ask, Answer),
    routed_to_all(Ask, Answer),
]


def test_every_kind_of_part_is_drawn() -> None:
    a, b = Role("a", serves=True), Role("b", serves=True)
    many = Role("many", many=True, serves=True)
    order = sequence(
        (a >> b @ Prepare).times(1, 2),
        (a >> b @ Commit) | (a >> b @ Abort) | NOTHING,
        parallel(each(many, a >> many @ Vote), one_of(many, a >> many @ Commit)),
        within(2.5, a >> b @ Vote, otherwise=a >> b @ Abort, clock=a),
    )
    protocol = Protocol("all", roles=(a, b, many), order=order)
    assert sequence_diagram(protocol) == (
        "sequenceDiagram\n"
        "    participant a\n"
        "    participant b\n"
        "    participant many as each many\n"
        "    loop 1 to 2 times\n"
        "        a->>b: Prepare\n"
        "    end\n"
        "    alt\n"
        "        a->>b: Commit\n"
        "    else\n"
        "        a->>b: Abort\n"
        "    else nothing\n"
        "    end\n"
        "    par\n"
        "        par for each many\n"
        "            a->>many: Vote\n"
        "        end\n"
        "    and\n"
        "        alt with one many\n"
        "            a->>many: Commit\n"
        "        end\n"
        "    end\n"
        "    critical within 2.5 s by the clock of a\n"
        "        a->>b: Vote\n"
        "    option too late\n"
        "        a->>b: Abort\n"
        "    end\n"
    )


def test_a_state_diagram_shows_the_automaton() -> None:
    assert state_diagram(TWO_PHASE_COMMIT.project("participant")) == (
        "stateDiagram-v2\n"
        "    [*] --> s0\n"
        "    s0 --> s1: ?from coordinator Prepare\n"
        "    s1 --> s2: !to coordinator Vote\n"
        "    s2 --> s3: ?from coordinator Abort\n"
        "    s2 --> s3: ?from coordinator Commit\n"
        "    s3 --> [*]\n"
    )


def test_a_page_has_all_that_was_declared() -> None:
    a, b = Role("a"), Role("b", serves=True)
    protocol = Protocol(
        "asking",
        roles=(a, b),
        order=sequence(a >> b @ Ask, b >> a @ Answer),
        exceptions=((b, a, Channels(may_lose=True)),),
        about="One asks.",
    )
    text = page(protocol)
    assert text.startswith("# asking\n\nOne asks.\n\n| role | |\n|---|---|\n| a | one actor |\n")
    assert "| b | one actor, waits for ever |" in text
    assert "| Ask | a | b | `number: int` |" in text
    assert "From b to a: in order, may be lost, never duplicated." in text
    assert text.count("```mermaid") == 3
    assert text == page(protocol)


@pytest.mark.parametrize("protocol", DECLARED, ids=[each.name for each in DECLARED])
def test_the_docs_show_each_declared_protocol_as_it_is(protocol: Protocol) -> None:
    """Paste ``page(protocol, level=3)`` into the docs when this fails."""
    assert page(protocol, level=3) in DOCS.read_text()


def test_the_examples_in_the_docs_run(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    exec(compile("\n".join(blocks), str(DOCS), "exec"), {"__name__": "docs"})  # noqa: S102 - ours
    assert "unexpected !to participant[/b] Commit" in capsys.readouterr().out
