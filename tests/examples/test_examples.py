"""Each small example is run as its docstring says, and prints what is expected."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent.parent

EXPECTED = {
    "hello": ["Hello, Ada!", "Hello, Grace!", "greeted: 2"],
    "threads": ["balance: 400"],
    "request_reply": [
        "the answer is 3",
        "refused: 8 is no square number {'nearest': 4}",
        "no answer: ActorCrashed caused by ValueError('isqrt() argument must be nonnegative')",
        "no answer: DeadlineExceeded caused by None",
    ],
    "timers": ["tick 1", "tick 2", "tick 3", "quiet now"],
    "stash_and_become": ["stashed: a", "stashed: b", "open", "['a: 42', 'b: 42']", "c: 42"],
    "routers": [
        "$a: Welcome, Ada",
        "$b: Welcome, Grace",
        "$a: Welcome, Ada",
        "the same clerk for the same customer: True",
    ],
    "watch": [
        "steady runs 5 laps",
        "/trainer/steady has ended: normally",
        "/trainer/stumbler has ended: stumbled",
    ],
    "blocking": ["pykka's actor got a string", "went in already: False", "went in"],
    "dead_letters": [
        "/notebook: Note(text='buy bread') (stopped)",
        "/notebook: Note(text='call Ada') (stopped)",
        "sent again: 2",
        "read: ('buy bread', 'call Ada')",
        "left: 0",
    ],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_prints_what_is_expected(name: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-m", f"examples.{name}"],
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == EXPECTED[name]


def test_every_example_is_run() -> None:
    files = {path.stem for path in (CHECKOUT / "examples").glob("*.py")}

    assert files - {"__init__"} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_fits_on_a_page(name: str) -> None:
    lines = (CHECKOUT / "examples" / f"{name}.py").read_text().splitlines()

    assert len(lines) <= 60
