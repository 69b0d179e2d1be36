import subprocess
import sys
from pathlib import Path
from types import NoneType
from typing import Any, Generic, TypeVar

import pytest
from hypothesis import given
from pydantic import ValidationError

from dramaturg.actors._codec_errors import RegistryError
from dramaturg.actors._message import Message, Request, reply_type
from dramaturg.actors._type_name import type_name, type_version
from tests.strategies import Colour, Item, Order, Page, Reserve, Reserved, Tick, orders

T = TypeVar("T")


class Outer:
    class Inner(Message):
        pass


class Query(Request[Page[T]], Generic[T]):
    pass


class Direct(Request[T], Generic[T]):
    pass


class MaybeQuery(Request[T | None], Generic[T]):
    pass


class FindItems(Query[Item]):
    pass


class Maybe(MaybeQuery[Item]):
    pass


class Cancel(Request[None]):
    pass


class Pick(Request[Item | Reserved]):
    pass


class Traced(Message):
    trace: str


class TracedReserve(Traced, Reserve):
    pass


class Bare(Request):  # type: ignore[type-arg]  # pyright: ignore[reportMissingTypeArgument]
    pass


class ReserveAgain(Reserve):
    pass


def test_a_frozen_message_refuses_assignment() -> None:
    tick = Tick(number=1)

    with pytest.raises(ValidationError):
        tick.number = 2  # pyright: ignore[reportAttributeAccessIssue]

    assert tick.number == 1


@given(orders)
def test_no_field_of_a_message_can_be_assigned_to_or_deleted(order: Order) -> None:
    before = dict(order)

    for field in Order.model_fields:
        with pytest.raises(ValidationError):
            setattr(order, field, None)
        with pytest.raises(ValidationError):
            delattr(order, field)

    assert dict(order) == before


def test_a_message_refuses_a_field_it_does_not_declare() -> None:
    with pytest.raises(ValidationError, match="amount"):
        Tick.model_validate({"number": 1, "amount": 2})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_message_refuses_a_float_that_is_not_finite(value: float) -> None:
    class Reading(Message):
        celsius: float

    with pytest.raises(ValidationError):
        Reading(celsius=value)


def test_bytes_that_are_no_text_survive_json() -> None:
    class Blob(Message):
        data: bytes

    blob = Blob(data=b"\xff\x00")

    assert Blob.model_validate_json(blob.model_dump_json()) == blob


def test_a_name_and_a_version_are_given_as_class_keywords() -> None:
    assert (type_name(Reserve), type_version(Reserve)) == ("shop.reserve", 3)


def test_the_default_name_is_the_qualified_name_and_the_default_version_is_1() -> None:
    assert (type_name(Outer.Inner), type_version(Outer.Inner)) == ("Outer.Inner", 1)


def test_the_default_name_leaves_out_the_function_that_made_the_class() -> None:
    class Local(Message):
        class Inner(Message):
            pass

    assert type_name(Local.Inner) == "Local.Inner"


def test_a_subclass_inherits_neither_name_nor_version() -> None:
    assert (type_name(ReserveAgain), type_version(ReserveAgain)) == ("ReserveAgain", 1)


def test_a_generic_message_is_named_after_the_type_names_of_its_arguments() -> None:
    class Stack(Message, Generic[T], name="shop.stack", version=2):
        of: list[T]

    assert type_name(Stack[Item]) == "shop.stack[shop.item]"
    assert type_version(Stack[Item]) == 2


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        (int, "Page[int]"),
        (None, "Page[None]"),
        (Item | None, "Page[shop.item | None]"),
        (dict[str, list[Item]], "Page[dict[str, list[shop.item]]]"),
        (Page[Item], "Page[Page[shop.item]]"),
        (Colour, "Page[Colour]"),
        (Any, "Page[Any]"),
    ],
)
def test_any_type_argument_can_be_part_of_a_name(argument: Any, expected: str) -> None:
    assert type_name(Page[argument]) == expected


@pytest.mark.parametrize("name", ["", "a b", "a@1", "ä", "a[b]", 7])
def test_a_class_with_a_bad_name_cannot_be_defined(name: Any) -> None:
    with pytest.raises(RegistryError, match=r"Bad.*name") as raised:

        class Bad(Message, name=name):  # pyright: ignore[reportUnusedClass]
            pass

    assert repr(name) in str(raised.value)


@pytest.mark.parametrize("version", [0, -1, True, "1", 1.0])
def test_a_class_with_a_bad_version_cannot_be_defined(version: Any) -> None:
    with pytest.raises(RegistryError, match=r"Bad.*version") as raised:

        class Bad(Message, version=version):  # pyright: ignore[reportUnusedClass]
            pass

    assert repr(version) in str(raised.value)


def test_pydantic_configuration_may_stand_beside_name_and_version() -> None:
    class Titled(Message, name="titled", title="A title"):
        pass

    assert Titled.model_config.get("title") == "A title"
    assert Titled.model_config.get("frozen")


@pytest.mark.parametrize(
    ("request_type", "expected"),
    [
        (Reserve, Reserved),
        (ReserveAgain, Reserved),
        (TracedReserve, Reserved),
        (Cancel, NoneType),
        (Pick, Item | Reserved),
        (Query[Item], Page[Item]),
        (FindItems, Page[Item]),
        (Maybe, Item | None),
        (Direct[Item], Item),
        (Direct[None], NoneType),
        (Request[list[int]], list[int]),
        (Request[Page], Page),  # type: ignore[type-arg]  # pyright: ignore[reportMissingTypeArgument]
        (Request[Page[Item]], Page[Item]),
    ],
    ids=str,
)
def test_the_promised_reply_is_found_at_run_time(request_type: type, expected: Any) -> None:
    assert reply_type(request_type) == expected


@pytest.mark.parametrize(
    "cls", [Tick, Message, Request, Bare, Direct, Query, MaybeQuery, int, object], ids=str
)
def test_what_promises_nothing_has_no_reply_type(cls: type) -> None:
    assert reply_type(cls) is None


def test_a_name_does_not_depend_on_the_module_that_runs_as_main(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from dramaturg.actors._message import Message\n"
        "class Ping(Message): pass\n"
        "print(Ping.__module__, Ping.__type_name__)\n"
    )

    run = subprocess.run(
        [sys.executable, program], capture_output=True, check=True, text=True, timeout=30
    )

    assert run.stdout.split() == ["__main__", "Ping"]
