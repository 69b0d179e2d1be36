"""What `@handler` refuses when the class is defined."""
# pyright: reportUnusedClass=false
# Defining a class is the whole of many a test.

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from dramaturg.actors import Actor, HandlerDefinitionError, handler
from tests.actors.handler_kit import Count, Echo, Get, Ping, Pong

if TYPE_CHECKING:
    from decimal import Decimal


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
