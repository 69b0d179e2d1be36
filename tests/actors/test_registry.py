import enum
from collections.abc import Callable
from dataclasses import InitVar, dataclass
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel, PrivateAttr, RootModel, create_model

from dramaturg.actors._codec_errors import (
    RegistryError,
    UnknownTypeError,
    UnknownVersionError,
    UnregisteredTypeError,
    UpcastError,
)
from dramaturg.actors._message import Message
from dramaturg.actors._registry import RegisteredType, TypeRegistry
from dramaturg.actors._upcaster import Upcaster, upcaster
from tests.strategies import Bundle, Colour, Item, Mixed, Note, Page, Point, Reserve, Tick


@upcaster("shop.reserve", from_version=1)
def count_became_units(fields: dict[str, Any]) -> dict[str, Any]:
    return {"sku": fields["sku"], "units": fields["count"]}


@upcaster("shop.reserve", from_version=2)
def sku_became_upper_case(fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "sku": fields["sku"].upper()}


def broken(_fields: dict[str, Any]) -> dict[str, Any]:
    message = "what is this?"
    raise KeyError(message)


def test_a_registry_holds_what_it_was_given_in_order() -> None:
    registry = TypeRegistry(Reserve, Tick)

    assert [each.cls for each in registry] == [Reserve, Tick]
    assert len(registry) == 2
    assert Reserve in registry
    assert Item not in registry
    assert repr(registry) == "TypeRegistry(shop.reserve v3, Tick v1)"


def test_the_same_type_twice_counts_once() -> None:
    assert len(TypeRegistry(Tick, Tick)) == 1


def test_types_that_fields_mention_are_known_but_not_registered() -> None:
    registry = TypeRegistry(Mixed)

    known = {each.cls for each in registry.parts()}

    assert {Item, Note, Page[Item]} <= known
    assert Bundle not in known
    assert Item not in registry


def test_including_makes_another_registry_and_leaves_the_first_as_it_was() -> None:
    first = TypeRegistry(Tick)

    both = first.including(TypeRegistry(Reserve), Point)

    assert [each.name for each in both] == ["Tick", "shop.reserve", "Point"]
    assert [each.name for each in first] == ["Tick"]


def test_a_registry_refuses_assignment() -> None:
    registry = TypeRegistry(Tick)

    with pytest.raises(AttributeError):
        registry.anything = 1  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


def test_a_type_that_cannot_name_itself_is_given_a_name() -> None:
    registry = TypeRegistry(RegisteredType(Colour, "shop.colour", 2))

    assert registry.of(Colour).name == "shop.colour"
    assert registry.resolve("shop.colour", 2).cls is Colour


def test_from_module_takes_the_messages_and_upcasters_that_the_module_defines() -> None:
    module = module_of(
        Ping=message("Ping", "shop"), Imported=message("Imported", "elsewhere"), Page=Page
    )
    vars(module)["Version2"] = message("Version2", "shop", version=2)
    vars(module)["up"] = Upcaster("Version2", 1, function_of("shop"))
    vars(module)["not_ours"] = Upcaster("Nothing", 1, function_of("elsewhere"))

    registry = TypeRegistry.from_module(module)

    assert [each.name for each in registry] == ["Ping", "Version2"]
    assert registry.upcast("Version2", 1, {"a": 1}) == {"a": 1}


def test_from_module_refuses_a_module_without_messages() -> None:
    with pytest.raises(RegistryError, match="shop"):
        TypeRegistry.from_module(module_of())


def test_two_types_of_one_name_are_refused() -> None:
    with pytest.raises(RegistryError, match=r"Tick.*here\.Tick.*there\.Tick"):
        TypeRegistry(message("Tick", "here"), message("Tick", "there"))


def test_a_part_with_the_name_of_another_type_is_refused() -> None:
    class Holder(Message):
        part: Item

    with pytest.raises(RegistryError, match=r"shop\.item"):
        TypeRegistry(Holder, message("Other", "here", name="shop.item"))


