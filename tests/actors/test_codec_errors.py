import copy
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dramaturg.actors._codec_errors import (
    DecodeError,
    EncodeError,
    RegistryError,
    UnknownTypeError,
    UnknownVersionError,
    UnregisteredTypeError,
    UpcastError,
)
from dramaturg.actors._errors import DramaturgError

ERRORS: list[DramaturgError] = [
    RegistryError(subject="shop.item", problem="no"),
    EncodeError(type_name="Item", problem="no"),
    EncodeError(type_name="Item", problem="no", field="sku"),
    UnregisteredTypeError(type_name="Item", unregistered="shop.Item", field="sku"),
    DecodeError(problem="no"),
    DecodeError(problem="no", type_name="shop.item", version=1),
    UnknownTypeError(type_name="shop.item", version=1),
    UnknownVersionError(type_name="shop.item", version=1, known=(2, 3)),
    UpcastError(type_name="shop.item", version=1, problem="no"),
]


def by_pickle(error: DramaturgError) -> Any:
    return pickle.loads(pickle.dumps(error))  # noqa: S301 -- our own


@pytest.mark.parametrize("copied", [by_pickle, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickle_and_copy(
    error: DramaturgError, copied: Callable[[DramaturgError], DramaturgError]
) -> None:
    other = copied(error)

    assert type(other) is type(error)
    assert str(other) == str(error)
    assert vars(other) == vars(error)


def test_every_error_of_the_codec_is_among_those_that_are_tested() -> None:
    assert {type(each) for each in ERRORS} == set(subclasses(DramaturgError, "_codec_errors"))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_says_everything_it_knows(error: DramaturgError) -> None:
    known = [str(each).strip("()") for each in vars(error).values() if each is not None]

    assert all(each in str(error) for each in known)


def subclasses(cls: type, module: str) -> Iterator[type]:
    children: list[type] = cls.__subclasses__()
    for each in children:
        if each.__module__.endswith(module):
            yield each
        yield from subclasses(each, module)
