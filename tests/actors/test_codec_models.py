"""Models, dataclasses and enums come back, whatever pydantic lets their authors declare."""

import datetime as dt
import enum
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, NewType, TypeVar

import pytest
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    field_serializer,
    field_validator,
    model_validator,
)

from dramaturg.actors._codec_errors import UnregisteredTypeError
from dramaturg.actors._message import Message
from dramaturg.actors._registry import RegisteredType
from dramaturg.actors._upcaster import Upcaster
from tests.actors.codecs import BUNDLE, CODEC, ITEM, codec_for, there_and_back
from tests.strategies import Anything, Bundle, Item, Note, Point, exactly

T = TypeVar("T")


S = TypeVar("S")


class A(BaseModel, frozen=True):
    x: int


class B(BaseModel, frozen=True):
    x: int


NoteAlias = NewType("NoteAlias", Note)


@dataclass(frozen=True)
class Pair2(Generic[T, S]):
    first: T
    second: S


class Tree(Message):
    children: tuple["Tree", ...] = ()


def test_a_subclass_in_a_field_typed_by_its_base_keeps_its_type() -> None:
    class Holder(Message):
        item: Item
        items: list[Item]

    holder = Holder(item=BUNDLE, items=[ITEM, BUNDLE])

    decoded = there_and_back(holder, codec_for(Holder, Bundle))

    assert exactly(decoded) == exactly(holder)


def test_models_that_look_alike_are_told_apart_in_a_union() -> None:
    class Either(Message):
        both: tuple[A | B, A | B]

    pairs: list[tuple[A | B, A | B]] = [(A(x=1), B(x=1)), (B(x=1), A(x=1))]
    for pair in pairs:
        decoded = there_and_back(Either(both=pair), codec_for(Either))

        assert [type(each) for each in decoded.both] == [type(each) for each in pair]


def test_a_nested_model_needs_its_name_only_where_the_field_does_not_tell_its_type() -> None:
    class Sure(Message):
        items: list[Note]

    class Unsure(Message):
        items: list[Note | int]

    codec = codec_for(Sure, Unsure)

    assert b"Note" not in codec.encode(Sure(items=[Note(text="a")]))
    assert b"Note" in codec.encode(Unsure(items=[Note(text="a")]))


def test_a_serialiser_of_the_user_does_not_change_what_is_stored() -> None:
    class Masked(Message):
        number: str
        left_out: int = Field(exclude=True)

        @field_serializer("number")
        def _mask(self, _: str) -> str:
            return "***"

    masked = Masked(number="1234", left_out=1)

    assert there_and_back(masked, codec_for(Masked)) == masked


def test_aliases_do_not_matter() -> None:
    class Part(BaseModel):
        unit_count: int = Field(alias="unitCount")

    class Aliased(Message):
        part: Part = Field(validation_alias="thePart")
        kind: Literal["a"] = Field("a", serialization_alias="the_kind")

    aliased = Aliased.model_validate({"thePart": {"unitCount": 1}})

    assert there_and_back(aliased, codec_for(Aliased)) == aliased


def test_a_strict_message_comes_back() -> None:
    class Strict(Message):
        model_config = ConfigDict(strict=True)

        at: dt.datetime
        note: Note

    strict = Strict(at=dt.datetime(2024, 1, 1, tzinfo=dt.UTC), note=Note(text="a"))

    assert there_and_back(strict, codec_for(Strict)) == strict


def test_a_strict_field_comes_back() -> None:
    class Strict(Message):
        note: Note = Field(strict=True)

    assert there_and_back(Strict(note=Note(text="a")), codec_for(Strict)).note == Note(text="a")


