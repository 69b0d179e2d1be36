import copy
import datetime as dt
import enum
import functools
import pickle
import subprocess
import sys
import zoneinfo
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, TypeVar

import pytest
from hypothesis import example, given, strategies as st
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

from dramaturg.actors._codec import Codec
from dramaturg.actors._codec_errors import (
    DecodeError,
    EncodeError,
    RegistryError,
    UnknownTypeError,
    UnknownVersionError,
    UnregisteredTypeError,
    UpcastError,
)
from dramaturg.actors._codec_reader import Stored
from dramaturg.actors._errors import DramaturgError
from dramaturg.actors._message import Message
from dramaturg.actors._registry import RegisteredType, TypeRegistry
from dramaturg.actors._upcaster import Upcaster
from tests.strategies import (
    Anything,
    Bundle,
    Card,
    Colour,
    Item,
    Mixed,
    Note,
    Order,
    Page,
    Point,
    Rank,
    Reserve,
    Size,
    Tick,
    exactly,
    mixed,
    orders,
    plain_values,
)

T = TypeVar("T")
S = TypeVar("S")

REGISTRY = TypeRegistry(
    *(Order, Mixed, Bundle, Anything, Tick, Reserve, Page[Item], Point, Colour, Size, Rank)
)
CODEC = Codec(REGISTRY)

ITEM = Item(sku="a", units=1, price=Decimal("1.10"))
BUNDLE = Bundle(sku="a", units=1, price=Decimal("1.10"))
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")


def there_and_back(message: Message, codec: Codec = CODEC) -> Any:
    return codec.decode(codec.encode(message))


def codec_for(*entries: Any) -> Codec:
    return Codec(TypeRegistry(*entries))


# Messages come back


@given(orders)
def test_a_message_of_typed_fields_comes_back_exactly(order: Order) -> None:
    assert exactly(there_and_back(order)) == exactly(order)


@given(mixed)
def test_a_message_of_unions_and_open_fields_comes_back_exactly(message: Mixed) -> None:
    assert exactly(there_and_back(message)) == exactly(message)


@given(plain_values)
@example(float("nan"))
@example(float("inf"))
@example(-0.0)
@example(2**63)
@example(2**64)
@example(-(2**63) - 1)
@example(Decimal("9E+6144"))
@example(dt.timedelta.max)
@example(dt.timedelta.min)
@example(dt.datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=1))
@example(dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(seconds=1, microseconds=1))))
@example(dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(microseconds=1))))
@example(dt.time(1, 2, tzinfo=dt.timezone(dt.timedelta(microseconds=-1))))
@example({(1, (2,)): {frozenset({(3,)})}})
def test_a_plain_value_comes_back_exactly(value: object) -> None:
    assert exactly(CODEC.decode_value(CODEC.encode_value(value))) == exactly(value)
    assert exactly(there_and_back(Anything(value=value)).value) == exactly(value)


@given(st.one_of(orders, mixed))
def test_what_came_back_has_the_same_bytes(message: Message) -> None:
    data = CODEC.encode(message)

    assert CODEC.encode(CODEC.decode(data)) == data


