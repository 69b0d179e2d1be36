"""An incident as a test file: what it looks like, and that it fails as long as the bug is there."""

import ast
import asyncio
import datetime as dt
import subprocess
import sys
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from dramaturg.actors import Actor, ActorSystem, handler
from dramaturg.protocols import ExportError, Recorder, Recording, RecordingError
from dramaturg.protocols.testing import Faults, Simulation
from tests.protocols.testing import incident_shop, incident_values
from tests.protocols.testing.incident_shop import careful, never_negative, sold_twice
from tests.protocols.testing.incident_values import (
    Box,
    Hand,
    Outer,
    Outside,
    Parcel,
    Size,
    box,
)

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[2]
GOLDEN = HERE / "test_incident_exported.py"
WHEN = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
BIN = Path(sys.executable).parent

pytestmark = pytest.mark.usefixtures("unread_errors")


async def recorded(*messages: object, requests: bool = False) -> Recording:
    """Record what comes to a box from outside."""
    async with ActorSystem("post") as system:
        with Recorder().attach(system) as recorder:
            ref = system.spawn(Box, name="box")
            for message in messages:
                if requests:
                    await ref.request(message)
                else:
                    ref.tell(ref if message is Hand else message)
            await ref.request("last")
            return recorder.recording()


def dated(recording: Recording) -> Recording:
    return Recording(recording.entries, system=recording.system, began=WHEN)


def body_of(text: str) -> list[str]:
    """Return the lines of a test without the times, which differ from run to run."""
    return [line for line in text.splitlines() if "Outside(0" not in line]


# -- end to end --------------------------------------------------------------------------

MODULE = (HERE / "incident_shop.py").read_text(encoding="utf-8")
FIXED = MODULE.replace("open_shop(sim.system, Clerk)", "open_shop(sim.system, CarefulClerk)")


def run_pytest(directory: Path, *names: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *names]
    return subprocess.run(
        command, cwd=directory, check=False, capture_output=True, text=True, timeout=50
    )


async def test_an_exported_test_fails_until_the_bug_is_fixed(tmp_path: Path) -> None:
    assert FIXED != MODULE
    recording = await sold_twice(file=tmp_path / "shop.recording")
    assert recording.entries == Recording.load(tmp_path / "shop.recording").entries
    test = recording.to_test(tmp_path / "test_exported.py", incident_shop.racy)
    # The shop as a module of its own, to be edited.
    source = test.read_text(encoding="utf-8").replace("tests.protocols.testing.", "")
    test.write_text(source, encoding="utf-8")
    module = tmp_path / "incident_shop.py"

    module.write_text(MODULE, encoding="utf-8")
    red = run_pytest(tmp_path, test.name)
    assert red.returncode == 1, red.stdout
    assert "test_store_does_not_fail_with_sold_twice_error" in red.stdout
    assert "/store failed with SoldTwiceError()" in red.stdout

    module.write_text(FIXED, encoding="utf-8")
    green = run_pytest(tmp_path, test.name)
    assert green.returncode == 0, green.stdout


async def test_the_text_is_that_of_a_file_that_all_checks_see(tmp_path: Path) -> None:
    recording = dated(await sold_twice())
    path = recording.to_test(tmp_path / "test_x.py", careful, at_rest=never_negative)

    assert body_of(path.read_text()) == body_of(GOLDEN.read_text())


