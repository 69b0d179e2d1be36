"""Each small example is run as its docstring says, and prints what is expected."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent.parent

GAVE_UP = "RestartLimitReached: %s gave up: more than %d restarts within 5 s, the last one of"

EXPECTED: dict[str, list[object]] = {
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
    "retry_and_dead_letters": [
        "settled: 0",
        "Ada, attempt 1: no answer",
        "Ada, attempt 2: no answer",
        "Ada, attempt 3: no answer",
        "Grace, attempt 1: no answer",
        "Grace, attempt 2: no answer",
        "Grace, attempt 3: no answer",
        "Ada was not charged: /cashier (incarnation 1) failed: ConnectionError: no answer",
        "Grace was not charged: /cashier (incarnation 2) failed: ConnectionError: no answer",
        "settled: 1",
        "Ada, attempt 1: no answer",
        "Ada is charged",
    ],
    "one_for_one": [
        "/bakery/oven, incarnation 1, ends (failed: ValueError: broken)",
        "/bakery/oven, incarnation 2, starts",
        "oven works on bread",
        "mixer works on bread",
        "slicer works on bread",
    ],
    "one_for_all": [
        "/bakery/oven, incarnation 1, ends (failed: ValueError: broken)",
        "/bakery/slicer, incarnation 1, ends (shutdown)",
        "/bakery/mixer, incarnation 1, ends (shutdown)",
        "/bakery/mixer, incarnation 2, starts",
        "/bakery/oven, incarnation 2, starts",
        "/bakery/slicer, incarnation 2, starts",
        "oven works on bread",
        "mixer works on bread",
        "slicer works on bread",
    ],
    "rest_for_one": [
        "/bakery/oven, incarnation 1, ends (failed: ValueError: broken)",
        "/bakery/slicer, incarnation 1, ends (shutdown)",
        "/bakery/oven, incarnation 2, starts",
        "/bakery/slicer, incarnation 2, starts",
        "oven works on bread",
        "mixer works on bread",
        "slicer works on bread",
    ],
    "pool": [
        "/pool, incarnation 1, starts",
        "/pool/session-1, incarnation 1, starts",
        "/pool/grace, incarnation 1, starts",
        "/pool/session-1, incarnation 1, ends (failed: ValueError: that was too much)",
        "/pool/session-1, incarnation 2, starts",
        "Welcome, Ada",
        "/pool/grace, incarnation 1, ends (shutdown)",
        "active: 1",
    ],
    "backoff": [
        "0 s: attempt 1",
        "1 s: attempt 2",
        "3 s: attempt 3",
        "7 s: attempt 4",
        "15 s: attempt 5",
        "15 s: up",
    ],
    "degradation": [
        "a CD costs 12",
        "ActorCrashed: the service is down",
        "ActorCrashed: the service is down",
        "degraded to rung 1",
        "a CD cost 11 yesterday",
        "ActorCrashed: the cache is broken",
        "ActorCrashed: the cache is broken",
        "degraded to rung 2",
        "Refused: no prices at the moment",
        "recovered: a book costs 12",
    ],
    "escalation": [
        "/house/room gives up on lamp",
        "/house/room gives up on lamp",
        "/house gives up on room",
        f"{GAVE_UP % ('/house', 1)} 'room'",
        f"{GAVE_UP % ('/house/room', 2)} 'lamp'",
        "RuntimeError: short circuit",
    ],
    "health": [
        "before: healthy",
        "after: degraded",
        "/shop/till: PaperAndPencil stands in",
        "dead letters: 1",
        ...,  # the tree, whose form is the library's business
    ],
    "circuit_breaker": [
        "0 s: ActorCrashed",
        "0 s: ActorCrashed",
        "0 s: CircuitOpen",
        "30 s: charged 100",
        "30 s: charged 100",
    ],
    "bulkhead": [
        "turned away: the bulkhead /guarded is full: 1 in flight and 2 waiting",
        "charged 1",
        "charged 2",
        "charged 3",
    ],
    "extraction_pipeline": [
        "mail-1: 3, due 2026-12-01",
        "mail-2: no number: one box, then",
        "mail-2: 1, due any day",
        "mail-3: 0, due any day",
    ],
    "customer_fan_out": [
        "address: Ada's house",
        "credit: Ada is good for it (attempt 2)",
        "orders: 3",
        "mood: nobody knows how Ada feels",
    ],
    "order_saga": [
        "in flight: ('1', '2')",
        "1 shipped",
        "refund 300 for gold",
        "2 compensated since ship: Refused: no truck",
        "charged in the end: 300",
    ],
    "entities_on_a_blackboard": [
        "version 2: Acme has 120",
        "a web page comes too late: 'company/acme' has version 2; the writer expected 1",
        "before that: Company(name='Acme', people=None)",
    ],
    "task_delegation": [
        "Good day",
        "H-u-t",
        "Much",
        (
            "handed up: /desk/agents/Summariser (incarnation 1) failed: IndexError: list index out"
            " of range"
        ),
        "/desk/agents/Translator: 3 tasks, 2 failures",
        "/desk/agents/Speller: 1 tasks, 0 failures",
        "/desk/agents/Summariser: 2 tasks, 1 failures",
    ],
    "topics": [
        "europe: Placed(number=1)",
        "published: 4 dropped: 2",
        "billing: Paid(number=2)",
        "billing: Paid(number=1)",
        "europe: Paid(number=1)",
        "display: Placed(number=1)",
        "display: Paid(number=1)",
    ],
    "order_state_machine": [
        "/order-7 in NEW: Pay is held off by is_all; allowed: Pay, Ship, state timeout",
        "(Ship(),) and 0:20:00 left",
        "receipt /order-7/3/0",
        "(('NEW', Pay(cents=1200), 'PAID'), ('PAID', Ship(), 'SHIPPED'))",
    ],
}


EXPLORED: dict[str, list[str]] = {
    "two_phase_commit": [
        "every state of the model: pass",
        "silence is consent: fail: all or none",
        "actors: pass",
        "silence is consent: fail",
        "always all or none",
        "replay: v1:",
    ],
    "alternating_bit": [
        "every state of the model: pass",
        "the wrong bit: fail: in time",
        "runs of the model: pass",
        "the wrong bit: fail",
        "always in time",
        "replay: v1:",
        "actors: pass",
        "the wrong bit: fail",
        "replay: v1:",
    ],
    "lease_with_fencing": [
        "checked: pass",
        "trusting: fail",
        "always in turn",
        "replay: v1:",
    ],
    "storefront_conversation": [
        "in time: pass",
        "too late, asked again: pass",
        "too late, taken for a no: fail",
        "always paid, and gone",
        "replay: v1:",
    ],
}
"""Examples of exploring, with the beginnings of some of their lines; the rest is a diagram. Each
has tests of its own beside this file."""


def printed_by(name: str) -> list[str]:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-m", f"examples.{name}"],
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_prints_what_is_expected(name: str) -> None:
    expected = EXPECTED[name]
    printed: list[object] = [*printed_by(name)]
    if expected[-1] is ...:
        assert len(printed) > len(expected)
        printed[len(expected) - 1 :] = [...]
    assert printed == expected


@pytest.mark.parametrize("name", EXPLORED)
def test_an_exploring_example_tells_its_verdicts_and_how_to_replay(name: str) -> None:
    printed = iter(printed_by(name))

    for beginning in EXPLORED[name]:
        assert any(line.startswith(beginning) for line in printed), beginning


def test_every_example_is_run() -> None:
    files = {path.stem for path in (CHECKOUT / "examples").glob("*.py")}

    assert files - {"__init__"} == {*EXPECTED, *EXPLORED}


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_fits_on_a_page(name: str) -> None:
    lines = (CHECKOUT / "examples" / f"{name}.py").read_text().splitlines()

    assert len(lines) <= 72