def test_equal_sets_have_equal_bytes_in_every_process(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from dramaturg.actors._codec import Codec\n"
        "from dramaturg.actors._registry import TypeRegistry\n"
        "print(Codec(TypeRegistry()).encode_value({str(n) for n in range(20)}).hex())\n"
    )

    seen = {
        subprocess.run(
            [sys.executable, program],
            capture_output=True,
            check=True,
            timeout=30,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for seed in ("1", "2", "3")
    }

    assert len(seen) == 1


def test_the_timestamps_of_msgpack_are_read_as_datetimes() -> None:
    assert CODEC.decode_value(b"\xd6\xff\x00\x00\x00\x01") == dt.datetime(
        1970, 1, 1, 0, 0, 1, tzinfo=dt.UTC
    )


def test_a_time_zone_comes_back_and_not_only_its_offset() -> None:
    summer = dt.datetime(2024, 7, 1, 12, tzinfo=BERLIN)

    decoded = there_and_back(Anything(value=summer)).value

    assert decoded.tzinfo is BERLIN
    assert (decoded + dt.timedelta(days=180)).utcoffset() == dt.timedelta(hours=1)


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


def test_long_names_and_high_versions_come_back() -> None:
    class Long(Message, name="n" * 100, version=70_000):
        units: int

    assert there_and_back(Long(units=1), codec_for(Long)) == Long(units=1)


def test_a_root_model_with_a_long_name_comes_back() -> None:
    class Numbers(RootModel[tuple[int, ...]]):
        pass

    codec = codec_for(RegisteredType(Numbers, "n" * 100))

    assert codec.decode(codec.encode(Numbers((1, 2))), Numbers) == Numbers((1, 2))


def test_an_old_version_without_fields_is_refused() -> None:
    codec = codec_for(Reserve, SAME)

    with pytest.raises(DecodeError, match=r"shop\.reserve version 2: expected a map of fields"):
        codec.decode(b"\x93\xacshop.reserve\x02\x91\x01")


def test_a_field_that_older_data_lacks_gets_its_default() -> None:
    class Before(Message, name="event"):
        a: int

    class After(Message, name="event"):
        a: int
        b: int = 7

    data = codec_for(Before).encode(Before(a=1))

    assert codec_for(After).decode(data) == After(a=1, b=7)


def test_something_else_than_a_message_is_decoded_if_it_is_expected() -> None:
    data = CODEC.encode(Point(1, 2))

    assert CODEC.decode(data, Point) == Point(1, 2)
    assert CODEC.decode(CODEC.encode(Colour.RED), Colour) is Colour.RED


def test_a_codec_tells_its_registry() -> None:
    assert CODEC.registry is REGISTRY


# Old versions


def test_an_old_version_is_led_to_the_current_one() -> None:
    stored = codec_for(OldReserve).encode(OldReserve(sku="a", count=2))
    codec = codec_for(Reserve, Upcaster("shop.reserve", 1, rename("count", "units")), SAME)

    assert codec.decode(stored) == Reserve(sku="a", units=2)


def test_an_upcaster_sees_the_values_that_were_stored() -> None:
    class Old(Message, name="event"):
        at: dt.datetime
        colour: Colour
        note: Note | Item
        pair: tuple[Any, ...]

    seen: list[dict[str, Any]] = []

    def see(fields: dict[str, Any]) -> dict[str, Any]:
        seen.append(dict(fields))
        return fields

    class New(Old, name="event", version=2):
        pass

    old = Old(
        at=dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
        colour=Colour.RED,
        note=Note(text="a"),
        pair=({1}, [Note(text="b"), {"c": ITEM}]),
    )
    codec = codec_for(New, Item, Upcaster("event", 1, see))

    decoded = codec.decode(codec_for(Old, Item).encode(old))

    assert seen[0]["at"] == old.at
    assert seen[0]["colour"] is Colour.RED
    assert seen[0]["note"] == {"text": "a"}
    assert exactly(dict(decoded)) == exactly(dict(old))


def test_a_nested_type_with_a_version_is_led_by_its_own_upcasters() -> None:
    class OldHolder(Message, name="holder"):
        of: OldReserve | None
        set_of: frozenset[OldReserve]
        any: Any

    class Holder(Message, name="holder"):
        of: Reserve | None
        set_of: frozenset[Reserve]
        any: Any

    old = OldReserve(sku="a", count=2)
    new = Reserve(sku="a", units=2)
    up = Upcaster("shop.reserve", 1, rename("count", "units"))
    stored = codec_for(OldHolder).encode(OldHolder(of=None, set_of=set_of(old), any=[old]))

    decoded = codec_for(Holder, up, SAME).decode(stored)

    assert decoded == Holder(of=None, set_of=set_of(new), any=[new])


def test_a_plain_value_with_an_old_version_inside_is_led_to_the_current_one() -> None:
    stored = codec_for(OldReserve).encode_value([OldReserve(sku="a", count=2), 1])
    codec = codec_for(Reserve, Upcaster("shop.reserve", 1, rename("count", "units")), SAME)

    assert codec.decode_value(stored) == [Reserve(sku="a", units=2), 1]


def test_an_upcaster_may_replace_an_enum_member_that_is_no_more() -> None:
    class OldShade(enum.Enum):
        RED = "red"
        MAUVE = "mauve"

    class Paint(Message, name="paint"):
        shade: OldShade

    class NewPaint(Message, name="paint", version=2):
        shade: Colour

    def replace(fields: dict[str, Any]) -> dict[str, Any]:
        assert fields["shade"] == Stored("shade", 1, "mauve")
        return {"shade": Colour.RED}

    old = codec_for(Paint, RegisteredType(OldShade, "shade"))
    data = old.encode(Paint(shade=OldShade.MAUVE))
    shade = RegisteredType(Colour, "shade")

    assert codec_for(NewPaint, shade, Upcaster("paint", 1, replace)).decode(data) == NewPaint(
        shade=Colour.RED
    )
    with pytest.raises(DecodeError, match="mauve"):
        codec_for(NewPaint, shade, Upcaster("paint", 1, dict)).decode(data)


def test_root_models_inside_an_old_version_come_back() -> None:
    class Numbers(RootModel[tuple[int, ...]]):
        pass

    class Old(Message, name="event"):
        numbers: Numbers

    class New(Message, name="event", version=2):
        numbers: Numbers

    data = codec_for(Old).encode(Old(numbers=Numbers((1, 2))))

    assert codec_for(New, Upcaster("event", 1, dict)).decode(data) == New(numbers=Numbers((1, 2)))


def test_an_upcaster_that_raises_makes_decoding_fail_with_its_name_and_version() -> None:
    def broken(_: dict[str, Any]) -> dict[str, Any]:
        raise LookupError

    stored = codec_for(OldReserve).encode(OldReserve(sku="a", count=2))
    codec = codec_for(Reserve, Upcaster("shop.reserve", 1, broken), SAME)

    with pytest.raises(UpcastError) as raised:
        codec.decode(stored)

    assert (raised.value.type_name, raised.value.version) == ("shop.reserve", 1)


def test_an_upcaster_that_raises_makes_decoding_a_value_fail() -> None:
    stored = codec_for(OldReserve).encode_value(OldReserve(sku="a", count=2))
    codec = codec_for(Reserve, Upcaster("shop.reserve", 1, lambda _: None), SAME)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]

    with pytest.raises(UpcastError):
        codec.decode_value(stored)


