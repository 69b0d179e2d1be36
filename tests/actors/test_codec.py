"""Plain values and whole messages come back from the codec exactly as they were."""

import datetime as dt
import subprocess
import sys
import zoneinfo
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given, strategies as st
from pydantic import RootModel

from dramaturg.actors._codec_errors import DecodeError
from dramaturg.actors._message import Message
from dramaturg.actors._registry import RegisteredType
from tests.actors.codecs import CODEC, REGISTRY, SAME, codec_for, there_and_back
from tests.strategies import (
    Anything,
    Colour,
    Mixed,
    Order,
    Point,
    Reserve,
    exactly,
    mixed,
    orders,
    plain_values,
)

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")


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
