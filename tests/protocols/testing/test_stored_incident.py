"""What a journal holds as a test: it fails as long as the bug is there, and passes when mended."""

import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from dramaturg.actors import (
    ActorSystem,
    EncodeError,
    JournalUnavailable,
    OptionError,
    Props,
    Refused,
    SqliteJournal,
)
from dramaturg.protocols import ExportError, RecordingError
from dramaturg.protocols.testing import (
    Happened,
    ScenarioError,
    Simulation,
    StoredIncident,
    replay_stored,
)
from dramaturg.protocols.workflows import WorkflowFailed
from tests.actors.kit import within
from tests.protocols.testing import incident_bank
from tests.protocols.testing.incident_bank import (
    Account,
    Balance,
    Deposit,
    Deposited,
    Lamp,
    Light,
    Named,
    Order,
    Press,
    Snapshotting,
    Strict,
    Till,
    Withdraw,
    Withdrawn,
    checkout,
    dear,
    not_negative,
    open_named,
    open_nobody,
    open_till,
    patient,
)

HERE = Path(__file__).parent
MODULE = (HERE / "incident_bank.py").read_text(encoding="utf-8")
PLACE = incident_bank.__name__
BIN = Path(sys.executable).parent

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("unread_errors")]


@contextlib.asynccontextmanager
async def bank(folder: Path) -> AsyncGenerator[ActorSystem]:
    async with ActorSystem("bank", journal=SqliteJournal(folder / "bank.db")) as system:
        yield system


async def overdrawn(folder: Path, kind: Any = Account) -> Path:
    """Let an account pay out what it does not have."""
    async with bank(folder) as system:
        account = system.spawn(kind)
        await within(account.request(Deposit(cents=10)))
        await within(account.request(Withdraw(cents=50)))
    return folder / "bank.db"


async def ordered(folder: Path, cents: int, flow: Any = checkout) -> Path:
    async with bank(folder) as system:
        system.spawn(Till, name="till")
        with contextlib.suppress(WorkflowFailed):
            await within(flow.run(system, Order(cents=cents), id="order/7"))
    return folder / "bank.db"


def loaded(file: Path, owner: Any, name: str = "account-ann", **options: Any) -> StoredIncident:
    return StoredIncident.load(file, name, owner, **options)


def flow_of(file: Path, name: str, **options: Any) -> StoredIncident:
    return StoredIncident.load(file, "order/7", f"{PLACE}:{name}", **options)


# -- end to end --------------------------------------------------------------------------


MENDED = {
    "> 10 * self.state.cents": "> self.state.cents",
    "if found.cents < 0": "if found.cents < -100",
    "100 // (request.cents - 7)": "request.cents",
}


