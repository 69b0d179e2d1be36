"""What somebody who is new to the plugin gets wrong, or expects."""

import pytest

from dramaturg.protocols.testing import messages_of, to_token

pytest_plugins = ("pytester",)

TESTS = """
from dramaturg.actors import Actor, Message, Request, handler
from dramaturg.protocols import request_response
from dramaturg.protocols.testing import explore, explore_actor, explore_system, simulate
from tests.protocols.testing import lost_update, shop
from tests.protocols.testing.test_never_at_rest import two_tickers

class Price(Message):
    amount: int

class AskPrice(Request[Price]):
    item: int

class Shop(Actor):
    @handler
    def ask(self, message: AskPrice) -> Price:
        return Price(amount=1)

def said(verdict):
    print("schedules", verdict.schedules, "seed", verdict.seed)

def test_calls():
    said(explore_system(shop.careful))
    said(explore(lost_update.careful))
    said(explore_actor(Shop, request_response(AskPrice, Price), role="server"))

def test_calls_that_say_it_themselves():
    said(explore_system(shop.careful, schedules=7, seed=8))

@simulate(schedules=3)
async def test_careful(sim):
    await shop.careful(sim)

@simulate(schedules=3)
async def test_never(sim):
    await two_tickers(sim)

@simulate
async def test_with_system(sim, system):
    pass

@simulate
async def test_with_clock(clock, sim):
    pass

@simulate
def test_with_probe(world, probe):
    pass
"""


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    assert callable(messages_of)


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    pytester.makepyfile(test_it=TESTS)
    plugins = ("-p", "no:faulthandler", "-p", "no:cacheprovider", "-p", "dramaturg.pytest_plugin")
    return pytester.runpytest_inprocess(*plugins, *arguments)


def test_calls_within_a_test_take_the_options_of_the_run(pytester: pytest.Pytester) -> None:
    result = run(pytester, "-s", "-k", "test_calls", "--simulate-schedules=5", "--simulate-seed=6")

    result.assert_outcomes(passed=2, deselected=5)
    result.stdout.fnmatch_lines(["*schedules 5 seed 6"] * 3 + ["*schedules 7 seed 8"])


def test_the_nightly_profile_holds_for_calls_too(pytester: pytest.Pytester) -> None:
    result = run(pytester, "-s", "-k", "themselves", "--simulate-profile=nightly")

    result.stdout.fnmatch_lines(["*schedules 7 seed 8"])


def test_a_token_of_another_test_fails(pytester: pytest.Pytester) -> None:
    token = to_token(("deliver x->y #0",))

    result = run(pytester, "test_it.py::test_careful", f"--simulate-replay={token}")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*ForeignScheduleError: token *does not belong to this scenario*"])


def test_a_replay_that_was_cut_off_says_so(pytester: pytest.Pytester) -> None:
    result = run(pytester, "test_it.py::test_never", f"--simulate-replay={to_token(())}")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["replayed: cut off before it was at rest, *"])


@pytest.mark.parametrize("fixture", ["system", "clock", "probe"])
def test_fixtures_of_a_system_that_is_driven_by_hand_are_refused(
    pytester: pytest.Pytester, fixture: str
) -> None:
    result = run(pytester, f"test_it.py::test_with_{fixture}")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [f"*ScenarioError: test_with_{fixture}({fixture}): is of a system that is driven by hand*"]
    )
