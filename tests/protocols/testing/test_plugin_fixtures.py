"""The fixtures ``system``, ``clock`` and ``probe``: a system in the hands of a test."""

import pytest

# What the inner runs import has to be there already: they forget what they have imported.
from dramaturg.protocols.testing import TestProbe

pytest_plugins = ("pytester",)

HEAD = """
import asyncio
import pytest
from dataclasses import dataclass
from dramaturg.actors import Actor, ActorCrashed, handler
from tests.protocols.testing.shop import Get, Put, Store, Take

class Fragile(Actor):
    @handler
    def fall(self, message: Get) -> None:
        raise KeyError("fell")
"""


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    assert callable(TestProbe)


def run(pytester: pytest.Pytester, test: str, *arguments: str) -> pytest.RunResult:
    pytester.makepyfile(test_it=f"{HEAD}\n{test}")
    plugins = ("-p", "no:faulthandler", "-p", "no:cacheprovider", "-p", "dramaturg.pytest_plugin")
    return pytester.runpytest_inprocess(*plugins, *arguments)


def test_a_plain_test_drives_a_whole_system(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
def test_it(system, clock, probe):
    store = system.spawn(Store, name="store")
    store.tell(Take())
    assert store.ask(Get()) == 1
    clock.advance(60)
    assert clock.now == 60
    probe.ref.tell("hello")
    assert probe.expect_message(str) == "hello"
    assert probe.ref.path == "/probe"
""",
    )

    result.assert_outcomes(passed=1)


def test_a_coroutine_test_awaits_requests(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
async def test_it(system, clock, probe):
    store = system.spawn(Store)
    await store.started()
    assert await asyncio.gather(store.request(Get()), store.request(Get())) == [2, 2]
    await store.stop(block=False)
    assert not store.is_alive()
""",
        "-p",
        "pytest_asyncio.plugin",
        "-oasyncio_mode=auto",
        "-oasyncio_default_fixture_loop_scope=function",
        "-Werror",
    )

    result.assert_outcomes(passed=1)


def test_each_test_has_a_system_of_its_own(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
@pytest.mark.parametrize("number", [1, 2])
def test_it(system, clock, number):
    assert clock.now == 0
    assert system.actors == ()
    system.spawn(Store)
    clock.advance(5)
""",
    )

    result.assert_outcomes(passed=2)


def test_a_failure_that_nobody_was_told_of_fails_the_test(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
def test_it(system):
    system.spawn(Fragile).tell(Get())
""",
    )

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*actors have failed, and nobody was told: KeyError: 'fell'"])


def test_a_failure_that_the_test_was_told_of_does_not(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
def test_asked(system):
    with pytest.raises(ActorCrashed):
        system.spawn(Fragile).ask(Get())

def test_watched(system, probe):
    fragile = system.spawn(Fragile)
    probe.watch(fragile)
    fragile.tell(Get())
    assert isinstance(probe.expect_terminated(fragile).error, KeyError)

def test_looked(system, actor_failures):
    system.spawn(Fragile).tell(Get())
    assert [str(each) for each in actor_failures] == ["'fell'"]
    actor_failures.clear()
""",
    )

    result.assert_outcomes(passed=3)


def test_a_background_task_that_fails_fails_the_test(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
class Careless(Actor):
    @handler
    async def go(self, message: Get) -> None:
        asyncio.get_running_loop().call_later(1, self.fall)

    def fall(self):
        raise ValueError("late")

def test_it(system, clock):
    system.spawn(Careless).ask(Get())
    clock.advance(2)
""",
    )

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*nobody was told: ValueError: late"])


def test_everything_is_stopped_after_a_test_whatever_it_waits_for(
    pytester: pytest.Pytester,
) -> None:
    result = run(
        pytester,
        """
STOPPED = []

class Waiting(Actor):
    @handler
    async def wait(self, message: Get) -> None:
        await asyncio.sleep(5)

    def on_stop(self):
        STOPPED.append(self.context.name)

def test_it(system):
    system.spawn(Waiting, name="waits").tell(Get())
    system.spawn(Waiting, name="idle")

def test_after():
    assert sorted(STOPPED) == ["idle", "waits"]
""",
    )

    result.assert_outcomes(passed=2)