@pytest.mark.skipif(not (BIN / "ruff").exists(), reason="ruff is for development")
@pytest.mark.parametrize("width", [88, 100])
def test_it_is_formatted_and_clean(tmp_path: Path, width: int) -> None:
    path = tmp_path / "test_values.py"
    recording = asyncio.run(recorded(*EVERYTHING))
    recording.to_test(path, box, faults=Faults(crashes={"/box": 1}))

    for command in (["format", "--diff"], ["check", "--select=E,F,I,W,UP,N,RUF,C4,SIM,Q,ISC"]):
        done = subprocess.run(
            [BIN / "ruff", *command, "--isolated", f"--line-length={width}", path],
            check=False,
            capture_output=True,
            text=True,
            timeout=50,
            cwd=CHECKOUT,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert str(CHECKOUT) not in path.read_text()
    assert str(tmp_path) not in path.read_text()


# -- values ------------------------------------------------------------------------------

PARCEL = Parcel(
    size=Size.LARGE,
    price=Decimal("9.90"),
    sent=WHEN,
    within=dt.timedelta(days=2),
    id=UUID(int=7),
    tags=frozenset({"b", "a"}),
    places={"x": (1,), 'a "quoted" one': ()},
    inner=Outer.Inner("it's"),
    note="long " * 40,
)
EVERYTHING: tuple[object, ...] = (
    PARCEL,
    Outside(number=3),
    {"nan": float("inf"), "none": None},
    [True, -1, 2.5, b"bytes", 'say "it\'s"', "tab\t"],
    {1, 2},
    (set[int](), frozenset[int]()),
    2**80,
    Size,
    incident_values.Outside,
)


async def test_messages_are_rebuilt_as_they_were(tmp_path: Path) -> None:
    path = (await recorded(*EVERYTHING)).to_test(tmp_path / "test_x.py", box)

    names: dict[str, Any] = {}
    exec(compile(path.read_text(), "exported", "exec"), names)  # noqa: S102 - what was exported
    made = [each.message for each in names["OUTSIDE"]]
    assert made == [*EVERYTHING, "last"]
    assert [each.asks for each in names["OUTSIDE"]] == [False] * len(EVERYTHING) + [True]
    names["test_incident"]()


async def test_messages_with_refs_are_made_when_the_actors_are_there(tmp_path: Path) -> None:
    path = (await recorded(Hand)).to_test(tmp_path / "test_x.py", box)

    text = path.read_text()
    assert "def outside(ref: RefAt) -> list[Outside]:\n    return [\n" in text
    assert 'ref("/box")' in text
    names: dict[str, Any] = {}
    exec(compile(text, "exported", "exec"), names)  # noqa: S102 - what was exported
    names["test_incident"]()


async def test_the_incident_may_be_any_entry(tmp_path: Path) -> None:
    recording = await recorded("a", "b", "c", requests=True)
    entry = next(each for each in recording if str(each.message) == "'b'")
    path = recording.to_test(tmp_path / "test_x.py", box, around=entry)

    tree = ast.parse(path.read_text())
    assert '"a"' in ast.unparse(tree).replace("'", '"')
    assert "'c'" not in ast.unparse(tree)


async def test_recorded_crashes_are_in_the_schedule_if_their_budget_is_given(
    tmp_path: Path,
) -> None:
    recording = await sold_twice()
    path = recording.to_test(
        tmp_path / "test_x.py", careful, faults=Faults(crashes={"/store": 1}), around=recording[-1]
    )

    text = path.read_text()
    assert '    "crash /store #0",\n' in text
    assert "crash /ann" not in text
    assert 'faults=Faults(crashes={"/store": 1}),' in text


async def test_what_had_made_room_is_told(tmp_path: Path) -> None:
    recording = await recorded("a", "b", "c", requests=True)
    cut = Recording(recording.entries, system="s", began=WHEN, dropped=9)
    text = cut.to_test(tmp_path / "test_x.py", box).read_text()
    assert "9 earlier entries are missing: they had made room." in text


# -- bad input ---------------------------------------------------------------------------


class Unknown:
    """Cannot be taken apart."""


def local_setup() -> Any:
    def setup(sim: Simulation) -> None: ...

    return setup


@pytest.mark.parametrize(
    "scenario",
    [
        "no_such_module_here:function",
        "tests.protocols.testing.incident_values:nobody",
        "tests.protocols.testing.incident_values",
        "tests.protocols.testing.incident_values:__name__",
        "xy",
        ".xy:z",
        local_setup(),
        partial(incident_values.box),
    ],
)
async def test_a_scenario_that_no_test_can_import_is_refused(tmp_path: Path, scenario: Any) -> None:
    recording = await recorded("a")
    with pytest.raises(RecordingError):
        recording.to_test(tmp_path / "test_x.py", scenario)
    assert not (tmp_path / "test_x.py").exists()


async def test_a_message_that_cannot_be_rebuilt_is_named(tmp_path: Path) -> None:
    recording = await recorded(Unknown())
    with pytest.raises(RecordingError, match="Unknown is neither plain data nor a model"):
        recording.to_test(tmp_path / "test_x.py", box)


async def test_a_message_of_a_local_class_is_refused(tmp_path: Path) -> None:
    class Local(Actor):
        @handler
        def take(self, message: object) -> None: ...

    recording = await recorded(Local)
    with pytest.raises(RecordingError, match="no name that could be imported"):
        recording.to_test(tmp_path / "test_x.py", box)


async def test_a_recording_without_messages_from_outside_is_refused(tmp_path: Path) -> None:
    recording = await recorded("a")
    with pytest.raises(RecordingError, match="nothing came from outside"):
        recording[:1].to_test(tmp_path / "test_x.py", box)
    with pytest.raises(RecordingError, match="empty"):
        recording[:0].to_test(tmp_path / "test_x.py", box)
    with pytest.raises(RecordingError, match="not in the recording"):
        recording[:1].to_test(tmp_path / "test_x.py", box, around=recording[2])


async def test_a_test_that_is_there_is_replaced_only_if_one_says_so(tmp_path: Path) -> None:
    path = tmp_path / "test_x.py"
    path.write_text("edited by hand", encoding="utf-8")
    recording = await recorded("a")

    with pytest.raises(ExportError, match="is there already; expected another path") as raised:
        recording.to_test(path, box)
    assert raised.value.path == str(path)
    assert path.read_text(encoding="utf-8") == "edited by hand"

    recording.to_test(path, box, overwrite=True)
    assert "replay_incident" in path.read_text(encoding="utf-8")


async def test_a_directory_that_is_not_there_is_named_and_not_made(tmp_path: Path) -> None:
    recording = await recorded("a")
    with pytest.raises(ExportError) as raised:
        recording.to_test(tmp_path / "testing" / "test_x.py", box)
    assert raised.value.path == str(tmp_path / "testing")
    assert not (tmp_path / "testing").exists()


async def test_two_things_of_one_name_are_told_apart_if_they_can_be(tmp_path: Path) -> None:
    path = (await recorded(Outside(1))).to_test(tmp_path / "test_x.py", box)
    text = path.read_text()
    assert "from tests.protocols.testing import incident_values\n" in text
    assert "incident_values.Outside(number=1)" in text
