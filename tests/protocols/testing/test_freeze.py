"""Hashable forms of what the fields of actors hold, as far as it can be called."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from dramaturg.protocols.testing import ScenarioError
from dramaturg.protocols.testing._freeze import freeze


class Adder:
    def __init__(self, amount: int) -> None:
        self.amount = amount

    def __call__(self, number: int) -> int:
        return number + self.amount

    def add(self, number: int) -> int:
        return number + self.amount

    @classmethod
    def of_one(cls) -> "Adder":
        return cls(1)


@pytest.mark.parametrize("function", [len, freeze, lambda: 1, Adder, Adder.add, Adder.of_one])
def test_a_function_is_itself(function: Callable[..., Any]) -> None:
    assert freeze(function) == function


def test_an_object_that_can_be_called_is_what_its_fields_are() -> None:
    assert freeze(Adder(1)) == freeze(Adder(1))
    assert freeze(Adder(1)) != freeze(Adder(2))


@pytest.mark.parametrize("held", [Adder(1).add, "a".join, partial(max, 1)])
def test_what_is_bound_to_something_is_refused_and_named(held: Callable[..., Any]) -> None:
    with pytest.raises(ScenarioError, match=r"a\.field: holds .*; expected containers"):
        freeze({"field": held}, "a.field")
