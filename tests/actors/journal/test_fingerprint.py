"""The file of stored types: what breaks stored values fails, what does not asks for an update."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from dramaturg.actors import (
    Message,
    OptionError,
    RegisteredType,
    RegistryError,
    TypeRegistry,
    Upcaster,
)
from dramaturg.actors.journal import (
    StoredTypesBroken,
    StoredTypesChanged,
    check_stored_types,
    stored_types,
)
from tests.actors.event_kit import Account


class Currency(Enum):
    EUR = "EUR"
    CHF = "CHF"


class Money(BaseModel):
    model_config = ConfigDict(frozen=True)

    cents: Annotated[int, Field(ge=0)]
    currency: Currency = Currency.EUR


@dataclass(frozen=True)
class Place:
    street: str
    floor: int = 0
    notes: tuple[str, ...] = field(default=())


class Paid(Message, name="shop.paid", version=2):
    amount: Money
    by: Literal["card", "cash"]
    to: Place | None = None
    parts: dict[str, list[int | None]] = Field(default={})


class Nothing(Message, name="shop.nothing"):
    pass


def up(fields: dict[str, Any]) -> dict[str, Any]:
    return fields


SHOP = TypeRegistry(Paid, Nothing, Upcaster("shop.paid", 1, up))
EXPECTED = """\
# What is stored. check_stored_types writes and reads this file; see docs/journal.md.

Currency v1, a part:
    = 'CHF'
    = 'EUR'

Money v1, a part:
    cents: int & Ge(ge=0)
    currency: Currency  # may be missing

Place v1, a part:
    floor: int  # may be missing
    notes: tuple[str, ...]  # may be missing
    street: str

shop.nothing v1:
    nothing

shop.paid v2, reads v1 and newer:
    amount: Money
    by: Literal['card', 'cash']
    parts: dict[str, list[None | int]]  # may be missing
    to: None | Place  # may be missing