# What cannot be encoded


class Shade(enum.Enum):
    MAUVE = 1


class Stranger(Message):
    number: str = "1"

    def __hash__(self) -> int:
        return 1


def test_a_message_of_an_unregistered_type_is_refused() -> None:
    with pytest.raises(UnregisteredTypeError, match="Stranger"):
        CODEC.encode(Stranger())


@pytest.mark.parametrize(
    "value",
    [
        object(),
        Stranger(),
        [Stranger()],
        {1: {Stranger()}},
        Shade.MAUVE,
    ],
    ids=str,
)
def test_a_value_of_an_unregistered_type_is_refused_wherever_it_hides(value: object) -> None:
    with pytest.raises(UnregisteredTypeError) as raised:
        CODEC.encode(Anything(value=value))
    with pytest.raises(UnregisteredTypeError):
        CODEC.encode_value(value)

    assert raised.value.field == "value"


def test_an_unregistered_subclass_in_a_field_typed_by_its_base_is_refused() -> None:
    class Holder(Message):
        items: list[Item]

    with pytest.raises(UnregisteredTypeError, match=r"Holder\.items.*Bundle"):
        codec_for(Holder).encode(Holder(items=[BUNDLE]))


class Text(str):
    __slots__ = ()


class Pair(NamedTuple):
    a: int


class Zone(dt.tzinfo):
    def utcoffset(self, _: dt.datetime | None) -> dt.timedelta:
        return dt.timedelta(0)

    def dst(self, _: dt.datetime | None) -> dt.timedelta:
        return dt.timedelta(0)

    def tzname(self, _: dt.datetime | None) -> str:
        return "zone"


CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("a\ud800", "lone surrogate"),
        ({"\udfff": 1}, "lone surrogate"),
        (Decimal("NaN"), "finite"),
        (Decimal("sNaN"), "finite"),
        (Decimal("-Infinity"), "finite"),
        (bytearray(b"a"), "bytearray"),
        ([{1: (bytearray(b"a"),)}], "bytearray"),
        (memoryview(b"a"), "memoryview"),
        (Text("a"), "Text"),
        (Pair(1), "Pair"),
        (dt.datetime(2024, 1, 1, tzinfo=Zone()), "Zone"),
        (dt.time(1, tzinfo=Zone()), "Zone"),
        (CIRCLE, "holds itself"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_that_would_not_come_back_the_same_is_refused(value: Any, problem: str) -> None:
    with pytest.raises(EncodeError, match=problem) as raised:
        CODEC.encode(Anything.model_construct(value=value))
    with pytest.raises(EncodeError, match=problem):
        CODEC.encode_value(value)

    assert (raised.value.type_name, raised.value.field) == ("Anything", "value")


def test_a_zone_that_was_read_from_a_file_has_no_name_and_is_refused() -> None:
    path = next(Path(each) for each in zoneinfo.TZPATH if Path(each, "UTC").is_file()) / "UTC"
    with path.open("rb") as file:
        nameless = zoneinfo.ZoneInfo.from_file(file)

    with pytest.raises(EncodeError, match="ZoneInfo"):
        CODEC.encode_value(dt.datetime(2024, 1, 1, tzinfo=nameless))


def test_what_is_nested_too_deeply_is_refused() -> None:
    value: list[Any] = []
    for _ in range(301):
        value = [value]

    with pytest.raises(EncodeError):
        CODEC.encode_value(value)


def test_a_message_that_lacks_a_field_is_refused() -> None:
    with pytest.raises(EncodeError, match=r"cannot encode Tick: it has no value for number"):
        CODEC.encode(Tick.model_construct())


def test_the_error_names_the_field_at_fault_among_typed_ones() -> None:
    order = Note.model_construct(text="a\ud800")

    with pytest.raises(EncodeError, match=r"cannot encode Note\.text: .*surrogate"):
        codec_for(Note).encode(order)


# What cannot be decoded


def test_data_of_an_unknown_type_is_refused() -> None:
    with pytest.raises(UnknownTypeError, match="Stranger") as raised:
        CODEC.decode(codec_for(Stranger).encode(Stranger()))

    assert (raised.value.type_name, raised.value.version) == ("Stranger", 1)


def test_a_value_of_an_unknown_type_is_refused() -> None:
    with pytest.raises(UnknownTypeError, match="Card"):
        codec_for(Tick).decode_value(codec_for(Card).encode_value([Card(number="1")]))


def test_data_of_an_unknown_version_is_refused() -> None:
    stored = codec_for(OldReserve).encode(OldReserve(sku="a", count=2))

    with pytest.raises(UnknownVersionError, match=r"shop\.reserve version 1.*only 3"):
        CODEC.decode(stored)


def test_a_value_of_an_unknown_version_is_refused() -> None:
    stored = codec_for(OldReserve).encode_value(OldReserve(sku="a", count=2))

    with pytest.raises(UnknownVersionError):
        CODEC.decode_value(stored)


def test_a_type_known_only_as_a_part_cannot_be_decoded_on_its_own() -> None:
    data = codec_for(Item).encode(ITEM)

    with pytest.raises(DecodeError, match=r"shop\.item version 1.*part"):
        codec_for(Order).decode(data)


def test_a_message_of_another_type_than_expected_is_refused() -> None:
    with pytest.raises(DecodeError, match="Tick, not a Reserve"):
        CODEC.decode(CODEC.encode(Tick(number=1)), Reserve)
    with pytest.raises(DecodeError, match="Point, not a Message"):
        CODEC.decode(CODEC.encode(Point(1, 2)))


@given(st.one_of(orders, mixed), st.data())
def test_data_that_was_cut_off_is_refused(message: Message, data: st.DataObject) -> None:
    encoded = CODEC.encode(message)
    length = data.draw(st.integers(0, len(encoded) - 1))

    with pytest.raises(DecodeError):
        CODEC.decode(encoded[:length])


@given(st.one_of(orders, mixed), st.binary(min_size=1))
def test_data_that_goes_on_after_its_end_is_refused(message: Message, more: bytes) -> None:
    with pytest.raises(DecodeError):
        CODEC.decode(CODEC.encode(message) + more)


TICK = CODEC.encode(Tick(number=1))
TICK_HEAD = TICK[: TICK.index(b"\x81")]
OPEN_HEAD = CODEC.encode(Anything(value=0))[:-1]
TUPLE_MARK = b"\xc7\x00\x11"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "cannot decode: "),
        (b"\xc0", "cannot decode: "),
        (b"\x93", "cannot decode: "),
        (b"\x92\xa4Tick\x01", "list of 3"),
        (b"\x94" + TICK[1:] + b"\x01", "list of 3"),
        (b"\x93\x01\x01\x80", "type name"),
        (b"\x93\xa4Tick\xa11\x80", "type name"),
        (b"\x93\xa4Tick\xc3\x80", "type name"),
        (TICK_HEAD + b"\x90", "Tick version 1: .*list"),
        (TICK_HEAD + b"\xc0", "Tick version 1: .*NoneType"),
        (TICK_HEAD + b"\x80", "Tick version 1: number"),
        (TICK_HEAD + b"\x81\xa6number\xa1x", "Tick version 1: number"),
        (TICK_HEAD + b"\x82\xa6number\x01\xa1x\x01", "Tick version 1: x"),
        (TICK_HEAD + b"\x81\x01\x01", "Tick version 1"),
        (TICK_HEAD + b"\x81\x90\x01", "Tick version 1"),
        (b"\x93\xacshop.reserve\x02\xc0", "shop.reserve version 2: .*only 3"),
        (OPEN_HEAD + TUPLE_MARK, "heads no list"),
        (OPEN_HEAD + b"\x92\x01" + TUPLE_MARK, "heads no list"),
        (OPEN_HEAD + b"\x92" + TUPLE_MARK + TUPLE_MARK, "heads no list"),
        (OPEN_HEAD + b"\x81" + TUPLE_MARK + b"\x01", "heads no list"),
        (TICK_HEAD + b"\x81\xa6number" + TUPLE_MARK, "number"),
        (OPEN_HEAD + b"\xc7\x00\x63", "extension type 99"),
        (OPEN_HEAD + b"\xc7\x0c\xff" + b"\x7f" * 12, "Anything version 1"),
        (OPEN_HEAD + b"\x92\xc7\x00\x12\x90", "unhashable"),
        (OPEN_HEAD + b"\x92\xc7\x06\x10Tick@1\x01", "map of fields"),
        (OPEN_HEAD + b"\x93\xc7\x06\x10Tick@1\x80\x80", "Anything version 1"),
        (OPEN_HEAD + b"\x92\xc7\x06\x10Tick@x\x80", "Anything version 1"),
        (OPEN_HEAD + b"\x92\xc7\x08\x10Colour@1\xa1x", "Colour"),
        (OPEN_HEAD + b"\x92\xc7\x07\x10Point@1\x81\xa1z\x01", "'z'"),
        (OPEN_HEAD + b"\xd4\x07\x00", "16-char"),
        (OPEN_HEAD + b"\xd4\x08x", "Anything version 1"),
        (OPEN_HEAD + b"\xc7\x03\x08NaN", "finite"),
        (OPEN_HEAD + b"\xd4\x01x", "isoformat"),
        (OPEN_HEAD + b"\xd4\x03x", "isoformat"),
        (OPEN_HEAD + b"\xd4\x06x", "12 bytes"),
        (OPEN_HEAD + b"\xc7\x0c\x06" + b"\x7f" * 12, "Anything version 1"),
        (OPEN_HEAD + b"\xd4\x0ax", "no load_ref"),
        (OPEN_HEAD + b"\xa1\xff", "utf-8"),
        (OPEN_HEAD + b"\xdd\xff\xff\xff\xff", "Anything version 1"),
        (OPEN_HEAD + b"\x91" * 100_000 + b"\xc0", "Anything version 1"),
        (OPEN_HEAD + (b"\x92" + TUPLE_MARK) * 100_000 + b"\xc0", "Anything version 1"),
    ],
)
def test_damaged_data_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(DecodeError, match=problem):
        CODEC.decode(data)


