"""Decorating functions, ``async def`` and ``def`` alike, with something that guards calls."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, cast

from dramaturg.actors._errors import OptionError
from dramaturg.actors._handler import is_async

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

__all__ = ["Guard", "call_guarded", "guarded"]

P = ParamSpec("P")
R = TypeVar("R")


class Guard(Protocol):
    """Guards calls: each is made within a block of its own."""

    def _guard(self) -> AbstractAsyncContextManager[None]:
        """Guard one call in a coroutine."""
        ...

    def _guard_thread(self) -> AbstractContextManager[None]:
        """Guard one call of a plain function, in the calling thread."""
        ...


async def call_guarded(
    guard: Guard, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Call the function under the guard, and await what it returns if that is awaitable."""
    async with guard._guard():
        result = function(*args, **kwargs)
        return await result if inspect.isawaitable(result) else result


def guarded(guard: Guard, function: Callable[P, R]) -> Callable[P, R]:
    """Wrap a function so that each call of it is guarded.

    :raises OptionError: for what is not callable, or yields instead of returning.
    """
    given: Any = function
    whole = inspect.unwrap(given) if callable(given) else None
    if whole is None or inspect.isgeneratorfunction(whole) or inspect.isasyncgenfunction(whole):
        expected = "a def or async def function that returns"
        raise OptionError(option="function", value=given, expected=expected)
    wrapped = _coroutine_function(guard, given) if is_async(given) else _function(guard, given)
    return cast("Callable[P, R]", wrapped)


def _coroutine_function(guard: Guard, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        async with guard._guard():
            return await function(*args, **kwargs)

    return call


def _function(guard: Guard, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with guard._guard_thread():
            return function(*args, **kwargs)

    return call
