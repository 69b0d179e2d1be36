"""The page on the protocols of durable patterns shows them as they are."""

import re
import sys
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dramaturg.actors import Message, Request
from dramaturg.protocols import (
    Protocol,
    board_followed,
    board_written,
    delegated,
    durable_delivery,
    durable_publish,
    durable_subscription,
    letter_handled,
    letter_replayed,
    page,
)
from dramaturg.protocols.state_machines import StateMachine, on, transitions
from dramaturg.protocols.workflows import workflow_asked

DOCS = Path(__file__).parents[2] / "docs" / "durable-protocols.md"


class Task(Request[str]):
    """What the page delegates."""

    text: str


class Note(Message, name="page.Note"):
    """What it has as a dead letter."""

    text: str


class Lamp(Enum):
    """Where its machine can be."""

    OFF = 0
    ON = 1


class Press(Request[str]):
    """What its machine is asked."""


class Light(StateMachine[Lamp, None]):
    """Its machine."""

    initial = Lamp.OFF
    table = transitions(
        on(Press).at(Lamp.OFF).to(Lamp.ON).replying(lambda data, event: "bright"),
        on(Press).at(Lamp.ON).to(Lamp.OFF).replying(lambda data, event: "dark"),
    )


def example() -> dict[str, Any]:
    """Run the first program of the page."""
    [block] = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    # Models look up their module.
    module = sys.modules["durable_page"] = ModuleType("durable_page")
    try:
        exec(compile(block, str(DOCS), "exec"), vars(module))  # noqa: S102 - ours
    finally:
        del sys.modules["durable_page"]
    return vars(module)


DECLARED: list[Protocol] = [
    workflow_asked(),
    board_written(),
    board_followed(),
    delegated(Task, str),
    durable_publish(),
    durable_subscription(),
    durable_delivery(),
    letter_handled(),
    letter_replayed(Note),
    Light.protocol(),
]


@pytest.mark.parametrize("protocol", DECLARED, ids=[each.name for each in DECLARED])
def test_the_page_shows_each_protocol_as_it_is(protocol: Protocol) -> None:
    """Paste ``page(protocol, level=3)`` into the docs when this fails."""
    assert page(protocol, level=3) in DOCS.read_text(encoding="utf-8")


def test_the_page_shows_the_protocol_of_its_workflow() -> None:
    checkout = example()["checkout"]

    assert page(checkout.protocol(), level=3) in DOCS.read_text(encoding="utf-8")
