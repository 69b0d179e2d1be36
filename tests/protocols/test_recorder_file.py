"""Recordings in files: whole up to the last record, bounded, and read without running anything."""

import asyncio
import dataclasses
import datetime as dt
import os
import signal
import subprocess
import sys
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, RootModel

from dramaturg.actors import Actor, ActorRef, ActorSystem, Message, TypeRegistry, handler
from dramaturg.protocols import Recorder, Recording, RecordingEntry, RecordingError
from dramaturg.protocols._recording_shape import OpaqueError, shape_of, text_of
from tests.actors.messaging_kit import Captured


class Order(Message):
    number: int
    to: ActorRef[Any] | None = None


class Anything(Actor):
    @handler
    def take(self, message: object) -> None: ...


class Opaque:
    """Neither plain data nor a model."""

    def __repr__(self) -> str:
        return "<\udcff opaque>"


class Unspeakable:
    def __repr__(self) -> str:
        raise RuntimeError


async def recorded(path: Path, *messages: object, **options: Any) -> Recording:
    """Record these messages to one actor, and read what was written."""
    async with ActorSystem("shop") as system:
        with Recorder(file=path, **options).attach(system) as recorder:
            ref = system.spawn(Anything, name="a")
            for message in messages:
                await ref.request(message)
            return recorder.recording()


def sent(recording: Recording) -> list[RecordingEntry]:
    return [entry for entry in recording if entry.kind == "sent"]


def numbers(recording: Recording) -> list[int]:
    return [entry.number for entry in recording]


# -- what is stored ----------------------------------------------------------------------


async def test_what_is_read_is_what_was_recorded(tmp_path: Path) -> None:
    path = tmp_path / "shop.recording"
    live = await recorded(path, Order(number=1), Order(number=2))
    read = Recording.load(path)

    assert read.entries == live.entries
    assert [entry.kind for entry in read] == ["started", *["sent", "received", "reply"] * 2]
    assert (read.system, read.began, read.torn, read.dropped) == ("shop", live.began, 0, 0)
    assert all(isinstance(entry.message_id, UUID) for entry in read[1:])


async def test_messages_of_registered_types_are_stored_by_the_codec(tmp_path: Path) -> None:
    path = tmp_path / "shop.recording"
    registry = TypeRegistry(Order)
    async with ActorSystem() as system:
        with Recorder(file=path, registry=registry).attach(system):
            ref = system.spawn(Anything, name="a")
            await ref.request(Order(number=1, to=ref))

    [entry] = sent(Recording.load(path, registry=registry))
    assert entry.message is not None
    assert entry.message.form == "codec"
    assert str(entry.message) == "Order(number=1, to=<ref /a>)"

    [unread] = sent(Recording.load(path))
    assert unread.message is not None
    assert unread.message.form == "opaque"
    assert str(unread.message) == "Order(...)"
    assert "give its registry" in unread.message.problem


async def test_what_cannot_be_taken_apart_is_called_opaque(tmp_path: Path) -> None:
    path = tmp_path / "shop.recording"
    recording = await recorded(path, Opaque(), Unspeakable(), "lone \udcff surrogate", [Opaque()])

    forms = [entry.message for entry in sent(recording)]
    assert [each and each.form for each in forms] == ["opaque"] * 4
    texts = [str(each) for each in forms]
    assert texts[0] == "<\\udcff opaque>"
    assert texts[1] == "<Unspeakable whose repr raises RuntimeError>"
    assert "surrogates" in (forms[2].problem if forms[2] else "")
    assert "Opaque is neither plain data nor a model" in (forms[3].problem if forms[3] else "")


# -- after a kill --------------------------------------------------------------------------

