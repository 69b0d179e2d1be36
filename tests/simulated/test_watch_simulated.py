"""Death watch in every order of events: one notice of each end that is watched."""

import pytest

from tests.simulated.cases import CASES


@pytest.mark.parametrize("name", ["ended", "ended, any sender first"])
def test_an_end_is_told_once_behind_all_else_and_not_after_unwatch(name: str) -> None:
    CASES[f"watch/{name}"].check()


def test_a_restart_is_no_end() -> None:
    CASES["watch/restarted"].check()


def test_a_notice_tells_what_somebody_failed_with() -> None:
    CASES["watch/mourned"].check()


@pytest.mark.parametrize("name", ["watcher restarted", "watcher restarted, any sender first"])
def test_a_watch_ends_with_the_incarnation_that_made_it(name: str) -> None:
    CASES[f"watch/{name}"].check()
