import datetime as dt
import enum
import sys
import zoneinfo
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, strategies as st
from pydantic import (
    field_validator,
)

from dramaturg.actors._codec_errors import (
    DecodeError,
    EncodeError,
    UnknownTypeError,
    UnknownVersionError,
    UnregisteredTypeError,
)
from dramaturg.actors._message import Message
from tests.actors.codecs import (
    BUNDLE,
    CODEC,
    ITEM,
    OldReserve,
    codec_for,
)
from tests.ids import stable
from tests.strategies import (
    Anything,
    Card,
    Item,
    Note,
    Order,
    Point,
    Reserve,
    Tick,
    mixed,
    orders,
)


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
    ids=stable,
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


@pytest.mark.parametrize("key", ["this.is/no-zone", "../../etc/passwd", "antigravity/x"])
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
