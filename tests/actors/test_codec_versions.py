import datetime as dt
import enum
from typing import Any

import pytest
from pydantic import (
    RootModel,
)

from dramaturg.actors._codec_errors import (
    DecodeError,
    UpcastError,
)
from dramaturg.actors._codec_reader import Stored
from dramaturg.actors._message import Message
from dramaturg.actors._registry import RegisteredType
from dramaturg.actors._upcaster import Upcaster
from tests.actors.codecs import (
    ITEM,
    SAME,
    OldReserve,
    codec_for,
    rename,
    set_of,
)
from tests.strategies import (
    Colour,
    Item,
    Note,
    Reserve,
    exactly,
)


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