VICTIM = """
import asyncio, os, signal, sys
from dramaturg.actors import ActorSystem
from dramaturg.protocols import Recorder
from tests.protocols.test_recorder_file import Anything, Order

async def main():
    async with ActorSystem("shop") as system:
        with Recorder(file=sys.argv[1]).attach(system):
            ref = system.spawn(Anything, name="a")
            for number in range(100):
                await ref.request(Order(number=number))
            os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal here")
def test_what_was_written_is_there_after_a_sigkill(tmp_path: Path) -> None:
    path = tmp_path / "shop.recording"
    command = [sys.executable, "-c", VICTIM, str(path)]
    checkout = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=checkout, check=False, timeout=50)

    assert done.returncode == -signal.SIGKILL
    recording = Recording.load(path)
    assert numbers(recording) == list(range(301))
    assert str(recording[-2].message) == "Order(number=99, to=None)"


async def test_a_torn_tail_is_told_and_ignored(tmp_path: Path) -> None:
    path = tmp_path / "shop.recording"
    whole = await recorded(path, *[Order(number=number) for number in range(3)])
    data = path.read_bytes()
    torn_at = set[int]()
    for cut in range(1, 300):
        path.write_bytes(data[:-cut])
        read = Recording.load(path)
        assert read.entries == whole.entries[: len(read)]
        if read.torn:
            torn_at.add(len(read))
            assert f"{read.torn} bytes are ignored" in str(read)
    assert len(torn_at) > 1


async def test_a_flipped_bit_ends_what_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "shop.recording"
    whole = await recorded(path, Order(number=1), Order(number=2))
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)

    read = Recording.load(path)
    assert read.entries == whole.entries[:-1]
    assert read.torn > 20


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 something else", b"dramaturg recording 1\n"])
def test_what_is_no_recording_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(data)
    with pytest.raises(RecordingError):
        Recording.load(path)


def test_what_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Recording.load(tmp_path / "nothing")


# -- bounded -------------------------------------------------------------------------------


async def test_two_files_keep_the_newest_within_the_bound(tmp_path: Path) -> None:
    path = tmp_path / "shop.recording"
    recording = await recorded(path, *[Order(number=n) for n in range(200)], max_bytes=20_000)

    sizes = [os.path.getsize(each) for each in (path, f"{path}.1")]  # noqa: ASYNC240, PTH202
    assert sum(sizes) <= 20_000
    assert recording.dropped > 0
    assert numbers(recording) == list(range(recording.dropped, 601))
    assert recording.entries == Recording.load(path).entries
    older = Recording.load(tmp_path / "shop.recording.1")
    assert numbers(older) + numbers(Recording.load(path))[len(older) :] == numbers(recording)
    # A message is stored once in a file: the entry of its sending may be in an older one.
    missing = [each for each in recording if str(each.message) == "..."]
    assert len(missing) <= 1
    assert all(each.kind == "received" for each in missing)


async def test_a_message_larger_than_the_file_is_opaque(tmp_path: Path) -> None:
    path = tmp_path / "shop.recording"
    recording = await recorded(path, "x" * 10_000, "y", max_bytes=10_000)

    large, small = sent(recording)
    assert large.message is not None
    assert (large.message.form, str(small.message)) == ("opaque", "'y'")
    assert "larger than the file may be" in large.message.problem
    assert len(str(large.message)) == 1_000


async def test_the_file_of_an_earlier_life_is_kept_and_not_mixed_in(tmp_path: Path) -> None:
    path = tmp_path / "shop.recording"
    first = await recorded(path, Order(number=1))
    second = await recorded(path, Order(number=2))

    assert Recording.load(path).entries == second.entries
    assert Recording.load(tmp_path / "shop.recording.1").entries == first.entries
    assert path.stat().st_mode & 0o077 == 0


async def test_a_disk_that_is_full_disturbs_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Captured()
    write = os.write
    left = 1_000

    def limited(handle: int, data: bytes) -> int:
        nonlocal left
        part = data[:left]
        left -= len(part)
        return write(handle, part)

    path = tmp_path / "shop.recording"
    async with ActorSystem(logger=log.log) as system:
        with Recorder(file=path).attach(system) as recorder:
            monkeypatch.setattr(os, "write", limited)
            ref = system.spawn(Anything)
            for number in range(20):
                await ref.request(Order(number=number))
            monkeypatch.undo()
            found = recorder.statistics()
            recording = recorder.recording()

    assert found.failures > 0
    assert (found.entries, recording.torn) == (len(recording), 0)
    assert len(log.entries("recorder_failed")) == 1


async def test_a_file_that_cannot_be_written_is_told_when_it_is_attached(tmp_path: Path) -> None:
    async with ActorSystem() as system:
        with pytest.raises(FileNotFoundError):
            Recorder(file=tmp_path / "no" / "where").attach(system)
        assert system.taps == ()


# -- shapes --------------------------------------------------------------------------------


class Color(Enum):
    RED = 1


class Point(NamedTuple):
    x: int
    y: int


@dataclasses.dataclass(frozen=True)
class Line:
    start: Point
    made: int = dataclasses.field(init=False, default=0)


class Aliased(BaseModel, extra="allow"):
    value: int = Field(alias="given")


class Names(RootModel[tuple[str, ...]]): ...


SHAPES: list[tuple[Any, str]] = [
    (None, "None"),
    ([1, 2.5, "x", b"y", True], "[1, 2.5, 'x', b'y', True]"),
    ((1,), "(1,)"),
    (((), {}), "((), {})"),
    ({3, 1, 2}, "{1, 2, 3}"),
    ((set(), frozenset({1})), "(set(), frozenset({1}))"),
    ({"a": (1, 2)}, "{'a': (1, 2)}"),
    (2**70, f"int('{2**70}')"),
    (Color.RED, "Color.RED"),
    (Color, "Color"),
    (Line(Point(1, 2)), "Line(start=Point(x=1, y=2))"),
    (Aliased.model_validate({"given": 1, "more": 2}), "Aliased(given=1, more=2)"),
    (Names(("a",)), "Names(('a',))"),
    (dt.timedelta(seconds=90), "timedelta(seconds=90)"),
    (dt.date(2026, 1, 2), "date.fromisoformat('2026-01-02')"),
    (Decimal("1.50"), "Decimal('1.50')"),
    (UUID(int=1), "UUID('00000000-0000-0000-0000-000000000001')"),
    (ValueError("no", 1), "ValueError('no', 1)"),
    (Path("a/b"), f"{type(Path()).__name__}('a/b')"),
]


@pytest.mark.parametrize(("value", "text"), SHAPES)
def test_a_value_is_taken_apart_into_plain_ones(value: object, text: str) -> None:
    assert text_of(shape_of(value)) == text


def test_what_has_no_end_is_opaque() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(OpaqueError):
        shape_of(circle)
    with pytest.raises(OpaqueError):
        shape_of(asyncio.Lock())
