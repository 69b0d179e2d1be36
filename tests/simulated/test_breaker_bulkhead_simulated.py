"""Breakers and bulkheads in front of an actor, in every order of events."""

import pytest

from tests.simulated.cases import CASES


@pytest.mark.parametrize("name", ["broken", "broken meanwhile", "broken in pairs"])
def test_nothing_goes_through_an_open_circuit_and_one_call_on_trial(name: str) -> None:
    CASES[f"front/{name}"].check()


def test_so_many_are_let_through_at_once_and_others_wait_or_are_told() -> None:
    CASES["front/held back"].check()


def test_a_failure_gives_its_place_back() -> None:
    CASES["front/held back from the fallen"].check()