"""


def test_the_text_names_everything_sorted() -> None:
    assert stored_types(SHOP) == EXPECTED


def test_the_text_is_the_same_in_each_process() -> None:
    program = (
        "from tests.actors.journal.test_fingerprint import SHOP, stored_types;"
        "print(stored_types(SHOP), end='')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == EXPECTED


def test_what_was_written_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "stored.txt"
    check_stored_types(path, SHOP, Account.types, update=True)
    text = path.read_text()

    check_stored_types(path, SHOP, Account.types)
    check_stored_types(path, Account.types, SHOP, update=True)

    assert path.read_text() == text
    assert "bank.deposited v1:" in text


def test_a_file_that_is_not_there_has_to_be_written_first(tmp_path: Path) -> None:
    path = tmp_path / "stored.txt"
    with pytest.raises(StoredTypesChanged) as raised:
        check_stored_types(path, SHOP)

    assert raised.value.path == str(path)
    assert raised.value.changes == ("it is not there",)
    assert not path.exists()


def paid(version: int = 1, **fields: Any) -> TypeRegistry:
    """Make a registry of one type with these fields, in place of those that it had."""
    known: dict[str, Any] = {"cents": (int, ...), "note": (str | None, None)}
    known |= fields
    names = {name: each for name, each in known.items() if each is not None}
    namespace: dict[str, Any] = {
        "__annotations__": {name: annotation for name, (annotation, _) in names.items()},
        "__module__": __name__,
    }
    namespace |= {name: each for name, (_, each) in names.items() if each is not ...}
    make: Any = type(Message)
    cls: Any = make("Paid", (Message,), namespace, name="shop.paid", version=version)
    return TypeRegistry(cls, Nothing)


def also(registry: TypeRegistry, *versions: int) -> TypeRegistry:
    """Add upcasters from these versions."""
    return registry.including(*[Upcaster("shop.paid", version, up) for version in versions])


def enum(*values: str) -> Any:
    return Enum("Colour", [(value.upper(), value) for value in values])


OLD = paid(colour=(enum("red", "green"), ...), at=(int | str, ...))
OLD_FIELDS: dict[str, Any] = {"colour": (enum("red", "green"), ...), "at": (int | str, ...)}


def changed(version: int = 1, **fields: Any) -> TypeRegistry:
    return paid(version, **{**OLD_FIELDS, **fields})


BREAKING: dict[str, tuple[Callable[[], TypeRegistry], str]] = {
    "a-type-is-gone": (
        lambda: TypeRegistry(Nothing),
        "shop.paid is gone",
    ),
    "a-field-is-gone": (
        lambda: changed(cents=None),
        "shop.paid.cents is gone without a version above 1",
    ),
    "an-optional-field-is-gone": (
        lambda: changed(note=None),
        "shop.paid.note is gone without a version above 1",
    ),
    "another-type": (
        lambda: changed(cents=(str, ...)),
        "shop.paid.cents was int and is str without a version above 1",
    ),
    "a-narrower-type": (
        lambda: changed(at=(int, ...)),
        "shop.paid.at was int | str and is int without a version above 1",
    ),
    "a-constraint": (
        lambda: changed(cents=(Annotated[int, Field(gt=0)], ...)),
        "shop.paid.cents was int and is int & Gt(gt=0) without a version above 1",
    ),
    "a-new-required-field": (
        lambda: changed(shop=(str, ...)),
        "shop.paid.shop is new and required without a version above 1",
    ),
    "a-field-that-becomes-required": (
        lambda: changed(note=(str | None, ...)),
        "shop.paid.note could be missing and is required without a version above 1",
    ),
    "a-value-of-an-enum": (
        lambda: changed(colour=(enum("red", "blue"), ...)),
        "Colour has no more 'green'",
    ),
    "a-version-without-an-upcaster": (
        lambda: changed(2),
        "shop.paid v1 can no more be read: v2 has no upcaster",
    ),
    "an-upcaster-of-later-versions-only": (
        lambda: also(changed(3), 2),
        "shop.paid v1 can no more be read: v3 has upcasters from v2 on",
    ),
    "a-part-only": (
        lambda: TypeRegistry(Nothing, holder_of_paid()),
        "shop.paid is a part of others now, and can no more be read by itself",
    ),
}


def holder_of_paid() -> type:
    inner: Any = next(each.cls for each in changed() if each.name == "shop.paid")

    class Holder(Message, name="shop.holder"):
        paid: inner  # pyright: ignore[reportInvalidTypeForm]

    return Holder


@pytest.mark.parametrize("update", [False, True], ids=["checked", "updated"])
@pytest.mark.parametrize("case", BREAKING)
def test_a_change_that_breaks_what_is_stored_is_named_and_never_written(
    tmp_path: Path, case: str, update: bool
) -> None:
    path = tmp_path / "stored.txt"
    check_stored_types(path, OLD, update=True)
    before = path.read_text()
    make, expected = BREAKING[case]

    with pytest.raises(StoredTypesBroken) as raised:
        check_stored_types(path, make(), update=update)

    assert raised.value.path == str(path)
    assert expected in raised.value.changes
    assert path.read_text() == before


def test_all_that_is_broken_is_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "stored.txt"
    check_stored_types(path, OLD, update=True)

    with pytest.raises(StoredTypesBroken) as raised:
        check_stored_types(path, changed(cents=(str, ...), at=None, shop=(str, ...)))

    assert len(raised.value.changes) == 3


def test_an_earlier_version_is_a_step_back(tmp_path: Path) -> None:
    path = tmp_path / "stored.txt"
    check_stored_types(path, also(changed(2), 1), update=True)

    with pytest.raises(StoredTypesBroken) as raised:
        check_stored_types(path, changed(1))

    assert raised.value.changes == ("shop.paid has version 1 after 2",)


HARMLESS: dict[str, Callable[[], TypeRegistry]] = {
    "a-new-type": lambda: changed().including(Money),
    "a-new-field-that-may-be-missing": lambda: changed(shop=(str, "main")),
    "a-wider-type": lambda: changed(cents=(int | None, ...)),
    "a-field-that-may-be-missing-now": lambda: changed(cents=(int, 0)),
    "a-new-value-of-an-enum": lambda: changed(colour=(enum("red", "green", "blue"), ...)),
    "a-version-with-an-upcaster": lambda: also(changed(2, cents=None, shop=(str, ...)), 1),
    "versions-with-a-chain": lambda: also(changed(4, cents=(str, ...)), 1, 2, 3),
}


@pytest.mark.parametrize("case", HARMLESS)
def test_a_change_that_breaks_nothing_asks_for_an_update(tmp_path: Path, case: str) -> None:
    path = tmp_path / "stored.txt"
    check_stored_types(path, OLD, update=True)
    new = HARMLESS[case]()

    with pytest.raises(StoredTypesChanged) as raised:
        check_stored_types(path, new)
    assert raised.value.changes
    assert "update=True" in str(raised.value)

    check_stored_types(path, new, update=True)
    check_stored_types(path, new)


def test_the_same_members_in_another_order_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "stored.txt"
    check_stored_types(path, OLD, update=True)

    check_stored_types(path, changed(at=(str | int, ...), colour=(enum("green", "red"), ...)))


def test_lines_taken_out_by_hand_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "stored.txt"
    check_stored_types(path, OLD, update=True)
    text = path.read_text()
    start = text.index("shop.paid v1")
    path.write_text(text[:start].replace("Colour v1, a part:\n    = 'green'\n    = 'red'\n", ""))

    check_stored_types(path, TypeRegistry(Nothing), update=True)


@pytest.mark.parametrize(
    "text", ["nonsense", "    cents: int\n", "shop.paid v1:\n    cents\n", "shop.paid vx:\n"]
)
def test_another_file_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "stored.txt"
    path.write_text(text)

    with pytest.raises(OptionError) as raised:
        check_stored_types(path, SHOP, update=True)

    assert raised.value.option == "path"
    assert "line " in raised.value.expected
    assert path.read_text() == text


def test_at_least_one_registry_is_needed(tmp_path: Path) -> None:
    with pytest.raises(OptionError):
        check_stored_types(tmp_path / "stored.txt")


def test_registries_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RegistryError):
        check_stored_types(tmp_path / "stored.txt", changed(), paid())


def test_a_type_may_have_a_name_of_the_registrys(tmp_path: Path) -> None:
    registry = TypeRegistry(RegisteredType(Currency, "shop.currency", 3), Money)

    assert "shop.currency v3:" in stored_types(registry)
    assert "currency: shop.currency  # may be missing" in stored_types(registry)