def test_validators_see_models_as_they_were_and_no_dicts() -> None:
    def only_notes(value: Any) -> Any:
        assert type(value) is Note
        return value

    class Checked(Message):
        first: Annotated[Note, BeforeValidator(only_notes)]
        second: Note

        @field_validator("second", mode="before")
        @classmethod
        def _second(cls, value: Any) -> Any:
            return only_notes(value)

    class Whole(Message):
        note: Note

        @model_validator(mode="before")
        @classmethod
        def _whole(cls, fields: Any) -> Any:
            only_notes(fields["note"])
            return fields

    note = Note(text="a")
    codec = codec_for(Checked, Whole)

    assert there_and_back(Checked(first=note, second=note), codec).second == note
    assert there_and_back(Whole(note=note), codec).note == note


def test_a_cached_property_is_not_stored() -> None:
    class Lazy(Message):
        units: int

        @functools.cached_property
        def double(self) -> int:
            return self.units * 2

    lazy = Lazy(units=2)
    assert lazy.double == 4

    decoded = there_and_back(lazy, codec_for(Lazy))

    assert decoded.units == 2
    assert "double" not in vars(decoded)


def test_a_model_that_allows_extra_fields_keeps_them() -> None:
    class Loose(BaseModel, extra="allow"):
        a: int

    class Holder(Message):
        loose: Loose

    holder = Holder(loose=Loose.model_validate({"a": 1, "b": Note(text="x"), "c": (1, 2)}))

    with pytest.raises(UnregisteredTypeError, match="Note"):
        there_and_back(holder, codec_for(Holder))
    assert there_and_back(holder, codec_for(Holder, Note)) == holder


def test_root_models_and_dataclasses_come_back() -> None:
    class Numbers(RootModel[tuple[int, ...]]):
        pass

    class Holder(Message):
        numbers: Numbers
        point: Point
        either: Numbers | Point

    holder = Holder(numbers=Numbers((1, 2)), point=Point(1, 2), either=Numbers((3,)))

    assert exactly(there_and_back(holder, codec_for(Holder))) == exactly(holder)


def test_a_dataclass_comes_back_with_values_that_its_annotations_do_not_allow() -> None:
    point: Any = Point("1", None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    assert exactly(CODEC.decode_value(CODEC.encode_value(point))) == exactly(point)


def test_enums_with_any_plain_values_come_back() -> None:
    class Access(enum.Flag):
        READ = 1
        WRITE = 2

    class Limit(enum.Enum):
        DAY = dt.timedelta(days=1)
        PAIR = (1, 2)

    class Holder(Message):
        access: Access
        limits: frozenset[Limit]
        one: Literal[Limit.DAY]

    holder = Holder(access=Access.READ | Access.WRITE, limits=frozenset(Limit), one=Limit.DAY)

    assert there_and_back(holder, codec_for(Holder)) == holder


def test_a_message_that_holds_its_own_type_comes_back() -> None:
    tree = Tree()
    for _ in range(90):
        tree = Tree(children=(tree, Tree()))

    assert there_and_back(tree, codec_for(Tree)) == tree


def test_a_message_nested_as_deeply_as_may_be_is_also_led_to_another_version() -> None:
    class New(Message, name="anything", version=2):
        value: Any

    value: list[Any] = []
    for _ in range(299):
        value = [value]
    data = codec_for(RegisteredType(Anything, "anything")).encode(Anything(value=value))

    assert codec_for(New, Upcaster("anything", 1, dict)).decode(data, New).value == value


def test_generic_classes_of_others_may_stand_in_a_field() -> None:
    class Holder(Message):
        pair: Pair2[int, Note]
        notes: Sequence[Note]

    holder = Holder(pair=Pair2(1, Note(text="a")), notes=(Note(text="b"),))

    assert exactly(dict(there_and_back(holder, codec_for(Holder)))) == exactly(dict(holder))


def test_a_new_type_is_as_good_as_what_it_stands_for() -> None:
    class Holder(Message):
        note: NoteAlias

    codec = codec_for(Holder)

    assert there_and_back(Holder(note=NoteAlias(Note(text="a"))), codec).note == Note(text="a")
    assert b"Note" not in codec.encode(Holder(note=NoteAlias(Note(text="a"))))
