"""Pykka's own test suite, run over our actors: who writes for pykka gets what pykka promises.

The suite comes with pykka's source archive. It is fetched once per checkout, into `.cache`.
"""

import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PYKKA = "4.5.0"
CACHE = CHECKOUT / ".cache" / f"pykka-{PYKKA}"

# These three tests are about the names and the kind of the threads of a thread per actor.
ABOUT_THREADS = "tests/test_threading_actor.py"

pytestmark = pytest.mark.timeout(180)  # the first run fetches the archive


@pytest.fixture(scope="module")
def suite() -> Path:
    """Return the unpacked source archive of pykka, which holds its tests."""
    unpacked = CACHE / f"pykka-{PYKKA}"
    if not unpacked.is_dir():
        _unpack(_fetch())
    return unpacked


@pytest.mark.parametrize(
    ("actor", "options", "expected"),
    [
        pytest.param("pykka:ThreadingActor", [], {"passed": 152}, id="pykka itself"),
        pytest.param("dramaturg.actors:ThreadActor", [], {"passed": 152}, id="ThreadActor"),
        pytest.param(
            "dramaturg.actors:Actor",
            [f"--deselect={ABOUT_THREADS}"],
            {"passed": 149, "deselected": 3},
            id="Actor",
        ),
    ],
)
def test_an_actor_passes_the_whole_test_suite_of_pykka(
    suite: Path, actor: str, options: list[str], expected: dict[str, int]
) -> None:
    output = _run(suite, actor, options)

    assert _counts(output) == expected, output


def _fetch() -> Path:
    CACHE.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", f"pykka=={PYKKA}", f"--dest={CACHE}"),
            *("--no-deps", "--no-binary=:all:", "--retries=1", "--timeout=15", "-qq"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"the source archive of pykka {PYKKA} cannot be fetched: {done.stderr.strip()}")
    return CACHE / f"pykka-{PYKKA}.tar.gz"


def _unpack(archive: Path) -> None:
    # Into a folder beside, then renamed: a run that is cut short leaves nothing half done.
    partial = CACHE / f"partial-{os.getpid()}"
    with tarfile.open(archive) as tar:
        tar.extractall(partial, filter="data")
    (partial / f"pykka-{PYKKA}").rename(CACHE / f"pykka-{PYKKA}")
    partial.rmdir()


def _run(suite: Path, actor: str, options: list[str]) -> str:
    """Run the suite in a process of its own, with its own settings and no plugins of ours."""
    plugin = CHECKOUT / "tests" / "pykka_suite"
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", f"--rootdir={suite}", "--config-file=pyproject.toml"),
            *("-p", "swap", "-p", "pytest_mock", "-p", "no:cacheprovider", "-q", "tests", *options),
        ],
        cwd=suite,
        env=ours
        | {
            "ACTOR": actor,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": os.pathsep.join(
                [str(plugin), *filter(None, [os.environ.get("PYTHONPATH")])]
            ),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def _counts(output: str) -> dict[str, int]:
    """Return what pytest's closing line counts: `{"passed": 152}`."""
    closing = output.rstrip().rpartition("\n")[2]
    return {
        outcome: int(number) for number, outcome in re.findall(r"(\d+) ([a-z]+)(?=[, ])", closing)
    }
