"""`@handler` is checked when the class is defined, and picks the method for each message."""
# pyright: reportUnusedClass=false
# Defining a class is the whole of many a test.

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, Generic, Never, Optional, TypeVar, Union

import pytest

from dramaturg.actors import Actor, ActorSystem, HandlerDefinitionError, Message, Request, handler

if TYPE_CHECKING:
    from decimal import Decimal

T = TypeVar("T")


class Ping(Message):
    pass


class LoudPing(Ping):
    pass


class Pong(Message):
    number: int = 0


class LoudPong(Pong):
    pass


class Get(Request[Pong]):
    pass


class Find(Request[Pong | None]):
    pass


class Count(Request[int]):
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


class Echo(Actor):
    @handler
    def ping(self, message: Ping) -> str:
        return "ping"


async def answer(actor: type[Actor], message: object) -> Any:
    async with ActorSystem() as system:
        return await system.spawn(actor).request(message)


# -- what is refused when the class is defined ---------------------------------


def test_an_annotation_that_names_nothing_is_refused() -> None:
    with pytest.raises(HandlerDefinitionError, match=r"Wrong\.take: .*Nonsense"):

        class Wrong(Actor):
            @handler
            def take(
                self,
                message: Nonsense,  # type: ignore[name-defined] # noqa: F821 # pyright: ignore[reportUndefinedVariable, reportUnknownParameterType]
            ) -> None: ...


def test_an_annotation_imported_for_checkers_only_is_refused() -> None:
    with pytest.raises(HandlerDefinitionError, match=r"Wrong\.take: .*Decimal"):

        class Wrong(Actor):
            @handler
            def take(self, message: Decimal) -> None: ...


def test_an_annotation_that_cannot_be_evaluated_is_refused() -> None:
    with pytest.raises(HandlerDefinitionError, match=r"Wrong\.take: .*cannot be evaluated"):

        class Wrong(Actor):
            @handler
            def take(
                self,
                message: Ping[int],  # type: ignore[type-arg] # pyright: ignore[reportInvalidTypeArguments]
            ) -> None: ...


def test_a_missing_annotation_is_refused() -> None:
    with pytest.raises(HandlerDefinitionError, match=r"Wrong\.take: annotate 'message'"):

        class Wrong(Actor):
            @handler
            def take(  # type: ignore[no-untyped-def]
                self,
                message,  # noqa: ANN001 # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
            ) -> None: ...


def test_an_annotation_that_is_no_class_is_refused() -> None:
    with pytest.raises(HandlerDefinitionError, match=r"Wrong\.take: .*is not a class"):

        class Wrong(Actor):
            @handler
            def take(self, message: list[int]) -> None: ...


def test_two_handlers_for_one_message_are_refused() -> None:
    with pytest.raises(HandlerDefinitionError, match=r"Wrong\.two: Ping is handled by one already"):

        class Wrong(Actor):
            @handler
            def one(self, message: Ping) -> None: ...

            @handler
            def two(self, message: Ping | Pong) -> None: ...


def test_a_second_handler_for_an_inherited_message_is_refused() -> None:
    with pytest.raises(HandlerDefinitionError, match=r"Wrong\.other: Ping is handled by ping"):

        class Wrong(Echo):
            @handler
            def other(self, message: Ping) -> None: ...


def test_a_reply_of_another_type_than_promised_is_refused() -> None:
    with pytest.raises(HandlerDefinitionError, match=r"Wrong\.get: Get promises Pong.*returns int"):

        class Wrong(Actor):
            @handler
            def get(self, message: Get) -> int:
                return 0


def test_a_reply_of_more_types_than_promised_is_refused() -> None:
    with pytest.raises(HandlerDefinitionError, match=r"Wrong\.get: Get promises Pong"):

        class Wrong(Actor):
            @handler
            async def get(self, message: Get) -> Pong | None: ...


def test_a_request_handler_that_does_not_say_what_it_returns_is_refused() -> None:
    with pytest.raises(HandlerDefinitionError, match=r"Wrong\.get: Get promises Pong: annotate"):

        class Wrong(Actor):
            @handler
            def get(self, message: Get): ...  # type: ignore[no-untyped-def] # noqa: ANN202


def test_a_union_is_refused_if_one_of_its_requests_promises_something_else() -> None:
    with pytest.raises(HandlerDefinitionError, match=r"Wrong\.get: Count promises int"):

        class Wrong(Actor):
            @handler
            def get(self, message: Get | Count) -> Pong:
                return Pong()


def test_a_generator_is_refused() -> None:
    with pytest.raises(HandlerDefinitionError, match=r"Wrong\.take: .*generator"):

        class Wrong(Actor):
            @handler
            def take(self, message: Ping) -> Iterator[int]:
                yield 1


def test_an_async_generator_is_refused() -> None:
    with pytest.raises(HandlerDefinitionError, match=r"Wrong\.take: .*generator"):

        class Wrong(Actor):
            @handler
            async def take(self, message: Ping) -> AsyncIterator[int]:
                yield 1


def test_a_handler_without_a_message_is_refused() -> None:
    with pytest.raises(HandlerDefinitionError, match=r"Wrong\.take: .*nothing else"):

        class Wrong(Actor):
            @handler
            def take(self) -> None: ...


def test_a_handler_with_a_second_parameter_is_refused() -> None:
    with pytest.raises(HandlerDefinitionError, match=r"Wrong\.take: .*nothing else"):

        class Wrong(Actor):
            @handler
            def take(self, message: Ping, other: int) -> None: ...


def test_a_handler_with_a_keyword_only_message_is_refused() -> None:
    with pytest.raises(HandlerDefinitionError, match=r"Wrong\.take: .*nothing else"):

        class Wrong(Actor):
            @handler
            def take(self, *, message: Ping) -> None: ...


def test_a_handler_with_any_number_of_messages_is_refused() -> None:
    with pytest.raises(HandlerDefinitionError, match=r"Wrong\.take: .*nothing else"):

        class Wrong(Actor):
            @handler
            def take(self, *messages: Ping) -> None: ...


def test_a_static_method_is_refused() -> None:
    with pytest.raises(HandlerDefinitionError, match=r"Wrong\.take: .*plain method"):

        class Wrong(Actor):
            @handler
            @staticmethod
            def take(message: Ping) -> None: ...


@handler
def _marked(self: Actor, message: Ping) -> None: ...


@pytest.mark.parametrize("kind", [staticmethod, classmethod, property])
def test_a_handler_under_another_decorator_of_methods_is_refused(kind: Any) -> None:
    with pytest.raises(HandlerDefinitionError, match=r"Wrong\.take: .*plain method"):

        class Wrong(Actor):
            take = kind(_marked)


def test_an_override_that_is_no_method_is_refused() -> None:
    with pytest.raises(HandlerDefinitionError, match=r"Wrong\.ping: .*plain method"):

        class Wrong(Echo):
            ping = None  # type: ignore[assignment] # pyright: ignore[reportAssignmentType]


def test_the_error_holds_the_class_the_method_and_the_problem() -> None:
    with pytest.raises(HandlerDefinitionError) as caught:

        class Wrong(Actor):
            @handler
            def take(self) -> None: ...

    assert caught.value.owner.endswith("Wrong")
    assert caught.value.method == "take"
    assert "message" in caught.value.problem
    assert isinstance(caught.value, TypeError)


# -- what is accepted ----------------------------------------------------------


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