def test_a_type_registered_under_two_names_is_refused() -> None:
    with pytest.raises(RegistryError, match="both as a v1 and as b v1"):
        TypeRegistry(RegisteredType(Colour, "a"), RegisteredType(Colour, "b"))


@pytest.mark.parametrize("cls", [int, object, Exception])
def test_a_class_that_is_no_message_model_enum_or_dataclass_is_refused(cls: type) -> None:
    with pytest.raises(RegistryError, match=cls.__name__):
        TypeRegistry(cls)


def test_a_dataclass_that_is_not_frozen_is_refused() -> None:
    @dataclass
    class Loose:
        x: int

    with pytest.raises(RegistryError, match="not frozen"):
        TypeRegistry(Loose)


def test_a_dataclass_that_needs_more_than_its_fields_is_refused() -> None:
    @dataclass(frozen=True)
    class Derived:
        x: int
        y: InitVar[int]

    with pytest.raises(RegistryError, match="fields alone"):
        TypeRegistry(Derived)


def test_a_type_with_private_attributes_is_refused_because_they_would_be_lost() -> None:
    class Part(BaseModel):
        _secret: int = PrivateAttr(default=0)

    class Secret(Message):
        part: Part

    with pytest.raises(RegistryError, match="_secret"):
        TypeRegistry(Secret)


def test_a_type_whose_fields_mention_an_undefined_name_is_refused() -> None:
    class Vague(Message):
        what: "Undefined"  # type: ignore[name-defined]  # noqa: F821  # pyright: ignore[reportUndefinedVariable]

    with pytest.raises(RegistryError, match="Undefined"):
        TypeRegistry(Vague)


def test_a_dataclass_whose_fields_mention_an_undefined_name_is_refused() -> None:
    @dataclass(frozen=True)
    class Vague:
        what: "Undefined"  # type: ignore[name-defined]  # noqa: F821  # pyright: ignore[reportUndefinedVariable]

    with pytest.raises(RegistryError, match="Undefined"):
        TypeRegistry(Vague)


@pytest.mark.parametrize("name", ["", "a b", "a@1"])
def test_a_given_name_has_to_be_one_that_a_type_may_bear(name: str) -> None:
    with pytest.raises(RegistryError, match="Colour"):
        TypeRegistry(RegisteredType(Colour, name))


def test_a_given_version_has_to_be_a_whole_number_from_1() -> None:
    with pytest.raises(RegistryError, match="Colour"):
        RegisteredType(Colour, "colour", 0)


def test_a_type_that_is_not_known_has_no_name() -> None:
    with pytest.raises(UnregisteredTypeError, match="Point"):
        TypeRegistry(Tick).of(Point)


def test_a_name_that_is_not_known_resolves_to_an_error_that_names_it() -> None:
    with pytest.raises(UnknownTypeError, match="nothing"):
        TypeRegistry(Tick).resolve("nothing", 1)


@pytest.mark.parametrize("version", [0, 1, 4])
def test_a_version_that_cannot_be_read_resolves_to_an_error_that_names_the_known_ones(
    version: int,
) -> None:
    registry = TypeRegistry(Reserve, sku_became_upper_case)

    with pytest.raises(UnknownVersionError) as raised:
        registry.resolve("shop.reserve", version)

    assert raised.value.known == (2, 3)
    assert raised.value.version == version


def test_upcasters_run_in_order_from_the_stored_version_to_the_current_one() -> None:
    registry = TypeRegistry(sku_became_upper_case, Reserve, count_became_units)

    assert registry.upcast("shop.reserve", 1, {"sku": "a", "count": 2}) == {"sku": "A", "units": 2}
    assert registry.upcast("shop.reserve", 2, {"sku": "a", "units": 2}) == {"sku": "A", "units": 2}
    assert registry.upcast("shop.reserve", 3, {"sku": "a", "units": 2}) == {"sku": "a", "units": 2}