@pytest.mark.parametrize("key", ["this.is/no-zone", "../../etc/passwd", "", "antigravity/x"])
def test_a_time_zone_that_is_not_known_is_refused_and_nothing_is_imported(key: str) -> None:
    text = f"2024-01-01T00:00:00[{key}]".encode()
    before = set(sys.modules)

    with pytest.raises(DecodeError, match="time zone"):
        CODEC.decode_value(b"\xc7" + bytes([len(text), 1]) + text)

    assert not {name for name in set(sys.modules) - before if key[:4] in name}


@given(st.binary())
def test_any_bytes_are_decoded_or_refused_but_never_raise_anything_else(data: bytes) -> None:
    for decode in (CODEC.decode, CODEC.decode_value):
        try:
            decode(data)
        except DecodeError as error:
            assert str(error)  # noqa: PT017 -- the bytes may as well be good


@given(st.one_of(orders, mixed), st.data())
def test_a_damaged_byte_gives_an_error_or_a_message_that_can_be_stored(
    message: Message, data: st.DataObject
) -> None:
    damaged = bytearray(CODEC.encode(message))
    damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))

    try:
        decoded = CODEC.decode(bytes(damaged), object)
    except DecodeError:
        return

    assert CODEC.encode(decoded)


def test_a_validation_error_does_not_repeat_the_data() -> None:
    with pytest.raises(DecodeError) as raised:
        CODEC.decode(TICK_HEAD + b"\x81\xa6number\xa6secret")

    assert "secret" not in str(raised.value)


