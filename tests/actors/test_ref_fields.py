"""Refs as fields of messages, in memory and as bytes."""

from typing import Any

import pytest
from pydantic import ValidationError

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorSystem,
    DecodeError,
    Message,
    TypeRegistry,
    handler,
)


class Introduce(Message):
    to: ActorRef[Any]


class Host(Actor):
    @handler
    def introduce(self, message: Introduce) -> None:
        message.to.tell("hello")


class Guest(Actor):
    def __init__(self) -> None:
        self.heard: list[str] = []

    @handler
    def hear(self, message: str) -> None:
        self.heard.append(message)

    @handler
    def recall(self, message: tuple) -> list[str]:  # type: ignore[type-arg]
        return self.heard


async def test_a_message_carries_a_ref_to_another_actor() -> None:
    async with ActorSystem() as system:
        host, guest = system.spawn(Host), system.spawn(Guest)

        await host.request(Introduce(to=guest))

        assert await guest.request(()) == ["hello"]


def test_a_ref_field_refuses_what_is_no_ref() -> None:
    with pytest.raises(ValidationError, match="ActorRef"):
        Introduce(to="/guest")  # type: ignore[arg-type]


async def test_a_ref_comes_back_from_bytes_as_the_same_ref() -> None:
    async with ActorSystem() as system:
        guest = system.spawn(Guest, name="guest")
        codec = system.codec(TypeRegistry(Introduce))

        again = codec.decode(codec.encode(Introduce(to=guest)))

        assert again == Introduce(to=guest)


async def test_a_ref_to_nobody_cannot_be_decoded() -> None:
    async with ActorSystem() as system:
        guest = system.spawn(Guest, name="guest")
        codec = system.codec(TypeRegistry(Introduce))
        data = codec.encode(Introduce(to=guest))
        await guest.stop(block=False)

        with pytest.raises(DecodeError, match="no actor lives at /guest"):
            codec.decode(data)


async def test_the_json_of_a_ref_is_its_path() -> None:
    async with ActorSystem() as system:
        guest = system.spawn(Guest, name="guest")

        assert Introduce(to=guest).model_dump_json() == '{"to":"/guest"}'
