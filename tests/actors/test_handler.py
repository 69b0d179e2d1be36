"""`@handler` picks the method for each message, by the classes of both."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import Any, Generic, Never, Optional, TypeVar, Union

import pytest

from dramaturg.actors import Actor, ActorSystem, Message, Request, handler
from tests.actors.handler_kit import Echo, Get, Ping, Pong

T = TypeVar("T")


class LoudPing(Ping):
    pass


class LoudPong(Pong):
    pass


class Find(Request[Pong | None]):
    pass


class Whatever(Request[Any]):
    pass


class Later(Request["Defined"]):
    pass


class Defined(Message):
    pass


class Page(Message, Generic[T]):
    entries: tuple[T, ...] = ()


class Query(Request[Page[T]], Generic[T]):
    pass


async def answer(actor: type[Actor], message: object) -> Any:
    async with ActorSystem() as system:
        return await system.spawn(actor).request(message)


async def test_classes_local_to_a_function_are_found() -> None:
    class Local(Message):
        pass

    class LocalReply(Message):
        pass

    class Ask(Request[LocalReply]):
        pass

    class Answers(Actor):
        @handler
        def take(self, message: Local) -> str:
            return "local"

        @handler
        def ask(self, message: Ask) -> LocalReply:
            return LocalReply()

    assert await answer(Answers, Local()) == "local"
    assert await answer(Answers, Ask()) == LocalReply()


async def test_the_innermost_of_two_local_classes_of_one_name_is_meant() -> None:
    def make() -> tuple[type[Actor], type[Message]]:
        class Ping(Message):
            pass

        class Answers(Actor):
            @handler
            def take(self, message: Ping) -> str:
                return "inner"

        return Answers, Ping

    actor, inner = make()

    assert await answer(actor, inner()) == "inner"


@pytest.mark.parametrize("message", [Ping(), Pong(), 3, None])
async def test_a_union_takes_the_messages_of_all_its_members(message: object) -> None:
    class Answers(Actor):
        @handler
        def take(self, message: Ping | Union[Pong, int] | None) -> str:  # noqa: UP007
            return "taken"

    assert await answer(Answers, message) == "taken"


async def test_an_optional_message_takes_none_too() -> None:
    class Answers(Actor):
        @handler
        def take(self, message: Optional[Ping]) -> str:  # noqa: UP045
            return "taken"

    assert await answer(Answers, None) == "taken"


async def test_a_subclass_overrides_a_handler_without_marking_it_again() -> None:
    class Sub(Echo):
        def ping(self, message: Ping) -> str:
            return "sub " + super().ping(message)

    assert await answer(Sub, Ping()) == "sub ping"


async def test_an_async_def_overrides_a_def_handler() -> None:
    class Sub(Echo):
        async def ping(  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
            self, message: Ping
        ) -> str:
            return "sub"

    assert await answer(Sub, Ping()) == "sub"


async def test_an_override_may_take_other_messages() -> None:
    class Sub(Echo):
        @handler
        def ping(self, message: Ping | Pong) -> str:
            return type(message).__name__

    assert await answer(Sub, Pong()) == "Pong"


async def test_handlers_are_inherited_from_mixins() -> None:
    class Mixin:
        @handler
        def pong(self, message: Pong) -> str:
            return "mixin"

    class Both(Mixin, Echo):
        pass

    assert await answer(Both, Pong()) == "mixin"
    assert await answer(Both, Ping()) == "ping"


async def test_a_handler_for_a_base_class_takes_messages_of_its_subclasses() -> None:
    assert await answer(Echo, LoudPing()) == "ping"


async def test_the_handler_for_the_nearest_base_class_is_chosen() -> None:
    class Near(Echo):
        @handler
        def loud(self, message: LoudPing) -> str:
            return "loud"

    class Louder(LoudPing):
        pass

    assert await answer(Near, Louder()) == "loud"


async def test_a_handler_for_any_takes_what_no_other_takes() -> None:
    class Rest(Echo):
        @handler
        def rest(self, message: Any) -> str:
            return "rest"

    assert await answer(Rest, Ping()) == "ping"
    assert await answer(Rest, object()) == "rest"


async def test_on_receive_takes_what_no_handler_takes() -> None:
    class Old(Echo):
        def on_receive(self, message: Any) -> str:
            return "received"

    assert await answer(Old, Ping()) == "ping"
    assert await answer(Old, "text") == "received"


@pytest.mark.parametrize("rest", [None, "any", "on_receive"])
async def test_what_came_before_does_not_change_which_handler_is_chosen(rest: str | None) -> None:
    class Left(Message):
        pass

    class Right(Message):
        pass

    class Both(Left, Right):
        pass

    class Answers(Actor):
        @handler
        def right(self, message: Right) -> str:
            return "right"

    class WithAny(Answers):
        @handler
        def rest(self, message: Any) -> str:
            return "any"

    class WithOnReceive(Answers):
        def on_receive(self, message: Any) -> str:
            return "on_receive"

    actor = {None: Answers, "any": WithAny, "on_receive": WithOnReceive}[rest]
    async with ActorSystem() as system:
        ref = system.spawn(actor)
        ref.tell(Left())

        assert await ref.request(Both()) == "right"


async def test_a_reply_may_be_a_subclass_of_what_is_promised() -> None:
    class Answers(Actor):
        @handler
        def get(self, message: Get) -> LoudPong:
            return LoudPong()

    assert await answer(Answers, Get()) == LoudPong()


async def test_a_reply_may_be_one_member_of_the_promised_union() -> None:
    class Answers(Actor):
        @handler
        def find(self, message: Find) -> None:
            return None

    assert await answer(Answers, Find()) is None


async def test_a_promise_of_anything_is_kept_by_anything() -> None:
    class Answers(Actor):
        @handler
        def whatever(self, message: Whatever) -> int:
            return 1

    assert await answer(Answers, Whatever()) == 1


async def test_a_handler_that_always_raises_needs_no_reply_type() -> None:
    class Answers(Actor):
        @handler
        def get(self, message: Get) -> Never:
            raise NotImplementedError

    assert Answers._handlers.keys() == {Get}


async def test_a_promise_written_before_its_type_was_defined_is_understood() -> None:
    class Answers(Actor):
        @handler
        def later(self, message: Later) -> Defined:
            return Defined()

    assert await answer(Answers, Later()) == Defined()


async def test_a_parametrised_request_has_a_handler_of_its_own() -> None:
    class Answers(Actor):
        @handler
        def query(self, message: Query[Pong]) -> Page[Pong]:
            return Page[Pong](entries=(Pong(number=1),))

    assert await answer(Answers, Query[Pong]()) == Page[Pong](entries=(Pong(number=1),))


async def test_a_decorated_handler_that_wraps_a_coroutine_function_is_awaited() -> None:
    def loudly(
        method: Callable[[Any, Ping], Coroutine[Any, Any, str]],
    ) -> Callable[[Any, Ping], Coroutine[Any, Any, str]]:
        @functools.wraps(method)
        def call(self: Any, message: Ping) -> Coroutine[Any, Any, str]:
            return method(self, message)

        return call

    class Answers(Actor):
        @handler
        @loudly
        async def ping(self, message: Ping) -> str:
            return "awaited"

    assert await answer(Answers, Ping()) == "awaited"


@pytest.mark.parametrize("message", ["text", 7, 2.5, b"bytes", (1, 2), object(), Ping])
async def test_any_object_may_be_a_message(message: object) -> None:
    class Answers(Actor):
        @handler
        def take(self, message: object) -> object:
            return message

    assert await answer(Answers, message) is message