def test_an_error_of_a_validator_becomes_a_decode_error() -> None:
    fail = [False]

    class Moody(Message):
        number: int

        @field_validator("number")
        @classmethod
        def _check(cls, value: int) -> int:
            if fail[0]:
                raise KeyError(value)
            return value

    codec = codec_for(Moody)
    data = codec.encode(Moody(number=1))
    fail[0] = True

    with pytest.raises(DecodeError) as raised:
        codec.decode(data)

    assert isinstance(raised.value.__cause__, KeyError)


# References


@dataclass(frozen=True)
class Ref:
    path: str


class LocalRef(Ref):
    pass


def test_a_reference_is_stored_as_its_path() -> None:
    codec = Codec(REGISTRY, ref_type=Ref, load_ref=Ref)

    assert codec.decode_value(codec.encode_value([Ref("/a"), LocalRef("/b")])) == [
        Ref("/a"),
        Ref("/b"),
    ]


def test_a_reference_in_a_field_comes_back() -> None:
    class Hello(Message):
        model_config = ConfigDict(arbitrary_types_allowed=True)

        sender: Holder

    codec = Codec(TypeRegistry(Hello), ref_type=Holder, load_ref=Holder)

    decoded = codec.decode(codec.encode(Hello(sender=Holder("/a"))), Hello)

    assert decoded.sender.path == "/a"


def test_a_reference_may_be_written_in_another_way() -> None:
    codec = Codec(
        REGISTRY,
        ref_type=Ref,
        dump_ref=lambda ref: f"node{ref.path}",
        load_ref=lambda text: Ref(text.removeprefix("node")),
    )

    assert b"node/a" in codec.encode_value(Ref("/a"))
    assert codec.decode_value(codec.encode_value(Ref("/a"))) == Ref("/a")


def test_a_reference_is_refused_by_a_codec_that_knows_no_references() -> None:
    with pytest.raises(UnregisteredTypeError, match="Ref"):
        CODEC.encode_value(Ref("/a"))


def test_a_reference_that_leads_nowhere_is_refused() -> None:
    def nowhere(path: str) -> Ref:
        raise LookupError(path)

    codec = Codec(REGISTRY, ref_type=Ref, load_ref=nowhere)

    with pytest.raises(DecodeError, match="/a") as raised:
        codec.decode_value(codec.encode_value(Ref("/a")))

    assert isinstance(raised.value.__cause__, LookupError)


# Errors


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


class Holder:
    def __init__(self, path: str) -> None:
        self.path = path


class OldReserve(Message, name="shop.reserve", version=1):
    sku: str
    count: int


def set_of(member: Any) -> frozenset[Any]:
    return frozenset({member})


def rename(old: str, new: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda fields: {(new if key == old else key): each for key, each in fields.items()}


SAME = Upcaster("shop.reserve", 2, dict)