def test_including_may_add_upcasters() -> None:
    registry = TypeRegistry(Reserve).including(sku_became_upper_case)

    assert registry.upcast("shop.reserve", 2, {"sku": "a"}) == {"sku": "A"}


def test_a_gap_between_upcasters_is_refused_and_named() -> None:
    newest = message("Newest", "here", version=5)
    steps = [Upcaster("Newest", version, function_of("here")) for version in (1, 4)]

    with pytest.raises(RegistryError, match=r"Newest: .* from version 2 to 3, 3 to 4"):
        TypeRegistry(newest, *steps)


def test_a_gap_before_the_current_version_is_refused_and_named() -> None:
    with pytest.raises(RegistryError, match="from version 2 to 3"):
        TypeRegistry(Reserve, count_became_units)


def test_an_upcaster_that_leads_beyond_the_current_version_is_refused() -> None:
    with pytest.raises(RegistryError, match="from version 1, but its version is 1"):
        TypeRegistry(Tick, Upcaster("Tick", 1, function_of("here")))


def test_two_upcasters_from_one_version_are_refused() -> None:
    other = Upcaster("shop.reserve", 2, function_of("here"))

    with pytest.raises(RegistryError, match="two upcasters from version 2"):
        TypeRegistry(Reserve, sku_became_upper_case, other)


def test_an_upcaster_for_a_type_that_is_not_known_is_refused() -> None:
    with pytest.raises(RegistryError, match=r"shop\.reserve"):
        TypeRegistry(Tick, count_became_units)


@pytest.mark.parametrize("cls", [Colour, RootModel[int]])
def test_an_upcaster_for_a_type_without_fields_is_refused(cls: type) -> None:
    with pytest.raises(RegistryError, match="no fields"):
        TypeRegistry(RegisteredType(cls, "x", 2), Upcaster("x", 1, function_of("here")))


@pytest.mark.parametrize("version", [0, -1, True, "1"])
def test_an_upcaster_from_an_impossible_version_cannot_be_made(version: Any) -> None:
    with pytest.raises(RegistryError, match="x: "):
        upcaster("x", from_version=version)(broken)


def test_an_upcaster_that_raises_gives_an_error_that_names_type_and_version() -> None:
    registry = TypeRegistry(Reserve, Upcaster("shop.reserve", 2, broken))

    with pytest.raises(UpcastError, match=r"shop\.reserve version 2.*what is this") as raised:
        registry.upcast("shop.reserve", 2, {})

    assert isinstance(raised.value.__cause__, KeyError)


@pytest.mark.parametrize("result", [None, [], 7])
def test_an_upcaster_that_returns_no_dict_gives_an_error(result: Any) -> None:
    registry = TypeRegistry(Reserve, Upcaster("shop.reserve", 2, lambda _: result))

    with pytest.raises(UpcastError, match=type(result).__name__):
        registry.upcast("shop.reserve", 2, {})


def test_upcasting_what_is_not_known_gives_the_errors_of_resolving() -> None:
    registry = TypeRegistry(Reserve)

    with pytest.raises(UnknownTypeError):
        registry.upcast("nothing", 1, {})
    with pytest.raises(UnknownVersionError):
        registry.upcast("shop.reserve", 1, {})


def test_enums_of_all_kinds_can_be_registered() -> None:
    class Access(enum.Flag):
        READ = 1
        WRITE = 2

    assert Access in TypeRegistry(Access)


def message(cls_name: str, module: str, **keywords: Any) -> type[Message]:
    return create_model(cls_name, __base__=Message, __module__=module, __cls_kwargs__=keywords)


def function_of(module: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def same(fields: dict[str, Any]) -> dict[str, Any]:
        return fields

    same.__module__ = module
    return same


def module_of(**members: object) -> ModuleType:
    module = ModuleType("shop")
    vars(module).update(members)
    return module
