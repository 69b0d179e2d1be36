"""The search finds the easy bugs of the zoo soon, and is silent about what is correct."""

import pytest

from dramaturg.protocols.testing import Verdict, explore
from tests.protocols.testing.zoo import ZOO, Specimen

CORRECT = [
    pytest.param(specimen, variant, id=f"{specimen.name}: {variant}")
    for specimen in ZOO
    for variant in specimen.correct
]
EASY = [
    pytest.param(specimen, name, id=f"{specimen.name}: {name}")
    for specimen in ZOO
    for name, bug in specimen.bugs.items()
    if bug.level == "easy"
]


def explored(specimen: Specimen, variant: str, schedules: int) -> Verdict:
    return explore(
        specimen.scenario(variant),
        network=specimen.network,
        faults=specimen.faults,
        schedules=schedules,
    )


def test_every_specimen_has_a_name_of_its_own_and_a_bug() -> None:
    names = [specimen.name for specimen in ZOO]

    assert len(set(names)) == len(names)
    assert all(specimen.bugs for specimen in ZOO)


@pytest.mark.parametrize(("specimen", "variant"), CORRECT)
def test_nothing_is_found_where_nothing_is_wrong(specimen: Specimen, variant: str) -> None:
    explored(specimen, variant, 400).check()


@pytest.mark.parametrize(("specimen", "name"), EASY)
def test_an_easy_bug_is_found_within_the_default_budget(specimen: Specimen, name: str) -> None:
    assert specimen.found(name, 500) is not None
