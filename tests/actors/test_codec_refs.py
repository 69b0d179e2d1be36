"""References in messages: stored as text, and looked up when they are read."""

from dataclasses import dataclass

import pytest
from pydantic import ConfigDict

from dramaturg.actors._codec import Codec
from dramaturg.actors._codec_errors import DecodeError, UnregisteredTypeError
from dramaturg.actors._message import Message
from dramaturg.actors._registry import TypeRegistry
from tests.actors.codecs import CODEC, REGISTRY


class Holder:
    def __init__(self, path: str) -> None:
        self.path = path


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
