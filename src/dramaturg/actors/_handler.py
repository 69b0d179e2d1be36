"""``@handler``: which method of an actor handles which messages.

The annotated type of the one parameter selects the message. Everything is checked
when the class is defined, so that no message finds a wrong handler later.
"""

from __future__ import annotations

import inspect
import sys
import types
import typing
from typing import TYPE_CHECKING, Any, TypeVar, Union, get_args, get_origin

from dramaturg.actors._errors import HandlerDefinitionError
from dramaturg.actors._message import reply_type

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

__all__ = ["build_table", "enclosing_names", "handler", "is_async"]

F = TypeVar("F", bound="Callable[..., Any]")
_MARK = "__dramaturg_handler__"
_ACTOR_MODULE = "dramaturg.actors._actor"


def handler(method: F) -> F:
    """Mark a method of an :class:`Actor`, ``def`` or ``async def``, as a message handler.

    It takes one message; the parameter's annotation, a class or a union of
    classes, says which messages. What it returns is the reply to a request. For
    a message ``class Reserve(Request[Reserved])`` the return annotation has to
    be ``Reserved`` (a subclass or, of a union, some members will do).

    A subclass overrides a handler by redefining the method; a subclass's handler
    for the same message under another name is an error.

    :raises HandlerDefinitionError: when the class is defined, naming the method.
    """
    if isinstance(method, type):
        raise HandlerDefinitionError(
            owner="@handler",
            method=method.__qualname__,
            problem="is no method: write @handler without brackets, above a def or async def",
        )
    setattr(method, _MARK, True)
    return method


def build_table(cls: type) -> dict[type, Callable[[Any, Any], Any]]:
    """Make the table from message class to function for an actor class."""
    table: dict[type, Callable[[Any, Any], Any]] = {}
    names: dict[type, str] = {}
    for name in _handler_names(cls):
        function = inspect.getattr_static(cls, name)
        for message_type in _message_types(cls, name, function):
            if message_type in names:
                raise HandlerDefinitionError(
                    owner=cls.__qualname__,
                    method=name,
                    problem=f"{message_type.__qualname__} is handled by"
                    f" {names[message_type]} already; one message, one handler",
                )
            names[message_type] = name
            table[message_type] = function
        _check_name(cls, name)
    return table


def _check_name(cls: type, name: str) -> None:
    for base in cls.__mro__:
        if base.__module__ in (_ACTOR_MODULE, "pykka._actor") and name in vars(base):
            raise HandlerDefinitionError(
                owner=cls.__qualname__,
                method=name,
                problem=f"Actor.{name} would be hidden by it: choose another name",
            )


def is_async(value: Any) -> bool:
    """Tell whether it is an ``async def``, also one below the wrapper of a decorator."""
    if inspect.isfunction(value):
        value = inspect.unwrap(value)
    return inspect.iscoroutinefunction(value)


def _handler_names(cls: type) -> list[str]:
    """Names of all handlers, base classes first, each once; an override needs no second mark."""
    names: dict[str, None] = {}
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            if getattr(value, _MARK, False) or getattr(_function_in(value), _MARK, False):
                names[name] = None
    return [name for name in names if inspect.isfunction(inspect.getattr_static(cls, name))] + [
        _not_a_method(cls, name)
        for name in names
        if not inspect.isfunction(inspect.getattr_static(cls, name))
    ]


def _function_in(value: Any) -> Any:
    """Look into a class method, static method or property: a mark in there is a mistake."""
    return getattr(value, "__func__", None) or getattr(value, "fget", None) or value


def _not_a_method(cls: type, name: str) -> str:
    raise HandlerDefinitionError(
        owner=cls.__qualname__, method=name, problem="a handler has to be a plain method"
    )


def _message_types(cls: type, name: str, function: Callable[..., Any]) -> list[type]:
    def wrong(problem: str) -> HandlerDefinitionError:
        return HandlerDefinitionError(owner=cls.__qualname__, method=name, problem=problem)

    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        raise wrong("a handler returns its reply; it cannot be a generator")
    parameters = list(inspect.signature(function).parameters.values())[1:]
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if len(parameters) != 1 or parameters[0].kind not in positional:
        raise wrong("a handler takes the message and nothing else: (self, message: SomeType)")
    hints = _hints(function, wrong)
    parameter = parameters[0].name
    if parameter not in hints:
        raise wrong(f"annotate {parameter!r} with the type of the message")
    found = [_as_class(member, wrong) for member in _members(hints[parameter])]
    for message_type in found:
        _check_reply(message_type, hints, wrong)
    return found


def _hints(
    function: Callable[..., Any], wrong: Callable[[str], HandlerDefinitionError]
) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function, localns=enclosing_names(function))
    except NameError as error:
        raise wrong(f"unknown annotation: {error}") from error
    except Exception as error:
        raise wrong(f"an annotation that cannot be evaluated: {error}") from error


def enclosing_names(function: Callable[..., Any]) -> dict[str, Any]:
    """Names of the functions in which the class is being defined.

    Annotations are strings under ``from __future__ import annotations``, and
    classes of messages are often local to a test or a factory function.
    """
    names: dict[str, Any] = {}
    frame: FrameType | None = sys._getframe(1)
    module = function.__globals__
    while frame is not None:
        if frame.f_globals is module and frame.f_locals is not module:
            names = {**frame.f_locals, **names}
        frame = frame.f_back
    return names


def _members(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) in (Union, types.UnionType):
        return get_args(annotation)
    return (annotation,)


def _as_class(annotation: Any, wrong: Callable[[str], HandlerDefinitionError]) -> type:
    if annotation is None:
        annotation = type(None)
    if annotation is Any:
        return object
    if not isinstance(annotation, type) or get_origin(annotation) is not None:
        raise wrong(
            f"{annotation!r} is not a class; a handler is chosen by the class of the message"
        )
    return annotation


def _check_reply(
    message_type: type,
    hints: dict[str, Any],
    wrong: Callable[[str], HandlerDefinitionError],
) -> None:
    promised = _evaluated(reply_type(message_type), message_type)
    if promised is None or promised is Any:
        return
    said = f"{message_type.__qualname__} promises {_show(promised)}"
    if "return" not in hints:
        raise wrong(f"{said}: annotate what the handler returns")
    returned = hints["return"]
    if returned in (typing.NoReturn, typing.Never):
        return
    for member in _members(returned):
        if not any(_fits(member, wanted) for wanted in _members(promised)):
            raise wrong(f"{said}, and the handler returns {_show(returned)}")


def _evaluated(promised: Any, message_type: type) -> Any:
    """Resolve a promise that was written as a string; Any while its names mean nothing yet."""
    if not isinstance(promised, str):
        return promised
    written = types.SimpleNamespace(__annotations__={"reply": promised})
    try:
        return typing.get_type_hints(written, vars(sys.modules[message_type.__module__]))["reply"]
    except NameError:
        return Any


def _fits(member: Any, wanted: Any) -> bool:
    if member == wanted or (member is None and wanted is type(None)):
        return True
    if wanted is Any:
        return True
    if member is Any:
        return True
    if member is int and wanted in (float, complex):
        return True
    # What is in the brackets is the type checkers' business.
    member, wanted = get_origin(member) or member, get_origin(wanted) or wanted
    return isinstance(member, type) and isinstance(wanted, type) and issubclass(member, wanted)


def _show(annotation: Any) -> str:
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return annotation.__qualname__
    return str(annotation)