def ran(folder: Path, module: str) -> str:
    """Run the tests of a folder in a process of its own, on a module that is as it is given."""
    (folder / "incident_bank.py").write_text(module, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        command,
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=50,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    return done.stdout


async def test_exported_tests_fail_until_the_bugs_are_mended(tmp_path: Path) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    file = await overdrawn(tmp_path)
    await ordered(tmp_path, 7)
    undone = flow_of(file, "checkout")
    assert (undone.ended, undone.is_cut) == ("compensated", True)
    undone.to_test(folder / "test_undone.py", setup=open_till)
    loaded(file, Strict).to_test(folder / "test_recovery.py")
    loaded(file, Account, upto=1).to_test(
        folder / "test_command.py", asks=[Withdraw(cents=50)], holds=not_negative
    )
    for test in folder.iterdir():
        # The bank as a module of its own, to be edited.
        source = test.read_text(encoding="utf-8").replace("tests.protocols.testing.", "")
        test.write_text(source, encoding="utf-8")

    red = ran(folder, MODULE)
    assert "3 failed" in red, red
    for told in (
        "test_account_ann_is_not_negative",
        "state: Balance(cents=-40)",
        "test_account_ann_does_not_fail_with_recovery_failed",
        "cannot recover at event 2: ValueError: below zero",
        "test_order_7_does_not_end_compensated",
        "compensated: charge: ActorCrashed",
    ):
        assert told in red

    module = MODULE
    for bug, right in MENDED.items():
        assert bug in module
        module = module.replace(bug, right)
    assert "3 passed" in ran(folder, module)


# -- what the file looks like ------------------------------------------------------------


def body_of(test: Path) -> list[str]:
    """Return the lines of a test without those that hold times."""
    lines = test.read_text(encoding="utf-8").splitlines()
    return [each for each in lines if "last stored" not in each and "Happened(1" not in each]


async def test_the_file_is_meant_to_be_read(tmp_path: Path) -> None:
    incident = loaded(await overdrawn(tmp_path), f"{PLACE}:Account")
    test = incident.to_test(tmp_path / "test_it.py", asks=[Deposit(cents=1)])

    assert body_of(test) == [
        '"""An incident in bank.db: Account account-ann.',
        "",
        "Written by `StoredIncident.to_test`; it fails when something else comes of it.",
        '"""',
        "",
        "from dramaturg.protocols.testing import Happened, replay_stored",
        "from tests.protocols.testing.incident_bank import (",
        "    Account,",
        "    Balance,",
        "    Deposit,",
        "    Deposited,",
        "    Withdrawn,",
        ")",
        "",
        "EVENTS = [",
        "]",
        "",
        "",
        "def test_account_ann_is_as_it_was() -> None:",
        '    replayed = replay_stored(Account, "account-ann", EVENTS, asks=[Deposit(cents=1)])',
        "",
        "    assert replayed.errors == (), str(replayed)",
        "    assert replayed.state == Balance(cents=-39), str(replayed)",
        "    assert replayed.answers == (Balance(cents=-39),), str(replayed)",
    ]
    assert ", Deposited(cents=10))," in test.read_text(encoding="utf-8")


async def test_records_stand_there_as_bytes_below_what_they_say(tmp_path: Path) -> None:
    incident = flow_of(await ordered(tmp_path, 9), "checkout")
    text = incident.to_test(tmp_path / "test_it.py", setup=open_till).read_text(encoding="utf-8")

    for line in (
        "    # 1: begun with Order(cents=9) (version 1)",
        "    # 4: charge: attempt 1 intended",
        "    # 6: completed: 'charged 50'",
        '    assert replayed.status == "completed", str(replayed)',
    ):
        assert f"{line}\n" in text


def check_with_ruff(folder: Path, *command: str) -> None:
    done = subprocess.run(
        [BIN / "ruff", *command, "--isolated", folder],
        check=False,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not (BIN / "ruff").exists(), reason="ruff is for development")
async def test_it_is_formatted_and_clean(tmp_path: Path) -> None:
    flow_of(await ordered(tmp_path, 7), "checkout").to_test(
        tmp_path / "test_flow.py", setup=open_till
    )
    await overdrawn(tmp_path)
    loaded(tmp_path / "bank.db", Account).to_test(
        tmp_path / "test_account.py", asks=[Deposit(cents=1)] * 9, holds=not_negative
    )
    for command in (["format", "--diff"], ["check", "--select=E,F,W,UP,N,RUF,C4,SIM,Q,ISC"]):
        check_with_ruff(tmp_path, *command)


# -- what is replayed --------------------------------------------------------------------

PAST = [Happened(1.7e9, Deposited(cents=10)), (1.7e9 + 1, Withdrawn(cents=4))]


def test_an_actor_recovers_and_goes_on() -> None:
    replayed = replay_stored(
        Account, "account-ann", PAST, asks=[Withdraw(cents=1), Withdraw(cents=1_000)]
    )

    assert replayed.state == Balance(cents=5)
    assert replayed.answers[0] == Balance(cents=5)
    assert isinstance(replayed.answers[1], Refused)
    assert replayed.errors == ("Refused",)
    assert "state: Balance(cents=5)" in str(replayed)
    assert "Withdraw(cents=1)" in replayed.diagram()
    assert "Withdraw" in replayed.mermaid()


def test_an_actor_recovers_from_a_snapshot() -> None:
    replayed = replay_stored(
        Account, "account-ann", PAST, state=Balance(cents=100), after=7, asks=[Deposit(cents=1)]
    )

    assert replayed.state == Balance(cents=107)


def test_a_setup_makes_the_actor_with_its_arguments() -> None:
    assert replay_stored(Named, "account-ann", PAST, setup=open_named).state == Balance(cents=6)


def test_the_clock_begins_when_the_last_event_was_stored() -> None:
    times: list[float] = []

    def setup(sim: Simulation) -> None:
        times.append(sim.system.clock.time().timestamp())
        sim.system.spawn(Account)

    replay_stored(Account, "account-ann", PAST, setup=setup)

    assert times == [1.7e9 + 1]


async def test_events_that_were_deleted_are_in_the_snapshot(tmp_path: Path) -> None:
    file = await overdrawn(tmp_path, Snapshotting)
    async with bank(tmp_path) as system:
        await within(system.spawn(Snapshotting).request(Deposit(cents=5)))
    incident = loaded(file, Snapshotting)

    assert (incident.after, len(incident.events)) == (2, 1)
    assert incident.replay().state == Balance(cents=-35)
    test = incident.to_test(tmp_path / "test_it.py").read_text(encoding="utf-8")
    assert "STATE = Balance(cents=-40)\n" in test
    assert "state=STATE," in test
    with pytest.raises(RecordingError, match="no snapshot is as old"):
        loaded(file, Snapshotting, upto=1)


async def test_a_machine_is_in_the_state_in_which_it_was(tmp_path: Path) -> None:
    async with bank(tmp_path) as system:
        await within(system.spawn(Light).request(Press()))
    incident = loaded(tmp_path / "bank.db", Light, "light")

    assert incident.replay(asks=[]).state is Lamp.ON
    test = incident.to_test(tmp_path / "test_it.py", asks=[Press()])
    text = test.read_text(encoding="utf-8")
    assert "    assert replayed.state == Lamp.OFF, str(replayed)\n" in text
    assert '    assert replayed.answers == ("dark",), str(replayed)\n' in text


async def test_an_instance_that_is_stuck_is_undone_again(tmp_path: Path) -> None:
    incident = flow_of(await ordered(tmp_path, 2_000, dear), "dear")

    assert incident.ended == "stuck"
    replayed = incident.replay()
    assert replayed.status == "stuck"
    assert "fail: ConnectionError" in str(replayed)


async def test_an_instance_that_waits_is_running(tmp_path: Path) -> None:
    async with bank(tmp_path) as system:
        await within(patient.start(system, id="order/7"))
    incident = flow_of(tmp_path / "bank.db", "patient")

    replayed = incident.replay()

    assert (replayed.status, replayed.error, replayed.errors) == ("running", None, ())


async def test_an_instance_of_another_definition_does_not_go_on(tmp_path: Path) -> None:
    incident = flow_of(await ordered(tmp_path, 9), "checkout", upto=3)

    replayed = replay_stored(dear, "order/7", incident.events)

    assert "WorkflowChanged" in replayed.errors


async def test_a_journal_that_is_in_use_can_be_read(tmp_path: Path) -> None:
    async with bank(tmp_path) as system:
        await within(system.spawn(Account).request(Deposit(cents=10)))

        assert loaded(tmp_path / "bank.db", Account).replay().state == Balance(cents=10)


# -- refused -----------------------------------------------------------------------------


async def test_a_file_that_is_there_is_the_users(tmp_path: Path) -> None:
    incident = loaded(await overdrawn(tmp_path), Account)
    test = incident.to_test(tmp_path / "test_it.py")

    with pytest.raises(ExportError):
        incident.to_test(test)
    with pytest.raises(ExportError):
        incident.to_test(tmp_path / "nowhere" / "test_it.py")
    assert incident.to_test(test, overwrite=True) == test


async def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    file = await overdrawn(tmp_path)
    for name, options, why in (
        ("account-bob", {}, "holds 0 events"),
        ("account-ann", {"upto": 3}, "holds 2 events"),
    ):
        with pytest.raises(RecordingError, match=why):
            loaded(file, Account, name, **options)
    with pytest.raises(JournalUnavailable):
        loaded(tmp_path / "other.db", Account)


@pytest.mark.parametrize("owner", [Till, f"{PLACE}:charge", f"{PLACE}:nobody", "bank", 7])
async def test_who_is_no_owner_is_refused(tmp_path: Path, owner: Any) -> None:
    file = await overdrawn(tmp_path)

    with pytest.raises(RecordingError):
        loaded(file, owner)


@pytest.mark.parametrize("options", [{"file": 7}, {"name": 7}, {"upto": 0}])
def test_an_option_of_another_type_is_refused(options: dict[str, Any]) -> None:
    given: dict[str, Any] = {"file": "bank.db", "name": "x", "upto": None, **options}

    with pytest.raises(OptionError):
        StoredIncident.load(given["file"], given["name"], Account, upto=given["upto"])


async def test_what_a_test_cannot_hold_is_refused(tmp_path: Path) -> None:
    incident = loaded(await overdrawn(tmp_path), Account)
    path = tmp_path / "test_it.py"

    with pytest.raises(RecordingError, match="no call can be written"):
        incident.to_test(path, asks=[object()])
    with pytest.raises(RecordingError, match="no test can import it"):
        incident.to_test(path, holds=lambda state: True)
    with pytest.raises(OptionError):
        incident.to_test(path, overwrite=7)  # type: ignore[arg-type]
    with pytest.raises(ScenarioError):
        incident.to_test(path, setup=f"{PLACE}:open_nobody")
    assert not path.exists()


@pytest.mark.parametrize(("owner", "options"), [
    (Till, {}),
    (Account, {"name": 7}),
    (Account, {"setup": 7}),
    (Account, {"after": -1}),
    (Account, {"horizon": -1.0}),
    (Named, {"setup": open_nobody}),
    (checkout, {"asks": [1]}),
], ids=["owner", "name", "setup", "after", "horizon", "nobody", "asks"])  # fmt: skip
def test_what_cannot_be_replayed_is_refused(owner: Any, options: dict[str, Any]) -> None:
    given: dict[str, Any] = {"name": "account-ann", **options}

    with pytest.raises(ScenarioError):
        replay_stored(owner, given.pop("name"), [], **given)


def test_an_event_that_cannot_be_stored_is_refused() -> None:
    with pytest.raises(EncodeError):
        replay_stored(Account, "account-ann", [(0.0, Props(Account))])
