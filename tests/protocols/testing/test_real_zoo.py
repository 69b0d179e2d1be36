"""The search finds the bugs of real actors on nodes, and is silent about what is correct."""

import pytest

from tests.protocols.testing.real_zoo import REAL_ZOO, Specimen

CORRECT = [pytest.param(specimen, id=specimen.name) for specimen in REAL_ZOO]
BUGS = [
    pytest.param(specimen, name, id=f"{specimen.name}: {name}")
    for specimen in REAL_ZOO
    for name in specimen.bugs
]


def test_every_specimen_has_a_name_of_its_own_and_a_bug() -> None:
    names = [specimen.name for specimen in REAL_ZOO]

    assert len(set(names)) == len(names)
    assert all(specimen.bugs for specimen in REAL_ZOO)


@pytest.mark.parametrize("specimen", CORRECT)
def test_nothing_is_found_where_nothing_is_wrong(specimen: Specimen) -> None:
    specimen.explored("correct", 100).check()


@pytest.mark.parametrize(("specimen", "name"), BUGS)
def test_a_bug_is_found_within_the_default_budget(specimen: Specimen, name: str) -> None:
    assert specimen.found(name, 500) is not None
